//! Changes that people review before they are committed.

use anyhow::{Context, Result, ensure};
use gatewright_harness::Psql;
use gatewright_tests::raw::{self, Client, error};
use serde_json::{Value, json};

use super::deployed::Deployed;
use super::stage::{detail, id, run, until_held};
use crate::world::eventually;

fn deployed(test: &str) -> Result<Deployed> {
    Deployed::start(test, "review_commits = \"all\"")
}

/// Sends messages and reads up to the notice. Returns the request, and the tags of what came before.
fn held(deployed: &Deployed, client: &mut Client, messages: &[u8]) -> Result<(String, Value)> {
    client.send(messages)?;
    let (before, held) = until_held(client)?;
    Ok((before, deployed.api()?.request(&held)?))
}

fn decide(deployed: &Deployed, request: &Value, what: &str) -> Result<()> {
    let id = request["id"].as_str().context("an id")?;
    deployed.api()?.decide_about(id, what)
}

/// The COMMIT that is held goes through, and the table has a tenth row.
fn commits_once_approved(deployed: &Deployed, client: &mut Client, request: &Value) -> Result<()> {
    decide(deployed, request, "approve")?;
    let done = client.until_ready()?;
    ensure!(
        raw::tags(&done) == "CZ" && deployed.rows()? == "10",
        "{done:?}"
    );
    Ok(())
}

/// The request's list, with the numbers of rows.
fn changes(request: &Value) -> Vec<(String, Option<u64>)> {
    let changes = request["transaction"].as_array();
    let change = |change: &Value| {
        let statement = change["statement"].as_str().unwrap_or_default();
        (statement.to_owned(), change["rows"].as_u64())
    };
    changes.into_iter().flatten().map(change).collect()
}

fn statement(text: &str, rows: u64) -> (String, Option<u64>) {
    (text.to_owned(), Some(rows))
}

#[test]
fn a_commit_waits_with_what_it_commits() -> Result<()> {
    let deployed = deployed("commits_listed")?;
    let mut client = deployed.ada()?;
    for end in [
        "COMMIT",
        "END",
        "COMMIT AND CHAIN",
        "PREPARE TRANSACTION 'x'",
    ] {
        client.query("BEGIN")?;
        client.query("INSERT INTO t VALUES (10), (11)")?;
        client.query("SAVEPOINT s")?;
        client.query("UPDATE t SET n = n WHERE n < 4")?;
        client.query("ROLLBACK TO s")?;
        client.query("SELECT count(*) FROM t")?;
        client.query("UPDATE t SET n = n WHERE n = 5")?;
        let (_, request) = held(&deployed, &mut client, &raw::query(end))?;
        let expected = [
            statement("INSERT INTO t VALUES (10), (11)", 2),
            statement("UPDATE t SET n = n WHERE n = 5", 1),
        ];
        ensure!(changes(&request) == expected, "{request}");
        ensure!(request["transaction"][0]["tables"] == json!(["public.t"]));
        ensure!(request["policy"]["code"] == "commit", "{request}");
        ensure!(deployed.rows()? == "9", "{end} was not held");
        decide(&deployed, &request, "reject")?;
        let refused = client.until_ready()?;
        let error = error(&refused).with_context(|| format!("{refused:?}"))?;
        ensure!(error[&'C'] == "42501" && detail(&error)?["decision"] == "rejected");
        ensure!(
            refused.last().is_some_and(|ready| ready.body == b"E"),
            "{refused:?}"
        );
        client.query("ROLLBACK")?;
        ensure!(deployed.rows()? == "9");
    }
    client.query("BEGIN")?;
    client.query("INSERT INTO t VALUES (10)")?;
    let (_, request) = held(&deployed, &mut client, &raw::query("COMMIT"))?;
    commits_once_approved(&deployed, &mut client, &request)
}

#[test]
fn what_changes_nothing_does_not_wait() -> Result<()> {
    let deployed = deployed("commits_reading")?;
    let mut client = deployed.ada()?;
    for sql in [
        "SELECT count(*) FROM t",
        "SET work_mem = '8MB'",
        "BEGIN; SELECT count(*) FROM t; COMMIT",
        "BEGIN",
        "DECLARE c CURSOR FOR SELECT n FROM t",
        "FETCH 2 FROM c",
        "COMMIT",
        "BEGIN",
        "INSERT INTO t VALUES (1)",
        "ROLLBACK",
        "PREPARE p AS SELECT n FROM t",
        "EXECUTE p",
        "COPY t TO STDOUT",
        "EXPLAIN DELETE FROM t",
    ] {
        let done = client.query(sql)?;
        ensure!(error(&done).is_none(), "{sql}: {done:?}");
    }
    ensure!(deployed.api()?.all()?.is_empty());
    Ok(())
}

/// What may commit by itself waits before it runs.
#[test]
fn nothing_is_committed_past_the_review() -> Result<()> {
    let deployed = deployed("commits_past")?;
    let insert = "INSERT INTO t VALUES (10)";
    let sync = raw::sync;
    let messages: Vec<(&str, Vec<u8>)> = vec![
        ("I", raw::query(insert)),
        ("I", [run(insert), sync()].concat()),
        (
            "I",
            raw::query("DO $$BEGIN INSERT INTO t VALUES (10); COMMIT; END$$"),
        ),
        ("I", raw::query("EXPLAIN ANALYZE INSERT INTO t VALUES (10)")),
        ("I", raw::query("INSERT INTO t VALUES (10); SELECT 1")),
        (
            "I",
            [
                run("SELECT broken"),
                run("BEGIN"),
                sync(),
                run(insert),
                sync(),
            ]
            .concat(),
        ),
        (
            "I",
            [raw::query("SELECT broken; BEGIN"), raw::query(insert)].concat(),
        ),
        ("T", [run("COMMIT"), run(insert), sync()].concat()),
        ("T", [run("ROLLBACK"), sync(), run(insert), sync()].concat()),
        ("T", [run("ROLLBACK"), run(insert), sync()].concat()),
        ("T", raw::query("ROLLBACK; INSERT INTO t VALUES (10)")),
        ("T", raw::query("COMMIT; INSERT INTO t VALUES (10)")),
        (
            "T",
            raw::query("ROLLBACK AND CHAIN; COMMIT; INSERT INTO t VALUES (10)"),
        ),
    ];
    for (status, messages) in messages {
        let mut client = deployed.ada()?;
        if status == "T" {
            client.query("BEGIN")?;
        }
        let shown = String::from_utf8_lossy(&messages).into_owned();
        client.send(&messages)?;
        // Some of what comes before fails.
        let mut message = client.receive().with_context(|| shown.clone())?;
        while message.tag != b'N' {
            message = client.receive().with_context(|| shown.clone())?;
        }
        let held = id(&detail(&message.fields())?)?;
        let request = deployed.api()?.request(&held)?;
        ensure!(request["policy"]["code"] == "commit", "{shown}: {request}");
        decide(&deployed, &request, "reject")?;
        client.until_ready()?;
        drop(client);
        ensure!(deployed.rows()? == "9", "{shown}");
    }
    let mut client = deployed.ada()?;
    client.query("PREPARE p AS INSERT INTO t VALUES (10)")?;
    for change in ["INSERT INTO t VALUES (10)", "EXECUTE p"] {
        let both = client.query(&format!("BEGIN; {change}; COMMIT"))?;
        let refused = error(&both).with_context(|| format!("{both:?}"))?;
        ensure!(detail(&refused)?["code"] == "commit-review", "{refused:?}");
        client.query("BEGIN")?;
        let both = client.query(&format!("{change}; COMMIT"))?;
        let refused = error(&both).with_context(|| format!("{both:?}"))?;
        ensure!(detail(&refused)?["code"] == "commit-review", "{refused:?}");
        client.query("ROLLBACK")?;
    }
    ensure!(deployed.rows()? == "9");
    Ok(())
}

#[test]
fn a_pipeline_is_reviewed_where_it_commits() -> Result<()> {
    let deployed = deployed("commits_pipeline")?;
    let mut client = deployed.ada()?;
    let messages = [
        run("BEGIN"),
        run("INSERT INTO t VALUES (10)"),
        run("COMMIT"),
        raw::sync(),
    ];
    let (before, request) = held(&deployed, &mut client, &messages.concat())?;
    ensure!(before == "12C12C12", "{before}");
    let expected = [statement("INSERT INTO t VALUES (10)", 1)];
    ensure!(changes(&request) == expected, "{request}");
    commits_once_approved(&deployed, &mut client, &request)
}

/// A transaction that was open before commits were reviewed is held, and the list says what is missing.
#[test]
fn what_ran_before_commits_were_reviewed_is_said_to_be_unknown() -> Result<()> {
    let deployed = Deployed::start("commits_switched", "review_commits = \"none\"")?;
    let mut client = deployed.ada()?;
    let mut other = deployed.ada()?;
    for client in [&mut client, &mut other] {
        client.query("BEGIN")?;
        client.query("INSERT INTO t VALUES (10)")?;
    }
    other.query("ROLLBACK")?;
    deployed.reload("review_commits = \"none\"", "review_commits = \"all\"")?;
    // Once they are reviewed, a change outside of a transaction is held.
    eventually("commits are reviewed", || {
        let mut probe = deployed.ada()?;
        probe.send(&raw::query("UPDATE t SET n = n WHERE n = 0"))?;
        Ok(probe.receive()?.tag == b'N')
    })?;
    let (_, request) = held(&deployed, &mut client, &raw::query("COMMIT"))?;
    let unknown = "what ran before commits were reviewed is not known";
    ensure!(
        changes(&request) == [(unknown.to_owned(), None)],
        "{request}"
    );
    commits_once_approved(&deployed, &mut client, &request)?;
    // What its next transactions change is known again.
    for client in [&mut client, &mut other] {
        client.query("BEGIN")?;
        client.query("UPDATE t SET n = n WHERE n = 1")?;
        let (_, request) = held(&deployed, client, &raw::query("COMMIT"))?;
        let expected = [statement("UPDATE t SET n = n WHERE n = 1", 1)];
        ensure!(changes(&request) == expected, "{request}");
        decide(&deployed, &request, "reject")?;
        client.until_ready()?;
        client.query("ROLLBACK")?;
    }
    Ok(())
}

#[test]
fn psql_commits_what_was_reviewed() -> Result<()> {
    let deployed = deployed("commits_psql")?;
    let api = deployed.api()?;
    let decider = std::thread::spawn(move || {
        api.decide("COMMIT", "reject")?;
        api.decide("INSERT INTO t VALUES (11)", "approve")
    });
    let script = "BEGIN;\nINSERT INTO t VALUES (10);\nCOMMIT;\nROLLBACK;\n\
                  INSERT INTO t VALUES (11);\nSELECT 'left ' || count(*) FROM t;\n";
    let output = Psql::new(&deployed.dsn()?)?
        .argument("-At")
        .script(script)?;
    decider
        .join()
        .map_err(|_| anyhow::anyhow!("the decider panicked"))??;
    ensure!(output.stdout.trim_end().ends_with("left 10"), "{output:?}");
    ensure!(
        output.stderr.contains("a reviewer rejected this statement"),
        "{output:?}"
    );
    Ok(())
}
