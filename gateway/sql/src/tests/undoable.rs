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
