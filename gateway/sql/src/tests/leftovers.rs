//! What statements leave in their session.

use super::one;
use crate::{Residue, SessionUse};

#[test]
fn ordinary_statements_leave_nothing() {
    for text in [
        "SELECT 1",
        "VALUES (1)",
        "INSERT INTO t VALUES (pg_catalog.nextval('s'))",
        "WITH x AS (DELETE FROM t RETURNING *) SELECT * FROM x",
        "MERGE INTO t USING s ON t.i = s.i WHEN MATCHED THEN DELETE",
        "BEGIN ISOLATION LEVEL SERIALIZABLE",
        "COMMIT",
        "ROLLBACK TO a",
        "SET LOCAL work_mem = '1MB'",
        "SELECT pg_catalog.set_config('work_mem', '1MB', true)",
        "SET TRANSACTION READ ONLY",
        "SET CONSTRAINTS ALL DEFERRED",
        "SHOW work_mem",
        "COPY t TO STDOUT",
        "COPY t FROM STDIN",
        "DECLARE c CURSOR FOR SELECT 1",
        "FETCH 2 FROM c",
        "CLOSE c",
        "NOTIFY x",
        "LOCK TABLE t",
        "EXPLAIN ANALYZE DELETE FROM t",
        "SELECT pg_catalog.pg_advisory_xact_lock(1)",
    ] {
        assert_eq!(one(text).residue(), Residue::Nothing, "{text}");
        assert_eq!(one(text).session_use(), None, "{text}");
    }
}

#[test]
fn what_stays_in_the_session_is_seen() {
    use SessionUse as Use;
    for (text, residue, used) in [
        (
            "SET work_mem = '1MB'",
            Residue::Discardable,
            Some(Use::Setting),
        ),
        ("SET work_mem TO DEFAULT", Residue::Discardable, None),
        ("RESET ALL", Residue::Discardable, None),
        (
            "SELECT pg_catalog.set_config('work_mem', '1MB', false)",
            Residue::Discardable,
            Some(Use::Setting),
        ),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            Residue::Discardable,
            Some(Use::Setting),
        ),
        (
            "SELECT pg_catalog.set_config('jit', 'off', false)",
            Residue::Discardable,
            None,
        ),
        ("SET a.b = 'x'", Residue::Lasting, Some(Use::Setting)),
        ("SET LOCAL a.b = 'x'", Residue::Lasting, None),
        ("SET seed = 0.1", Residue::Lasting, Some(Use::Setting)),
        ("SELECT pg_catalog.setseed(0.1)", Residue::Lasting, None),
        ("LOAD 'x'", Residue::Lasting, Some(Use::Library)),
        ("LISTEN x", Residue::Discardable, Some(Use::Listen)),
        ("UNLISTEN *", Residue::Discardable, None),
        ("DISCARD ALL", Residue::Discardable, None),
        (
            "PREPARE p AS SELECT 1",
            Residue::Discardable,
            Some(Use::NamedStatement),
        ),
        (
            "PREPARE p AS SELECT pg_catalog.setseed(0.1)",
            Residue::Lasting,
            Some(Use::NamedStatement),
        ),
        ("EXECUTE p", Residue::Discardable, Some(Use::NamedStatement)),
        (
            "DEALLOCATE p",
            Residue::Discardable,
            Some(Use::NamedStatement),
        ),
        ("DEALLOCATE ALL", Residue::Discardable, None),
        (
            "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
            Residue::Discardable,
            Some(Use::CursorWithHold),
        ),
        (
            "CREATE TEMP TABLE t (i int)",
            Residue::Discardable,
            Some(Use::TemporaryObject),
        ),
        (
            "CREATE TEMP TABLE t (i int) ON COMMIT DROP",
            Residue::Discardable,
            None,
        ),
        (
            "CREATE TABLE pg_temp.t (i int)",
            Residue::Discardable,
            Some(Use::TemporaryObject),
        ),
        (
            "CREATE TEMP TABLE t AS SELECT 1",
            Residue::Discardable,
            Some(Use::TemporaryObject),
        ),
        (
            "CREATE TEMP VIEW v AS SELECT 1",
            Residue::Discardable,
            Some(Use::TemporaryObject),
        ),
        (
            "CREATE TEMP SEQUENCE s",
            Residue::Discardable,
            Some(Use::TemporaryObject),
        ),
        (
            "SELECT 1 INTO TEMP t",
            Residue::Discardable,
            Some(Use::TemporaryObject),
        ),
        (
            "SELECT 1 INTO TEMP t UNION SELECT 2",
            Residue::Discardable,
            Some(Use::TemporaryObject),
        ),
        ("SELECT 1 INTO t UNION SELECT 2", Residue::Discardable, None),
        (
            "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
            Residue::Discardable,
            None,
        ),
        ("CREATE TABLE t (i int)", Residue::Discardable, None),
        (
            "SELECT pg_catalog.pg_advisory_lock(1)",
            Residue::Discardable,
            Some(Use::AdvisoryLock),
        ),
        (
            "SELECT 1 WHERE pg_catalog.pg_try_advisory_lock_shared(1, 2)",
            Residue::Discardable,
            Some(Use::AdvisoryLock),
        ),
        (
            "SELECT pg_catalog.pg_advisory_unlock_all()",
            Residue::Discardable,
            None,
        ),
        ("SELECT unknown_to_the_catalog()", Residue::Lasting, None),
        ("DO $$begin end$$", Residue::Lasting, None),
    ] {
        assert_eq!(
            (one(text).residue(), one(text).session_use()),
            (residue, used),
            "{text}"
        );
    }
}
