//! What is exported is read by other programs: Python's readers of JSON and CSV.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use gatewright_harness::{GatewayCommand, Version, receiver_script};
use gatewright_tests::raw::{Client, extended, sync};
use serde_json::Value;

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

/// Every value is the one that the CSV has, with its type.
#[test]
fn a_table_has_the_values_of_the_csv() -> Result<()> {
    let recorded = Recorded::start(Version::Installed, "record_parquet", "")?;
    let mut client = Client::connect(&recorded.served.dsn("ada")?)?;
    client.query("SELECT 'Größe', email FROM customers WHERE id <= 3")?;
    client.query("UPDATE customers SET name = '\"a\", b' WHERE id = 1")?;
    let select = extended("SELECT $1::int8", &[Some("21")], 1);
    client.send(&[select, sync()].concat())?;
    client.until_ready()?;
    client.query("DROP TABLE customers")?;
    client.query("SELECT 1/0")?;
    drop(client);
    let sessions = recorded.sessions(1)?;
    let id = sessions[0].0.to_string();
    let export = |format: &str| -> Result<PathBuf> {
        let file = recorded.folder.path().join(format);
        let directory = recorded.directory.display().to_string();
        let arguments = [&id, "--format", format, "--directory", &directory];
        let output = GatewayCommand::verb("export")
            .arguments(arguments)
            .output()?;
        ensure!(output.status.success(), "{output:?}");
        std::fs::write(&file, output.stdout)?;
        Ok(file)
    };
    let read = receiver_script("parquet.py")?
        .arg(export("parquet")?)
        .output()?;
    let text = String::from_utf8(read.stdout)?;
    ensure!(
        read.status.success(),
        "{}",
        String::from_utf8_lossy(&read.stderr)
    );
    let mut lines = text.lines().map(serde_json::from_str::<Value>);
    let types = lines.next().context("types")??;
    assert_eq!(types["session"], "VARCHAR");
    assert_eq!(types["rows"], "BIGINT");
    assert_eq!(types["at"], "TIMESTAMP WITH TIME ZONE");
    let rows: Vec<Value> = lines.collect::<Result<_, _>>()?;
    let reader = "import csv, json, sys\nfor line in csv.DictReader(open(sys.argv[1], encoding='utf-8', newline='')): print(json.dumps(line))";
    let read = Command::new("python3")
        .args(["-c", reader])
        .arg(export("csv")?)
        .output()?;
    let text = String::from_utf8(read.stdout)?;
    let expected: Vec<Value> = text
        .lines()
        .map(serde_json::from_str)
        .collect::<Result<_, _>>()?;
    assert_eq!((rows.len(), expected.len()), (5, 5));
    for (row, expected) in rows.iter().zip(&expected) {
        let columns = expected.as_object().context("columns")?;
        assert_eq!(
            row.as_object().map(serde_json::Map::len),
            Some(columns.len())
        );
        for (column, value) in columns.iter().filter(|(column, _)| *column != "at") {
            let own = match &row[column] {
                Value::Null => String::new(),
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            assert_eq!(Some(own.as_str()), value.as_str(), "{column}");
        }
    }
    assert_eq!(rows[0]["masked_values"], 3);
    assert_eq!(rows[3]["outcome"], "refused");
    assert_eq!(rows[3]["rows"], Value::Null);
    assert_eq!(
        std::fs::read(export("parquet")?)?,
        std::fs::read(export("parquet")?)?
    );
    Ok(())
}
