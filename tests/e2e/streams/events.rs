//! What events say.

use anyhow::{Context, Result, ensure};
use gatewright_harness::Version;
use gatewright_tests::raw::{Client, bind, execute, extended, parse, sync};
use serde_json::{Value, json};

use super::fixture::{Streaming, assert_no_gap, assert_valid};
use crate::recording::each_file;

on_each_version!(each_statement_gives_one_event_that_the_schema_accepts);

const FILE: &str = r#"
[streams]
directory = "@/spool"
[[stream]]
name = "siem"
to = "file"
path = "@/events.jsonl"
"#;

fn each_statement_gives_one_event_that_the_schema_accepts(version: Version) -> Result<()> {
    let streaming = Streaming::start(version, "streams_events", FILE)?;
    let served = &streaming.served;
    let mut client = served.client("ada")?;
    client.query("SELECT id, email FROM customers WHERE id <= 5")?;
    client.query("DROP TABLE customers")?;
    client.query("SELECT 1 / 0")?;
    client.query("SELEC")?;
    client.query("BEGIN; UPDATE customers SET name = 'x' WHERE id = 7; COMMIT")?;
    let insert = extended(
        "INSERT INTO customers VALUES ($1, 'param-canary', '')",
        &[Some("100")],
        0,
    );
    client.send(&[insert, sync()].concat())?;
    client.until_ready()?;
    client.query("CREATE ROLE stream_role PASSWORD 'secret-canary'")?;
    client.query("SELECT * FROM customers c JOIN pg_class p ON p.oid = c.id::oid")?;
    drop(client);
    let mut dsn = served.dsn("ada")?;
    dsn.password = served.issuer.agents_token("ada", &["staff"], "assistant")?;
    Client::connect(&dsn)?.query("SELECT name FROM customers WHERE id = 1")?;

    let events = streaming.events("events.jsonl", 11)?;
    assert_valid(&events)?;
    assert_no_gap(&events)?;
    let [
        select,
        drop,
        fails,
        unread,
        begin,
        update,
        commit,
        insert,
        role,
        join,
        agent,
    ] = events.as_slice()
    else {
        anyhow::bail!("{events:#?}");
    };
    assert_eq!(select["activity_name"], "Query");
    assert_eq!(select["actor"]["user"]["name"], "ada");
    assert_eq!(
        select["actor"]["user"]["groups"],
        json!([{"name": "staff"}])
    );
    assert_eq!(select["src_endpoint"]["ip"], "127.0.0.1");
    assert_eq!(select["database"]["name"], "here");
    assert_eq!(select["table"]["name"], "public.customers");
    assert_eq!(select["unmapped"]["rows"], 5);
    assert_eq!(select["unmapped"]["masked_values"], 5);
    assert_eq!(select["status_code"], "00000");
    assert_eq!(select["action"], "Allowed");
    assert_eq!(drop["action"], "Denied");
    assert_eq!(drop["policy"]["name"], "deny-list");
    assert_eq!(drop["query_info"]["query_string"], "DROP TABLE customers");
    let code = drop["status_code"].as_str().context("an SQLSTATE")?;
    ensure!(code != "00000" && drop["unmapped"]["outcome"] == "refused");
    assert_eq!(fails["status_code"], "22012");
    assert_eq!(fails["status"], "Failure");
    assert_eq!(unread["status_code"], "42601");
    assert_eq!(begin["unmapped"]["verb"], "transaction");
    assert_eq!(update["activity_name"], "Update");
    assert_eq!(update["unmapped"]["rows_changed"], 1);
    assert_eq!(commit["unmapped"]["outcome"], "completed");
    assert_eq!(insert["activity_name"], "Write");
    assert_eq!(role["unmapped"]["text_withheld"], "without passwords");
    let tables = json!(["public.customers", "pg_catalog.pg_class"]);
    assert_eq!(join["unmapped"]["tables"], tables);
    assert_eq!(agent["message_context"]["application"]["name"], "assistant");
    let session = &agent["metadata"]["correlation_uid"];
    ensure!(
        *session == agent["actor"]["session"]["uid"]
            && *session != select["metadata"]["correlation_uid"]
    );
    // What was delivered, what was bound and what must not be kept is in no file.
    for canary in ["raw-canary", "param-canary\"]", "secret-canary"] {
        each_file(streaming.folder.path(), &mut |path, bytes| {
            let text = String::from_utf8_lossy(bytes);
            let is_policy = path.extension().is_some_and(|known| known == "wasm");
            ensure!(
                is_policy || !text.contains(canary),
                "{canary} is in {}",
                path.display()
            );
            Ok(())
        })?;
    }
    ensure!(!served.metrics()?.contains("canary"));
    Ok(())
}

/// One preparation, many executions: each is an event with the text it was prepared with.
#[test]
fn each_execution_of_a_prepared_statement_is_an_event() -> Result<()> {
    let streaming = Streaming::start(Version::Installed, "streams_prepared", FILE)?;
    let mut client = streaming.served.client("ada")?;
    let text = "SELECT name FROM customers WHERE id = $1";
    let mut pipeline = parse("p", text);
    for id in ["1", "2", "3"] {
        pipeline.extend(bind("", "p", &[Some(id)], 0));
        pipeline.extend(execute("", 0));
    }
    client.send(&[pipeline, sync()].concat())?;
    client.until_ready()?;
    let events = streaming.events("events.jsonl", 3)?;
    assert_valid(&events)?;
    let mut ids: Vec<&Value> = events
        .iter()
        .map(|event| &event["metadata"]["uid"])
        .collect();
    for event in &events {
        assert_eq!(event["query_info"]["query_string"], text);
        assert_eq!(event["unmapped"]["rows"], 1);
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
    Ok(())
}

#[test]
fn literals_are_redacted_as_in_the_record() -> Result<()> {
    let streams = format!(
        "[record]\ndirectory = \"@/record\"\nliterals = \"redact\"\n{}",
        FILE.replace("[streams]\ndirectory = \"@/spool\"\n", "")
    );
    let streaming = Streaming::start(Version::Installed, "streams_redacted", &streams)?;
    let mut client = streaming.served.client("ada")?;
    client.query("SELECT 'literal-canary' FROM customers WHERE id = 1")?;
    client.query("SELECT 'literal-canary")?;
    client.query("SELECT 'literal-canary'::int")?;
    let events = streaming.events("events.jsonl", 3)?;
    assert_valid(&events)?;
    let text = &events[0]["query_info"]["query_string"];
    assert_eq!(text, "SELECT $1 FROM customers WHERE id = $2");
    ensure!(events[1]["unmapped"]["text_withheld"]["length"] == 22);
    ensure!(!json!(events).to_string().contains("literal-canary"));
    // The numbers of executions are those of the record.
    let first = &events[0]["metadata"]["uid"];
    ensure!(
        first.as_str().is_some_and(|uid| uid.ends_with("/1")),
        "{first}"
    );
    Ok(())
}

#[test]
fn texts_can_be_left_out() -> Result<()> {
    let streams = FILE.replace("[streams]", "[streams]\ntexts = \"none\"");
    let streaming = Streaming::start(Version::Installed, "streams_texts", &streams)?;
    let mut client = streaming.served.client("ada")?;
    client.query("SELECT 'text-canary'")?;
    client.query("SELECT 'text-canary' text_canary from")?;
    client.query("DROP TABLE customers")?;
    let events = streaming.events("events.jsonl", 3)?;
    assert_valid(&events)?;
    for event in &events {
        let text = event.to_string();
        ensure!(
            !text.contains("text-canary") && !text.contains("text_canary"),
            "{text}"
        );
        ensure!(event["status_detail"].is_null(), "{text}");
    }
    Ok(())
}
