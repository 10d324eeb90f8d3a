//! What reviewers are shown of a statement's effect, and statements that may have no other.

use anyhow::{Context, Result, ensure};
use gatewright_tests::raw::{self, Client, Message, error};
use serde_json::{Value, json};

use super::stage::{Stage, detail, id, until_held};
use crate::world;

/// All UPDATEs and DELETEs need approval, of this effect.
fn stage(test: &str, effect: &str) -> Result<Stage> {
    stage_with(test, &format!("writes = \"all\"\neffect = \"{effect}\""))
}

fn stage_with(test: &str, settings_of_policy: &str) -> Result<Stage> {
    let policy = std::fs::read(world::bundled("approve-destructive")?)?;
    Stage::with_settings(test, &policy, settings_of_policy)
}

fn approve(stage: &Stage, request: &Value) -> Result<()> {
    stage.api().decide_with(
        &id(request)?,
        "approve",
        json!({ "effect_digest": request["effect_digest"] }),
    )
}

/// Sends a Query and reads up to the notice. Returns the request.
fn held(stage: &Stage, client: &mut Client, sql: &str) -> Result<Value> {
    client.send(&raw::query(sql))?;
    let (before, held) = until_held(client)?;
    ensure!(before.is_empty(), "{before}");
    stage.api().request(&held)
}

/// The cells of the first row.
fn cells(messages: &[Message]) -> Vec<String> {
    let row = messages.iter().find(|message| message.tag == b'D');
    let cells = row.map(Message::cells).unwrap_or_default();
    cells.into_iter().flatten().collect()
}

fn seen(request: &Value) -> (String, Option<u64>) {
    let effect = &request["effect"];
    let by = effect["by"].as_str().unwrap_or("none").to_owned();
    (by, effect["rows"].as_u64())
}

#[test]
fn an_estimate_is_shown() -> Result<()> {
    let stage = stage("effects_estimate", "estimate")?;
    stage.direct("ANALYZE t")?;
    let mut client = stage.client()?;
    let request = held(&stage, &mut client, "DELETE FROM t")?;
    ensure!(
        seen(&request) == ("estimate".to_owned(), Some(9)),
        "{request}"
    );
    ensure!(request["effect_digest"].is_null(), "{request}");
    stage.api().decide_about(&id(&request)?, "approve")?;
    let done = client.until_ready()?;
    ensure!(error(&done).is_none() && stage.rows()? == "0", "{done:?}");
    // A table has no estimate.
    let request = held(&stage, &mut client, "DROP TABLE t")?;
    ensure!(seen(&request) == ("nothing".to_owned(), None), "{request}");
    Ok(())
}

#[test]
fn a_preview_counts_the_rows_and_leaves_no_trace() -> Result<()> {
    let stage = stage("effects_preview", "preview")?;
    let mut client = stage.client()?;
    // As a transaction of its own, and within one that has a savepoint of the client's.
    let request = held(&stage, &mut client, "DELETE FROM t WHERE n > 5")?;
    ensure!(
        seen(&request) == ("preview".to_owned(), Some(4)),
        "{request}"
    );
    ensure!(stage.rows()? == "9");
    let idle = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND state LIKE 'idle in%'";
    ensure!(stage.direct(idle)? == "0", "a transaction was left open");
    stage.api().decide_about(&id(&request)?, "reject")?;
    let done = client.until_ready()?;
    ensure!(
        error(&done).context("rejected")?[&'C'] == "42501",
        "{done:?}"
    );
    client.query("BEGIN")?;
    client.query("INSERT INTO t VALUES (10)")?;
    client.query("SAVEPOINT gatewright_rehearsal")?;
    let request = held(&stage, &mut client, "UPDATE t SET n = n + 100 WHERE n > 5")?;
    ensure!(
        seen(&request) == ("preview".to_owned(), Some(5)),
        "{request}"
    );
    stage.api().decide_about(&id(&request)?, "approve")?;
    let done = client.until_ready()?;
    ensure!(error(&done).is_none(), "{done:?}");
    let rows = client.query("SELECT count(*) FROM t WHERE n > 100")?;
    ensure!(cells(&rows) == ["5"], "{rows:?}");
    client.query("ROLLBACK TO SAVEPOINT gatewright_rehearsal")?;
    let rows = client.query("SELECT count(*), max(n) FROM t")?;
    ensure!(cells(&rows) == ["10", "10"], "{rows:?}");
    client.query("COMMIT")?;
    ensure!(stage.rows()? == "10");
    // Nothing is left that the client could see.
    let left = client.query("SELECT count(*) FROM pg_prepared_statements")?;
    ensure!(cells(&left) == ["0"], "{left:?}");
    let limits = client
        .query("SELECT current_setting('statement_timeout') || current_setting('lock_timeout')")?;
    ensure!(cells(&limits) == ["00"], "{limits:?}");
    Ok(())
}

#[test]
fn extended_messages_are_tried_with_their_values() -> Result<()> {
    let stage = stage("effects_extended", "preview")?;
    let mut client = stage.client()?;
    for (name, prefix) in [("", ""), ("named", ""), ("", "BEGIN"), ("other", "")] {
        if !prefix.is_empty() {
            client.query(prefix)?;
        }
        let sql = "UPDATE t SET n = n WHERE n <= $1";
        let messages = [
            raw::parse(name, sql),
            raw::bind(name, name, &[Some("3")], 0),
            raw::execute(name, 0),
            raw::sync(),
        ];
        client.send(&messages.concat())?;
        let (before, held) = until_held(&mut client)?;
        ensure!(before == "12", "{before}");
        let request = stage.api().request(&held)?;
        ensure!(
            seen(&request) == ("preview".to_owned(), Some(3)),
            "{request}"
        );
        stage.api().decide_about(&held, "approve")?;
        let done = client.until_ready()?;
        ensure!(raw::tags(&done) == "CZ", "{done:?}");
        if !prefix.is_empty() {
            ensure!(
                done.last().is_some_and(|ready| ready.body == b"T"),
                "{done:?}"
            );
            client.query("COMMIT")?;
        }
    }
    Ok(())
}

#[test]
fn what_cannot_be_undone_is_not_tried() -> Result<()> {
    let stage = stage("effects_lasting", "preview")?;
    stage.direct(
        "CREATE SEQUENCE s; CREATE TABLE log (n int DEFAULT nextval('s')); \
         CREATE TABLE watched (n int); INSERT INTO watched VALUES (1); \
         CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS \
         'BEGIN PERFORM nextval(''s''); RETURN OLD; END'; \
         CREATE TRIGGER note AFTER DELETE ON watched FOR EACH ROW EXECUTE FUNCTION note(); \
         CREATE FUNCTION counts() RETURNS int LANGUAGE sql AS 'SELECT nextval(''s'')::int'",
    )?;
    let mut client = stage.client()?;
    for sql in [
        "UPDATE t SET n = nextval('s')",
        "DELETE FROM t WHERE n = counts()",
        "DELETE FROM watched",
        "WITH logged AS (INSERT INTO log DEFAULT VALUES RETURNING n) DELETE FROM t USING logged WHERE t.n = logged.n",
        "DELETE FROM t WHERE pg_try_advisory_lock(7)",
    ] {
        let request = held(&stage, &mut client, sql)?;
        let (by, _) = seen(&request);
        let why = request["effect"]["limited"].as_str().unwrap_or_default();
        ensure!(by != "preview" && !why.is_empty(), "{sql}: {request}");
        stage.api().decide_about(&id(&request)?, "reject")?;
        client.until_ready()?;
    }
    ensure!(
        stage.direct("SELECT is_called FROM s")? == "f",
        "a sequence has moved on"
    );
    Ok(())
}

#[test]
fn a_lock_or_an_error_is_told() -> Result<()> {
    let stage = stage("effects_failing", "preview")?;
    stage.direct("ALTER TABLE t ADD CHECK (n < 100)")?;
    let mut client = stage.client()?;
    let request = held(&stage, &mut client, "UPDATE t SET n = 100")?;
    let effect = &request["effect"];
    ensure!(
        effect["by"] == "failure" && effect["sqlstate"] == "23514",
        "{request}"
    );
    stage.api().decide_about(&id(&request)?, "reject")?;
    client.until_ready()?;
    let mut locker = Client::connect(&stage.direct)?;
    locker.query("BEGIN")?;
    locker.query("LOCK TABLE t IN ACCESS EXCLUSIVE MODE")?;
    // The analysis reads no table; only the run needs the lock.
    let request = held(&stage, &mut client, "DELETE FROM t")?;
    let why = request["effect"]["limited"].as_str().unwrap_or_default();
    ensure!(why.contains("lock"), "{request}");
    locker.query("ROLLBACK")?;
    stage.api().decide_about(&id(&request)?, "approve")?;
    let done = client.until_ready()?;
    ensure!(error(&done).is_none() && stage.rows()? == "0", "{done:?}");
    Ok(())
}

#[test]
fn an_approval_holds_for_the_effect_that_was_seen() -> Result<()> {
    let stage = stage("effects_bound", "bound")?;
    let mut client = stage.client()?;
    // The same effect.
    let request = held(&stage, &mut client, "DELETE FROM t WHERE n > 7")?;
    ensure!(request["effect"]["bound"] == true && request["effect_digest"].is_string());
    approve(&stage, &request)?;
    let done = client.until_ready()?;
    ensure!(raw::tags(&done) == "CZ" && stage.rows()? == "7", "{done:?}");
    stage.api().state(&id(&request)?, "executed")?;
    // Another one: outside of a transaction, and in one.
    for begin in ["", "BEGIN"] {
        if !begin.is_empty() {
            client.query(begin)?;
        }
        let request = held(&stage, &mut client, "DELETE FROM t WHERE n < 3")?;
        ensure!(seen(&request).1 == Some(2), "{request}");
        stage.direct("INSERT INTO t VALUES (0)")?;
        approve(&stage, &request)?;
        let done = client.until_ready()?;
        let refused = error(&done).with_context(|| format!("{done:?}"))?;
        let said = detail(&refused)?;
        ensure!(
            refused[&'C'] == "42501" && said["decision"] == "effect_mismatch",
            "{refused:?}"
        );
        ensure!(
            said["approved_rows"] == 2 && said["changed_rows"] == 3,
            "{said}"
        );
        stage.api().state(&id(&request)?, "effect_mismatch")?;
        let status = done
            .last()
            .map(|ready| ready.body.clone())
            .unwrap_or_default();
        if !begin.is_empty() {
            ensure!(status == b"E", "{status:?}");
            client.query("ROLLBACK")?;
        } else {
            ensure!(status == b"I", "{status:?}");
        }
        ensure!(stage.rows()? == "8", "it was not undone");
        stage.direct("DELETE FROM t WHERE n = 0")?;
    }
    // The session goes on.
    let rows = client.query("SELECT count(*) FROM t")?;
    ensure!(cells(&rows) == ["7"], "{rows:?}");
    Ok(())
}

#[test]
fn a_pipeline_stops_where_the_effect_differs() -> Result<()> {
    let stage = stage("effects_pipeline", "bound")?;
    for (other, expected) in [(false, "C12CZ"), (true, "EZ")] {
        let mut client = stage.client()?;
        let messages = [
            raw::parse("", "DELETE FROM t WHERE n > $1"),
            raw::bind("", "", &[Some("8")], 0),
            raw::execute("", 0),
            raw::parse("", "INSERT INTO t VALUES (9)"),
            raw::bind("", "", &[], 0),
            raw::execute("", 0),
            raw::sync(),
        ];
        client.send(&messages.concat())?;
        let (before, held) = until_held(&mut client)?;
        ensure!(before == "12", "{before}");
        let request = stage.api().request(&held)?;
        if other {
            stage.direct("INSERT INTO t VALUES (90)")?;
        }
        approve(&stage, &request)?;
        let done = client.until_ready()?;
        ensure!(raw::tags(&done) == expected, "{done:?}");
        let rows = if other { "10" } else { "9" };
        ensure!(stage.rows()? == rows, "{}", stage.rows()?);
    }
    Ok(())
}

#[test]
fn what_has_no_certain_effect_is_not_bound() -> Result<()> {
    let stage = stage("effects_unbound", "bound")?;
    let mut client = stage.client()?;
    for sql in [
        "DELETE FROM t WHERE n > 7 RETURNING n",
        "DELETE FROM t WHERE n > random() * 10 AND pg_try_advisory_lock(1)",
        "SELECT 1; DELETE FROM t",
    ] {
        let refused = client.query(sql)?;
        let refused = error(&refused).with_context(|| format!("{sql}: {refused:?}"))?;
        let said = detail(&refused)?;
        ensure!(said["code"] == "approval-effect", "{sql}: {refused:?}");
    }
    ensure!(stage.rows()? == "9");
    Ok(())
}

#[test]
fn a_returned_statement_is_bound_to_what_was_approved() -> Result<()> {
    let stage = stage("effects_returned", "bound")?;
    let sql = "DELETE FROM t WHERE n > 6";
    let refusal = |stage: &Stage| -> Result<Value> {
        let answered = stage.impatient()?.query(sql)?;
        let refused = error(&answered).with_context(|| format!("{answered:?}"))?;
        detail(&refused)
    };
    let first = id(&refusal(&stage)?)?;
    let request = stage.api().request(&first)?;
    ensure!(
        seen(&request) == ("preview".to_owned(), Some(3)),
        "{request}"
    );
    approve(&stage, &request)?;
    stage.direct("INSERT INTO t VALUES (60)")?;
    ensure!(refusal(&stage)?["decision"] == "effect_mismatch");
    ensure!(stage.rows()? == "10");
    let second = id(&refusal(&stage)?)?;
    let request = stage.api().request(&second)?;
    ensure!(second != first && seen(&request).1 == Some(4), "{request}");
    approve(&stage, &request)?;
    let done = stage.impatient()?.query(sql)?;
    ensure!(error(&done).is_none() && stage.rows()? == "6", "{done:?}");
    Ok(())
}

#[test]
fn a_cancel_or_a_leave_during_the_preview_leaves_nothing() -> Result<()> {
    let stage = stage("effects_cancelled", "preview")?;
    let mut client = stage.client()?;
    let slow = "DELETE FROM t WHERE n < 100 AND pg_sleep(0.5) IS NOT NULL";
    let running = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND query LIKE 'DELETE%' AND state = 'active'";
    client.send(&raw::query(slow))?;
    while stage.direct(running)? != "1" {}
    raw::cancel(&stage.dsn()?, &client.key)?;
    let done = client.until_ready()?;
    ensure!(
        error(&done).context("cancelled")?[&'C'] == "57014",
        "{done:?}"
    );
    ensure!(stage.api().all()?.is_empty(), "somebody was asked");
    ensure!(client.query("SELECT 1").is_ok());
    client.send(&raw::query(slow))?;
    while stage.direct(running)? != "1" {}
    drop(client);
    while stage.direct(running)? != "0" {}
    ensure!(stage.rows()? == "9" && stage.api().all()?.is_empty());
    Ok(())
}

#[test]
fn few_rows_need_no_approval_and_stay_few() -> Result<()> {
    let stage = stage_with("effects_few", "writes = \"all\"\nabove_rows = 3")?;
    stage.direct("ANALYZE t")?;
    let mut client = stage.client()?;
    let done = client.query("DELETE FROM t WHERE n = 9")?;
    ensure!(raw::tags(&done) == "CZ" && stage.rows()? == "8", "{done:?}");
    let done = client.query("DELETE FROM t WHERE n = 8 RETURNING n")?;
    ensure!(
        raw::tags(&done) == "TDCZ" && cells(&done) == ["8"],
        "{done:?}"
    );
    let request = held(&stage, &mut client, "DELETE FROM t")?;
    ensure!(seen(&request).0 == "estimate", "{request}");
    stage.api().decide_about(&id(&request)?, "reject")?;
    client.until_ready()?;
    // The statistics are out of date.
    stage.direct("INSERT INTO t SELECT 1 FROM generate_series(1, 50)")?;
    let refused = client.query("DELETE FROM t WHERE n = 1")?;
    let refused = error(&refused).with_context(|| format!("{refused:?}"))?;
    ensure!(
        detail(&refused)?["code"] == "approval-above-rows",
        "{refused:?}"
    );
    ensure!(stage.rows()? == "57");
    let done = client.query("SELECT 1")?;
    ensure!(
        done.last().is_some_and(|ready| ready.body == b"I"),
        "{done:?}"
    );
    Ok(())
}
