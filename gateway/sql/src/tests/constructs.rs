//! One statement per construct, with its relations and how they are accessed.

use super::one;
use crate::{Facts, SessionEffect, Verb};

/// `name:access+access` for each relation.
fn reads(facts: &Facts) -> String {
    let tables = facts.tables.iter().map(|table| {
        let access: Vec<&str> = table.access.names().collect();
        format!("{}:{}", table.name, access.join("+"))
    });
    tables.collect::<Vec<_>>().join(" ")
}

fn expect(cases: &[(&str, Verb, &str)]) {
    let mut wrong = Vec::new();
    for (text, verb, tables) in cases {
        let facts = one(text);
        let (found, opaque) = (reads(&facts), &facts.opaque);
        if facts.verb != *verb || found != *tables || !opaque.is_empty() {
            wrong.push(format!("{text}: {:?} [{found}] {opaque:?}", facts.verb));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn queries() {
    use Verb::Select;
    expect(&[
        (
            "WITH f AS (SELECT * FROM f) SELECT * FROM f",
            Select,
            "f:select",
        ),
        (
            "WITH x AS (SELECT 1) SELECT * FROM x, s.x",
            Select,
            "x:select",
        ),
        (
            "SELECT * FROM (WITH x AS (SELECT 1) SELECT * FROM x) y, x",
            Select,
            "x:select",
        ),
        (
            "WITH RECURSIVE x AS (SELECT 1 UNION ALL SELECT n FROM x, t) SELECT * FROM x",
            Select,
            "t:select",
        ),
        (
            "WITH a AS (SELECT * FROM b), b AS (SELECT 1) SELECT * FROM a, b",
            Select,
            "b:select",
        ),
        (
            "SELECT * FROM t TABLESAMPLE bernoulli((SELECT 1 FROM u))",
            Select,
            "t:select u:select",
        ),
        (
            "SELECT * FROM t, LATERAL (SELECT * FROM u WHERE u.a = t.a) x",
            Select,
            "t:select u:select",
        ),
        (
            "SELECT * FROM ROWS FROM (f((SELECT 1 FROM t)), g()) r",
            Select,
            "t:select",
        ),
        (
            "SELECT * FROM t, JSON_TABLE(t.doc, '$[*]' COLUMNS (a int PATH '$.a' DEFAULT (SELECT 1 FROM u) ON EMPTY)) j",
            Select,
            "t:select u:select",
        ),
        ("SELECT 1 FROM t FOR UPDATE OF t", Select, "t:select+lock"),
        (
            "SELECT CASE WHEN EXISTS (TABLE a) THEN ARRAY(TABLE b) END, (TABLE c) = ANY (TABLE d) ORDER BY (TABLE e) LIMIT (SELECT 1 FROM f)",
            Select,
            "a:select b:select c:select d:select e:select f:select",
        ),
        (
            "SELECT sum(a) FILTER (WHERE (TABLE b)) OVER (PARTITION BY (TABLE c) ROWS (SELECT 1 FROM d) PRECEDING) FROM t",
            Select,
            "t:select b:select c:select d:select",
        ),
        ("VALUES ((SELECT a FROM t))", Select, "t:select"),
        (
            "SELECT * FROM a NATURAL JOIN b RIGHT JOIN (c CROSS JOIN d) ON (TABLE e)",
            Select,
            "a:select b:select c:select d:select e:select",
        ),
    ]);
}

#[test]
fn row_changes() {
    expect(&[
        (
            "INSERT INTO t SELECT * FROM u ON CONFLICT (a) WHERE (TABLE v) DO UPDATE SET a = (SELECT 1 FROM w) WHERE EXISTS (TABLE x) RETURNING (SELECT 1 FROM y)",
            Verb::Insert,
            "u:select t:insert+update w:select x:select v:select y:select",
        ),
        (
            "UPDATE t SET (a, b) = (SELECT c, d FROM u) FROM v WHERE t.a = v.a RETURNING (SELECT 1 FROM w)",
            Verb::Update,
            "t:update v:select u:select w:select",
        ),
        (
            "DELETE FROM t USING u WHERE t.a = u.a",
            Verb::Delete,
            "t:delete u:select",
        ),
        (
            "MERGE INTO t USING (SELECT * FROM u) s ON t.a = s.a WHEN MATCHED AND EXISTS (TABLE v) THEN UPDATE SET b = (SELECT 1 FROM w) WHEN NOT MATCHED THEN INSERT VALUES ((SELECT 1 FROM x))",
            Verb::Merge,
            "t:select+insert+update u:select v:select w:select x:select",
        ),
        (
            "WITH a AS (INSERT INTO t VALUES (1) RETURNING *), b AS (UPDATE u SET x = 1 WHERE y = 1 RETURNING *), c AS (DELETE FROM v WHERE z = 1) SELECT * FROM a, b",
            Verb::Select,
            "t:insert u:update v:delete",
        ),
        (
            "WITH t AS (SELECT 1) DELETE FROM t WHERE a = 1",
            Verb::Delete,
            "t:delete",
        ),
    ]);
    assert_eq!(
        one("WITH a AS (INSERT INTO t VALUES (1)), c AS (DELETE FROM v) SELECT 1").commands,
        ["SELECT", "INSERT", "DELETE"]
    );
}

#[test]
fn unbounded_writes() {
    for (text, unbounded) in [
        ("UPDATE t SET a = 1", true),
        ("UPDATE t SET a = 1 WHERE a = a", true),
        ("UPDATE t SET a = 1 WHERE $1", true),
        ("UPDATE t SET a = 1 FROM u WHERE t.id = u.id", false),
        ("WITH x AS (DELETE FROM t) SELECT 1", true),
        ("EXPLAIN ANALYZE DELETE FROM t", true),
        ("PREPARE p AS DELETE FROM t", true),
        ("COPY (DELETE FROM t RETURNING a) TO STDOUT", true),
        (
            "MERGE INTO t USING u ON true WHEN MATCHED THEN DELETE",
            true,
        ),
        (
            "MERGE INTO t USING u ON true WHEN NOT MATCHED THEN INSERT DEFAULT VALUES",
            false,
        ),
    ] {
        assert_eq!(one(text).unbounded_write, unbounded, "{text}");
    }
}

#[test]
fn definitions() {
    use Verb::Ddl;
    expect(&[
        (
            "CREATE TABLE n AS SELECT * FROM t",
            Ddl,
            "t:select n:insert+ddl",
        ),
        ("SELECT * INTO n FROM t", Ddl, "n:insert+ddl t:select"),
        ("CREATE VIEW v AS SELECT * FROM t", Ddl, "v:ddl t:select"),
        (
            "CREATE MATERIALIZED VIEW v AS SELECT * FROM t",
            Ddl,
            "t:select v:insert+ddl",
        ),
        (
            "CREATE RULE r AS ON SELECT TO v DO INSTEAD SELECT * FROM t",
            Ddl,
            "v:ddl t:select",
        ),
        (
            "CREATE SCHEMA s CREATE TABLE a (x int REFERENCES b) CREATE VIEW v AS SELECT * FROM c",
            Ddl,
            "a:ddl b:select v:ddl c:select",
        ),
        (
            "CREATE FUNCTION f() RETURNS int RETURN (SELECT a FROM t)",
            Ddl,
            "t:select",
        ),
        (
            "CREATE FUNCTION f() RETURNS void BEGIN ATOMIC DELETE FROM t WHERE a = 1; SELECT * FROM u; END",
            Ddl,
            "t:delete u:select",
        ),
        (
            "CREATE POLICY p ON t USING (EXISTS (SELECT 1 FROM u))",
            Ddl,
            "t:ddl u:select",
        ),
        (
            "CREATE TABLE c (LIKE a) INHERITS (b)",
            Ddl,
            "c:ddl a:ddl b:ddl",
        ),
        (
            "ALTER TABLE t ATTACH PARTITION u DEFAULT",
            Ddl,
            "t:ddl u:ddl",
        ),
        ("CREATE INDEX i ON t (lower(a))", Ddl, "t:ddl"),
        (
            "CREATE TRIGGER r AFTER INSERT ON t EXECUTE FUNCTION f()",
            Ddl,
            "t:ddl",
        ),
        ("DROP TABLE s.a, b", Ddl, "a:ddl b:ddl"),
        ("COMMENT ON COLUMN t.a IS 'x'", Ddl, "t:ddl"),
        ("GRANT SELECT ON t TO u", Verb::Grant, "t:ddl"),
        ("LOCK TABLE t", Verb::Lock, "t:lock"),
        ("TRUNCATE a, b", Verb::Truncate, "a:truncate b:truncate"),
        ("VACUUM ANALYZE t (a)", Verb::Maintenance, "t:ddl"),
        ("REINDEX TABLE t", Verb::Maintenance, "t:ddl"),
        ("CLUSTER t USING i", Verb::Maintenance, "t:ddl"),
    ]);
}

#[test]
fn sessions() {
    expect(&[
        (
            "DECLARE c CURSOR FOR SELECT * FROM t",
            Verb::Cursor,
            "t:select",
        ),
        ("FETCH ALL FROM c", Verb::Cursor, ""),
        (
            "PREPARE p (int) AS UPDATE t SET a = $1 WHERE b = 1",
            Verb::Prepare,
            "t:update",
        ),
        ("EXECUTE p(1 + 2)", Verb::Prepare, ""),
        (
            "EXPLAIN (VERBOSE) SELECT * FROM t",
            Verb::Explain,
            "t:select",
        ),
        (
            "EXPLAIN CREATE TABLE n AS SELECT * FROM t",
            Verb::Explain,
            "t:select n:insert+ddl",
        ),
        (
            "COPY (SELECT * FROM t) TO STDOUT",
            Verb::CopyOut,
            "t:select",
        ),
        (
            "COPY t (a) FROM STDIN WHERE a > 1",
            Verb::CopyIn,
            "t:insert",
        ),
    ]);
    let explains = |text: &str| match one(text).session {
        SessionEffect::Explain { analyze, .. } => analyze,
        other => panic!("{other:?}"),
    };
    assert!(explains("EXPLAIN ANALYZE SELECT 1"));
    assert!(explains("EXPLAIN (ANALYZE) SELECT 1"));
    assert!(!explains("EXPLAIN SELECT 1"));
    assert_eq!(
        one("SET LOCAL Search_Path = a").session,
        SessionEffect::Set {
            name: "search_path".to_owned(),
            value: Some("a".to_owned()),
            local: true
        }
    );
}

#[test]
fn the_query_of_a_cursor_and_of_a_prepared_statement_is_found() {
    for (text, query) in [
        ("DECLARE c CURSOR FOR SELECT 1", Some("SELECT 1")),
        (
            "declare \"for\" binary insensitive no scroll cursor with hold /* for */ for\nselect a from t where b = 'as' ",
            Some("select a from t where b = 'as'"),
        ),
        (
            "PREPARE p AS SELECT a AS b FROM t",
            Some("SELECT a AS b FROM t"),
        ),
        (
            "PREPARE \"as\" AS DELETE FROM t RETURNING a",
            Some("DELETE FROM t RETURNING a"),
        ),
        ("PREPARE p (int) AS SELECT $1", None),
        ("SELECT 1", None),
        ("EXECUTE p", None),
        (
            "DECLARE c CURSOR FOR SELECT '\\', 1 --'",
            Some("SELECT '\\', 1 --'"),
        ),
    ] {
        let found = crate::query_within(text, true);
        assert_eq!(found.as_deref(), query, "{text}");
    }
}
