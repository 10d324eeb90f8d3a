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
    let Some(found) = Found::of(definition) else {
        return Outcome::Unreadable;
    };
    let mut names: Vec<&str> = parameters.to_vec();
    names.extend(found.variables.iter().map(String::as_str));
    let mut all = Body::empty();
    let mut carried = Carried::constant();
    for query in &found.queries {
        let Some(parsed) = query.parse() else {
            return Outcome::Unreadable;
        };
        if !matches!(parsed.as_slice(), [node] if is_followed(node)) {
            return Outcome::Unreadable;
        }
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
    as_function(VARIABLES, "record", body)
}

/// The definition of a function that does what a DO block does.
pub(super) fn block_as_function(body: &str) -> Option<String> {
    as_function("", "void", body)
}

fn as_function(parameters: &str, returns: &str, body: &str) -> Option<String> {
    const QUOTE: &str = "$gatewright$";
    (!body.contains(QUOTE)).then(|| {
        format!("CREATE FUNCTION f({parameters}) RETURNS {returns} LANGUAGE plpgsql AS {QUOTE}{body}{QUOTE}")
    })
}

/// Every statement and expression of a body, whatever it is. None where one is made at run time, or cannot be parsed.
pub(super) fn statements(definition: &str) -> Option<Vec<NodeEnum>> {
    let found = Found::of(definition)?;
    let mut all = Vec::new();
    for query in &found.queries {
        all.extend(query.parse()?);
    }
    Some(all)
}

impl Query {
    fn parse(&self) -> Option<Vec<NodeEnum>> {
        match self.mode {
            Mode::Statement => parse(&self.text),
            Mode::Expression => parse(&format!("SELECT {}", self.text)),
            Mode::Assignment => {
                let (_, value) = self.text.split_once('=')?;
                parse(&format!("SELECT {value}"))
            }
        }
    }
}

impl Found {
    /// None where the body cannot be parsed, or runs text that it makes.
    fn of(definition: &str) -> Option<Self> {
        let tree = pg_query::parse_plpgsql(definition).ok()?;
        let mut found = Self::default();
        found.walk(&tree);
        (!found.dynamic).then_some(found)
    }

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
