//! What is exported is read by other programs: Python's readers of JSON and CSV.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use gatewright_harness::Version;
use gatewright_tests::raw::{Client, extended, sync};

use super::fixture::Recorded;

/// Reads the three files as their formats are defined, and prints what was found.
const READER: &str = r#"
import csv, json, sys
jsonl, table, cast = sys.argv[1:]
events = [json.loads(line) for line in open(jsonl, encoding="utf-8")]
assert all(event["session"] and event["at"] for event in events)
names = [event["event"] for event in events]
assert names[0] == "opened" and names[-1] == "ended", names
rows = [event["values"] for event in events if event["event"] == "row"]
errors = [event["fields"]["C"] for event in events if event["event"] == "error"]
texts = {event["statement"]: event["text"] for event in events if event["event"] == "judged"}
ran = [texts[event["statement"]] for event in events if event["event"] == "attempted"]
lines = list(csv.DictReader(open(table, encoding="utf-8", newline=""), strict=True))
assert all(None not in line and None not in line.values() for line in lines)
with open(cast, encoding="utf-8") as stream:
    header = json.loads(stream.readline())
    frames = [json.loads(line) for line in stream]
assert header["version"] == 3 and header["term"]["cols"] > 0 and header["term"]["rows"] > 0
for frame in frames:
    interval, code, data = frame
    assert isinstance(interval, float) and interval >= 0 and code in ("o", "m"), frame
    assert isinstance(data, str)
shown = "".join(data for _, code, data in frames if code == "o")
assert "\n" not in shown.replace("\r\n", "")
print(json.dumps({
    "rows": rows,
    "errors": errors,
    "ran": ran,
    "csv": [[line["outcome"], line["sqlstate"], line["text"], line["parameters"]] for line in lines],
    "markers": [data for _, code, data in frames if code == "m"],
    "shown": shown,
}))
"#;

#[test]
fn other_programs_read_what_is_exported() -> Result<()> {
    let recorded = Recorded::start(Version::Installed, "record_export", "")?;
    let mut client = Client::connect(&recorded.served.dsn("ada")?)?;
    let odd = "SELECT 'a \"quoted\", value'\n AS \"Größe\" -- two lines";
    client.query(odd)?;
    let select = extended("SELECT $1::int8 AS doubled", &[Some("21")], 1);
    client.send(&[select, sync()].concat())?;
    client.until_ready()?;
    client.query("SELECT 1/0")?;
    client.query("SELECT broken here from")?;
    drop(client);
    let sessions = recorded.sessions(1)?;
    let id = sessions[0].0.to_string();
    let mut files = Vec::new();
    for format in ["jsonl", "csv", "asciicast"] {
        let export = || -> Result<String> {
            let (text, code) = recorded.command(&["export", &id, "--format", format])?;
            ensure!(code == Some(0), "{text}");
            Ok(text)
        };
        let text = export()?;
        ensure!(text == export()?, "{format} is not the same twice");
        let path = recorded.folder.path().join(format);
        std::fs::write(&path, text)?;
        files.push(path);
    }
    let output = Command::new("python3")
        .args(["-c", READER])
        .args(&files)
        .output()
        .context("python3")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{errors}");
    let found: serde_json::Value = serde_json::from_slice(&output.stdout)?;
    let doubled = "SELECT $1::int8 AS doubled";
    assert_eq!(
        found["rows"],
        serde_json::json!([["a \"quoted\", value"], ["21"]])
    );
    assert_eq!(found["errors"], serde_json::json!(["22012", "42601"]));
    let odd_judged = odd.trim();
    assert_eq!(
        found["ran"],
        serde_json::json!([odd_judged, doubled, "SELECT 1/0"])
    );
    assert_eq!(
        found["csv"],
        serde_json::json!([
            ["completed", "00000", odd_judged, "[]"],
            ["completed", "00000", doubled, "[\"21\"]"],
            ["failed", "22012", "SELECT 1/0", "[]"],
            ["refused", "42601", "SELECT broken here from", ""],
        ])
    );
    let markers = found["markers"].as_array().context("markers")?;
    assert_eq!(markers.len(), 3, "{markers:?}");
    assert_eq!(markers[1], "#2 SELECT $1::int8 AS doubled");
    let shown = found["shown"].as_str().unwrap_or_default();
    for part in ["Größe", " doubled\r\n", "ERROR:  22012: division by zero"] {
        assert!(shown.contains(part), "{part}: {shown}");
    }
    let (text, code) = recorded.command(&["export", &id, &id, "--format", "asciicast"])?;
    assert!(code == Some(1) && text.contains("of one session"), "{text}");
    Ok(())
}
