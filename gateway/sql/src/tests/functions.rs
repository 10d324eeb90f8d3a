//! What is opaque, which functions are reported, and how columns are used.

use super::{all, one};
use crate::{RoleEffect, SessionEffect, Usage};

#[test]
fn statements_that_cannot_be_analysed_are_opaque() {
    for text in [
        "DO $$begin end$$",
        "CALL p((SELECT ssn FROM customers))",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'select 1'",
        "CREATE EXTENSION dblink",
        "LOAD 'x'",
        "IMPORT FOREIGN SCHEMA s FROM SERVER x INTO y",
        "REFRESH MATERIALIZED VIEW v",
        "COPY t TO '/tmp/x'",
        "COPY t FROM PROGRAM 'x'",
        "SELECT set_config($1, 'x', false)",
        "SELECT set_config(a, 'x', false) FROM t",
        "SELECT pg_catalog.query_to_xml('x', true, true, '')",
        "SELECT * FROM dblink('x', 'y') AS t (a int)",
        "SELECT lo_import('x')",
        "UPDATE pg_settings SET setting = 'a' WHERE name = 'role'",
        "TRUNCATE t CASCADE",
        "DROP SCHEMA s CASCADE",
        "DROP OWNED BY a",
        "GRANT SELECT ON ALL TABLES IN SCHEMA s TO u",
    ] {
        assert!(!one(text).opaque.is_empty(), "{text}");
    }
}

#[test]
fn functions_that_run_their_arguments_are_opaque() {
    for call in [
        "table_to_xml('t', true, true, '')",
        "query_to_xml_and_xmlschema('x', true, true, '')",
        "cursor_to_xml('c', 1, true, true, '')",
        "database_to_xmlschema(true, true, '')",
        "ts_stat('SELECT x')",
        "ts_rewrite('a'::tsquery, 'SELECT x')",
        "crosstab3('x')",
        "pg_read_binary_file('x')",
        "pg_ls_dir('x')",
        "lo_get(1)",
        "loread(1, 2)",
        "pg_hba_file_rules()",
        "pg_logical_slot_peek_changes('s', NULL, NULL)",
        "pg_terminate_backend(1)",
        "pg_reload_conf()",
        "cron.schedule('* * * * *', 'x')",
        "dblink_exec('x', 'y')",
    ] {
        assert!(!one(&format!("SELECT {call}")).opaque.is_empty(), "{call}");
        let nested = format!("SELECT a FROM t ORDER BY coalesce({call}::text, '')");
        assert!(!one(&nested).opaque.is_empty(), "{nested}");
    }
    for call in [
        "ts_rewrite('a'::tsquery, 'b'::tsquery, 'c'::tsquery)",
        "pg_notify('c', 'x')",
        "nextval('s')",
        "xpath('/a', x)",
        "lower(a)",
        "current_setting('x')",
        "pg_advisory_lock(1)",
    ] {
        assert!(one(&format!("SELECT {call}")).opaque.is_empty(), "{call}");
    }
}

#[test]
fn a_constant_set_config_is_a_set() {
    let effect = one("SELECT set_config('ROLE', 'a', false)").session;
    assert!(matches!(effect, SessionEffect::Set { name, .. } if name == "role"));
    let effect = one("SELECT set_config('jit', $1, false)");
    assert!(
        matches!(effect.session, SessionEffect::Set { name, value: None, .. } if name == "jit")
    );
    assert!(effect.opaque.is_empty());
    for text in [
        "SELECT set_config('role', $1, false)",
        "SELECT set_config('jit', a, false) FROM t",
        "SELECT set_config('role', 'a', false), set_config('search_path', 'b', false)",
        "SELECT set_config('role', a, false) FROM t",
        "INSERT INTO t SELECT set_config('role', 'a', false)",
        "EXPLAIN ANALYZE SELECT set_config('role', 'a', false)",
    ] {
        assert!(!one(text).opaque.is_empty(), "{text}");
    }
}

#[test]
fn functions_are_reported_wherever_they_occur() {
    for (text, functions) in [
        ("SELECT f(g(1)), s.h()", vec!["f", "g", "s.h"]),
        (
            "SELECT * FROM f(1), ROWS FROM (g(1), h(2))",
            vec!["f", "g", "h"],
        ),
        ("VALUES (f())", vec!["f"]),
        ("SELECT (f()).*", vec!["f"]),
        ("CALL p(f())", vec!["p", "f"]),
        (
            "CREATE TABLE t (a int DEFAULT f(), CHECK (g(a)))",
            vec!["f", "g"],
        ),
        (
            "SELECT a FROM t GROUP BY GROUPING SETS (ROLLUP (f(a)), g(a))",
            vec!["f", "g"],
        ),
        ("SELECT * FROM t TABLESAMPLE system (f())", vec!["f"]),
        ("EXECUTE p(f())", vec!["f"]),
    ] {
        let facts = all(text).expect(text).statements.remove(0).facts;
        assert_eq!(facts.functions, functions, "{text}");
    }
}

#[test]
fn columns_are_reported_by_usage() {
    let facts = one(
        "SELECT a, sum(b) OVER (ORDER BY c) FROM t JOIN u ON t.d = u.d WHERE e = 1 GROUP BY f ORDER BY g",
    );
    for (name, usage) in [
        ("a", Usage::Output),
        ("b", Usage::Aggregate),
        ("b", Usage::Output),
        ("c", Usage::Window),
        ("d", Usage::Join),
        ("e", Usage::Filter),
        ("f", Usage::Group),
        ("g", Usage::Order),
    ] {
        assert!(
            facts
                .columns
                .iter()
                .any(|column| column.name == name && column.usage == usage),
            "{name} {usage:?}"
        );
    }
    let assigned = one("UPDATE t SET (a, b) = (SELECT c, d FROM u)");
    let names: Vec<&str> = assigned
        .columns
        .iter()
        .filter(|column| column.usage == Usage::Assigned)
        .map(|column| column.name.as_str())
        .collect();
    assert_eq!(names, ["a", "b"]);
}

/// The server reads code with the setting that is in force when it runs, which the code itself may have changed.
#[test]
fn code_that_depends_on_standard_conforming_strings_is_unread() {
    for text in [
        "DO $x$ BEGIN PERFORM '\\'', set_config($q$role$q$, $q$postgres$q$, false), '--'\n; END $x$",
        "DO $x$ BEGIN SET LOCAL standard_conforming_strings = off; PERFORM set_config('\\162ole', 'postgres', false); END $x$",
        "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS $x$ SELECT '\\'', set_config('role', 'x', false), '--'\n $x$",
        "CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $x$ SELECT set_config('\\162ole', 'x', false) $x$",
    ] {
        assert_eq!(one(text).role, RoleEffect::Unread, "{text}");
    }
    let escaped = "DO $x$ BEGIN PERFORM regexp_replace(a, E'\\\\d', '') FROM t; END $x$";
    assert_eq!(one(escaped).role, RoleEffect::Kept);
}

#[test]
fn long_code_is_unread() {
    let block = |count: usize| format!("DO $x$ BEGIN {} END $x$", "PERFORM 1;".repeat(count));
    assert_eq!(one(&block(100)).role, RoleEffect::Kept);
    assert_eq!(one(&block(10_000)).role, RoleEffect::Unread);
}

#[test]
fn role_changes_are_reported() {
    let told = [
        (RoleEffect::Kept, "SELECT now()"),
        (RoleEffect::Kept, "SET work_mem = '1MB'"),
        (RoleEffect::Kept, "SELECT set_config('my.user', $1, true)"),
        (RoleEffect::Kept, "SELECT lo_get(1)"),
        (RoleEffect::Kept, "DO $$ BEGIN UPDATE t SET a = 1; END $$"),
        (RoleEffect::Kept, "ALTER ROLE a SET work_mem = '1MB'"),
        (
            RoleEffect::Kept,
            "CREATE FUNCTION f(n int) RETURNS int LANGUAGE plpgsql AS 'BEGIN RETURN n + 1; END'",
        ),
        (RoleEffect::Unread, "DO $$ BEGIN EXECUTE 'x'; END $$"),
        (
            RoleEffect::Unread,
            "DO $$ BEGIN DO $i$ BEGIN END $i$; END $$",
        ),
        (RoleEffect::Unread, "DO LANGUAGE plpython3u $$ pass $$"),
        (RoleEffect::Unread, "DO $$ this is no PL/pgSQL $$"),
        (
            RoleEffect::Unread,
            "SELECT a FROM t WHERE query_to_xml('x', true, true, '') IS NULL",
        ),
        (
            RoleEffect::Unread,
            "CREATE OPERATOR !! (RIGHTARG = text, FUNCTION = ts_stat)",
        ),
        (
            RoleEffect::Unread,
            "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'a', 'b'",
        ),
        (RoleEffect::Unread, "LOAD 'x'"),
        (RoleEffect::Set, "SET ROLE a"),
        (RoleEffect::Set, "RESET ROLE"),
        (RoleEffect::Set, "SET \"RoLe\" TO a"),
        (RoleEffect::Set, "SET SESSION AUTHORIZATION a"),
        (RoleEffect::Set, "SELECT set_config('ROLE', $1, true)"),
        (RoleEffect::Set, "SELECT set_config($1, 'a', true)"),
        (
            RoleEffect::Set,
            "SELECT 1 FROM t, set_config('role', 'a', true)",
        ),
        (
            RoleEffect::Set,
            "CREATE VIEW v AS SELECT set_config('role', 'a', true)",
        ),
        (
            RoleEffect::Set,
            "CREATE AGGREGATE x (text) (SFUNC = set_config, STYPE = text)",
        ),
        (RoleEffect::Set, "ALTER ROLE a SET role = 'b'"),
        (
            RoleEffect::Set,
            "ALTER DATABASE d SET session_authorization = 'b'",
        ),
        (RoleEffect::Set, "ALTER FUNCTION f() SET role = 'b'"),
        (
            RoleEffect::Set,
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql SET role = 'b' AS 'SELECT 1'",
        ),
        (
            RoleEffect::Set,
            "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SET ROLE b'",
        ),
        (
            RoleEffect::Set,
            "DO $$ BEGIN IF true THEN SET LOCAL ROLE b; END IF; END $$",
        ),
        (RoleEffect::Set, "UPDATE pg_settings SET setting = 'a'"),
        (
            RoleEffect::Set,
            "PREPARE p AS SELECT set_config('role', 'a', true)",
        ),
    ];
    for (effect, text) in told {
        assert_eq!(one(text).role, effect, "{text}");
    }
}

#[test]
fn what_may_change_how_texts_are_read_is_known() {
    for text in [
        "SET client_encoding = 'GBK'",
        "SET LOCAL Standard_Conforming_Strings TO off",
        "SET \"Client_Encoding\" TO 'GBK'",
        "SET NAMES 'GBK'",
        "RESET client_encoding",
        "RESET ALL",
        "DISCARD ALL",
        "SELECT set_config('standard_conforming_strings', 'off', false)",
        "SELECT set_config('jit', 'off', false), set_config('client_encoding', 'GBK', false)",
        "SELECT pg_catalog.set_config('jit', 'off', false), query_to_xml('x', true, true, '')",
        "EXPLAIN ANALYZE SELECT set_config('client_encoding', 'GBK', false)",
        "PREPARE p AS SELECT set_config('client_encoding', 'GBK', false)",
        "DECLARE c CURSOR FOR SELECT set_config('client_encoding', 'GBK', false)",
        "DO $$ BEGIN SET client_encoding = 'GBK'; END $$",
    ] {
        assert!(one(text).changes_reading(), "{text}");
    }
    for text in [
        "SET jit = off",
        "SELECT set_config('jit', 'off', false)",
        "BEGIN",
        "ROLLBACK",
        "SELECT lower(a) FROM t",
        "PREPARE p AS SELECT 1",
        "SET search_path = a",
    ] {
        assert!(!one(text).changes_reading(), "{text}");
    }
}
