//! Statements that other parsers misread, and texts at the limits of the lexical rules.

use super::{all, one, tables};
use crate::{AnalyzeError, Catalog, Settings, analyze, on_big_stack};

#[test]
fn statements_are_read_as_the_server_reads_them() {
    for (text, expected) in [
        ("SELECT ssn END FROM customers", vec!["customers"]),
        (
            "EXPLAIN ANALYZE SELECT a END FROM customers",
            vec!["customers"],
        ),
        (
            "PREPARE p AS SELECT a END FROM customers",
            vec!["customers"],
        ),
        (
            "DECLARE c CURSOR FOR SELECT a END FROM customers",
            vec!["customers"],
        ),
        (
            "INSERT INTO t SELECT a END FROM customers",
            vec!["customers", "t"],
        ),
        ("SELECT * FROM ONLY customers", vec!["customers"]),
        ("UPDATE ONLY customers SET a = 1", vec!["customers"]),
        ("DELETE FROM ONLY customers", vec!["customers"]),
        (
            "SELECT * FROM t JOIN ONLY customers ON true",
            vec!["t", "customers"],
        ),
        (
            "MERGE INTO ONLY customers USING t ON true WHEN MATCHED THEN DELETE",
            vec!["customers", "t"],
        ),
        ("SELECT ssn OR FROM customers", vec!["customers"]),
        ("SELECT ssn LIKE FROM customers", vec!["customers"]),
        ("SELECT ssn COLLATE FROM customers", vec!["customers"]),
        ("SELECT id FROM t QUALIFY WHERE @ id = 1", vec!["t"]),
        ("SELECT CONVERT(f(x), DATE) FROM t", vec!["t"]),
        ("SELECT ssn 'x' FROM t", vec!["t"]),
    ] {
        match all(text) {
            Ok(_) => assert_eq!(tables(text), expected, "{text}"),
            // A text that PostgreSQL's grammar rejects has no effect on the server.
            Err(error) => assert!(matches!(error, AnalyzeError::Syntax { .. }), "{text}"),
        }
    }
    assert!(!one("SELECT id FROM t QUALIFY WHERE @ id = 1").unbounded_write);
    assert_eq!(one("SELECT TOP(ssn) FROM t").functions, ["top"]);
    assert_eq!(
        one("SELECT CONVERT(f(x), DATE) FROM t").functions,
        ["convert", "f"]
    );
}

#[test]
fn tokens_end_where_they_end_for_the_server() {
    for (text, statements) in [
        ("SELECT 'a\\'; DELETE FROM t; --'", 2),
        ("SELECT E'a\\'; DELETE FROM t; --'", 1),
        ("SELECT $a$; DROP TABLE t; $b$ $a$", 1),
        ("SELECT $é$;$é$", 1),
        ("SELECT 'a'\n'; b'", 1),
        ("SELECT 1 --x\r; SELECT 2", 2),
        ("SELECT 1 /* /* ; */ ; */", 1),
        ("SELECT U&'d\\0061t'; SELECT U&\"d\\0061t\"", 2),
        (";;", 0),
        ("-- nothing", 0),
    ] {
        let analysis = all(text).expect(text);
        assert_eq!(analysis.statements.len(), statements, "{text}");
    }
    assert_eq!(tables("SELECT * FROM U&\"s\\0065cret\""), ["secret"]);
    assert_eq!(tables("SELECT * FROM a$b$c"), ["a$b$c"]);
    for text in [
        "SELECT 'a' 'b'",
        "SELECT /* 1",
        "SELECT $a$ x",
        "SELECT\u{feff} 1 2",
    ] {
        assert!(all(text).is_err(), "{text}");
    }
    assert_eq!(all("SELECT 1\0"), Err(AnalyzeError::ZeroByte));
}

#[test]
fn escapes_in_strings_depend_on_the_session() {
    let settings = Settings {
        standard_conforming_strings: false,
        ..Settings::default()
    };
    let text = "SELECT 'a\\'; DELETE FROM t; --'";
    let analysis = on_big_stack(|| analyze(text, &Catalog::default(), &settings))
        .expect("no panic")
        .expect(text);
    assert_eq!(analysis.statements.len(), 1);
    assert_eq!(analysis.statements[0].ast_json(text), None);
}

#[test]
fn limits_are_enforced() {
    let limited = |text: &str| {
        let mut settings = Settings::default();
        settings.limits.max_bytes = 1000;
        settings.limits.max_tokens = 50;
        on_big_stack(|| analyze(text, &Catalog::default(), &settings)).expect("no panic")
    };
    assert!(matches!(
        limited(&" ".repeat(1001)),
        Err(AnalyzeError::TooLarge { bytes: 1001, .. })
    ));
    assert!(matches!(
        limited(&format!("SELECT {}1", "1,".repeat(50))),
        Err(AnalyzeError::TooManyTokens { limit: 50 })
    ));
    assert!(matches!(
        limited(&"/*".repeat(65)),
        Err(AnalyzeError::CommentsTooDeep { .. })
    ));
    assert!(limited("SELECT /*/*1*/*/ '((((((((' ").is_ok());
}

#[test]
fn long_chains_and_deep_nesting_are_handled() {
    let nest = |open: &str, close: &str, n: usize| {
        format!("SELECT {}1{}", open.repeat(n), close.repeat(n))
    };
    for n in [200, 3_000, 20_000] {
        for text in [
            nest("(", ")", n),
            nest("(SELECT ", ")", n),
            nest("f(", ")", n),
            nest("ARRAY[", "]", n),
            nest("CASE WHEN a THEN ", " END", n),
            nest("NOT ", "", n),
            nest("- ", "", n),
            nest("", "::int", n),
            nest("", "||a", n),
            nest("", " AND a", n),
            nest("", " IS NULL", n),
            nest("", "[1]", n),
            nest("", " UNION SELECT 1", n),
            format!("SELECT * FROM {}t{}", "(".repeat(n), ")".repeat(n)),
            format!("SELECT * FROM t{}", " JOIN t ON true".repeat(n)),
            format!(
                "SELECT * FROM {}t{}",
                "(SELECT * FROM ".repeat(n),
                ") x".repeat(n)
            ),
            format!("SELECT a IN ({}1)", "1,".repeat(n)),
        ] {
            match all(&text) {
                Ok(_) | Err(AnalyzeError::TooDeep | AnalyzeError::Syntax { .. }) => {}
                Err(other) => panic!("{}: {other}", text.get(..40).unwrap_or_default()),
            }
        }
    }
}

/// The depth is measured, and the stack is large enough for all of it.
#[test]
fn the_deepest_statements_are_analysed() {
    let n = 4090;
    let deep = [
        format!("SELECT {} true", "NOT ".repeat(n)),
        format!("SELECT 1{}", "+1".repeat(n)),
        format!("SELECT 1{}", "::int".repeat(n)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(n)),
        format!("SELECT 1 FROM t{}", " CROSS JOIN t".repeat(n)),
    ];
    let analyzed = |text: &str| {
        let analysis = analyze(text, &Catalog::default(), &Settings::default());
        analysis.map(|analysis| analysis.statements.len())
    };
    for text in deep {
        assert_eq!(on_big_stack(|| analyzed(&text)), Some(Ok(1)));
    }
    let too_deep = format!("SELECT {} true", "NOT ".repeat(4400));
    assert_eq!(
        on_big_stack(|| analyzed(&too_deep)),
        Some(Err(AnalyzeError::TooDeep))
    );
}
