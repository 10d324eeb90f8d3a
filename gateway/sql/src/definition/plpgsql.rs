//! The body of a PL/pgSQL function: every query and expression in it, as the grammar of PL/pgSQL tells them.
//! It refuses to follow variables: what any query yields, any of them may hold, and so the result.

use pg_query::NodeEnum;
use serde_json::Value;

use super::{Body, Outcome, is_followed, parse, queries};
use crate::catalog::Catalog;
use crate::facts::Transform;
use crate::lineage::{self, Carried, Column, Rows};

struct Query {
    text: String,
    mode: Mode,
}

/// How the text is to be read (PostgreSQL's RawParseMode).
enum Mode {
    Statement,
    Expression,
    /// `target := value` or `target = value`.
    Assignment,
}

/// What a walk over a body found.
#[derive(Default)]
struct Found {
    queries: Vec<Query>,
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
    let mut all = Body::empty();
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
                all.merge(*body);
            }
            other => return other,
        }
    }
    // A variable may be what is written.
    lineage::add_to_flows(&mut all.flows, &carried, catalog);
    all.rows = Rows::of(vec![Column {
        name: None,
        value: carried,
    }]);
    Outcome::Read(Box::new(all))
}

/// The definition of a function with the variables of a trigger function as parameters: those that the grammar gives to such a function
/// itself do not come out of it legibly.
pub(super) fn trigger_as_function(body: &str) -> Option<String> {
    const VARIABLES: &str = "new record, old record, tg_name name, tg_when text, tg_level text, tg_op text, tg_relid oid, \
        tg_relname name, tg_table_name name, tg_table_schema name, tg_nargs int, tg_argv text[]";
    const QUOTE: &str = "$gatewright$";
    (!body.contains(QUOTE)).then(|| {
        format!(
            "CREATE FUNCTION f({VARIABLES}) RETURNS record LANGUAGE plpgsql AS {QUOTE}{body}{QUOTE}"
        )
    })
}

/// A query of a body: a whole statement, an expression, or an assignment.
fn statement(query: &Query) -> Option<Vec<NodeEnum>> {
    let parsed = match query.mode {
        Mode::Statement => parse(&query.text),
        Mode::Expression => parse(&format!("SELECT {}", query.text)),
        Mode::Assignment => {
            let (_, value) = query.text.split_once('=')?;
            parse(&format!("SELECT {value}"))
        }
    };
    parsed.filter(|nodes| matches!(nodes.as_slice(), [node] if is_followed(node)))
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

    fn expression(&mut self, fields: &serde_json::Map<String, Value>) {
        let mode = match fields.get("parseMode").and_then(Value::as_i64) {
            None | Some(0) => Mode::Statement,
            Some(2) => Mode::Expression,
            Some(3..=5) => Mode::Assignment,
            // A type's name.
            Some(_) => return,
        };
        if let Some(Value::String(text)) = fields.get("query") {
            let text = text.clone();
            self.queries.push(Query { text, mode });
        }
    }

    fn field(&mut self, name: &str, value: &Value) {
        match (name, value) {
            ("PLpgSQL_expr", Value::Object(fields)) => self.expression(fields),
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
