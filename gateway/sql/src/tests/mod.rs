//! Tests of the analysis.

use crate::{Access, Analysis, AnalyzeError, Catalog, Facts, Settings, analyze, on_big_stack};

mod catalog;
mod constructs;
mod equality;
mod functions;
mod growth;
mod hostile;
mod leftovers;
mod lineage;
mod outputs;
mod patterns;
mod properties;
mod returning;
mod settings;
mod substitution;
mod undoable;
mod versions;

fn all(text: &str) -> Result<Analysis, AnalyzeError> {
    on_big_stack(|| analyze(text, &Catalog::default(), &Settings::default()))
        .expect("analysis does not panic")
}

fn one(text: &str) -> Facts {
    let analysis = all(text).expect(text);
    assert_eq!(analysis.statements.len(), 1, "{text}");
    (*analysis.statements[0].facts).clone()
}

fn one_with(text: &str, catalog: &Catalog) -> Facts {
    let analysis = on_big_stack(|| analyze(text, catalog, &Settings::default()));
    let analysis = analysis.expect("analysis does not panic").expect(text);
    assert_eq!(analysis.statements.len(), 1, "{text}");
    (*analysis.statements[0].facts).clone()
}

fn tables(text: &str) -> Vec<String> {
    one(text)
        .tables
        .into_iter()
        .map(|table| table.name)
        .collect()
}

#[test]
fn hostile_statements_name_their_tables() {
    for text in [
        "SELECT ssn END FROM customers",
        "SELECT * FROM ONLY customers",
        "SELECT * FROM ONLY (customers)",
        "SELECT ssn AND FROM customers",
        "SELECT INTERVAL FROM customers",
        "SELECT GLOBAL.ssn FROM customers GLOBAL",
        "TABLE customers",
        "SELECT 1 UNION TABLE customers",
        "SELECT TOP(ssn) FROM customers",
        "WITH customers AS (SELECT * FROM customers) SELECT * FROM customers",
        "DECLARE c CURSOR FOR SELECT * FROM customers",
        "PREPARE x AS DELETE FROM customers",
        "EXPLAIN ANALYZE SELECT * FROM customers",
        "COPY customers TO STDOUT",
        "SELECT * FROM customers TABLESAMPLE SYSTEM (1)",
        "CALL p((SELECT ssn FROM customers))",
        "DROP TABLE customers",
        "VACUUM customers",
    ] {
        assert_eq!(tables(text), ["customers"], "{text}");
    }
    assert_eq!(
        tables("DELETE FROM t WHERE a=1 RETURNING a END, (SELECT ssn FROM customers)"),
        ["t", "customers"]
    );
    assert_eq!(
        all("SELECT 1 END FROM customers; DROP TABLE x").map(|analysis| analysis.statements.len()),
        Ok(2)
    );
}

#[test]
fn nested_commands_are_listed() {
    let facts = one("WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x");
    assert_eq!(facts.commands, ["SELECT", "DELETE"]);
    assert!(facts.unbounded_write);
    assert_eq!(facts.tables[0].access, Access::DELETE);
    assert_eq!(
        one("EXPLAIN DELETE FROM t WHERE id = 1").commands,
        ["EXPLAIN", "DELETE"]
    );
    assert_eq!(one("DROP TABLE a").commands, ["DROP TABLE"]);
    for (text, tag) in [
        ("CREATE VIEW v AS SELECT 1", "CREATE VIEW"),
        ("CREATE TABLESPACE t LOCATION '/x'", "CREATE TABLESPACE"),
        ("DROP TABLESPACE t", "DROP TABLESPACE"),
        (
            "ALTER TABLESPACE t SET (seq_page_cost = 1)",
            "ALTER TABLESPACE",
        ),
        (
            "CREATE ACCESS METHOD a TYPE INDEX HANDLER h",
            "CREATE ACCESS METHOD",
        ),
        ("ALTER SERVER s VERSION '1'", "ALTER SERVER"),
    ] {
        assert_eq!(one(text).commands, [tag], "{text}");
    }
}

#[test]
fn constants_do_not_narrow() {
    for (text, unbounded) in [
        ("DELETE FROM t", true),
        ("DELETE FROM t WHERE true", true),
        ("DELETE FROM t WHERE 1=1", true),
        ("DELETE FROM t WHERE id=1 OR true", true),
        ("DELETE FROM t WHERE id=1", false),
        ("UPDATE t SET a=1 WHERE CURRENT OF c", false),
    ] {
        assert_eq!(one(text).unbounded_write, unbounded, "{text}");
    }
}

#[test]
fn whole_rows_are_stars() {
    for text in [
        "SELECT c FROM customers c",
        "SELECT to_jsonb(c) FROM customers c",
        "SELECT (c).ssn FROM customers c",
        "SELECT c::text FROM customers c",
    ] {
        assert!(
            one(text)
                .columns
                .iter()
                .any(|column| column.table == Some(0) && column.name == "*"),
            "{text}"
        );
    }
}

#[test]
fn copy_is_described() {
    let crate::SessionEffect::CopyOut(copy) =
        one("COPY s.t (a, \"B\") TO STDOUT (FORMAT csv)").session
    else {
        panic!("no copy");
    };
    assert_eq!(copy.describe, "SELECT \"a\", \"B\" FROM ONLY \"s\".\"t\"");
    assert_eq!(copy.delimiter, b',');
}

#[test]
fn statements_that_are_not_analysed_are_opaque() {
    for text in [
        "DO $$begin end$$",
        "CALL p()",
        "SELECT query_to_xml('select 1', true, true, '')",
        "SELECT pg_read_file('x')",
    ] {
        assert!(!one(text).opaque.is_empty(), "{text}");
    }
    assert!(
        one("SELECT id FROM t WHERE a = $1 LIMIT 5")
            .opaque
            .is_empty()
    );
}

#[test]
fn deep_statements_never_abort() {
    for text in [
        format!("SELECT {}1", "1+".repeat(20_000)),
        format!("SELECT 1::int{}", "[]".repeat(20_000)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(20_000)),
        format!("SELECT {}1{}", "(".repeat(100_000), ")".repeat(100_000)),
        format!("SELECT 1{}", "+1".repeat(3_000)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(3_000)),
    ] {
        if let Err(error) = all(&text) {
            assert!(
                matches!(error, AnalyzeError::TooDeep | AnalyzeError::Syntax { .. }),
                "{error}"
            );
        }
    }
}

#[test]
fn rows_of_a_new_relation_are_outputs() {
    for text in [
        "CREATE TABLE n AS SELECT ssn FROM customers",
        "CREATE VIEW n AS SELECT ssn FROM customers",
        "PREPARE p AS SELECT ssn FROM customers",
    ] {
        let columns = one(text).columns;
        assert!(
            columns
                .iter()
                .any(|column| column.name == "ssn" && column.usage == crate::Usage::Output),
            "{text}"
        );
    }
}

#[test]
fn a_prepared_statement_run_inside_another_command_is_opaque() {
    assert!(
        !one("EXPLAIN ANALYZE CREATE TABLE n AS EXECUTE p")
            .opaque
            .is_empty()
    );
    assert!(!one("CREATE TABLE n AS EXECUTE p").opaque.is_empty());
    assert!(one("EXPLAIN EXECUTE p").opaque.is_empty());
}

fn verified(original: &str, replacement: &str) -> Result<Analysis, crate::ReplacementError> {
    let original = all(original).expect(original).statements.remove(0);
    on_big_stack(|| {
        crate::verify_replacement(
            &original,
            replacement,
            &Catalog::default(),
            None,
            &Settings::default(),
        )
    })
    .expect("no panic")
}

#[test]
fn a_replacement_is_one_analysed_statement_with_the_same_effect() {
    use crate::ReplacementError as Error;
    let original = "SELECT * FROM t WHERE id = $1";
    for good in [
        "SELECT id FROM t WHERE id = $1 AND tenant = 5 LIMIT 10",
        "SELECT 1",
        "DELETE FROM t WHERE id = $1",
        r"SELECT E'a\nb'",
        "SELECT id FROM t_safe -- a comment\n;",
    ] {
        assert!(verified(original, good).is_ok(), "{good}");
    }
    type Check = fn(&Error) -> bool;
    let refused: [(&str, Check); 9] = [
        ("SELECT 1; DROP TABLE t", |e| matches!(e, Error::NotOne(2))),
        ("-- nothing", |e| matches!(e, Error::NotOne(0))),
        ("SELEC", |e| matches!(e, Error::Invalid(_))),
        ("SELECT $1, $2", |e| {
            matches!(e, Error::Parameters { used: 2, sent: 1 })
        }),
        ("SELECT pg_read_file('x')", |e| {
            matches!(e, Error::Opaque(_))
        }),
        ("DO $$begin end$$", |e| matches!(e, Error::Opaque(_))),
        ("COMMIT", |e| matches!(e, Error::SessionEffect)),
        ("COPY t TO STDOUT", |e| matches!(e, Error::SessionEffect)),
        (r"SELECT 'a\' FROM t", |e| {
            matches!(e, Error::AmbiguousStrings)
        }),
    ];
    for (text, expected) in refused {
        match verified(original, text) {
            Err(error) => assert!(expected(&error), "{text}: {error}"),
            Ok(_) => panic!("{text} was accepted"),
        }
    }
    assert!(verified("CALL p(1)", "CALL p(2)").is_ok());
}

#[test]
fn facts_are_rendered_as_text() {
    let shown = crate::render::text(&one(
        "DELETE FROM s.t WHERE true OR id = $1 RETURNING id, now()",
    ));
    for line in [
        "statement    delete",
        "tables       s.t  delete",
        "columns      s.t.id  filter, output, returning",
        "functions    now",
        "parameters   1",
        "warning      writes rows that no WHERE clause narrows",
        "             2 now  (carries no column)",
    ] {
        assert!(shown.lines().any(|shown| shown == line), "{line}\n{shown}");
    }
    assert!(shown.ends_with('\n'));
    assert!(!crate::render::text(&one("SELECT 1")).contains("tables"));
}

fn ast(text: &str) -> Option<String> {
    all(text).expect(text).statements[0].ast_json(text)
}

#[test]
fn an_ast_is_given_if_the_grammars_agree() {
    for text in [
        "SELECT 1",
        "SELECT c.id, \"Name\" FROM public.customers c WHERE c.id = $1;",
        "SELECT count(*), coalesce(a, 0) FROM t GROUP BY b HAVING count(*) > 1",
        "SELECT * FROM a JOIN b USING (id) LEFT JOIN c ON c.x = b.x ORDER BY 1 LIMIT 5",
        "WITH x AS (SELECT * FROM t) SELECT * FROM x WHERE id IN (SELECT id FROM u)",
        "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
        "WITH x AS (SELECT 1) DELETE FROM t WHERE id = 1",
        "INSERT INTO t (a, b) VALUES (1, 'it''s') ON CONFLICT (a) DO UPDATE SET b = 2 RETURNING id",
        "UPDATE t SET a = DEFAULT, b = lower(c) FROM u WHERE t.id = u.id",
        "DELETE FROM t USING u WHERE t.id = u.id",
        "MERGE INTO t USING s ON t.id = s.id WHEN MATCHED THEN DELETE",
        "SELECT extract(year FROM d), substring(a FROM 1 FOR 2), CURRENT_TIMESTAMP FROM t",
        "SELECT * FROM generate_series(1, 3) g",
    ] {
        let json = ast(text).unwrap_or_else(|| panic!("no tree: {text}"));
        serde_json::from_str::<serde_json::Value>(&json).expect("JSON");
    }
}

#[test]
fn no_ast_is_given_if_the_grammars_disagree() {
    let long = format!("SELECT 1 FROM {}", "x".repeat(70));
    for text in [
        "SELECT ssn END FROM customers",
        "DELETE FROM t WHERE a=1 RETURNING a END, (SELECT ssn FROM customers)",
        "SELECT * FROM ONLY customers",
        "SELECT * FROM ONLY (customers)",
        "SELECT ssn AND FROM customers",
        "SELECT INTERVAL FROM customers",
        "SELECT GLOBAL.ssn FROM customers GLOBAL",
        "SELECT id FROM t QUALIFY WHERE @ id = 1",
        "SELECT TOP(ssn) FROM t",
        "SELECT LIMIT (7)",
        "SELECT ssn 'x' FROM t",
        "SELECT - -1 FROM t WHERE tenant=5",
        "SELECT a=@b FROM t",
        "SELECT a FROM t GROUP BY GROUPING SETS (ROLLUP(a,b),a)",
        r"SELECT 'a\'",
        "SELECT 1 UNION TABLE t",
        "CREATE TABLE t (a int)",
        "DO $$begin end$$",
        long.as_str(),
    ] {
        assert_eq!(ast(text), None, "{text}");
    }
}

#[test]
fn the_deepest_ast_fits_the_stack() {
    for text in [
        format!("SELECT a{}", " or a".repeat(6_500)),
        format!("SELECT 1::int{}", "[]".repeat(16_000)),
        format!("SELECT a{}", "[1]".repeat(10_000)),
        format!("SELECT 1{}", " UNION SELECT 1".repeat(2_000)),
        format!("SELECT 1{}", "+1".repeat(2_500)),
    ] {
        // It does not matter whether there is a tree: the process must not abort.
        if let Ok(analysis) = all(&text) {
            let _ = analysis.statements[0].ast_json(&text);
        }
    }
}

#[test]
fn syntax_errors_have_a_position() {
    for (text, expected) in [
        ("SELEC 1", 1),
        ("SELECT 1 FROM", 14),
        ("SELECT é, a FROM t WHERE FROM u", 26),
        ("SELECT 'from', \"from\" FROM t, FROM u", 31),
        ("SELECT 1; SELECT 2; SELECT )", 28),
        (
            "SELECT a, a, a, FROM t WHERE a = (SELECT a FROM u) FROM v",
            17,
        ),
        ("SELECT \"a\" \"a\" \"a\"", 16),
        ("SELECT (1), (2)), (3)", 16),
        ("SELECT 'abc", 8),
    ] {
        match all(text) {
            Err(AnalyzeError::Syntax { position, .. }) => assert_eq!(position, expected, "{text}"),
            other => panic!("{text}: {other:?}"),
        }
    }
}

#[test]
fn a_fingerprint_distinguishes_facts() {
    let fingerprint = |text| one(text).fingerprint;
    assert_eq!(
        fingerprint("SELECT * FROM t WHERE id = 1"),
        fingerprint("select * from t where id = 22")
    );
    for (left, right) in [
        ("SELECT * FROM a.t x", "SELECT * FROM b.t x"),
        ("SELECT * FROM t1", "SELECT * FROM t2"),
        ("SELECT * FROM a x", "SELECT * FROM b x"),
        ("SELECT * FROM t LIMIT 1", "SELECT * FROM t LIMIT 2"),
        ("DELETE FROM t WHERE id = 1", "DELETE FROM t WHERE true"),
        ("SET role = a", "SET role = b"),
        ("PREPARE p AS SELECT 1", "PREPARE q AS SELECT 1"),
        ("COPY t TO STDOUT CSV", "COPY t TO STDOUT"),
        (
            "SELECT set_config('role', 'a', false)",
            "SELECT set_config('role', 'b', false)",
        ),
    ] {
        assert_ne!(fingerprint(left), fingerprint(right), "{left} / {right}");
    }
    let crate::SessionEffect::Prepare { inner, .. } = one("PREPARE p AS SELECT 1").session else {
        panic!("not prepared");
    };
    assert_ne!(inner.fingerprint, 0);
}
