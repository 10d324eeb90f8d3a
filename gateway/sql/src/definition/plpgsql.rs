//! The body of a PL/pgSQL function: every query and expression in it, as the grammar of PL/pgSQL tells them.
//! It refuses to follow variables: what any query yields, any of them may hold, and so the result.

use pg_query::NodeEnum;
use serde_json::Value;

use super::{Body, Outcome, parse, queries};
use crate::catalog::Catalog;
use crate::facts::Transform;
use crate::lineage::{Carried, Column, Rows};

/// What a walk over a body found.
#[derive(Default)]
struct Found {
    queries: Vec<String>,
    variables: Vec<String>,
    /// EXECUTE and its like run text that is made at run time.
    dynamic: bool,
}

pub(super) fn of(definition: &str, catalog: &Catalog, parameters: &[&str]) -> Outcome {
    let Ok(tree) = pg_query::parse_plpgsql(definition) else {
        return Outcome::Unreadable;
    };
    let mut found = Found::default();
    found.walk(&tree);
    if found.dynamic {
        return Outcome::Unreadable;
    }
    let mut names: Vec<&str> = parameters.to_vec();
    names.extend(found.variables.iter().map(String::as_str));
    let mut all = Body {
        rows: Rows::of(Vec::new()),
        tables: Vec::new(),
        columns: Vec::new(),
        functions: Vec::new(),
        opaque: Vec::new(),
    };
    let mut carried = Carried::constant();
    for query in &found.queries {
        let Some(parsed) = statement(query) else {
            return Outcome::Unreadable;
        };
        let nodes: Vec<&NodeEnum> = parsed.iter().collect();
        match queries(&nodes, catalog, &names) {
            Outcome::Read(body) => {
                carried.absorb(&body.rows.all(), Transform::Expression);
                carried.absorb(&body.rows.chosen, Transform::Expression);
                all.merge(body);
            }
            other => return other,
        }
    }
    all.rows = Rows::of(vec![Column {
        name: None,
        value: carried,
    }]);
    Outcome::Read(all)
}

/// A query of a body: a whole statement, an expression, or an assignment.
fn statement(query: &str) -> Option<Vec<NodeEnum>> {
    let is_query = |nodes: &Vec<NodeEnum>| matches!(nodes.as_slice(), [NodeEnum::SelectStmt(_)]);
    if let Some(parsed) = parse(query) {
        return is_query(&parsed).then_some(parsed);
    }
    let expression = match query.split_once(":=") {
        Some((_, value)) if parse(&format!("SELECT {query}")).is_none() => value,
        _ => query,
    };
    parse(&format!("SELECT {expression}")).filter(is_query)
}

impl Found {
    fn walk(&mut self, tree: &Value) {
        match tree {
            Value::Array(items) => items.iter().for_each(|item| self.walk(item)),
            Value::Object(fields) => {
                for (name, value) in fields {
                    self.field(name, value);
                }
            }
            _ => {}
        }
    }

    fn field(&mut self, name: &str, value: &Value) {
        match (name, value) {
            ("query", Value::String(text)) => self.queries.push(text.clone()),
            ("refname", Value::String(variable)) => self.variables.push(variable.clone()),
            // The text of EXECUTE, FOR IN EXECUTE, OPEN FOR EXECUTE, RETURN QUERY EXECUTE.
            ("PLpgSQL_stmt_dynexecute" | "PLpgSQL_stmt_dynfors" | "dynquery", _) => {
                self.dynamic = true;
            }
            // A procedure writes; a cursor that is fetched from may be the caller's.
            ("PLpgSQL_stmt_call" | "PLpgSQL_stmt_fetch", _) => self.dynamic = true,
            _ => self.walk(value),
        }
    }
}
