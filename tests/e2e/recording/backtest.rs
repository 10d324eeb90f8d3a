//! What a policy would have decided about recorded statements.

use anyhow::{Result, ensure};
use gatewright_harness::Version;
use gatewright_tests::raw::{Client, extended, sync};

use super::fixture::Recorded;
use crate::world::bundled;

fn sample(test: &str) -> Result<Recorded> {
    let recorded = Recorded::start(Version::Installed, test, "")?;
    let mut client = Client::connect(&recorded.served.dsn("ada")?)?;
    client.query("SELECT id, name FROM customers ORDER BY id LIMIT 1")?;
    client.query("UPDATE notes SET note = 'a' WHERE id = 1")?;
    client.query("UPDATE notes SET note = 'a' WHERE id = 1")?;
    client.query("DELETE FROM notes")?;
    client.query("SELECT broken here from")?;
    for value in ["1", "2"] {
        let update = extended(
            "UPDATE notes SET note = 'b' WHERE id = $1",
            &[Some(value)],
            0,
        );
        client.send(&[update, sync()].concat())?;
        client.until_ready()?;
    }
    drop(client);
    recorded.sessions(1)?;
    Ok(recorded)
}

/// The output and the exit code of a backtest of a bundled policy with these settings.
fn backtest(
    recorded: &Recorded,
    policy: &str,
    settings: &str,
    more: &[&str],
) -> Result<(String, Option<i32>)> {
    let file = bundled(policy)?.display().to_string();
    let path = recorded.folder.path().join("backtest.toml");
    std::fs::write(&path, settings)?;
    let settings = path.display().to_string();
    let upstream = recorded.served.direct.url();
    let fixed = [
        "backtest",
        &file,
        "--upstream",
        &upstream,
        "--settings",
        &settings,
        "--database",
        "here",
    ];
    recorded.command(&[&fixed[..], more].concat())
}

#[test]
fn a_policy_that_was_in_force_decides_as_it_did() -> Result<()> {
    let recorded = sample("backtest_same")?;
    let (text, code) = backtest(&recorded, "deny-list", "", &[])?;
    ensure!(code == Some(0), "{text}");
    for (name, value) in [
        ("statements", "7"),
        ("sessions", "1"),
        ("decided otherwise", "0"),
        ("cannot be analysed", "1"),
    ] {
        let line = format!("  {name:<26}{value}\n");
        assert!(text.contains(&line), "{text}");
    }
    assert!(text.contains("µs (median)"), "{text}");
    Ok(())
}

#[test]
fn what_other_settings_would_change_is_shown() -> Result<()> {
    let recorded = sample("backtest_settings")?;
    let allowed = "[deny-list]\nunbounded_writes = \"allow\"\n";
    let (text, code) = backtest(&recorded, "deny-list", allowed, &[])?;
    ensure!(code == Some(3), "{text}");
    assert!(text.contains("refused -> permitted  once"), "{text}");
    assert!(
        text.contains("DELETE FROM notes") && text.contains("by ada"),
        "{text}"
    );
    assert!(text.contains("decided otherwise         1\n"), "{text}");
    Ok(())
}

#[test]
fn what_a_new_policy_would_refuse_is_shown() -> Result<()> {
    let recorded = sample("backtest_new")?;
    let (text, code) = backtest(&recorded, "read-only", "", &["--json"])?;
    ensure!(code == Some(3), "{text}");
    let lines: Result<Vec<serde_json::Value>, _> = text.lines().map(serde_json::from_str).collect();
    let mut lines = lines?;
    let totals = lines.pop().expect("the totals");
    assert_eq!(
        (&totals["changed"], &totals["not_asked"]),
        (&4.into(), &1.into()),
        "{totals}"
    );
    assert_eq!(lines.len(), 2, "{lines:?}");
    for line in &lines {
        assert_eq!(
            (&line["then"], &line["now"]),
            (&"permitted".into(), &"refused".into())
        );
        assert_eq!(
            (&line["count"], &line["last_subject"]),
            (&2.into(), &"ada".into())
        );
        assert!(
            line["statement"]
                .as_str()
                .is_some_and(|text| text.starts_with("UPDATE notes"))
        );
        assert!(
            line["reason"]
                .as_str()
                .is_some_and(|reason| !reason.is_empty())
        );
    }
    // Nobody else used the database.
    let (text, code) = backtest(&recorded, "read-only", "", &["--since", "0s"])?;
    ensure!(
        code == Some(0) && text.contains("statements                0\n"),
        "{text}"
    );
    Ok(())
}

#[test]
fn a_policy_that_cannot_be_loaded_is_named() -> Result<()> {
    let recorded = sample("backtest_broken")?;
    let (text, code) = backtest(&recorded, "deny-list", "[deny-list]\nunbound = 1\n", &[])?;
    ensure!(code == Some(1), "{text}");
    assert!(
        text.contains("deny-list") && text.contains("unbound"),
        "{text}"
    );
    let (text, code) = recorded.command(&[
        "backtest",
        "/nowhere/some.wasm",
        "--upstream",
        &recorded.served.direct.url(),
    ])?;
    ensure!(
        code == Some(1) && text.contains("/nowhere/some.wasm"),
        "{text}"
    );
    Ok(())
}
