//! The rows that the catalog queries return, of everything or of some objects, and what they are to the catalog.

use std::collections::BTreeSet;

use gatewright_sql::{Access, Catalog, CatalogBuilder, RelationKind, WrittenType};

use super::error::CatalogError;
use super::queries;

use crate::upstream::UpstreamError;
use crate::upstream::service::Service;

pub(super) type Row = Vec<Option<String>>;

/// What is read.
pub(super) enum Scope {
    Everything,
    Objects(Objects),
}

/// Relations and functions that are read again.
#[derive(Debug, Default)]
pub(super) struct Objects {
    pub relations: BTreeSet<u32>,
    pub functions: BTreeSet<u32>,
    /// The checks and defaults of all domains, too: types that contain their values come and go with relations.
    pub domains: bool,
}

/// The results of the catalog queries.
pub(super) struct CatalogRows {
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

/// Asks for the rows of some objects, or of all.
struct Reader<'s> {
    service: &'s mut Service,
    scope: &'s Scope,
}

impl Reader<'_> {
    async fn of(
        &mut self,
        query: &str,
        oids: Option<&BTreeSet<u32>>,
    ) -> Result<Vec<Row>, UpstreamError> {
        match oids {
            Some(none) if none.is_empty() => Ok(Vec::new()),
            oids => self.service.query(&queries::of(query, oids)).await,
        }
    }

    async fn relations(&mut self, query: &str) -> Result<Vec<Row>, UpstreamError> {
        match self.scope {
            Scope::Everything => self.of(query, None).await,
            Scope::Objects(objects) => self.of(query, Some(&objects.relations)).await,
        }
    }

    async fn functions(&mut self, query: &str) -> Result<Vec<Row>, UpstreamError> {
        match self.scope {
            Scope::Everything => self.of(query, None).await,
            Scope::Objects(objects) => self.of(query, Some(&objects.functions)).await,
        }
    }

    async fn domains(&mut self) -> Result<Vec<Row>, UpstreamError> {
        match self.scope {
            Scope::Objects(objects) if !objects.domains => Ok(Vec::new()),
            _ => self.service.query(queries::DOMAINS).await,
        }
    }

    /// What belongs to no relation or function.
    async fn others(&mut self, query: &str) -> Result<Vec<Row>, UpstreamError> {
        match self.scope {
            Scope::Everything => self.service.query(query).await,
            Scope::Objects(_) => Ok(Vec::new()),
        }
    }
}

impl CatalogRows {
    /// Reads within the transaction that the connection is in.
    pub async fn fetch(service: &mut Service, scope: &Scope) -> Result<Self, UpstreamError> {
        let version = service.query(queries::VERSION).await?;
        let major: Option<u32> = version.first().and_then(|row| number(row, 0));
        let mut read = Reader { service, scope };
        let statistics = match major {
            Some(14..) => read.relations(queries::UNNAMED_STATISTICS).await?,
            _ => Vec::new(),
        };
        Ok(CatalogRows {
            version,
            relations: read.relations(queries::RELATIONS).await?,
            columns: read.relations(queries::COLUMNS).await?,
            dependencies: [
                read.relations(queries::DEPENDENCIES).await?,
                read.relations(queries::WHOLE_ROWS).await?,
            ],
            parents: read.relations(queries::PARENTS).await?,
            built_in: read.others(queries::BUILT_IN).await?,
            functions: read.functions(queries::FUNCTIONS).await?,
            callable: read.functions(queries::CALLABLE).await?,
            views: read.relations(queries::VIEWS).await?,
            defaults: read.relations(queries::DEFAULTS).await?,
            unique: read.relations(queries::UNIQUE).await?,
            checks: read.relations(queries::CHECKS).await?,
            domains: read.domains().await?,
            cascades: read.relations(queries::CASCADES).await?,
            operators: read.others(queries::OPERATORS).await?,
            casts: read.others(queries::CASTS).await?,
            triggers: read.relations(queries::TRIGGERS).await?,
            rules: read.relations(queries::RULES).await?,
            unnamed: [read.relations(queries::UNNAMED).await?, statistics],
            event_triggers: read.others(queries::EVENT_TRIGGERS).await?,
            types: read.others(queries::TYPES).await?,
            changeable_roles: read.others(queries::CHANGEABLE_ROLES).await?,
        })
    }

    /// The catalog of the next generation, or `None` if nothing is other than in `last`.
    pub fn catalog(&self, last: &Catalog, scope: &Scope) -> Result<Option<Catalog>, CatalogError> {
        let mut catalog = match scope {
            Scope::Everything => Catalog::builder(),
            Scope::Objects(objects) => {
                let mut catalog = CatalogBuilder::from_last(last);
                catalog.forget_relations(&objects.relations);
                catalog.forget_functions(&objects.functions);
                if objects.domains {
                    catalog.forget_domains();
                }
                catalog
            }
        };
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
            let (oid, schema, name) = (number(row, 0)?, text(row, 1)?, text(row, 2)?);
            let language = text(row, 3)?;
            let plain = |extension: &str| queries::PLAIN_EXTENSIONS.contains(&extension);
            match (language, text(row, 4), text(row, 5)) {
                (_, _, Some(definition)) => {
                    catalog.defined_function(oid, schema, name, definition);
                }
                // Some functions of extensions in C are the server's own under another name.
                ("c" | "internal", Some(extension), _) if plain(extension) => {
                    catalog.plain_function(oid, schema, name);
                }
                // C functions are part of the server or created by a superuser. Those that run SQL text are known by
                // name.
                ("c" | "internal", _, _) => {
                    catalog.obscure_function(oid, schema, name);
                }
                _ => {
                    catalog.opaque_function(oid, schema, name);
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

pub(super) fn text(row: &Row, column: usize) -> Option<&str> {
    row.get(column)?.as_deref()
}

pub(super) fn number<T: std::str::FromStr>(row: &Row, column: usize) -> Option<T> {
    text(row, column)?.parse().ok()
}
