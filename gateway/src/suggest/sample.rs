//! Queries for columns and for samples of their values. Values are scanned and counted, but not kept.

use gatewright_detectors::{Country, Detectors, Kind, Match};

use gatewright_sql::render::quoted_identifier;

use super::{Column, Options, SuggestError};
use crate::upstream::UpstreamError;
use crate::upstream::service::Service;

/// The number of characters of a value that are scanned.
const MAX_CHARACTERS: u32 = 4096;

const COLUMNS: &str = "SELECT n.nspname, c.relname, a.attname, pg_catalog.format_type(a.atttypid, NULL), \
     coalesce(pg_catalog.col_description(c.oid, a.attnum), ''), \
     EXISTS (SELECT FROM pg_catalog.pg_constraint k WHERE k.conrelid = c.oid AND k.contype IN ('p', 'u', 'f') AND a.attnum = ANY (k.conkey)), \
     c.reltuples \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
     WHERE c.relkind IN ('r', 'p', 'f') AND NOT c.relispartition AND c.relpersistence <> 't' \
     AND n.nspname NOT IN ('pg_catalog', 'information_schema') AND n.nspname NOT LIKE 'pg\\_toast%' \
     ORDER BY n.nspname, c.relname, a.attnum";

const VIEW_COLUMNS: &str = "SELECT c.oid, a.attnum, pg_catalog.concat_ws('.', n.nspname, c.relname, a.attname) \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped \
     WHERE c.relkind IN ('v', 'm') AND n.nspname NOT IN ('pg_catalog', 'information_schema') ORDER BY 3";

pub(super) struct ViewColumn {
    pub oid: u32,
    pub attnum: i16,
    pub name: String,
}

/// The number of sampled values, and the number of values in which each kind was found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Counts {
    pub values: u32,
    pub found: [u32; Kind::ALL.len()],
}

pub(super) async fn columns(
    service: &mut Service,
    options: &Options,
) -> Result<Vec<Column>, SuggestError> {
    let rows = service.query(COLUMNS).await?;
    let mut columns = Vec::with_capacity(rows.len());
    for row in &rows {
        let text = |at: usize| {
            row.get(at)
                .and_then(Option::as_deref)
                .ok_or(SuggestError::Form)
        };
        let schema = text(0)?;
        if !options.schemas.is_empty() && !options.schemas.iter().any(|wanted| wanted == schema) {
            continue;
        }
        columns.push(Column {
            schema: schema.to_owned(),
            table: text(1)?.to_owned(),
            name: text(2)?.to_owned(),
            type_name: text(3)?.to_owned(),
            comment: text(4)?.to_owned(),
            key: text(5)? == "t",
            rows: text(6)?.parse().map_err(|_| SuggestError::Form)?,
        });
    }
    Ok(columns)
}

pub(super) async fn view_columns(service: &mut Service) -> Result<Vec<ViewColumn>, SuggestError> {
    let rows = service.query(VIEW_COLUMNS).await?;
    rows.iter()
        .map(|row| {
            let text = |at: usize| row.get(at).and_then(Option::as_deref);
            Some(ViewColumn {
                oid: text(0)?.parse().ok()?,
                attnum: text(1)?.parse().ok()?,
                name: text(2)?.to_owned(),
            })
        })
        .collect::<Option<Vec<_>>>()
        .ok_or(SuggestError::Form)
}

/// Scans a sample of each column. The error is the reason why there is no sample. It does not contain the server's
/// message, which may quote values.
pub(super) async fn table(
    service: &mut Service,
    columns: &[Column],
    rows: u32,
) -> Result<Vec<Counts>, String> {
    let mut counts = vec![Counts::default(); columns.len()];
    if rows == 0 || columns.is_empty() {
        return Ok(counts);
    }
    let reason = |error: &UpstreamError| match error {
        UpstreamError::Server { fields, .. } => match fields.sqlstate() {
            "42501" => "permission denied".to_owned(),
            "57014" => "statement timeout after 10 s".to_owned(),
            other => format!("the server reported SQLSTATE {other}"),
        },
        other => other.to_string(),
    };
    let sampled = match service.query(&sample_query(columns, rows)).await {
        Ok(sampled) => sampled,
        Err(error) => {
            // Ends the failed transaction. If the connection is lost, the next query fails as well.
            let _ = service.query("ROLLBACK").await;
            return Err(reason(&error));
        }
    };
    let countries: Vec<Country> = Country::ALL
        .into_iter()
        .filter(|country| *country != Country::Nl)
        .collect();
    let detectors = Detectors::new(&Kind::ALL, &countries);
    let mut finds: Vec<Match> = Vec::new();
    for row in &sampled {
        for (value, counts) in row.iter().zip(&mut counts) {
            let Some(value) = value else { continue };
            counts.values += 1;
            finds.clear();
            detectors.scan(value.as_bytes(), &mut finds);
            for (kind, found) in Kind::ALL.iter().zip(&mut counts.found) {
                *found += u32::from(finds.iter().any(|find| find.kind == *kind));
            }
        }
    }
    Ok(counts)
}

fn sample_query(columns: &[Column], rows: u32) -> String {
    let listed: Vec<String> = columns
        .iter()
        .map(|column| match is_sampled(&column.type_name) {
            true => format!(
                "pg_catalog.left({}::pg_catalog.text, {MAX_CHARACTERS})",
                quoted_identifier(&column.name)
            ),
            false => "NULL".to_owned(),
        })
        .collect();
    let table = columns.first().map_or_else(String::new, |column| {
        format!(
            "{}.{}",
            quoted_identifier(&column.schema),
            quoted_identifier(&column.table)
        )
    });
    let estimated = columns.first().map_or(0.0, |column| column.rows);
    // Samples pages across a large table, twice as many as necessary, instead of reading its beginning.
    let wanted = f64::from(rows);
    let sample = match estimated > 20.0 * wanted {
        true => format!(
            " TABLESAMPLE SYSTEM ({:.4})",
            (200.0 * wanted / estimated).clamp(0.0001, 100.0)
        ),
        false => String::new(),
    };
    format!(
        "BEGIN READ ONLY; SET LOCAL statement_timeout = '10s'; SELECT {} FROM {table}{sample} LIMIT {rows}; COMMIT",
        listed.join(", ")
    )
}

/// Whether values of this type are sampled: text types, types that contain text, and types that may hold card numbers.
pub(super) fn is_sampled(type_name: &str) -> bool {
    let name = type_name.trim_end_matches("[]");
    let name = name.rsplit_once('.').map_or(name, |(_, name)| name);
    matches!(
        name,
        "text"
            | "character varying"
            | "character"
            | "json"
            | "jsonb"
            | "xml"
            | "citext"
            | "hstore"
            | "bigint"
            | "numeric"
    )
}
