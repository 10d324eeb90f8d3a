//! What statements leave in their session.

use super::one;
use crate::{Residue, SessionUse};

const DISCARDABLE: Residue = Residue {
    discardable: true,
    lasting: false,
};

/// Nothing to discard, and yet not as before.
const TRACES: Residue = Residue {
    discardable: false,
    lasting: true,
};

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
        assert_eq!(one(text).residue(), Residue::default(), "{text}");
        assert_eq!(one(text).session_use(), None, "{text}");
    }
}

#[test]
fn what_stays_in_the_session_is_seen() {
    use SessionUse as Use;
    for (text, residue, used) in [
        ("SET work_mem = '1MB'", DISCARDABLE, Some(Use::Setting)),
        ("SET work_mem TO DEFAULT", DISCARDABLE, None),
        ("RESET ALL", DISCARDABLE, None),
        (
            "SELECT pg_catalog.set_config('work_mem', '1MB', false)",
            DISCARDABLE,
            Some(Use::Setting),
        ),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION READ ONLY",
            DISCARDABLE,
            Some(Use::Setting),
        ),
        (
            "SELECT pg_catalog.set_config('jit', 'off', false)",
            DISCARDABLE,
            None,
        ),
        ("SET a.b = 'x'", Residue::ANYTHING, Some(Use::Setting)),
        ("SET LOCAL a.b = 'x'", TRACES, None),
        ("SET seed = 0.1", Residue::ANYTHING, Some(Use::Setting)),
        ("SELECT pg_catalog.setseed(0.1)", TRACES, None),
        ("LOAD 'x'", Residue::ANYTHING, Some(Use::Library)),
        ("LISTEN x", DISCARDABLE, Some(Use::Listen)),
        ("UNLISTEN *", DISCARDABLE, None),
        ("DISCARD ALL", DISCARDABLE, None),
        (
            "PREPARE p AS SELECT 1",
            DISCARDABLE,
            Some(Use::NamedStatement),
        ),
        (
            "PREPARE p AS SELECT pg_catalog.setseed(0.1)",
            Residue::ANYTHING,
            Some(Use::NamedStatement),
        ),
        ("EXECUTE p", DISCARDABLE, Some(Use::NamedStatement)),
        ("DEALLOCATE p", DISCARDABLE, Some(Use::NamedStatement)),
        ("DEALLOCATE ALL", DISCARDABLE, None),
        (
            "DECLARE c CURSOR WITH HOLD FOR SELECT 1",
            DISCARDABLE,
            Some(Use::CursorWithHold),
        ),
        (
            "CREATE TEMP TABLE t (i int)",
            DISCARDABLE,
            Some(Use::TemporaryObject),
        ),
        (
            "CREATE TEMP TABLE t (i int) ON COMMIT DROP",
            DISCARDABLE,
            None,
        ),
        (
            "CREATE TABLE pg_temp.t (i int)",
            DISCARDABLE,
            Some(Use::TemporaryObject),
        ),
        (
            "CREATE TEMP TABLE t AS SELECT 1",
            DISCARDABLE,
            Some(Use::TemporaryObject),
        ),
        (
            "CREATE TEMP VIEW v AS SELECT 1",
            DISCARDABLE,
            Some(Use::TemporaryObject),
        ),
        (
            "CREATE TEMP SEQUENCE s",
            DISCARDABLE,
            Some(Use::TemporaryObject),
        ),
        (
            "SELECT 1 INTO TEMP t",
            DISCARDABLE,
            Some(Use::TemporaryObject),
        ),
        (
            "SELECT 1 INTO TEMP t UNION SELECT 2",
            DISCARDABLE,
            Some(Use::TemporaryObject),
        ),
        ("SELECT 1 INTO t UNION SELECT 2", DISCARDABLE, None),
        (
            "EXPLAIN ANALYZE CREATE TABLE t AS SELECT 1",
            DISCARDABLE,
            None,
        ),
        ("CREATE TABLE t (i int)", DISCARDABLE, None),
        (
            "SELECT pg_catalog.pg_advisory_lock(1)",
            DISCARDABLE,
            Some(Use::AdvisoryLock),
        ),
        (
            "SELECT 1 WHERE pg_catalog.pg_try_advisory_lock_shared(1, 2)",
            DISCARDABLE,
            Some(Use::AdvisoryLock),
        ),
        (
            "SELECT pg_catalog.pg_advisory_unlock_all()",
            DISCARDABLE,
            None,
        ),
        ("DO $$begin end$$", Residue::ANYTHING, None),
    ] {
        assert_eq!(
            (one(text).residue(), one(text).session_use()),
            (residue, used),
            "{text}"
        );
    }
}
