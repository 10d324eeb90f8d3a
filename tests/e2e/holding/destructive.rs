//! What the bundled policy `approve-destructive` wants approvals for.

use anyhow::{Result, ensure};
use gatewright_tests::raw::{Client, error};

use super::stage::{Stage, detail, id};
use crate::world;

const APPROVED: [(&str, &str); 18] = [
    ("DROP TABLE t", "command"),
    ("TRUNCATE t", "command"),
    ("ALTER TABLE t ADD COLUMN more int", "command"),
    ("GRANT SELECT ON t TO PUBLIC", "command"),
    ("REVOKE ALL ON t FROM PUBLIC", "command"),
    ("REASSIGN OWNED BY CURRENT_USER TO CURRENT_USER", "command"),
    ("DELETE FROM t", "unbounded-write"),
    ("DELETE FROM t WHERE true", "unbounded-write"),
    ("UPDATE t SET n = n + 1", "unbounded-write"),
    (
        "WITH gone AS (DELETE FROM t RETURNING n) SELECT count(*) FROM gone",
        "unbounded-write",
    ),
    ("EXPLAIN ANALYZE DELETE FROM t", "unbounded-write"),
    (
        "COPY (DELETE FROM t RETURNING n) TO STDOUT",
        "unbounded-write",
    ),
    (
        "DECLARE c CURSOR WITH HOLD FOR SELECT lo_unlink(1)",
        "function",
    ),
    (
        "MERGE INTO t USING (VALUES (1)) AS v(n) ON t.n > v.n WHEN MATCHED THEN DELETE",
        "unbounded-write",
    ),
    ("PREPARE p AS DELETE FROM t", "unbounded-write"),
    ("SELECT truncates()", "opaque"),
    ("SELECT drops()", "opaque"),
    ("DO $$ BEGIN EXECUTE 'DELETE FROM t'; END $$", "opaque"),
];

const FREE: [&str; 9] = [
    "SELECT count(*) FROM t",
    "INSERT INTO t VALUES (10)",
    "DELETE FROM t WHERE n = 10",
    "UPDATE t SET n = 9 WHERE n = 9",
    "INSERT INTO u VALUES (1, 2) ON CONFLICT (n) DO UPDATE SET m = 3",
    "CREATE TABLE v (n int)",
    "SET work_mem = '1MB'",
    "EXPLAIN SELECT * FROM t",
    "SELECT deletes()",
];

/// The code of the request that a statement became, or `None` if it ran.
fn code(stage: &Stage, client: &mut Client, sql: &str) -> Result<Option<String>> {
    let answered = client.query(sql)?;
    let Some(refused) = error(&answered) else {
        return Ok(None);
    };
    ensure!(
        refused[&'M'] == "this statement needs approval",
        "{sql}: {refused:?}"
    );
    let request = stage.api().request(&id(&detail(&refused)?)?)?;
    Ok(request["policy"]["code"].as_str().map(str::to_owned))
}

#[test]
fn what_destroys_needs_approval_in_every_form() -> Result<()> {
    let policy = std::fs::read(world::bundled("approve-destructive")?)?;
    let stage = Stage::with_policy("destructive", &policy, &[])?;
    stage.direct(
        "CREATE FUNCTION truncates() RETURNS void LANGUAGE sql AS 'TRUNCATE t'; \
         CREATE FUNCTION drops() RETURNS void LANGUAGE plpgsql AS 'BEGIN DROP TABLE t; END'; \
         CREATE FUNCTION deletes() RETURNS void LANGUAGE sql AS 'DELETE FROM t WHERE n = 10'; CREATE TABLE u (n int PRIMARY KEY, m int)",
    )?;
    let mut client = stage.impatient()?;
    for sql in FREE {
        ensure!(
            code(&stage, &mut client, sql)?.is_none(),
            "{sql} needs approval"
        );
    }
    for (sql, expected) in APPROVED {
        let code = code(&stage, &mut client, sql)?;
        ensure!(code.as_deref() == Some(expected), "{sql}: {code:?}");
    }
    ensure!(stage.rows()? == "9");
    Ok(())
}
