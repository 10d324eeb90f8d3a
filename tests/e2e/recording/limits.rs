//! A session that has used up its limit.

use anyhow::Result;
use gatewright_harness::Version;
use gatewright_record::Event;
use gatewright_tests::raw::Client;

use super::fixture::{Recorded, delivered};

#[test]
fn a_session_beyond_its_limit_is_recorded_without_rows_and_says_so() -> Result<()> {
    let recorded = Recorded::start(
        Version::Installed,
        "record_limit",
        "session_limit = \"200KiB\"",
    )?;
    let mut client = Client::connect(&recorded.served.dsn("ada")?)?;
    for number in 0..20 {
        let messages = client.query(&format!("SELECT {number}, repeat('x', 30000)"))?;
        assert!(messages.len() >= 3);
    }
    drop(client);
    let sessions = recorded.sessions(1)?;
    let (id, events) = &sessions[0];
    let kept = delivered(events).len();
    assert!((100_000..260_000).contains(&kept), "{kept}");
    let rows: u64 = events
        .iter()
        .map(|event| match event {
            Event::Completed(event) => event.rows,
            _ => 0,
        })
        .sum();
    assert_eq!(rows, 20, "what ran is recorded");
    for command in [
        vec!["sessions", "show", &id.to_string()],
        vec!["replay", &id.to_string(), "--at-once"],
    ] {
        let (text, code) = recorded.command(&command)?;
        assert_eq!(code, Some(0), "{text}");
        let told = "TRUNCATED: session_limit: 204800 bytes of events are recorded; from here on, kept: statements";
        assert_eq!(text.matches(told).count(), 1, "{text}");
        assert!(text.contains("SELECT 19, repeat"), "{text}");
    }
    let metrics = recorded.served.metrics()?;
    assert!(
        metrics.contains("gatewright_record_truncated_total 1"),
        "{metrics}"
    );
    recorded.assert_verifies()
}
