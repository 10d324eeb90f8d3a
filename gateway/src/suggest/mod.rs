//! Drafts the masks of a database: which columns look as if they held personal data or secrets, by their names and by samples of their values.
//! It refuses to decide: what it writes is for a person to read and change. No sampled value leaves this room, not even in an error.
//! Next rooms: `catalog` for views, `upstream` for questions.

mod evidence;
mod names;
mod sample;

use std::collections::BTreeMap;
use std::sync::Arc;

use gatewright_sql::Catalog;
use thiserror::Error;

use crate::catalog::{CatalogError, CatalogHandle};
use crate::upstream::service::Service;
use crate::upstream::{Target, UpstreamError};

pub use evidence::{Confidence, Evidence, Method};

/// What to look at.
#[derive(Debug, Clone)]
pub struct Options {
    /// Schemas to look into; all but the system's where none is named.
    pub schemas: Vec<String>,
    /// Rows to look at in each table; 0 looks at names alone.
    pub sample_rows: u32,
}

/// Why there is no draft.
#[derive(Debug, Error)]
pub enum SuggestError {
    #[error("the server cannot be asked")]
    Server(#[from] UpstreamError),
    #[error("the catalog could not be read")]
    Catalog(#[from] CatalogError),
    #[error("the answer to the question for columns has an unexpected form")]
    Form,
}

/// A column that may need a mask.
#[derive(Debug, Clone)]
pub struct Suggestion {
    pub schema: String,
    pub table: String,
    pub column: String,
    pub type_name: String,
    pub method: Method,
    pub evidence: Evidence,
    /// Columns of views that carry it, as `schema.view.column`.
    pub shown_by: Vec<String>,
}

/// What was found, and what could not be looked at.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub suggestions: Vec<Suggestion>,
    /// How many columns of how many tables were considered.
    pub columns: usize,
    pub tables: usize,
    /// Tables that could not be sampled, each with the server's SQLSTATE or a word.
    pub unsampled: Vec<(String, String)>,
}

/// One column of a table, as the server's catalog has it.
#[derive(Debug, Clone)]
struct Column {
    schema: String,
    table: String,
    name: String,
    /// Without its length: `character varying`.
    type_name: String,
    comment: String,
    /// Part of a primary, unique or foreign key: joins hang on it.
    key: bool,
    rows: f64,
}

/// Looks at a database. Only the catalog and samples are read, in a read-only transaction.
///
/// # Errors
/// The server cannot be reached or refuses a question about its catalog; a table that may not be read is told in the draft.
pub async fn draft(target: &Target, options: &Options) -> Result<Draft, SuggestError> {
    let catalog = CatalogHandle::new(target.clone());
    catalog.refresh().await?;
    let mut service = Service::connect(target).await?;
    let columns = sample::columns(&mut service, options).await?;
    let views = sample::view_columns(&mut service).await?;
    let mut draft = Draft {
        columns: columns.len(),
        ..Draft::default()
    };
    let mut tables: BTreeMap<(String, String), Vec<Column>> = BTreeMap::new();
    for column in columns {
        let table = (column.schema.clone(), column.table.clone());
        tables.entry(table).or_default().push(column);
    }
    draft.tables = tables.len();
    for ((schema, table), columns) in tables {
        let counts = match sample::table(&mut service, &columns, options.sample_rows).await {
            Ok(counts) => counts,
            Err(reason) => {
                draft.unsampled.push((format!("{schema}.{table}"), reason));
                vec![sample::Counts::default(); columns.len()]
            }
        };
        for (column, counts) in columns.iter().zip(counts) {
            if let Some((method, evidence)) = evidence::weigh(column, &counts) {
                draft.suggestions.push(Suggestion {
                    schema: schema.clone(),
                    table: table.clone(),
                    column: column.name.clone(),
                    type_name: column.type_name.clone(),
                    method,
                    evidence,
                    shown_by: Vec::new(),
                });
            }
        }
    }
    service.close().await;
    show_views(&mut draft, &catalog.current(), &views);
    Ok(draft)
}

/// Says which views show a suggested column: they are protected with it.
fn show_views(draft: &mut Draft, catalog: &Arc<Catalog>, views: &[sample::ViewColumn]) {
    for view in views {
        let Some((sources, _)) = catalog.carried_by(view.oid, view.attnum) else {
            continue;
        };
        for suggestion in &mut draft.suggestions {
            let carried = sources.iter().any(|source| {
                source.schema == suggestion.schema
                    && source.table == suggestion.table
                    && source.column == suggestion.column
            });
            if carried {
                suggestion.shown_by.push(view.name.clone());
            }
        }
    }
}
