//! What was not delivered when the gateway ended is delivered after its next start.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gatewright_harness::{GatewayCommand, Receiver, Version, free_port};
use serde_json::Value;

use super::fixture::{Streaming, assert_no_gap, assert_valid};
use crate::world::eventually;

/// Two streams, of which one cannot be delivered.
fn streams(port: u16) -> String {
    format!(
        r#"
[streams]
directory = "@/spool"
[[stream]]
name = "siem"
to = "file"
path = "@/events.jsonl"
[[stream]]
name = "otel"
to = "otlp"
url = "http://127.0.0.1:{port}/v1/logs"
"#
    )
}

fn restarted(test: &str, signal: &str) -> Result<()> {
    let port = free_port()?;
    let mut streaming = Streaming::start(Version::Installed, test, &streams(port))?;
    let mut client = streaming.served.client("ada")?;
    for _ in 0..5 {
        client.query("SELECT 1")?;
    }
    drop(client);
    streaming.events("events.jsonl", 5)?;
    let process = streaming.served.gateway.process_mut();
    process.signal(signal)?;
    process.wait(Duration::from_secs(30))?;
    streaming.served.start_again()?;
    let mut client = streaming.served.client("ada")?;
    for _ in 0..5 {
        client.query("SELECT 2")?;
    }
    let events = streaming.distinct_events("events.jsonl", 10)?;
    assert_valid(&events)?;
    assert_no_gap(&events)?;
    let collector = Receiver::start("otlp.py", &[&port.to_string()])?;
    for _ in 0..10 {
        collector.line(Duration::from_secs(30))?;
    }
    let delivered = "gatewright_stream_events_total{stream=\"otel\"}";
    eventually("all is delivered", || {
        Ok(streaming.metric(delivered)? == 10.0)
    })
}

#[test]
fn after_a_stop_streams_go_on_where_they_were() -> Result<()> {
    restarted("streams_stopped", "TERM")
}

#[test]
fn after_a_kill_streams_go_on_where_they_were() -> Result<()> {
    restarted("streams_killed", "KILL")
}

/// What is stopped with events in memory has them on disk.
#[test]
fn the_last_events_are_delivered_when_the_gateway_stops() -> Result<()> {
    let port = free_port()?;
    let mut streaming = Streaming::start(Version::Installed, "streams_last", &streams(port))?;
    let mut client = streaming.served.client("ada")?;
    client.query("SELECT 1")?;
    drop(client);
    let process = streaming.served.gateway.process_mut();
    process.signal("TERM")?;
    ensure!(process.wait(Duration::from_secs(30))?.success());
    let text = std::fs::read_to_string(streaming.path("events.jsonl"))?;
    ensure!(text.lines().count() == 1, "{text}");
    Ok(())
}

/// What the record has gives the events that were sent: a crash that took some of them can be made up for.
#[test]
fn the_record_gives_the_same_events() -> Result<()> {
    let streams = format!(
        "[record]\ndirectory = \"@/record\"\n{}",
        streams(free_port()?)
    );
    let streaming = Streaming::start(Version::Installed, "streams_export", &streams)?;
    let mut client = streaming.served.client("ada")?;
    client.query("SELECT id, email FROM customers; SELECT 1 / 0")?;
    client.query("DROP TABLE customers")?;
    client.query("SELECT $1")?;
    drop(client);
    let mut sent = streaming.events("events.jsonl", 4)?;
    let session = sent[0]["metadata"]["correlation_uid"]
        .as_str()
        .context("a session")?;
    let directory = streaming.path("record").display().to_string();
    let arguments = [session, "--format", "ocsf", "--directory", &directory];
    let output = GatewayCommand::verb("export")
        .arguments(arguments)
        .output()?;
    let text = String::from_utf8(output.stdout)?;
    let exported: Vec<Value> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    assert_valid(&exported)?;
    for event in &mut sent {
        let metadata = event["metadata"].as_object_mut().context("metadata")?;
        metadata.remove("sequence");
    }
    for (exported, sent) in exported.iter().zip(&sent) {
        assert_eq!(exported, sent);
    }
    assert_eq!(exported.len(), sent.len());
    Ok(())
}
