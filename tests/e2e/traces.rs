//! Spans of statements, as a collector gets them.

use std::collections::HashMap;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Receiver, Version, free_port};
use gatewright_tests::raw::{Client, bind, execute, parse, sync};
use serde_json::Value;

use crate::streams::Streaming;
use crate::world::eventually;

const WITHIN: Duration = Duration::from_secs(30);
const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
const SPAN: &str = "b7ad6b7169203331";

fn start(test: &str, port: u16, keys: &str) -> Result<Streaming> {
    let traces = format!("[traces]\nurl = \"http://127.0.0.1:{port}/v1/traces\"\n{keys}");
    Streaming::start(Version::Installed, test, &traces)
}

struct Span {
    item: Value,
    attributes: HashMap<String, String>,
}

impl Span {
    fn attribute(&self, key: &str) -> Option<&str> {
        self.attributes.get(key).map(String::as_str)
    }

    /// Bytes in base64, as JSON has them, in hexadecimal.
    fn id(&self, key: &str) -> Result<String> {
        use base64::Engine;
        let text = self.item[key].as_str().unwrap_or_default();
        let bytes = base64::engine::general_purpose::STANDARD.decode(text)?;
        Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

fn spans(collector: &Receiver, count: usize) -> Result<Vec<Span>> {
    let mut spans = Vec::new();
    for _ in 0..count {
        let line: Value = serde_json::from_str(&collector.line(WITHIN)?)?;
        let item = line["item"].clone();
        let attributes = item["attributes"].as_array().context("attributes")?;
        let attributes = attributes.iter().map(|attribute| {
            let value = &attribute["value"];
            let value = value["stringValue"].as_str().or(value["intValue"].as_str());
            let key = attribute["key"].as_str().context("a key")?;
            Ok((key.to_owned(), value.context("a value")?.to_owned()))
        });
        let attributes = attributes.collect::<Result<_>>()?;
        spans.push(Span { item, attributes });
    }
    Ok(spans)
}

fn commented(text: &str, flags: &str) -> String {
    format!("{text} /*action='list',traceparent='00-{TRACE}-{SPAN}-{flags}'*/")
}

#[test]
fn a_statement_is_a_child_of_the_span_in_its_comment() -> Result<()> {
    let collector = Receiver::start("otlp.py", &[])?;
    let traces = start("traces_comment", collector.port(), "texts = \"redacted\"")?;
    let mut client = traces.served.client("ada")?;
    client.query(&commented(
        "SELECT name FROM customers WHERE name = 'literal-canary'",
        "01",
    ))?;
    client.query(&commented("SELECT 'not sampled'", "00"))?;
    client.query(&commented("DROP TABLE customers", "01"))?;
    client.query(&commented("SELECT 1 / 0", "01"))?;
    client.query("SELECT 'traceparent=00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01'")?;
    client.query("CREATE ROLE traced PASSWORD 'password-canary'")?;
    let spans = spans(&collector, 5)?;
    let [select, drop, fails, alone, role] = spans.as_slice() else {
        anyhow::bail!("5 spans");
    };
    for child in [select, drop, fails] {
        assert_eq!(child.id("traceId")?, TRACE);
        assert_eq!(child.id("parentSpanId")?, SPAN);
        assert_eq!(child.item["kind"], "SPAN_KIND_CLIENT");
        assert_eq!(child.attribute("db.system.name"), Some("postgresql"));
        assert_eq!(child.attribute("db.namespace"), Some("here"));
        assert_eq!(child.attribute("server.address"), Some("127.0.0.1"));
        ensure!(child.attribute("server.port").is_some());
    }
    assert_eq!(select.item["name"], "SELECT public.customers");
    assert_eq!(select.attribute("db.operation.name"), Some("SELECT"));
    assert_eq!(
        select.attribute("db.collection.name"),
        Some("public.customers")
    );
    assert_eq!(
        select.attribute("db.query.summary"),
        Some("SELECT public.customers")
    );
    assert_eq!(
        select.attribute("db.query.text"),
        Some("SELECT name FROM customers WHERE name = $1")
    );
    assert_eq!(select.attribute("db.response.status_code"), None);
    assert_eq!(select.item["status"], Value::Null);
    assert_eq!(select.attribute("gatewright.decision"), Some("permitted"));
    let begins = |span: &Span| {
        span.item["startTimeUnixNano"]
            .as_str()
            .map(str::parse::<u64>)
    };
    let ends = |span: &Span| span.item["endTimeUnixNano"].as_str().map(str::parse::<u64>);
    ensure!(begins(select).context("a start")?? <= ends(select).context("an end")??);
    assert_eq!(drop.attribute("gatewright.decision"), Some("refused"));
    assert_eq!(drop.item["name"], "DROP public.customers");
    ensure!(drop.attribute("error.type").is_some());
    assert_eq!(fails.attribute("db.response.status_code"), Some("22012"));
    assert_eq!(fails.attribute("error.type"), Some("22012"));
    assert_eq!(fails.item["status"]["code"], "STATUS_CODE_ERROR");
    // A constant is no comment.
    ensure!(alone.id("traceId")? != TRACE && alone.item["parentSpanId"] == Value::Null);
    assert_eq!(role.attribute("db.operation.name"), Some("CREATE"));
    for span in &spans {
        ensure!(!span.item.to_string().contains("canary"), "{}", span.item);
    }
    Ok(())
}

#[test]
fn a_connection_names_a_span_for_all_its_statements() -> Result<()> {
    let collector = Receiver::start("otlp.py", &[])?;
    let traces = start(
        "traces_startup",
        collector.port(),
        "without_parent = \"ignore\"",
    )?;
    traces
        .served
        .client("ada")?
        .query("SELECT 'nobody asks for it'")?;
    let dsn = traces.served.dsn("ada")?;
    let named = format!("-c gatewright.traceparent=00-{TRACE}-{SPAN}-01");
    let mut client = Client::connect_with(&dsn, &[("options", &named)])?;
    let mut pipeline = parse("p", "SELECT name FROM customers WHERE id = $1");
    for id in ["1", "2"] {
        pipeline.extend(bind("", "p", &[Some(id)], 0));
        pipeline.extend(execute("", 0));
    }
    client.send(&[pipeline, sync()].concat())?;
    client.until_ready()?;
    let spans = spans(&collector, 2)?;
    for span in &spans {
        assert_eq!(span.id("parentSpanId")?, SPAN);
        assert_eq!(span.attribute("db.query.text"), None);
    }
    ensure!(spans[0].id("spanId")? != spans[1].id("spanId")?);
    eventually("spans are counted", || {
        Ok(traces.metric("gatewright_trace_spans_total{outcome=\"exported\"}")? == 2.0)
    })
}

/// Nothing waits for a collector that is away, and what was dropped is counted.
#[test]
fn without_a_collector_spans_are_dropped_and_counted() -> Result<()> {
    let traces = start("traces_away", free_port()?, "")?;
    let mut client = traces.served.client("ada")?;
    for _ in 0..6000 {
        client.query("SELECT 1")?;
    }
    let dropped = "gatewright_trace_spans_total{outcome=\"dropped\"}";
    eventually(
        "spans are dropped",
        || Ok(traces.metric(dropped)? >= 1000.0),
    )?;
    ensure!(
        traces
            .served
            .gateway
            .log()?
            .matches("does not take spans")
            .count()
            <= 1
    );
    Ok(())
}
