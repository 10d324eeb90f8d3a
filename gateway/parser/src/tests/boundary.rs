//! Texts that fail in C, or reach its limits.

use crate::{Error, MAX_DEPTH, Node, TokenKind, fingerprint, parse, plpgsql, same, scan};

#[test]
fn an_error_has_postgresqls_message_and_position() {
    let syntax = |message: &str, position| Error::Syntax {
        message: message.to_owned(),
        position,
    };
    let cases = [
        (
            "SELECT 1 FRM t",
            syntax("syntax error at or near \"t\"", 14),
        ),
        // Positions count characters.
        (
            "SELECT 'é' é x",
            syntax("syntax error at or near \"x\"", 14),
        ),
        ("SELECT (", syntax("syntax error at end of input", 9)),
        (
            "SELECT 'a",
            syntax("unterminated quoted string at or near \"'a\"", 8),
        ),
        ("SELECT U&'\\00'", syntax("invalid Unicode escape", 11)),
    ];
    for (text, expected) in cases {
        assert_eq!(parse(text, true).err(), Some(expected), "{text}");
    }
}

#[test]
fn a_zero_byte_is_refused_everywhere() {
    let text = "SELECT 1\0; DROP TABLE t";
    assert_eq!(parse(text, true).err(), Some(Error::ZeroByte));
    assert_eq!(scan(text).err(), Some(Error::ZeroByte));
    assert_eq!(plpgsql(text).err(), Some(Error::ZeroByte));
}

/// Strings of a tree are read as UTF-8.
#[test]
fn escapes_cannot_make_invalid_utf8() {
    for text in [
        r"SELECT E'\xff'",
        r"SELECT E'\377'",
        r"SELECT E'a\xc3'",
        r"SELECT E'\xed\xa0\x80'",
        r"SELECT E'\ud800'",
        r"SELECT U&'\D800'",
        r"SELECT U&'\D800\0061'",
        r"SELECT E'\x00'",
    ] {
        let error = parse(text, true).err();
        assert!(
            matches!(error, Some(Error::Syntax { .. })),
            "{text}: {error:?}"
        );
    }
    assert!(parse(r"SELECT E'\xc3\xa9', U&'\00e9', E'\u00e9'", true).is_ok());
}

/// Run by the next test with little memory: a text that needs more.
#[test]
#[ignore = "needs a limit on memory"]
fn a_text_beyond_the_memory() {
    let text = format!("SELECT 1{}", " OR 1=2".repeat(2_000_000));
    assert!(parse(&text, true).is_err());
}

/// As Rust does, and as PostgreSQL does where it cannot report an error.
#[test]
fn without_memory_the_process_ends() {
    let own = std::env::current_exe().expect("a test is a program");
    let test = "tests::boundary::a_text_beyond_the_memory";
    let limited = std::process::Command::new("sh")
        .args(["-c", r#"ulimit -v 300000 && exec "$0" "$@""#])
        .arg(own)
        .args(["--exact", test, "--ignored", "--nocapture"])
        .output()
        .expect("there is a shell");
    let printed = String::from_utf8_lossy(&limited.stdout);
    assert!(!limited.status.success(), "{printed}");
    assert!(!printed.contains("test result"), "{printed}");
    let said = [printed, String::from_utf8_lossy(&limited.stderr)].concat();
    assert!(said.contains("Terminating process"), "{said}");
}

#[test]
fn strings_are_read_with_either_setting() -> Result<(), Error> {
    let text = r"SELECT 'x\'; DELETE FROM t; --'";
    assert_eq!(parse(text, true)?.statements().len(), 2);
    assert_eq!(parse(text, false)?.statements().len(), 1);
    // The setting of one parse is not that of the next, nor of a scan, also after an error.
    assert!(parse("SELECT '", false).is_err());
    assert_eq!(scan(r"SELECT 'x\'")?.len(), 2);
    assert_eq!(parse(text, true)?.statements().len(), 2);
    Ok(())
}

#[test]
fn statements_have_their_places() -> Result<(), Error> {
    let tree = parse("SELECT 1;; /* two */ DELETE FROM t ;", true)?;
    let places = tree.statements().into_iter();
    let places: Vec<_> = places.map(|found| (found.start, found.length)).collect();
    assert_eq!(places, [(0, Some(8)), (21, Some(14))]);
    assert!(parse(" -- nothing", true)?.statements().is_empty());
    Ok(())
}

/// Chains make deep trees without deep nesting in the text.
#[test]
fn trees_deeper_than_the_limit_are_refused() {
    let chains: [fn(usize) -> String; 6] = [
        |n| format!("SELECT 1{}", " + 1".repeat(n)),
        |n| format!("SELECT a{}", "::int".repeat(n)),
        |n| format!("SELECT 1{}", " UNION SELECT 1".repeat(n)),
        |n| format!("SELECT * FROM t{}", " CROSS JOIN t".repeat(n)),
        |n| format!("SELECT {}1", "- ".repeat(n)),
        |n| format!("SELECT {}1{}", "(".repeat(n), ")".repeat(n)),
    ];
    for chain in chains {
        let deep = chain(200_000);
        let deeper = parse(&deep, true).err();
        assert_eq!(deeper, Some(Error::TooDeep), "{}", &chain(3));
        assert!(parse(&chain(1000), true).is_ok(), "{}", &chain(3));
    }
    let flat = format!("SELECT 1{}", " OR true".repeat(100_000));
    assert!(parse(&flat, true).is_ok());
}

/// What walks a tree recursively needs a large stack.
#[test]
fn the_deepest_trees_can_be_compared() {
    let work = || {
        let text = format!("SELECT 1{}", " + 1".repeat(MAX_DEPTH - 10));
        let tree = parse(&text, true).expect("not too deep");
        let node = tree.only().expect("one statement");
        let again = parse(&text, true).expect("not too deep");
        assert!(same(node, again.only().expect("one statement")));
        fingerprint(node)
    };
    let thread = std::thread::Builder::new()
        .stack_size(128 << 20)
        .spawn(work);
    assert!(thread.expect("a thread").join().is_ok());
}

#[test]
fn a_tree_outlives_the_thread_that_made_it() {
    let thread = std::thread::spawn(|| parse("SELECT 'of another thread'", true));
    let tree = thread.join().expect("no panic").expect("valid");
    let node = tree.only().expect("one statement");
    assert!(format!("{node:?}").contains("of another thread"));
    // And may be freed where nothing was parsed.
    assert!(std::thread::spawn(move || drop(tree)).join().is_ok());
}

#[test]
fn errors_and_trees_alternate_on_many_threads() {
    let work = || {
        for round in 0..300 {
            let good = format!("SELECT {round} FROM t WHERE a = 'x'");
            assert!(parse(&good, true).is_ok());
            assert!(parse("SELECT FROM WHERE", true).is_err());
            assert!(scan("SELECT 'x").is_err());
            assert!(
                plpgsql("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'nonsense'").is_err()
            );
        }
    };
    let threads: Vec<_> = (0..4).map(|_| std::thread::spawn(work)).collect();
    assert!(threads.into_iter().all(|thread| thread.join().is_ok()));
}

#[test]
fn tokens_have_their_kinds_and_places() -> Result<(), Error> {
    let text = "SELECT 'é', 12, 1.5 /* c */ -- d";
    let tokens = scan(text)?;
    let kinds = tokens
        .iter()
        .map(|token| (token.kind, &text[token.start..token.end]));
    let kinds: Vec<_> = kinds
        .filter(|(kind, _)| *kind != TokenKind::Other)
        .collect();
    assert_eq!(
        kinds,
        [
            (TokenKind::String, "'é'"),
            (TokenKind::Integer, "12"),
            (TokenKind::Number, "1.5"),
            (TokenKind::BlockComment, "/* c */"),
            (TokenKind::LineComment, "-- d"),
        ]
    );
    Ok(())
}

#[test]
fn plpgsql_functions_come_with_their_statements() -> Result<(), Error> {
    let found =
        plpgsql("CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN 1; END'")?;
    assert!(found.to_string().contains("PLpgSQL_stmt_return"));
    Ok(())
}

/// libpg_query would end the process.
#[test]
fn functions_without_a_body_are_refused() {
    for text in [
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql RETURN 1",
        "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS 'a', 'b'",
        "CREATE FUNCTION f() RETURNS int AS 'BEGIN END' LANGUAGE sql",
        "DO LANGUAGE plpgsql 'BEGIN END'",
        "DO LANGUAGE plpgsql",
        "SELECT 1",
        "SELECT 1; CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql",
    ] {
        assert_eq!(plpgsql(text).err(), Some(Error::Unreadable), "{text}");
    }
}

#[test]
fn fingerprints_differ_only_with_structure() -> Result<(), Error> {
    let of = |text: &str| -> Result<u64, Error> {
        Ok(fingerprint(parse(text, true)?.only().unwrap_or(Node::None)))
    };
    let equal = [
        (
            "SELECT a FROM t WHERE b = 1",
            "select a from t  where b = 'x'",
        ),
        (
            "SELECT a FROM t WHERE b = $1",
            "SELECT a FROM t WHERE b = 2",
        ),
        (
            "SELECT a FROM t WHERE b IN (1, 2)",
            "SELECT a FROM t WHERE b IN (1, 2, 3)",
        ),
        (
            "INSERT INTO t VALUES (1), (2)",
            "INSERT INTO t VALUES (3), (4), (5)",
        ),
    ];
    for (left, right) in equal {
        assert_eq!(of(left)?, of(right)?, "{left} | {right}");
    }
    let unequal = [
        ("SELECT a FROM t1", "SELECT a FROM t2"),
        ("SELECT a FROM t x", "SELECT a FROM u x"),
        ("SELECT a FROM s.t", "SELECT a FROM r.t"),
        ("SELECT f(1)", "SELECT f(1, 2)"),
        (
            "SELECT a FROM t WHERE b IN (1, 2)",
            "SELECT a FROM t WHERE b IN (1, c)",
        ),
        ("SELECT a AS b FROM t", "SELECT a AS c FROM t"),
        ("SELECT 1 UNION SELECT 2", "SELECT 1 UNION ALL SELECT 2"),
        (
            "SELECT a FROM t ORDER BY b",
            "SELECT a FROM t ORDER BY b DESC",
        ),
        ("SAVEPOINT a", "SAVEPOINT b"),
    ];
    for (left, right) in unequal {
        assert_ne!(of(left)?, of(right)?, "{left} | {right}");
    }
    Ok(())
}

#[test]
fn trees_are_equal_without_their_places() -> Result<(), Error> {
    let equal = |left: &str, right: &str| -> Result<bool, Error> {
        let (left, right) = (parse(left, true)?, parse(right, true)?);
        Ok(same(
            left.only().unwrap_or(Node::None),
            right.only().unwrap_or(Node::None),
        ))
    };
    assert!(equal("SELECT a, 1 FROM t", "SELECT  a,\n 1 FROM t")?);
    assert!(equal(
        "SELECT DISTINCT a FROM t",
        "SELECT DISTINCT a FROM t"
    )?);
    for (left, right) in [
        ("SELECT 1", "SELECT 2"),
        ("SELECT 1", "SELECT '1'"),
        ("SELECT 1", "SELECT NULL"),
        ("SELECT 1", "SELECT 1.0"),
        ("SELECT a FROM t", "SELECT a FROM ONLY t"),
        ("SELECT DISTINCT a FROM t", "SELECT a FROM t"),
        ("SELECT a, b FROM t", "SELECT a FROM t"),
    ] {
        assert!(!equal(left, right)?, "{left} | {right}");
    }
    Ok(())
}
