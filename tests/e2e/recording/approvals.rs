//! What people decide is in the record.

use std::path::Path;

use anyhow::{Context, Result};
use gatewright_contract::RequestId;
use gatewright_record::Event;
use gatewright_record::event::Decision;
use gatewright_tests::raw::{error, extended, query, sync};

use super::fixture::sessions_in;
use crate::holding::stage::{DELETE, Stage, until_held};
use crate::world::eventually;

#[test]
fn an_approval_is_recorded_with_its_statement_and_a_rejection_without_a_run() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let directory = folder.path().join("record");
    let arguments = ["--record", &directory.display().to_string()];
    let stage = Stage::with_arguments("record_approvals", &[DELETE], (0, 0), &arguments)?;
    let mut client = stage.client()?;
    client.send(&query("DELETE FROM t WHERE n = 1"))?;
    let (_, approved) = until_held(&mut client)?;
    stage.api().decide_about(&approved, "approve")?;
    assert_eq!(error(&client.until_ready()?), None);
    client.send(&query("DELETE FROM t WHERE n = 2"))?;
    let (_, rejected) = until_held(&mut client)?;
    stage.api().decide_about(&rejected, "reject")?;
    let told = error(&client.until_ready()?).context("the rejection")?;
    drop(client);
    let events = recorded(&directory)?;
    let mut decisions = Vec::new();
    let mut attempts = Vec::new();
    for event in &events {
        match event {
            Event::Judged(event) => {
                let number = event.text.rsplit(' ').next().unwrap_or_default();
                decisions.push((
                    event.statement,
                    number,
                    event.decision,
                    event.sqlstate.as_deref(),
                ));
            }
            Event::Attempted(event) => attempts.push((event.statement, event.approvals.clone())),
            _ => {}
        }
    }
    let [asked, asked_again, refused] = &decisions[..] else {
        panic!("{decisions:?}");
    };
    assert_eq!((asked.1, asked.2), ("1", Decision::NeedsApproval));
    assert_eq!(
        (asked_again.1, asked_again.2),
        ("2", Decision::NeedsApproval)
    );
    let sqlstate = told.get(&'C').map(String::as_str);
    assert_eq!(*refused, (asked_again.0, "2", Decision::Refused, sqlstate));
    let approved: RequestId = approved.parse()?;
    assert_eq!(attempts, [(asked.0, vec![approved])]);
    Ok(())
}

/// All events of the only session, once it has ended.
fn recorded(directory: &Path) -> Result<Vec<Event<'static>>> {
    let mut sessions = Vec::new();
    eventually("the session is recorded", || {
        sessions = sessions_in(directory)?;
        let events = sessions.first().map(|(_, events)| events.as_slice());
        Ok(matches!(
            events.and_then(<[_]>::last),
            Some(Event::Ended(_))
        ))
    })?;
    Ok(sessions.pop().context("a session")?.1)
}

/// It has no execution, which would have them.
#[test]
fn the_parameters_of_what_was_refused_are_recorded() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let directory = folder.path().join("record");
    let arguments = ["--record", &directory.display().to_string()];
    let stage = Stage::with_arguments("record_refused", &[DELETE], (0, 0), &arguments)?;
    let mut client = stage.client()?;
    let delete = extended(
        "DELETE FROM t WHERE n = $1 OR n = $2",
        &[Some("4711"), None],
        0,
    );
    client.send(&[delete, sync()].concat())?;
    let (_, held) = until_held(&mut client)?;
    stage.api().decide_about(&held, "reject")?;
    error(&client.until_ready()?).context("the rejection")?;
    drop(client);
    let refused = recorded(&directory)?
        .into_iter()
        .find_map(|event| match event {
            Event::Judged(event) if event.decision == Decision::Refused => Some(event),
            _ => None,
        });
    let parameters = refused.and_then(|event| event.parameters);
    let values = parameters
        .context("parameters")?
        .into_iter()
        .map(|known| known.value);
    let values: Vec<Option<Vec<u8>>> = values.collect();
    assert_eq!(values, [Some(b"4711".to_vec()), None]);
    Ok(())
}
