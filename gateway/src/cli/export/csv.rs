//! CSV (RFC 4180): one line per execution or refusal.

use std::io::{self, Write};

use anyhow::Result;
use gatewright_contract::SessionId;
use gatewright_record::directory::Segments;
use gatewright_record::segment::Scan;

use super::rows::{self, Row};
use crate::cli::record::Record;
use crate::cli::sessions::text;

const COLUMNS: [&str; 19] = [
    "session",
    "subject",
    "agent",
    "database",
    "role",
    "at",
    "execution",
    "outcome",
    "sqlstate",
    "rows",
    "bytes",
    "masked_values",
    "rows_changed",
    "elapsed_us",
    "verb",
    "tables",
    "text",
    "ran_as",
    "parameters",
];

pub(super) fn heading(out: &mut impl Write) -> io::Result<()> {
    line(out, &COLUMNS.map(str::to_owned))
}

pub(super) fn export(
    record: &Record,
    segments: &Segments,
    session: SessionId,
    out: &mut impl Write,
) -> Result<Vec<(u32, Scan)>> {
    rows::each(record, segments, session, |row| line(out, &fields(row)))
}

fn fields(row: Row) -> Vec<String> {
    let number = |number: Option<u64>| number.map(|number| number.to_string());
    let fields = [
        Some(row.session),
        Some(row.subject),
        row.agent,
        Some(row.database),
        Some(row.role),
        Some(text::precise_time(row.at)),
        number(row.execution),
        Some(row.outcome),
        row.sqlstate,
        number(row.rows),
        number(row.bytes),
        number(row.masked_values),
        number(row.rows_changed),
        number(row.elapsed_us),
        row.verb,
        row.tables,
        row.text,
        row.ran_as,
        row.parameters,
    ];
    fields.map(Option::unwrap_or_default).into()
}

fn line(out: &mut impl Write, fields: &[String]) -> io::Result<()> {
    let fields: Vec<String> = fields.iter().map(|field| quoted(field)).collect();
    write!(out, "{}\r\n", fields.join(","))
}

fn quoted(field: &str) -> String {
    match field.contains(['"', ',', '\r', '\n']) {
        true => format!("\"{}\"", field.replace('"', "\"\"")),
        false => field.to_owned(),
    }
}
