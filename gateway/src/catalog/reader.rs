//! Asks the questions and makes a catalog of the answers.

use std::sync::Arc;

use gatewright_sql::{Access, Catalog, CatalogBuilder, RelationKind};
use thiserror::Error;

use super::questions;
use crate::upstream::service::Service;
use crate::upstream::{Target, UpstreamError};

/// The catalog of a database could not be read.
#[derive(Debug, Error)]
pub enum CatalogError {
    #[error("the service connection failed: {0}")]
    Connection(UpstreamError),
    #[error("the answer to the {question} question has an unexpected form")]
    Form { question: &'static str },
    #[error("no thread could be had to read the definitions of views and functions")]
    NoThread,
}

type Row = Vec<Option<String>>;

/// A catalog of the next generation; none where nothing has changed since `last`.
pub(super) async fn read(
    target: &Target,
    last: Arc<Catalog>,
) -> Result<Option<Catalog>, CatalogError> {
    let answers = Answers::fetch(target).await?;
    // Definitions are parsed, and grammar takes stack.
    let built = tokio::task::spawn_blocking(move || {
        gatewright_sql::on_big_stack(|| answers.catalog(&last))
    });
    match built.await {
        Ok(Some(catalog)) => catalog,
        _ => Err(CatalogError::NoThread),
    }
}

/// The answers, in the order of the questions.
struct Answers {
    relations: Vec<Row>,
    columns: Vec<Row>,
    /// Views, and whole rows in views.
    dependencies: [Vec<Row>; 2],
    parents: Vec<Row>,
    built_in: Vec<Row>,
    functions: Vec<Row>,
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
    types: Vec<Row>,
    changeable_roles: Vec<Row>,
}

impl Answers {
    async fn fetch(target: &Target) -> Result<Self, UpstreamError> {
        let mut service = Service::connect(target).await?;
        // One snapshot, so that the answers agree with each other.
        service
            .query("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
            .await?;
        let answers = Answers {
            relations: service.query(questions::RELATIONS).await?,
            columns: service.query(questions::COLUMNS).await?,
            dependencies: [
                service.query(questions::DEPENDENCIES).await?,
                service.query(questions::WHOLE_ROWS).await?,
            ],
            parents: service.query(questions::PARENTS).await?,
            built_in: service.query(questions::BUILT_IN).await?,
            functions: service.query(questions::FUNCTIONS).await?,
            views: service.query(questions::VIEWS).await?,
            defaults: service.query(questions::DEFAULTS).await?,
            unique: service.query(questions::UNIQUE).await?,
            checks: service.query(questions::CHECKS).await?,
            domains: service.query(questions::DOMAINS).await?,
            cascades: service.query(questions::CASCADES).await?,
            operators: service.query(questions::OPERATORS).await?,
            casts: service.query(questions::CASTS).await?,
            triggers: service.query(questions::TRIGGERS).await?,
            rules: service.query(questions::RULES).await?,
            types: service.query(questions::TYPES).await?,
            changeable_roles: service.query(questions::CHANGEABLE_ROLES).await?,
        };
        service.query("COMMIT").await?;
        service.close().await;
        Ok(answers)
    }

    fn catalog(&self, last: &Catalog) -> Result<Option<Catalog>, CatalogError> {
        let mut catalog = Catalog::builder();
        catalog.generation(last.generation + 1);
        self.add_relations(&mut catalog).ok_or(CatalogError::Form {
            question: "relations",
        })?;
        self.add_functions(&mut catalog).ok_or(CatalogError::Form {
            question: "functions",
        })?;
        self.add_definitions(&mut catalog)
            .ok_or(CatalogError::Form {
                question: "definitions",
            })?;
        Ok(catalog.build_unless_same(last))
    }

    fn add_relations(&self, catalog: &mut CatalogBuilder) -> Option<()> {
        for row in &self.relations {
            let kind = kind_of(text(row, 3)?, text(row, 4)?, text(row, 5) == Some("t"));
            catalog.relation(number(row, 0)?, text(row, 1)?, text(row, 2)?, kind);
        }
        for row in &self.columns {
            let attribute = number::<i16>(row, 1)?;
            catalog.column(number(row, 0)?, attribute, text(row, 2)?, number(row, 3)?);
        }
        for row in self.dependencies.iter().flatten() {
            catalog.depends(number(row, 0)?, number(row, 1)?, number::<i16>(row, 2)?);
        }
        for row in &self.parents {
            catalog.inherits(number(row, 0)?, number(row, 1)?);
        }
        for row in &self.unique {
            catalog.unique(number(row, 0)?, number(row, 1)?);
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
        for row in &self.changeable_roles {
            catalog.changeable_role(text(row, 0)?);
        }
        for row in &self.functions {
            let (schema, name, language) = (text(row, 1)?, text(row, 2)?, text(row, 3)?);
            let plain = |extension: &str| questions::PLAIN_EXTENSIONS.contains(&extension);
            match (language, text(row, 4), text(row, 5)) {
                (_, _, Some(definition)) => {
                    catalog.defined_function(number(row, 0)?, schema, name, definition);
                }
                ("c", Some(extension), _) if plain(extension) => {
                    catalog.plain_function(schema, name);
                }
                // Those in C come with the server or by a superuser, and the ones that run text are known by name.
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
            // Null where the view was dropped in the meantime.
            if let Some(query) = text(row, 1) {
                catalog.defined_view(number(row, 0)?, query);
            }
        }
        self.add_expressions(catalog)?;
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
            catalog.operator(text(row, 0)?, text(row, 1)?, text(row, 2)?);
        }
        for row in &self.casts {
            let source = (number(row, 1)?, text(row, 2)?);
            let unwritten = text(row, 3)? == "t";
            let function = (text(row, 4)?, text(row, 5)?);
            catalog.cast(text(row, 0)?, source, unwritten, function);
        }
        Some(())
    }

    /// What is computed for a row that is written. Null where it was dropped in the meantime.
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
        (_, "t") => RelationKind::Temporary,
        ("p", _) => RelationKind::Partitioned,
        ("v", _) => RelationKind::View,
        ("m", _) => RelationKind::MaterializedView,
        ("f", _) => RelationKind::Foreign,
        _ => RelationKind::Table,
    }
}

/// How the table that refers is written when a row is deleted that it refers to (`pg_constraint.confdeltype`).
fn cascaded(confdeltype: &str) -> Access {
    match confdeltype {
        "c" => Access::DELETE,
        "n" | "d" => Access::UPDATE,
        _ => Access::default(),
    }
}

/// The ways of writing that `pg_trigger.tgtype` names.
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
