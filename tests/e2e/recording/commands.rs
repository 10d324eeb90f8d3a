//! The commands that read the record.

use anyhow::{Context, Result};
use gatewright_harness::{Psql, Version};
use gatewright_record::Event;
use gatewright_record::event::PolicyAnswer;
use gatewright_tests::raw::{Client, extended, sync};

use super::fixture::Recorded;

fn sample() -> Result<(Recorded, String)> {
    let recorded = Recorded::start(Version::Installed, "record_commands", "")?;
    let mut client = Client::connect(&recorded.served.dsn("ada")?)?;
    client.query("SELECT id, name, email FROM customers ORDER BY id LIMIT 2")?;
    let select = extended("SELECT $1::int8 AS doubled", &[Some("21")], 1);
    client.send(&[select, sync()].concat())?;
    client.until_ready()?;
    client.query("SELECT 1/0")?;
    client.query("SELECT broken here from")?;
    drop(client);
    let sessions = recorded.sessions(1)?;
    let id = sessions[0].0.to_string();
    Ok((recorded, id))
}

#[test]
fn sessions_are_listed_shown_and_replayed() -> Result<()> {
    let (recorded, id) = sample()?;
    let (list, code) = recorded.command(&["sessions", "list"])?;
    assert!(code == Some(0) && list.lines().count() == 1, "{list}");
    for part in [
        id.as_str(),
        "ada",
        "3 run, 1 refused, 3 rows",
        "client_left",
    ] {
        assert!(list.contains(part), "{part}: {list}");
    }
    let (json, _) = recorded.command(&["sessions", "list", "--json"])?;
    let json: serde_json::Value = serde_json::from_str(json.trim())?;
    assert_eq!(json["session"], id.as_str());
    assert_eq!(
        (&json["statements"], &json["keep"]),
        (&3.into(), &"rows".into())
    );

    let (shown, code) = recorded.command(&["sessions", "show", &id])?;
    assert_eq!(code, Some(0), "{shown}");
    for part in [
        "#1  completed, 2 rows",
        "2 values masked",
        "$1 = 21",
        "#3  failed with 22012, 0 rows",
        "REFUSED 42601",
        "SELECT broken here from",
        "ended: client_left",
    ] {
        assert!(shown.contains(part), "{part}: {shown}");
    }

    let (replayed, code) = recorded.command(&["replay", &id, "--at-once"])?;
    assert_eq!(code, Some(0), "{replayed}");
    for part in [
        " id | name   | email",
        " 1  | name 1 | ",
        "(2 rows)\nSELECT 2",
        " doubled\n---------\n 21\n(1 row)",
        "ERROR:  22012: division by zero",
    ] {
        assert!(replayed.contains(part), "{part}: {replayed}");
    }
    assert!(!replayed.contains("raw-canary"), "{replayed}");

    let unknown = "0198a3c5-7d20-7abc-8def-0123456789ab";
    for command in [["sessions", "show"], ["record", "verify"]] {
        let (text, code) = recorded.command(&[command[0], command[1], unknown])?;
        assert!(
            code == Some(1) && text.contains("there is no session"),
            "{text}"
        );
    }
    Ok(())
}

#[test]
fn a_flipped_bit_is_named() -> Result<()> {
    let (recorded, id) = sample()?;
    recorded.assert_verifies()?;
    let path = recorded.directory.join(format!("sessions/{id}.000000.gwr"));
    let whole = std::fs::read(&path)?;
    let middle = whole.len() / 2;
    let mut edited = whole.clone();
    edited[middle] ^= 1;
    std::fs::write(&path, &edited)?;
    for arguments in [vec!["record", "verify"], vec!["record", "verify", &id]] {
        let (text, code) = recorded.command(&arguments)?;
        assert_eq!(code, Some(1), "{text}");
        let (from, to) = bytes_of(&text).with_context(|| text.clone())?;
        assert!((from..to).contains(&middle), "byte {middle}: {text}");
    }
    std::fs::write(&path, &whole[..whole.len() - 3])?;
    let (text, code) = recorded.command(&["record", "verify"])?;
    let cut = format!("cut off at byte {}", whole.len() - 3);
    assert!(code == Some(1) && text.contains(&cut), "{text}");
    std::fs::remove_file(&path)?;
    let (text, code) = recorded.command(&["record", "verify"])?;
    assert!(code == Some(1) && text.contains("is missing"), "{text}");
    std::fs::write(&path, &whole)?;
    recorded.assert_verifies()
}

/// The range in "bytes 1 to 2".
fn bytes_of(text: &str) -> Option<(usize, usize)> {
    let (_, rest) = text.split_once(", bytes ")?;
    let (from, rest) = rest.split_once(" to ")?;
    let (to, _) = rest.split_once(':')?;
    Some((from.parse().ok()?, to.parse().ok()?))
}

#[test]
fn a_checkpoint_that_was_kept_elsewhere_proves_more() -> Result<()> {
    let (recorded, _) = sample()?;
    recorded.assert_verifies()?;
    let kept = recorded.folder.path().join("kept");
    std::fs::copy(recorded.directory.join("log/checkpoint"), &kept)?;
    let checkpoint = kept.display().to_string();
    Psql::new(&recorded.served.dsn("grace")?)?.query("SELECT 1")?;
    recorded.sessions(2)?;
    let verify = ["record", "verify", "--checkpoint", &checkpoint];
    let (text, code) = recorded.command(&verify)?;
    assert!(
        code == Some(0) && text.contains("the log has 2 entries"),
        "{text}"
    );
    let other = ["record", "verify", "--key", &checkpoint];
    let (text, code) = recorded.command(&other)?;
    assert!(code == Some(1) && text.contains("public key"), "{text}");
    Ok(())
}

#[test]
fn what_a_policy_in_shadow_mode_would_have_done_is_recorded() -> Result<()> {
    let keys = "\n[policy.deny-list]\nmode = \"shadow\"\n";
    let recorded = Recorded::start(Version::Installed, "record_shadow", keys)?;
    let mut client = Client::connect(&recorded.served.dsn("ada")?)?;
    client.query("DELETE FROM notes")?;
    client.query("SELECT count(*) FROM notes")?;
    client.query("SELECT count(*) FROM notes")?;
    drop(client);
    let sessions = recorded.sessions(1)?;
    let judged = sessions[0].1.iter().filter_map(|event| match event {
        Event::Judged(judged) => Some(judged),
        _ => None,
    });
    let answers = judged.map(|judged| {
        let own = judged
            .policies
            .iter()
            .find(|policy| policy.name == "deny-list");
        own.map(|policy| (policy.answer, policy.shadow))
    });
    let answers: Vec<_> = answers.collect();
    let (allowed, denied) = (PolicyAnswer::Allowed, PolicyAnswer::Denied);
    assert_eq!(
        answers,
        [
            Some((allowed, Some(denied))),
            Some((allowed, Some(allowed))),
            Some((allowed, Some(allowed))),
        ]
    );
    let id = sessions[0].0.to_string();
    let (shown, _) = recorded.command(&["sessions", "show", &id])?;
    assert_eq!(
        shown
            .matches("in shadow: deny-list would have refused it")
            .count(),
        1,
        "{shown}"
    );
    let metrics = recorded.served.metrics()?;
    let sample =
        "gatewright_policy_shadow_verdicts_total{policy=\"deny-list\",verdict=\"deny\"} 1\n";
    assert!(metrics.contains(sample), "{metrics}");
    Ok(())
}
