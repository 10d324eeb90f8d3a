//! Edits of the statements of tests/evasion, with the protected columns that its attacks are after.

use anyhow::{Context, Result};
use gatewright_contract::{ColumnReplacement, Edit, PartialMask, ReplacementValue};
use gatewright_harness::locate::workspace;

use super::{Counts, conclude, judge, report};
use crate::corpora::{cases, stage};
use crate::server::Server;
use crate::versions;

#[tokio::test]
async fn edits_of_the_corpora_are_read_as_they_are_meant() -> Result<()> {
    let edits = edits()?;
    let mut reports = Vec::new();
    for version in versions()? {
        let (_postgres, database) = stage(version)?;
        let server = Server::connect(&database).await?;
        let mut counts = Counts::default();
        let (failures, _) = judge(&server, cases()?, &edits, &mut counts).await?;
        reports.push(report(&format!("{version:?}"), &counts, &failures));
    }
    conclude(reports)
}

/// The columns of the attacks' settings, with masks of every kind.
pub fn edits() -> Result<Vec<Edit>> {
    let settings = std::fs::read_to_string(workspace().join("tests/evasion/settings.toml"))?;
    let columns = settings
        .lines()
        .filter_map(|line| line.split("column = \"").nth(1)?.split('"').next());
    let replaced = columns.enumerate().map(|(at, name)| {
        let parts: Vec<&str> = name.split('.').collect();
        let [schema, table, column] = parts.as_slice() else {
            anyhow::bail!("{name} is not a column with its table and schema");
        };
        Ok(Edit::ReplaceColumn(ColumnReplacement {
            schema: (*schema).to_owned(),
            table: (*table).to_owned(),
            column: (*column).to_owned(),
            value: value(at),
            look_ups: u32::try_from(at % 2)?,
        }))
    });
    replaced.collect::<Result<_>>().context("settings.toml")
}

/// Replacements of a third of the columns of a database: always the same third.
pub async fn of_some_columns(server: &Server) -> Result<Vec<Edit>> {
    let columns = "SELECT n.nspname, c.relname, a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
        JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
        WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'f', 'm') AND n.nspname !~ '^pg_' AND hashtext(c.relname || '.' || a.attname) % 3 = 0 \
        ORDER BY 1, 2, 3";
    let mut edits = Vec::new();
    for (at, row) in server.rows(columns).await?.into_iter().enumerate() {
        let [Some(schema), Some(table), Some(column)] = row.as_slice() else {
            continue;
        };
        edits.push(Edit::ReplaceColumn(ColumnReplacement {
            schema: schema.clone(),
            table: table.clone(),
            column: column.clone(),
            value: value(at),
            look_ups: u32::try_from(at % 2)?,
        }));
    }
    Ok(edits)
}

/// For strings; other types become NULL.
fn value(at: usize) -> ReplacementValue {
    match at % 3 {
        0 => ReplacementValue::Partial(PartialMask {
            first: 1,
            last: 2,
            fill: '*',
        }),
        1 => ReplacementValue::Text("'***'".to_owned()),
        _ => ReplacementValue::Null,
    }
}
