//! Suggests which columns of a database to mask, from their names and from sampled values.
//! The result is a draft for a person to review. No sampled value leaves this module, not even in an error.
//! Next: `catalog` traces columns through views, and `upstream` runs the queries.

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

/// What to examine.
#[derive(Debug, Clone)]
pub struct Options {
    /// The schemas to examine. Empty stands for all except the system schemas.
    pub schemas: Vec<String>,
    /// The number of rows to sample per table. With 0 only names are examined.
    pub sample_rows: u32,
}

/// The database cannot be examined.
#[derive(Debug, Error)]
pub enum SuggestError {
    #[error("the server could not be queried")]
    Server(#[from] UpstreamError),
    #[error("the catalog could not be read")]
    Catalog(#[from] CatalogError),
    #[error("the query for columns returned an unexpected result")]
    Form,
}

/// A column that should probably be masked.
#[derive(Debug, Clone)]
pub struct Suggestion {
    pub schema: String,
    pub table: String,
    pub column: String,
    pub type_name: String,
    pub method: Method,
    pub evidence: Evidence,
    /// View columns that contain its values, as `schema.view.column`.
    pub view_columns: Vec<String>,
}

/// The suggestions for a database.
#[derive(Debug, Clone, Default)]
pub struct Draft {
    pub suggestions: Vec<Suggestion>,
    /// The number of examined columns.
    pub columns: usize,
    /// The number of examined tables.
    pub tables: usize,
    /// Tables that could not be sampled, each with the reason.
    pub unsampled: Vec<(String, String)>,
}

/// A table column from the server's catalog.
#[derive(Debug, Clone)]
struct Column {
    schema: String,
    table: String,
    name: String,
    /// Without a type modifier, such as `character varying`.
    type_name: String,
    comment: String,
    /// Part of a primary, unique or foreign key, so joins may use it.
    key: bool,
    /// The estimated number of rows of the table (`pg_class.reltuples`).
    rows: f64,
}

/// Examines a database. Reads only the catalog and samples, in read-only transactions.
///
/// # Errors
/// The server cannot be reached, or a catalog query fails. A table that cannot be read is listed in the draft.
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
            if let Some((method, evidence)) = evidence::assess(column, &counts) {
                draft.suggestions.push(Suggestion {
                    schema: schema.clone(),
                    table: table.clone(),
                    column: column.name.clone(),
                    type_name: column.type_name.clone(),
                    method,
                    evidence,
                    view_columns: Vec::new(),
                });
            }
        }
    }
    service.close().await;
    add_view_columns(&mut draft, &catalog.current(), &views);
    Ok(draft)
}

/// Adds the view columns that contain a suggested column. Masking the column also masks them.
fn add_view_columns(draft: &mut Draft, catalog: &Arc<Catalog>, views: &[sample::ViewColumn]) {
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
                suggestion.view_columns.push(view.name.clone());
            }
        }
    }
}
