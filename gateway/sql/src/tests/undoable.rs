//! What can be run and rolled back without a trace.

use super::one_with;
use crate::{Catalog, RelationKind};

fn catalog() -> Catalog {
    let mut builder = Catalog::builder();
    builder
        .relation(1, "public", "t", RelationKind::Table)
        .column(1, 1, "n", 23)
        .relation(2, "public", "far", RelationKind::Foreign)
        .column(2, 1, "n", 23)
        .built_in("lower")
        .built_in("max")
        .built_in("nextval")
        .built_in("now")
        .defined_function(
            10,
            "public",
            "reads",
            "CREATE FUNCTION public.reads() RETURNS int LANGUAGE sql AS 'SELECT max(n) FROM public.t'",
        )
        .defined_function(
            11,
            "public",
            "advances",
            "CREATE FUNCTION public.advances() RETURNS int LANGUAGE sql AS 'SELECT pg_catalog.nextval(''s'')::int'",
        )
        .defined_function(
            12,
            "public",
            "inserts",
            "CREATE FUNCTION public.inserts() RETURNS int LANGUAGE sql AS 'INSERT INTO public.t VALUES (1) RETURNING n'",
        )
        .obscure_function(13, "public", "in_c")
        .opaque_function(14, "public", "unread");
    builder.build()
}

#[test]
fn whatever_is_not_known_to_read_may_change_data() {
    let catalog = catalog();
    for text in [
        "SELECT n FROM t FOR UPDATE",
        "SELECT reads(), now()",
        "VALUES (1)",
        "COPY t TO STDOUT",
        "COPY (SELECT n FROM t) TO STDOUT",
        "DECLARE c CURSOR FOR SELECT n FROM t",
        "CLOSE c",
        "PREPARE p AS DELETE FROM t",
        "DEALLOCATE p",
        "EXPLAIN DELETE FROM t",
        "SET work_mem = '1MB'",
        "SHOW work_mem",
        "LISTEN c",
        "LOCK TABLE t",
        "BEGIN",
        "COMMIT",
        "ROLLBACK TO s",
        "PREPARE TRANSACTION 'x'",
    ] {
        assert!(!one_with(text, &catalog).may_change_data(), "{text}");
    }
    for text in [
        "INSERT INTO t VALUES (1)",
        "DELETE FROM t",
        "MERGE INTO t USING t AS s ON t.n = s.n WHEN MATCHED THEN DELETE",
        "TRUNCATE t",
        "COPY t FROM STDIN",
        "COPY (DELETE FROM t RETURNING n) TO STDOUT",
        "COPY t TO '/tmp/t'",
        "COPY t TO PROGRAM 'cat'",
        "WITH gone AS (DELETE FROM t RETURNING n) SELECT n FROM gone",
        "SELECT inserts()",
        "SELECT advances()",
        "SELECT unread()",
        "SELECT in_c()",
        "SELECT nobody_knows()",
        "SELECT lo_unlink(1)",
        "SELECT n INTO u FROM t",
        "EXPLAIN ANALYZE DELETE FROM t",
        "DECLARE c CURSOR FOR SELECT inserts()",
        "CALL p()",
        "DO 'BEGIN COMMIT; END'",
        "DROP TABLE t",
        "GRANT SELECT ON t TO PUBLIC",
        "VACUUM t",
        "COMMIT PREPARED 'x'",
    ] {
        assert!(one_with(text, &catalog).may_change_data(), "{text}");
    }
}

#[test]
fn what_a_rollback_does_not_undo_is_not_tried() {
    let catalog = catalog();
    for text in [
        "UPDATE t SET n = 1",
        "DELETE FROM t WHERE n = 1 RETURNING n",
        "DELETE FROM t USING t AS other WHERE t.n = other.n",
        "UPDATE t SET n = 1 WHERE n < (SELECT max(n) FROM t)",
        "WITH gone AS (DELETE FROM t RETURNING n) UPDATE t SET n = 1 FROM gone WHERE gone.n = t.n",
        "UPDATE t SET n = n WHERE now() > '2026-01-01'",
        "DELETE FROM t WHERE n = reads()",
    ] {
        assert_eq!(one_with(text, &catalog).cannot_be_undone(), None, "{text}");
    }
    for text in [
        "INSERT INTO t VALUES (1)",
        "SELECT 1",
        "TRUNCATE t",
        "DROP TABLE t",
        "MERGE INTO t USING t AS s ON t.n = s.n WHEN MATCHED THEN DELETE",
        "EXPLAIN ANALYZE DELETE FROM t",
        "PREPARE p AS DELETE FROM t",
        "EXECUTE p",
        "UPDATE t SET n = nextval('s')",
        "UPDATE t SET n = advances()",
        "UPDATE t SET n = pg_catalog.setval('s', 1)",
        "UPDATE t SET n = inserts()",
        "UPDATE t SET n = in_c()",
        "UPDATE t SET n = unread()",
        "UPDATE t SET n = nobody_knows()",
        "DELETE FROM t WHERE pg_try_advisory_lock(1)",
        "DELETE FROM t WHERE pg_stat_reset() IS NULL",
        "DELETE FROM t WHERE set_config('a.b', 'c', false) = 'c'",
        "DELETE FROM t WHERE set_config('work_mem', '1MB', true) = 'c'",
        "WITH new AS (INSERT INTO t VALUES (1) RETURNING n) DELETE FROM t USING new WHERE t.n = new.n",
        "DELETE FROM far",
        "DELETE FROM t USING far WHERE t.n = far.n",
        "DELETE FROM missing",
    ] {
        assert!(
            one_with(text, &catalog).cannot_be_undone().is_some(),
            "{text}"
        );
    }
}
