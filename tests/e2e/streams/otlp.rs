//! Streams to a collector by OTLP.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Receiver, Version, free_port};
use serde_json::Value;

use super::fixture::{Streaming, assert_no_gap, assert_valid};
use crate::world::eventually;

const WITHIN: Duration = Duration::from_secs(30);

/// The events of so many log records.
fn events(collector: &Receiver, count: usize) -> Result<Vec<Value>> {
    let mut events = Vec::new();
    for _ in 0..count {
        let record: Value = serde_json::from_str(&collector.line(WITHIN)?)?;
        let service = &record["resource"]["attributes"][0];
        assert_eq!(service["key"], "service.name");
        assert_eq!(service["value"]["stringValue"], "gatewright");
        assert_eq!(record["item"]["eventName"], "ocsf.datastore_activity");
        let body = record["item"]["body"]["stringValue"].as_str();
        let event: Value = serde_json::from_str(body.context("a body")?)?;
        let time = record["item"]["timeUnixNano"].as_str().context("a time")?;
        assert_eq!(format!("{}000000", event["time"]), time);
        events.push(event);
    }
    Ok(events)
}

#[test]
fn a_collector_that_was_down_gets_every_event() -> Result<()> {
    let port = free_port()?;
    let streams = format!(
        "[streams]\ndirectory = \"@/spool\"\n[[stream]]\nname = \"otel\"\nto = \"otlp\"\nurl = \"http://127.0.0.1:{port}/v1/logs\""
    );
    let streaming = Streaming::start(Version::Installed, "streams_otlp", &streams)?;
    let mut client = streaming.served.client("ada")?;
    for _ in 0..20 {
        client.query("SELECT 1")?;
    }
    client.query("DROP TABLE customers")?;
    let failures = "gatewright_stream_failures_total{stream=\"otel\"}";
    eventually(
        "an attempt fails",
        || Ok(streaming.metric(failures)? >= 2.0),
    )?;
    let pending = "gatewright_stream_pending_bytes{stream=\"otel\"}";
    ensure!(streaming.metric(pending)? > 0.0);
    let log = streaming.served.gateway.log()?;
    ensure!(log.matches("could not be delivered").count() == 1, "{log}");
    let collector = Receiver::start("otlp.py", &[&port.to_string()])?;
    let events = events(&collector, 21)?;
    assert_valid(&events)?;
    assert_no_gap(&events)?;
    let delivered = "gatewright_stream_events_total{stream=\"otel\"}";
    eventually("all is delivered", || {
        Ok(streaming.metric(delivered)? == 21.0 && streaming.metric(pending)? == 0.0)
    })
}

#[test]
fn a_token_says_who_sends() -> Result<()> {
    let collector = Receiver::start("otlp.py", &["0", "token-canary"])?;
    let folder = tempfile::tempdir()?;
    let token = folder.path().join("token");
    std::fs::write(&token, "token-canary\n")?;
    let streams = format!(
        "[streams]\ndirectory = \"@/spool\"\n[[stream]]\nname = \"otel\"\nto = \"otlp\"\nurl = \"http://127.0.0.1:{}/v1/logs\"\ntoken_file = \"{}\"",
        collector.port(),
        token.display()
    );
    let streaming = Streaming::start(Version::Installed, "streams_token", &streams)?;
    streaming.served.client("ada")?.query("SELECT 1")?;
    events(&collector, 1)?;
    ensure!(!streaming.served.gateway.log()?.contains("token-canary"));
    Ok(())
}
