//! What the gateway has the server run for reviewers is recorded as attempts of its own, before it is sent.

use anyhow::{Context, Result};
use gatewright_contract::Outcome;
use gatewright_harness::{Psql, Version};
use gatewright_record::Event;
use gatewright_record::event::{Attempted, Completed, Rehearsal, RehearsalWay};
use gatewright_tests::raw::{Client, error, message, query};

use super::fixture::{Recorded, sessions_in};
use crate::holding::stage::{Stage, until_held};
use crate::world;

#[test]
fn rehearsals_are_attempts_that_say_what_they_are() -> Result<()> {
    for (effect, expected) in [
        ("preview", RehearsalWay::Run),
        ("estimate", RehearsalWay::Estimate),
    ] {
        let folder = tempfile::tempdir()?;
        let directory = folder.path().join("record");
        let settings = folder.path().join("settings.toml");
        std::fs::write(
            &settings,
            format!("[ask]\nwrites = \"all\"\neffect = \"{effect}\"\n"),
        )?;
        let policy = std::fs::read(world::bundled("approve-destructive")?)?;
        let arguments = [
            "--settings",
            &settings.display().to_string(),
            "--record",
            &directory.display().to_string(),
        ];
        let guests = [("ask", policy.as_slice())];
        let test = format!("record_rehearsed_{effect}");
        let stage = Stage::of_version(Version::Installed, &test, &guests, &arguments)?;
        let mut client = stage.client()?;
        client.send(&query("DELETE FROM t WHERE n < 4"))?;
        let (_, request) = until_held(&mut client)?;
        let (rehearsed, attempt, end) = rehearsal_in(&directory)?;
        assert_eq!(rehearsed.way, expected);
        let before: Vec<&str> = rehearsed.before.iter().map(String::as_str).collect();
        assert_eq!(before[0], "BEGIN");
        assert!(before[2].starts_with("SET LOCAL statement_timeout = "));
        assert_eq!(rehearsed.after, ["ROLLBACK"]);
        assert_eq!((end.outcome, end.rows), (Outcome::Completed, 0));
        if expected == RehearsalWay::Run {
            assert_eq!(end.changed, Some(3));
            let sent = rehearsed.text.context("the form with its rows")?;
            assert!(sent.contains("RETURNING"), "{sent}");
        }
        assert!(attempt.approvals.is_empty());
        stage.api().decide_about(&request, "reject")?;
        assert!(error(&client.until_ready()?).is_some());
    }
    Ok(())
}

/// The one attempt in a record of one session, which is a rehearsal and has ended.
fn rehearsal_in(directory: &std::path::Path) -> Result<(Rehearsal, Attempted, Completed)> {
    let mut found = None;
    world::eventually("the rehearsal's end is recorded", || {
        let sessions = sessions_in(directory)?;
        let events = sessions.iter().flat_map(|(_, events)| events);
        let mut attempts = Vec::new();
        let mut ends = Vec::new();
        for event in events {
            match event {
                Event::Attempted(event) => attempts.push(event.clone()),
                Event::Completed(event) => ends.push(event.clone()),
                _ => {}
            }
        }
        assert!(attempts.len() <= 1, "{attempts:?}");
        found = attempts.pop().zip(ends.pop());
        Ok(found.is_some())
    })?;
    let (attempt, end) = found.context("a rehearsal")?;
    let rehearsal = attempt.rehearsal.clone().context("a rehearsal")?;
    Ok((rehearsal, attempt, end))
}

#[test]
fn the_arguments_of_a_function_call_are_recorded() -> Result<()> {
    let recorded = Recorded::start(Version::Installed, "record_calls", "")?;
    Psql::new(&recorded.served.direct)?.query(
        "CREATE FUNCTION plain(int, text) RETURNS int LANGUAGE sql AS $$ SELECT $1 + 1 $$",
    )?;
    let oid = Psql::new(&recorded.served.direct)?
        .query("SELECT 'plain(int, text)'::regprocedure::oid")?;
    let oid: u32 = oid.trim().parse()?;
    let mut client = Client::connect(&recorded.served.dsn("ada")?)?;
    let mut body = oid.to_be_bytes().to_vec();
    body.extend_from_slice(&[0, 1, 0, 0, 0, 2]);
    body.extend_from_slice(&[0, 0, 0, 2, b'4', b'1']);
    body.extend_from_slice(&(-1_i32).to_be_bytes());
    body.extend_from_slice(&[0, 0]);
    client.send(&message(b'F', &[&body]))?;
    let replies = client.until_ready()?;
    assert_eq!(error(&replies), None);
    drop(client);
    let sessions = recorded.sessions(1)?;
    let (id, events) = &sessions[0];
    let attempt = events.iter().find_map(|event| match event {
        Event::Attempted(event) => Some(event),
        _ => None,
    });
    let attempt = attempt.context("an attempt")?;
    assert_eq!(attempt.function, Some(oid));
    let values: Vec<_> = attempt
        .parameters
        .iter()
        .map(|parameter| parameter.value.as_deref())
        .collect();
    assert_eq!(values, [Some(b"41".as_slice()), None]);
    let (shown, _) = recorded.command(&["sessions", "show", &id.to_string()])?;
    let call = format!("call of the function with OID {oid}, completed");
    assert!(
        shown.contains(&call) && shown.contains("$1 = 41"),
        "{shown}"
    );
    recorded.assert_verifies()
}
