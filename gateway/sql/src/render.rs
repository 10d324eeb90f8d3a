//! Facts as text for people, and names quoted for SQL. It shows what the facts contain and decides nothing.

use std::fmt::Write;

use crate::facts::{
    ColumnRef, CopyDestination, Facts, Output, Outputs, RelationKind, SessionEffect, SettingChange,
    SettingValue, TableRef, TransactionCommand, Verb,
};

/// Aligned lines, each a label and a value. Ends with a newline.
pub fn text(facts: &Facts) -> String {
    let mut page = Page(String::new());
    page.entry("statement", &[verb(facts.verb)]);
    if facts.commands.len() > 1 {
        page.entry("commands", &[facts.commands.join(", ")]);
    }
    page.entry("tables", &tables(&facts.tables));
    page.entry("columns", &columns(facts));
    page.entry("functions", &[facts.functions.join(", ")]);
    if facts.parameter_count > 0 {
        page.entry("parameters", &[facts.parameter_count.to_string()]);
    }
    if let Some(limit) = facts.limit {
        page.entry("limit", &[limit.to_string()]);
    }
    if facts.unbounded_write {
        page.entry(
            "warning",
            &["writes rows that no WHERE clause narrows".to_owned()],
        );
    }
    page.entry("opaque", &facts.opaque);
    page.entry("output", &outputs(&facts.outputs));
    if let Some(effect) = session(&facts.session) {
        page.entry("session", &[effect]);
    }
    let settings: Vec<String> = facts.settings.iter().map(setting).collect();
    page.entry("settings", &settings);
    page.entry("fingerprint", &[format!("{:016x}", facts.fingerprint)]);
    page.0
}

/// Quotes a name for SQL, whatever it contains (PostgreSQL documentation, Identifiers and Key Words).
pub fn quoted_identifier(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// Quotes a string for SQL with standard_conforming_strings on (PostgreSQL documentation, String Constants).
pub(crate) fn quoted_literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

struct Page(String);

impl Page {
    /// One line for each value; only the first has the label.
    fn entry(&mut self, label: &str, values: &[String]) {
        let mut label = label;
        for value in values.iter().filter(|value| !value.is_empty()) {
            // Writing to a String cannot fail.
            let _ = writeln!(self.0, "{label:<12} {value}");
            label = "";
        }
    }
}

/// The name of an enum value, in the contract's spelling.
fn word(value: impl serde::Serialize) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        _ => String::new(),
    }
}

fn verb(verb: Verb) -> String {
    word(verb)
}

fn qualified(table: &TableRef) -> String {
    if table.schema.is_empty() {
        table.name.clone()
    } else {
        format!("{}.{}", table.schema, table.name)
    }
}

fn tables(tables: &[TableRef]) -> Vec<String> {
    let name = |table: &TableRef| match table.name.is_empty() {
        true => "(any)".to_owned(),
        false => qualified(table),
    };
    let names: Vec<String> = tables.iter().map(name).collect();
    let width = widest(&names);
    names
        .into_iter()
        .zip(tables)
        .map(|(name, table)| {
            let access = match table.access.is_empty() {
                true => "read by code that the statement does not name".to_owned(),
                false => table.access.names().collect::<Vec<_>>().join(", "),
            };
            match table.kind {
                RelationKind::Unresolved => format!("{name:<width$}  {access}"),
                kind => format!("{name:<width$}  {access} ({})", word(kind)),
            }
        })
        .collect()
}

/// One line per column, with all its usages.
fn columns(facts: &Facts) -> Vec<String> {
    let mut lines: Vec<(String, Vec<String>)> = Vec::new();
    for column in &facts.columns {
        let name = column_name(facts, column);
        let usage = word(column.usage);
        match lines.iter_mut().find(|(known, _)| *known == name) {
            Some((_, usages)) => usages.push(usage),
            None => lines.push((name, vec![usage])),
        }
    }
    let names: Vec<String> = lines.iter().map(|(name, _)| name.clone()).collect();
    let width = widest(&names);
    lines
        .into_iter()
        .map(|(name, usages)| format!("{name:<width$}  {}", usages.join(", ")))
        .collect()
}

fn column_name(facts: &Facts, column: &ColumnRef) -> String {
    let table = column.table.and_then(|at| facts.tables.get(at));
    match table {
        Some(table) => format!("{}.{}", qualified(table), column.name),
        None => column.name.clone(),
    }
}

fn outputs(outputs: &Outputs) -> Vec<String> {
    match outputs {
        Outputs::None => Vec::new(),
        Outputs::Unknown => vec!["known when the server describes it".to_owned()],
        Outputs::Columns(columns) => columns.iter().enumerate().map(output).collect(),
    }
}

fn output((at, output): (usize, &Output)) -> String {
    let name = output.name.as_deref().unwrap_or("?column?");
    let sources = match output.sources.as_deref() {
        None => return format!("{} {name}", at + 1),
        Some([]) => "carries no column".to_owned(),
        Some(sources) => {
            let names = sources
                .iter()
                .map(|source| format!("{}.{}.{}", source.schema, source.table, source.column));
            format!("from {}", names.collect::<Vec<_>>().join(", "))
        }
    };
    format!("{} {name}  ({sources})", at + 1)
}

fn session(effect: &SessionEffect) -> Option<String> {
    Some(match effect {
        SessionEffect::None => return None,
        SessionEffect::Transaction(command) => transaction(command),
        SessionEffect::Prepare { name, .. } => format!("prepares statement {name}"),
        SessionEffect::Execute { name } => format!("runs prepared statement {name}"),
        SessionEffect::Deallocate(Some(name)) => format!("drops prepared statement {name}"),
        SessionEffect::Deallocate(None) => "drops all prepared statements".to_owned(),
        SessionEffect::DeclareCursor { name } => format!("opens cursor {name}"),
        SessionEffect::Fetch { name } => format!("reads cursor {name}"),
        SessionEffect::CloseCursor(Some(name)) => format!("closes cursor {name}"),
        SessionEffect::CloseCursor(None) => "closes all cursors".to_owned(),
        SessionEffect::CopyOut(copy) => match copy.destination {
            CopyDestination::Stdout => format!("copies to the client as {}", word(copy.format)),
            CopyDestination::File => "copies to a file on the server".to_owned(),
            CopyDestination::Program => "copies to a program on the server".to_owned(),
        },
        SessionEffect::CopyIn => "copies into a table".to_owned(),
        SessionEffect::DiscardAll => "discards the session's state".to_owned(),
        // Told as settings.
        SessionEffect::Set { .. } => return None,
        SessionEffect::Explain { analyze: true, .. } => "runs the statement it explains".to_owned(),
        SessionEffect::Explain { .. } => return None,
    })
}

fn setting(change: &SettingChange) -> String {
    let SettingChange { name, value, local } = change;
    let until = if *local { " for this transaction" } else { "" };
    match value {
        SettingValue::Constant(value) => format!("sets {name} to {value}{until}"),
        SettingValue::Initial => format!("resets {name}{until}"),
        SettingValue::Unknown => format!("sets {name} to a value that is not constant{until}"),
    }
}

fn transaction(command: &TransactionCommand) -> String {
    match command {
        TransactionCommand::Begin => "begins a transaction".to_owned(),
        TransactionCommand::Commit { .. } => "commits the transaction".to_owned(),
        TransactionCommand::Rollback { .. } => "rolls the transaction back".to_owned(),
        TransactionCommand::Savepoint(name) => format!("sets savepoint {name}"),
        TransactionCommand::Release(name) => format!("releases savepoint {name}"),
        TransactionCommand::RollbackTo(name) => format!("rolls back to savepoint {name}"),
        TransactionCommand::PrepareTransaction => {
            "prepares the transaction for two-phase commit".to_owned()
        }
        TransactionCommand::CommitPrepared => "commits a prepared transaction".to_owned(),
        TransactionCommand::RollbackPrepared => "rolls a prepared transaction back".to_owned(),
    }
}

fn widest(names: &[String]) -> usize {
    names
        .iter()
        .map(|name| name.chars().count())
        .max()
        .unwrap_or(0)
}
