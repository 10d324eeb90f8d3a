//! The definitions of views, functions and generated columns, read once when a catalog is built. A definition that cannot
//! be analysed leaves its object as unknown as without one.

mod bodies;
#[cfg(test)]
mod computed_tests;
mod function;
mod plpgsql;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use pg_query::{NodeEnum, protobuf as pb};

use crate::catalog::Catalog;
use crate::facts::{Access, Flow, RoleEffect, TableRef};
use crate::lineage::{self, Rows};
use crate::render::quoted_identifier;
use crate::walker;

pub(crate) use bodies::Bodies;

const UNREADABLE: &str = "a default, check, generated column or trigger condition cannot be read";

/// Longer definitions are not analysed.
const MAX_BYTES: usize = 256 * 1024;

/// The object that is defined.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Subject {
    View(u32),
    /// A generated column.
    Column(u32, i16),
    /// An expression of a row of a relation: a default, a generated column, a check.
    Computed {
        relation: u32,
        column: Option<i16>,
        on: Access,
    },
    /// The condition of a trigger.
    Condition {
        relation: u32,
        on: Access,
    },
    /// A check or default of a domain, for a type that contains its values.
    Domain(u32),
    /// One of the functions with this schema and name, distinguished by `oid`.
    Function {
        oid: u32,
        schema: String,
        name: String,
    },
}

/// A definition as the server reports it, with every name outside pg_catalog qualified.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Definition {
    pub subject: Subject,
    pub text: String,
}

/// What a definition does.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Body {
    /// What it returns, apart from its arguments.
    pub rows: Rows,
    pub tables: Vec<TableRef>,
    /// Indexes into `tables`, and the columns of those tables that it uses.
    pub columns: Vec<(usize, String)>,
    pub functions: Vec<String>,
    pub opaque: Vec<String>,
    /// What it writes, apart from its arguments.
    pub flows: Vec<Flow>,
    pub role: RoleEffect,
}

enum Outcome {
    Read(Box<Body>),
    /// It names an object whose definition has not been read yet.
    Waits,
    Unreadable,
}

impl Outcome {
    /// The effects beyond computing on arguments. A definition that cannot be analysed may do anything.
    fn acts(self) -> Option<Arc<Body>> {
        match self {
            Self::Read(body) => body.acts().then(|| Arc::from(body)),
            Self::Waits | Self::Unreadable => {
                let mut body = Body::empty();
                body.rows = Rows::unknown();
                body.opaque.push(UNREADABLE.to_owned());
                Some(Arc::new(body))
            }
        }
    }
}

/// Reads all definitions of `catalog` into it, each after those that it names.
pub(crate) fn read(catalog: &mut Catalog) {
    let definitions = catalog.definitions();
    let mut open: Vec<&Definition> = definitions.iter().collect();
    loop {
        let waiting = open.iter().map(|definition| definition.subject.waiting());
        catalog.bodies_mut().waiting = waiting.collect();
        let before = open.len();
        let mut outcomes = Vec::new();
        open.retain(|definition| match of(definition, catalog) {
            Outcome::Waits => true,
            outcome => {
                outcomes.push((definition.subject.clone(), outcome));
                false
            }
        });
        for (subject, outcome) in outcomes {
            catalog.bodies_mut().settle(subject, outcome);
        }
        if open.is_empty() || open.len() == before {
            break;
        }
    }
    let bodies = catalog.bodies_mut();
    // Definitions that refer to themselves, directly or indirectly, are not analysed.
    for definition in open {
        bodies.settle(definition.subject.clone(), Outcome::Unreadable);
    }
    bodies.waiting.clear();
}

fn of(definition: &Definition, catalog: &Catalog) -> Outcome {
    if definition.text.len() > MAX_BYTES {
        return Outcome::Unreadable;
    }
    match &definition.subject {
        Subject::View(_) => query(&definition.text, catalog),
        Subject::Column(oid, _) => match catalog.relation(*oid) {
            Some(relation) => {
                let table = [&relation.schema, &relation.name].map(|name| quoted_identifier(name));
                let text = format!("SELECT {} FROM ONLY {}", definition.text, table.join("."));
                query(&text, catalog)
            }
            None => Outcome::Unreadable,
        },
        Subject::Computed { relation, .. } => match catalog.relation(*relation) {
            Some(relation) => {
                let columns = relation.columns.iter().map(|column| column.name.as_str());
                let mut given: Vec<&str> = columns.collect();
                given.push(&relation.name);
                expression(&definition.text, catalog, &given)
            }
            None => Outcome::Unreadable,
        },
        Subject::Condition { .. } => condition(&definition.text, catalog),
        Subject::Domain(_) => expression(&definition.text, catalog, &["value"]),
        Subject::Function { .. } => function::of(&definition.text, catalog),
    }
}

/// A definition that is a query.
fn query(text: &str, catalog: &Catalog) -> Outcome {
    let Some(parsed) = parse(text) else {
        return Outcome::Unreadable;
    };
    match parsed.as_slice() {
        [node @ NodeEnum::SelectStmt(_)] => queries(&[node], catalog, &[]),
        _ => Outcome::Unreadable,
    }
}

/// A definition that is an expression over `given`.
fn expression(text: &str, catalog: &Catalog, given: &[&str]) -> Outcome {
    let parsed = parse(&format!("SELECT {text}"));
    match parsed.as_deref() {
        Some([node @ NodeEnum::SelectStmt(_)]) => queries(&[node], catalog, given),
        _ => Outcome::Unreadable,
    }
}

/// The WHEN clause in the definition of a trigger.
fn condition(text: &str, catalog: &Catalog) -> Outcome {
    let parsed = parse(text);
    let Some([NodeEnum::CreateTrigStmt(create)]) = parsed.as_deref() else {
        return Outcome::Unreadable;
    };
    let condition = NodeEnum::ReturnStmt(Box::new(pb::ReturnStmt {
        returnval: create.when_clause.clone(),
    }));
    queries(&[&condition], catalog, &["new", "old"])
}

/// The statements that a body may consist of.
fn is_followed(node: &NodeEnum) -> bool {
    matches!(
        node,
        NodeEnum::SelectStmt(_)
            | NodeEnum::ReturnStmt(_)
            | NodeEnum::InsertStmt(_)
            | NodeEnum::UpdateStmt(_)
            | NodeEnum::DeleteStmt(_)
            | NodeEnum::MergeStmt(_)
    )
}

/// Statements of which the last one returns the rows.
fn queries(nodes: &[&NodeEnum], catalog: &Catalog, parameters: &[&str]) -> Outcome {
    let mut body = Body::empty();
    for node in nodes {
        if !is_followed(node) {
            return Outcome::Unreadable;
        }
        let followed = lineage::follow(node, catalog, parameters);
        if followed.waits {
            return Outcome::Waits;
        }
        let Some(named) = walker::names(returned(node), catalog) else {
            return Outcome::Unreadable;
        };
        body.rows = followed.rows;
        body.flows.extend(followed.flows);
        body.add(named);
    }
    Outcome::Read(Box::new(body))
}

/// The expression of RETURN; any other statement unchanged.
fn returned(node: &NodeEnum) -> &NodeEnum {
    let expression = match node {
        NodeEnum::ReturnStmt(statement) => statement.returnval.as_ref(),
        _ => None,
    };
    expression
        .and_then(|node| node.node.as_ref())
        .unwrap_or(node)
}

impl Body {
    /// A body that does nothing.
    fn empty() -> Self {
        Self {
            rows: Rows::of(Vec::new()),
            tables: Vec::new(),
            columns: Vec::new(),
            functions: Vec::new(),
            opaque: Vec::new(),
            flows: Vec::new(),
            role: RoleEffect::Kept,
        }
    }

    /// Whether it does more than compute on its arguments.
    fn acts(&self) -> bool {
        !(self.rows.is_nothing()
            && self.tables.is_empty()
            && self.opaque.is_empty()
            && self.flows.is_empty())
    }

    /// Adds what another body reads, without its rows.
    fn merge(&mut self, other: Body) {
        self.flows.extend(other.flows);
        let columns = other
            .columns
            .into_iter()
            .map(|(at, name)| crate::ColumnRef {
                table: Some(at),
                name,
                usage: crate::Usage::Other,
            });
        self.add(crate::Facts {
            columns: columns.collect(),
            tables: other.tables,
            functions: other.functions,
            opaque: other.opaque,
            role: other.role,
            ..crate::Facts::default()
        });
    }

    fn add(&mut self, reads: crate::Facts) {
        self.role = self.role.max(reads.role);
        let mut places = Vec::with_capacity(reads.tables.len());
        for table in reads.tables {
            let same = |known: &TableRef| known.name == table.name && known.schema == table.schema;
            let at = self.tables.iter().position(same).unwrap_or_else(|| {
                self.tables.push(table.clone());
                self.tables.len() - 1
            });
            if let Some(known) = self.tables.get_mut(at) {
                known.access |= table.access;
            }
            places.push(at);
        }
        for column in reads.columns {
            // A column that resolves to no table is a parameter, or a column of a subquery.
            let Some(at) = column.table.and_then(|at| places.get(at)) else {
                continue;
            };
            let used = (*at, column.name);
            if !self.columns.contains(&used) {
                self.columns.push(used);
            }
        }
        for function in reads.functions {
            if !self.functions.contains(&function) {
                self.functions.push(function);
            }
        }
        for reason in reads.opaque {
            if !self.opaque.contains(&reason) {
                self.opaque.push(reason);
            }
        }
    }
}

pub(crate) use function::{statements_of_block, statements_of_function};

fn parse(text: &str) -> Option<Vec<NodeEnum>> {
    let parsed = pg_query::parse(text, pg_query::ParserOptions::DEFAULT).ok()?;
    let nodes = parsed.protobuf.stmts.into_iter();
    nodes
        .map(|raw| raw.stmt.and_then(|node| node.node))
        .collect()
}
