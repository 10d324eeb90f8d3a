//! Statement timeouts set by a policy: the statement is cancelled on the server, and no other statement is.

use anyhow::{Context, Result};
use gatewright_tests::raw::{self, Message, tags};

use crate::world::{World, postgres};

fn world(test: &str) -> Result<World> {
    World::with_policies(test, &["row-limit"], "[row-limit]\ntimeout_ms = 300\n")
}

fn assert_timed_out(messages: &[Message]) -> Result<()> {
    let error = raw::error(messages).context("no error")?;
    assert_eq!(error[&'C'], "57014", "{error:?}");
    assert!(error[&'M'].contains("300 ms"), "{error:?}");
    assert!(error[&'D'].contains("time-limit"), "{error:?}");
    Ok(())
}

#[test]
fn a_statement_that_times_out_is_cancelled_and_the_connection_stays_usable() -> Result<()> {
    let world = world("time_simple")?;
    let mut client = world.client()?;
    let mark = format!("time_{}", world.direct.database);
    let messages = client.query(&format!("SELECT pg_sleep(60), '{mark}'"))?;
    assert_eq!(tags(&messages), "TEZ");
    assert_timed_out(&messages)?;
    let still_running = format!(
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(60), ''{mark}%'"
    );
    let running = gatewright_harness::Psql::new(&postgres()?.dsn())?.query(&still_running)?;
    assert_eq!(running.trim(), "0");
    assert_eq!(tags(&client.query("SELECT 1")?), "TDCZ");
    Ok(())
}

#[test]
fn each_message_has_its_own_timeout() -> Result<()> {
    let world = world("time_each")?;
    let mut client = world.client()?;
    // Together they take longer than one may take.
    let slow = || raw::extended("SELECT pg_sleep(0.12)", &[], 0);
    for _ in 0..3 {
        assert_eq!(tags(&client.query("SELECT pg_sleep(0.12)")?), "TDCZ");
    }
    client.send(&[slow(), slow(), slow(), raw::sync()].concat())?;
    let messages = client.until_ready()?;
    assert_eq!(raw::error(&messages), None);
    Ok(())
}

#[test]
fn statements_in_one_message_share_a_timeout() -> Result<()> {
    let world = world("time_shared")?;
    let mut client = world.client()?;
    let slow = "SELECT pg_sleep(0.2); ".repeat(50);
    assert_timed_out(&client.query(&slow)?)?;
    assert_eq!(tags(&client.query("SELECT 1")?), "TDCZ");
    Ok(())
}

#[test]
fn a_timeout_aborts_the_transaction_and_skips_the_pipeline() -> Result<()> {
    let world = world("time_pipeline")?;
    world.prepare("CREATE TABLE noted (i int)")?;
    let mut client = world.client()?;
    client.query("BEGIN")?;
    assert_timed_out(&client.query("SELECT pg_sleep(60)")?)?;
    let ended = client.query("COMMIT")?;
    assert_eq!(ended[0].text(), "ROLLBACK");

    client.send(
        &[
            raw::extended("INSERT INTO noted VALUES (1)", &[], 0),
            // The statement returns no rows, so only its time can be limited.
            raw::extended(
                "INSERT INTO noted SELECT 2 FROM (SELECT pg_sleep(60)) AS slow",
                &[],
                0,
            ),
            raw::extended("INSERT INTO noted VALUES (3)", &[], 0),
            raw::sync(),
            raw::extended("SELECT count(*) FROM noted", &[], 0),
            raw::sync(),
        ]
        .concat(),
    )?;
    let first = client.until_ready()?;
    assert_timed_out(&first)?;
    assert_eq!(
        first.iter().filter(|message| message.tag == b'C').count(),
        1
    );
    let second = client.until_ready()?;
    assert_eq!(raw::error(&second), None, "{second:?}");
    Ok(())
}
