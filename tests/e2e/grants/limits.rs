//! What a grant never covers, and what becomes of what was begun under one.

use anyhow::{Context, Result, ensure};
use gatewright_harness::Psql;
use gatewright_tests::raw::{self, error};

use super::stage::{ACCEPTS, Stage, Store, decide, for_t, needs_approval, runs};

/// With a grant for everything in the schema.
const NOT_COVERED: [&str; 6] = [
    "GRANT SELECT ON t TO PUBLIC",
    "TRUNCATE t CASCADE",
    "DROP TABLE t CASCADE",
    "DO $$ BEGIN DELETE FROM t; END $$",
    "SELECT wipes()",
    "DELETE FROM other.u",
];

const COVERED: [&str; 5] = [
    "DELETE FROM t",
    "TRUNCATE t",
    "WITH gone AS (DELETE FROM t RETURNING n) SELECT count(*) FROM gone",
    "EXPLAIN ANALYZE DELETE FROM t",
    "ALTER TABLE t ADD COLUMN m int",
];

#[test]
fn what_is_not_certain_is_not_covered() -> Result<()> {
    let stage = Stage::start("grants_uncertain", Store::Sqlite)?;
    Psql::new(&stage.direct)?.query(
        "CREATE FUNCTION wipes() RETURNS void LANGUAGE plpgsql AS 'BEGIN EXECUTE ''TRUNCATE t''; END'; \
         CREATE SCHEMA other; CREATE TABLE other.u (n int)",
    )?;
    let mut everything = for_t(
        &["select", "insert", "update", "delete", "truncate", "ddl"],
        3600,
    );
    if let Some(table) = everything["tables"][0].as_object_mut() {
        table.remove("name");
    }
    stage.granted(&stage.api(stage.token("ada")?), &everything)?;
    let mut client = stage.ada()?;
    let mut run = |sql: &str| {
        let answered = client.query(sql)?;
        ensure!(error(&answered).is_none(), "{sql}: {:?}", error(&answered));
        Ok(())
    };
    for sql in COVERED {
        run(sql)?;
    }
    // So is what is taken back in the same message.
    runs(&mut stage.ada()?, "ALTER TABLE t ADD COLUMN k int")?;
    let mut other = stage.ada()?;
    for sql in NOT_COVERED {
        needs_approval(&other.query(sql)?).context(sql)?;
    }
    run("DROP TABLE t")
}

/// A trigger's changes are the statement's own.
#[test]
fn what_a_trigger_changes_must_be_covered_too() -> Result<()> {
    let stage = Stage::start("grants_triggers", Store::Sqlite)?;
    Psql::new(&stage.direct)?.query(
        "CREATE TABLE log (n int); \
         CREATE FUNCTION logs() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN INSERT INTO log VALUES (OLD.n); RETURN OLD; END'; \
         CREATE TRIGGER logs BEFORE DELETE ON t FOR EACH ROW EXECUTE FUNCTION logs()",
    )?;
    let ada = stage.api(stage.token("ada")?);
    stage.granted(&ada, &for_t(&["delete"], 3600))?;
    let mut client = stage.ada()?;
    needs_approval(&client.query("DELETE FROM t")?)?;
    let mut log = for_t(&["insert"], 3600);
    log["tables"][0]["name"] = "log".into();
    stage.granted(&ada, &log)?;
    runs(&mut client, "DELETE FROM t")
}

#[test]
fn grants_are_ignored_unless_the_policy_accepts_them() -> Result<()> {
    let settings = ACCEPTS.replace("\"accept\"", "\"ignore\"");
    let stage = Stage::with(
        "grants_ignored",
        Store::Sqlite,
        1,
        &["approve-destructive"],
        &settings,
    )?;
    stage.granted(&stage.api(stage.token("ada")?), &for_t(&["delete"], 3600))?;
    needs_approval(&stage.ada()?.query("DELETE FROM t")?)?;
    Ok(())
}

/// The rest of a portal is not read under a grant that has ended.
#[test]
fn a_portal_does_not_outlive_its_grant() -> Result<()> {
    let stage = Stage::start("grants_portal", Store::Sqlite)?;
    let ada = stage.api(stage.token("ada")?);
    let grant = stage.granted(&ada, &for_t(&["select", "delete"], 3600))?;
    let mut client = stage.ada()?;
    client.query("BEGIN")?;
    let begin = [
        raw::parse("", "DELETE FROM t RETURNING n"),
        raw::bind("p", "", &[], 0),
        raw::execute("p", 2),
        raw::sync(),
    ];
    client.send(&begin.concat())?;
    let answered = client.until_ready()?;
    ensure!(error(&answered).is_none(), "{answered:?}");
    decide(&stage.bob()?, &grant, "revoke")?;
    client.send(&[raw::execute("p", 2), raw::sync()].concat())?;
    let refused = error(&client.until_ready()?).context("it goes on")?;
    ensure!(refused[&'C'] == "55000", "{refused:?}");
    Ok(())
}
