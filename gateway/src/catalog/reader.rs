//! The questions asked of pg_catalog, for PostgreSQL 13 to 18.

use gatewright_sql::{Catalog, RelationKind};
use thiserror::Error;

use crate::upstream::service::Service;
use crate::upstream::{Target, UpstreamError};

const RELATIONS: &str = "SELECT c.oid, n.nspname, c.relname, c.relkind, c.relpersistence, n.nspname IN ('pg_catalog', 'information_schema') \
     FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace \
     WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')";

const COLUMNS: &str = "SELECT a.attrelid, a.attnum, a.attname, a.atttypid FROM pg_catalog.pg_attribute a \
     JOIN pg_catalog.pg_class c ON c.oid = a.attrelid \
     WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'p', 'v', 'm', 'f', 'S')";

/// What the rules of a view (and of a table that has rules) read.
const DEPENDENCIES: &str = "SELECT DISTINCT r.ev_class, d.refobjid, d.refobjsubid FROM pg_catalog.pg_rewrite r \
     JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid \
     WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> r.ev_class AND r.ev_class >= 16384";

/// A whole row in a rule (attribute number 0 in its tree) leaves no trace of its columns in pg_depend: such a rule reads all columns of
/// all that it depends on.
const WHOLE_ROWS: &str = "SELECT DISTINCT r.ev_class, a.attrelid, a.attnum FROM pg_catalog.pg_rewrite r \
     JOIN pg_catalog.pg_depend d ON d.classid = 'pg_catalog.pg_rewrite'::pg_catalog.regclass AND d.objid = r.oid \
     JOIN pg_catalog.pg_attribute a ON a.attrelid = d.refobjid AND a.attnum > 0 AND NOT a.attisdropped \
     WHERE d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass AND d.refobjid <> r.ev_class AND r.ev_class >= 16384 \
     AND r.ev_action::pg_catalog.text LIKE '%:varattno 0 %'";

/// A partition or inheriting table holds rows of its parent, so reading it reads the parent's columns.
const PARENTS: &str = "SELECT i.inhrelid, i.inhparent, p.attnum FROM pg_catalog.pg_inherits i \
     JOIN pg_catalog.pg_attribute p ON p.attrelid = i.inhparent AND p.attnum > 0 AND NOT p.attisdropped \
     JOIN pg_catalog.pg_class c ON c.oid = i.inhparent AND c.relkind IN ('r', 'p', 'f')";

const FUNCTIONS: &str = "SELECT DISTINCT n.nspname, p.proname, l.lanname NOT IN ('c', 'internal') FROM pg_catalog.pg_proc p \
     JOIN pg_catalog.pg_namespace n ON n.oid = p.pronamespace JOIN pg_catalog.pg_language l ON l.oid = p.prolang WHERE n.nspname NOT IN ('pg_catalog', 'information_schema')";

const TYPES: &str = "SELECT t.oid, pg_catalog.format_type(t.oid, NULL) FROM pg_catalog.pg_type t WHERE t.typtype <> 'c' AND t.typelem = 0 \
     OR t.oid < 16384";

/// The catalog of a database could not be read.
#[derive(Debug, Error)]
pub enum CatalogError {
    #[error("the service connection failed: {0}")]
    Connection(UpstreamError),
    #[error("the answer to the {question} question has an unexpected form")]
    Form { question: &'static str },
}

type Row = Vec<Option<String>>;

pub(super) async fn read(target: &Target, last_generation: u64) -> Result<Catalog, CatalogError> {
    let mut service = Service::connect(target).await?;
    // One snapshot, so that the answers agree with each other.
    service
        .query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        .await?;
    let relations = service.query(RELATIONS).await?;
    let columns = service.query(COLUMNS).await?;
    let dependencies = service.query(DEPENDENCIES).await?;
    let whole_rows = service.query(WHOLE_ROWS).await?;
    let parents = service.query(PARENTS).await?;
    let functions = service.query(FUNCTIONS).await?;
    let types = service.query(TYPES).await?;
    service.query("COMMIT").await?;
    service.close().await;

    let mut catalog = Catalog::builder();
    catalog.generation(last_generation + 1);
    for row in &relations {
        let form = || CatalogError::Form {
            question: "relations",
        };
        let kind = kind_of(
            text(row, 3).ok_or_else(form)?,
            text(row, 4).ok_or_else(form)?,
            text(row, 5) == Some("t"),
        );
        catalog.relation(
            number(row, 0).ok_or_else(form)?,
            text(row, 1).ok_or_else(form)?,
            text(row, 2).ok_or_else(form)?,
            kind,
        );
    }
    for row in &columns {
        let form = || CatalogError::Form {
            question: "columns",
        };
        let attribute = number::<i16>(row, 1).ok_or_else(form)?;
        catalog.column(
            number(row, 0).ok_or_else(form)?,
            attribute,
            text(row, 2).ok_or_else(form)?,
            number(row, 3).ok_or_else(form)?,
        );
    }
    for row in dependencies.iter().chain(&whole_rows).chain(&parents) {
        let form = || CatalogError::Form {
            question: "dependencies",
        };
        let attribute = number::<i16>(row, 2).ok_or_else(form)?;
        catalog.depends(
            number(row, 0).ok_or_else(form)?,
            number(row, 1).ok_or_else(form)?,
            attribute,
        );
    }
    for row in &functions {
        let form = || CatalogError::Form {
            question: "functions",
        };
        let (schema, name) = (
            text(row, 0).ok_or_else(form)?,
            text(row, 1).ok_or_else(form)?,
        );
        catalog.function(schema, name);
        // Those in C come with the server or by a superuser, and the ones that run text are known by name.
        if text(row, 2).ok_or_else(form)? == "t" {
            catalog.unread_function(schema, name);
        }
    }
    for row in &types {
        let form = || CatalogError::Form { question: "types" };
        catalog.type_name(
            number(row, 0).ok_or_else(form)?,
            text(row, 1).ok_or_else(form)?,
        );
    }
    Ok(catalog.build())
}

fn kind_of(relkind: &str, persistence: &str, system: bool) -> RelationKind {
    match (relkind, persistence) {
        _ if system => RelationKind::Catalog,
        (_, "t") => RelationKind::Temporary,
        ("p", _) => RelationKind::Partitioned,
        ("v", _) => RelationKind::View,
        ("m", _) => RelationKind::MaterializedView,
        ("f", _) => RelationKind::Foreign,
        _ => RelationKind::Table,
    }
}

fn text(row: &Row, column: usize) -> Option<&str> {
    row.get(column)?.as_deref()
}

fn number<T: std::str::FromStr>(row: &Row, column: usize) -> Option<T> {
    text(row, column)?.parse().ok()
}
