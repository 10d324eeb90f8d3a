//! Runs the catalog queries and builds a catalog from their results.

use std::sync::Arc;

use gatewright_sql::{Access, Catalog, CatalogBuilder, RelationKind, WrittenType};
use thiserror::Error;

use super::queries;
use super::watch::Watch;
use crate::upstream::{Target, UpstreamError};

/// The catalog of a database could not be read.
#[derive(Debug, Error)]
pub enum CatalogError {
    #[error("the service connection failed: {0}")]
    Connection(UpstreamError),
    #[error("the catalog query for {query} returned an unexpected result")]
    Form { query: &'static str },
    #[error("no thread could be started to analyse view and function definitions")]
    NoThread,
}

type Row = Vec<Option<String>>;

/// How often a catalog is read again because it changed meanwhile, before what was read last is used.
const ATTEMPTS: usize = 4;

/// The catalog of the next generation, or `None` if nothing has changed since `last`. The watch tells from then on whether it holds. It
/// is opened if there is none, and gone after an error of its connection.
pub(super) async fn read(
    target: &Target,
    kept: &mut Option<Watch>,
    last: Arc<Catalog>,
) -> Result<Option<Catalog>, CatalogError> {
    let fetched = match kept.take() {
        Some(watch) => fetch(watch, last.generation).await.ok(),
        None => None,
    };
    let (watch, results) = match fetched {
        Some(fetched) => fetched,
        // There was none, or it has broken since it was used last.
        None => fetch(Watch::connect(target).await?, last.generation).await?,
    };
    *kept = Some(watch);
    // Parsing deeply nested definitions requires a large stack.
    let built = tokio::task::spawn_blocking(move || {
        gatewright_sql::on_big_stack(|| results.catalog(&last))
    });
    match built.await {
        Ok(Some(catalog)) => catalog,
        _ => Err(CatalogError::NoThread),
    }
}

/// Reads until nothing changes while it is read.
async fn fetch(mut watch: Watch, generation: u64) -> Result<(Watch, QueryResults), UpstreamError> {
    let mut attempt = 1;
    loop {
        let results = QueryResults::fetch(&mut watch).await?;
        let relations = results.relations.iter().filter_map(|row| number(row, 0));
        let settled = watch.arm(generation, relations).await?;
        if settled || attempt == ATTEMPTS {
            return Ok((watch, results));
        }
        attempt += 1;
    }
}

/// The results of all catalog queries.
struct QueryResults {
    version: Vec<Row>,
    relations: Vec<Row>,
    columns: Vec<Row>,
    /// Dependencies on columns, and whole-row references.
    dependencies: [Vec<Row>; 2],
    parents: Vec<Row>,
    built_in: Vec<Row>,
    functions: Vec<Row>,
    callable: Vec<Row>,
    views: Vec<Row>,
    defaults: Vec<Row>,
    unique: Vec<Row>,
    checks: Vec<Row>,
    domains: Vec<Row>,
    cascades: Vec<Row>,
    operators: Vec<Row>,
    casts: Vec<Row>,
    triggers: Vec<Row>,
    rules: Vec<Row>,
    /// Of relations, and of extended statistics.
    unnamed: [Vec<Row>; 2],
    event_triggers: Vec<Row>,
    types: Vec<Row>,
    changeable_roles: Vec<Row>,
}

impl QueryResults {
    async fn fetch(watch: &mut Watch) -> Result<Self, UpstreamError> {
        watch.begin().await?;
        let service = watch.service();
        // A single snapshot keeps the results consistent.
        service
            .query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        let version = service.query(queries::VERSION).await?;
        let major: Option<u32> = version.first().and_then(|row| number(row, 0));
        let statistics = match major {
            Some(14..) => service.query(queries::UNNAMED_STATISTICS).await?,
            _ => Vec::new(),
        };
        let results = QueryResults {
            version,
            relations: service.query(queries::RELATIONS).await?,
            columns: service.query(queries::COLUMNS).await?,
            dependencies: [
                service.query(queries::DEPENDENCIES).await?,
                service.query(queries::WHOLE_ROWS).await?,
            ],
            parents: service.query(queries::PARENTS).await?,
            built_in: service.query(queries::BUILT_IN).await?,
            functions: service.query(queries::FUNCTIONS).await?,
            callable: service.query(queries::CALLABLE).await?,
            views: service.query(queries::VIEWS).await?,
            defaults: service.query(queries::DEFAULTS).await?,
            unique: service.query(queries::UNIQUE).await?,
            checks: service.query(queries::CHECKS).await?,
            domains: service.query(queries::DOMAINS).await?,
            cascades: service.query(queries::CASCADES).await?,
            operators: service.query(queries::OPERATORS).await?,
            casts: service.query(queries::CASTS).await?,
            triggers: service.query(queries::TRIGGERS).await?,
            rules: service.query(queries::RULES).await?,
            unnamed: [service.query(queries::UNNAMED).await?, statistics],
            event_triggers: service.query(queries::EVENT_TRIGGERS).await?,
            types: service.query(queries::TYPES).await?,
            changeable_roles: service.query(queries::CHANGEABLE_ROLES).await?,
        };
        watch.note_contents().await?;
        watch.service().query("COMMIT").await?;
        Ok(results)
    }

    fn catalog(&self, last: &Catalog) -> Result<Option<Catalog>, CatalogError> {
        let mut catalog = Catalog::builder();
        catalog.generation(last.generation + 1);
        let version = self.version.first().and_then(|row| number(row, 0));
        catalog.server_version(version.ok_or(CatalogError::Form { query: "version" })?);
        self.add_relations(&mut catalog)
            .ok_or(CatalogError::Form { query: "relations" })?;
        self.add_functions(&mut catalog)
            .ok_or(CatalogError::Form { query: "functions" })?;
        self.add_definitions(&mut catalog)
            .ok_or(CatalogError::Form {
                query: "definitions",
            })?;
        Ok(catalog.build_unless_same(last))
    }

    fn add_relations(&self, catalog: &mut CatalogBuilder) -> Option<()> {
        for row in &self.relations {
            let kind = kind_of(text(row, 3)?, text(row, 4)?, text(row, 5) == Some("t"));
            catalog.relation(number(row, 0)?, text(row, 1)?, text(row, 2)?, kind);
        }
        for row in &self.columns {
            let (relation, attribute) = (number(row, 0)?, number::<i16>(row, 1)?);
            catalog.column(relation, attribute, text(row, 2)?, number(row, 3)?);
            if let Some(name) = text(row, 4) {
                let written = WrittenType {
                    name: name.to_owned(),
                    collation: text(row, 6).map(str::to_owned),
                    is_string: text(row, 5)? == "t",
                };
                catalog.written(relation, written);
            }
        }
        for row in self.dependencies.iter().flatten() {
            catalog.depends(number(row, 0)?, number(row, 1)?, number::<i16>(row, 2)?);
        }
        for row in &self.parents {
            catalog.inherits(number(row, 0)?, number(row, 1)?);
        }
        for row in &self.unique {
            match text(row, 2)? == "t" {
                true => catalog.primary_key(number(row, 0)?, number(row, 1)?),
                false => catalog.unique(number(row, 0)?, number(row, 1)?),
            };
        }
        for row in &self.types {
            catalog.type_name(number(row, 0)?, text(row, 1)?);
        }
        Some(())
    }

    fn add_functions(&self, catalog: &mut CatalogBuilder) -> Option<()> {
        for row in &self.built_in {
            catalog.built_in(text(row, 0)?);
        }
        for row in &self.callable {
            catalog.callable(
                number(row, 0)?,
                text(row, 1)?,
                text(row, 2)?,
                number(row, 3)?,
            );
        }
        for row in &self.changeable_roles {
            catalog.changeable_role(text(row, 0)?);
        }
        for row in &self.functions {
            let (schema, name, language) = (text(row, 1)?, text(row, 2)?, text(row, 3)?);
            let plain = |extension: &str| queries::PLAIN_EXTENSIONS.contains(&extension);
            match (language, text(row, 4), text(row, 5)) {
                (_, _, Some(definition)) => {
                    catalog.defined_function(number(row, 0)?, schema, name, definition);
                }
                // Some functions of extensions in C are the server's own under another name.
                ("c" | "internal", Some(extension), _) if plain(extension) => {
                    catalog.plain_function(schema, name);
                }
                // C functions are part of the server or created by a superuser. Those that run SQL text are known by
                // name.
                ("c" | "internal", _, _) => {
                    catalog.function(schema, name);
                }
                _ => {
                    catalog.unread_function(schema, name);
                }
            }
        }
        Some(())
    }

    fn add_definitions(&self, catalog: &mut CatalogBuilder) -> Option<()> {
        for row in &self.views {
            // NULL if the view was dropped concurrently.
            if let Some(query) = text(row, 1) {
                catalog.defined_view(number(row, 0)?, query);
            }
        }
        self.add_expressions(catalog)?;
        for row in self.unnamed.iter().flatten() {
            if let Some(expression) = text(row, 1) {
                catalog.unnamed(number(row, 0)?, expression);
            }
        }
        for row in &self.event_triggers {
            catalog.event_trigger(text(row, 0)?, text(row, 1)?);
        }
        for row in &self.triggers {
            let (relation, on) = (number(row, 0)?, written_by(number(row, 1)?));
            catalog.trigger(relation, on, text(row, 2)?, text(row, 3)?);
            if let Some(definition) = text(row, 4) {
                catalog.trigger_condition(relation, on, definition);
            }
        }
        for row in &self.cascades {
            let (on_update, on_delete) = (text(row, 2)?, text(row, 3)?);
            let keys = text(row, 4)?.split(' ').map(str::parse);
            let keys: Vec<i16> = match on_update {
                "c" | "n" | "d" => keys.collect::<Result<_, _>>().ok()?,
                _ => Vec::new(),
            };
            catalog.cascades(number(row, 0)?, number(row, 1)?, &keys, cascaded(on_delete));
        }
        for row in &self.rules {
            catalog.rules(number(row, 0)?);
        }
        for row in &self.operators {
            let operator = (text(row, 0)?, text(row, 1)?);
            catalog.operator(operator, (text(row, 2)?, text(row, 3)?));
        }
        for row in &self.casts {
            let source = (number(row, 1)?, text(row, 2)?);
            let implicit = text(row, 3)? == "t";
            let function = (text(row, 4)?, text(row, 5)?);
            catalog.cast(text(row, 0)?, source, implicit, function);
        }
        Some(())
    }

    /// Adds the expressions that are evaluated when a row is written. An expression is NULL if it was dropped
    /// concurrently.
    fn add_expressions(&self, catalog: &mut CatalogBuilder) -> Option<()> {
        for row in &self.defaults {
            let (relation, column) = (number(row, 0)?, number(row, 1)?);
            match (text(row, 2), text(row, 3)? == "t") {
                (Some(expression), true) => {
                    catalog.generated_column(relation, column, expression);
                }
                (Some(expression), false) => {
                    catalog.default_of_column(relation, column, expression);
                }
                (None, _) => {}
            }
        }
        for row in &self.checks {
            if let Some(expression) = text(row, 1) {
                catalog.check(number(row, 0)?, expression);
            }
        }
        for row in &self.domains {
            if let Some(expression) = text(row, 2) {
                catalog.domain(number(row, 0)?, text(row, 1)?, expression);
            }
        }
        Some(())
    }
}

fn kind_of(relkind: &str, persistence: &str, system: bool) -> RelationKind {
    match (relkind, persistence) {
        _ if system => RelationKind::Catalog,
        // A temporary one shows the rows of others, too.
        ("v", _) => RelationKind::View,
        (_, "t") => RelationKind::Temporary,
        ("p", _) => RelationKind::Partitioned,
        ("m", _) => RelationKind::MaterializedView,
        ("f", _) => RelationKind::Foreign,
        _ => RelationKind::Table,
    }
}

/// How the referencing table is written when a referenced row is deleted (`pg_constraint.confdeltype`).
fn cascaded(confdeltype: &str) -> Access {
    match confdeltype {
        "c" => Access::DELETE,
        "n" | "d" => Access::UPDATE,
        _ => Access::default(),
    }
}

/// The events in `pg_trigger.tgtype`.
fn written_by(tgtype: i16) -> Access {
    let bits = [
        (4, Access::INSERT),
        (8, Access::DELETE),
        (16, Access::UPDATE),
        (32, Access::TRUNCATE),
    ];
    let named = bits.iter().filter(|(bit, _)| tgtype & bit != 0);
    named.fold(Access::default(), |all, (_, access)| all | *access)
}

fn text(row: &Row, column: usize) -> Option<&str> {
    row.get(column)?.as_deref()
}

fn number<T: std::str::FromStr>(row: &Row, column: usize) -> Option<T> {
    text(row, column)?.parse().ok()
}
