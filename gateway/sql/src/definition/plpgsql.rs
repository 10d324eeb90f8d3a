//! The body of a PL/pgSQL function: every query and expression in it, from PL/pgSQL's own grammar. Variables are not
//! traced: any of them, and so the result, may hold what any query returns.

use std::ops::Range;

use pg_query::NodeEnum;
use serde_json::Value;

use super::{Body, Outcome, is_followed, parse, queries};
use crate::catalog::Catalog;
use crate::facts::Transform;
use crate::lineage::{self, Column, Provenance, Rows};

struct Query {
    text: String,
    mode: Mode,
}

/// How the text is parsed (PostgreSQL's RawParseMode).
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
    /// Variables that hold rows. The grammar does not return their initial values.
    records: Vec<String>,
    /// EXECUTE and similar statements run text made at run time.
    dynamic: bool,
    /// It reads the text of a caught error, which may quote any row that it touches.
    reads_errors: bool,
}

pub(super) fn of(definition: &str, catalog: &Catalog, parameters: &[&str]) -> Outcome {
    let Some(found) = Found::of(definition) else {
        return Outcome::Unreadable;
    };
    let mut names: Vec<&str> = parameters.to_vec();
    names.extend(found.variables.iter().map(String::as_str));
    let mut all = Body::empty();
    let mut carried = Provenance::constant();
    for query in &found.queries {
        let Some(parsed) = query.parse() else {
            return Outcome::Unreadable;
        };
        let several = parsed.len() > 1 && !matches!(query.mode, Mode::Assignment);
        if several || parsed.is_empty() || !parsed.iter().all(is_followed) {
            return Outcome::Unreadable;
        }
        for node in &parsed {
            match queries(&[node], catalog, &names) {
                Outcome::Read(body) => {
                    body.rows.make(&mut carried);
                    all.merge(*body);
                }
                other => return other,
            }
        }
    }
    // The grammar does not print RETURN of a variable.
    if found.reads_errors || definition.to_ascii_lowercase().contains("sqlerrm") {
        carried.absorb(&rows_of_tables(&all, catalog), Transform::Unknown);
    }
    // Any variable may be written.
    lineage::add_to_flows(&mut all.flows, &carried, catalog);
    all.rows = Rows::of(vec![Column {
        name: None,
        value: carried,
    }]);
    Outcome::Read(Box::new(all))
}

/// A function definition with the variables of a trigger function as parameters. The grammar does not return those of a
/// trigger function legibly.
pub(super) fn trigger_as_function(body: &str) -> Option<String> {
    const VARIABLES: &str = "new record, old record, tg_name name, tg_when text, tg_level text, tg_op text, tg_relid oid, \
        tg_relname name, tg_table_name name, tg_table_schema name, tg_nargs int, tg_argv text[]";
    as_function(VARIABLES, "record", body)
}

/// A function definition with the body of a DO block.
pub(super) fn block_as_function(body: &str) -> Option<String> {
    as_function("", "void", body)
}

fn as_function(parameters: &str, returns: &str, body: &str) -> Option<String> {
    const QUOTE: &str = "$gatewright$";
    (!body.contains(QUOTE)).then(|| {
        format!("CREATE FUNCTION f({parameters}) RETURNS {returns} LANGUAGE plpgsql AS {QUOTE}{body}{QUOTE}")
    })
}

/// Every statement and expression of a body. `None` if one is made at run time or cannot be parsed.
pub(super) fn statements(definition: &str) -> Option<Vec<NodeEnum>> {
    let found = Found::of(definition)?;
    let mut all = Vec::new();
    for query in &found.queries {
        all.extend(query.parse()?);
    }
    Some(all)
}

impl Query {
    /// The statements of a query: for an assignment, one for the assigned value and one for the target.
    fn parse(&self) -> Option<Vec<NodeEnum>> {
        match self.mode {
            Mode::Statement => parse(&self.text),
            Mode::Expression => parse(&format!("SELECT {}", self.text)),
            Mode::Assignment => {
                let (target, value) = assignment(&self.text)?;
                let mut parsed = parse(&format!("SELECT {value}"))?;
                if target.contains(['[', '(']) {
                    parsed.append(&mut parse(&format!("SELECT {target}"))?);
                }
                Some(parsed)
            }
        }
    }
}

/// The rows of all tables that a body touches, each as a whole.
fn rows_of_tables(body: &Body, catalog: &Catalog) -> Provenance {
    let mut rows = Provenance::constant();
    for table in &body.tables {
        let found = catalog.lookup(Some(&table.schema), &table.name);
        rows.unknown |= found.is_empty();
        for relation in found {
            rows.absorb(&Provenance::column(relation.oid, 0), Transform::Unknown);
        }
    }
    rows
}

/// The tokens of a text, each with its byte range.
fn words(text: &str) -> Option<Vec<(Range<usize>, &str)>> {
    let tokens = pg_query::scan(text).ok()?.tokens;
    let word = |token: &pg_query::protobuf::ScanToken| {
        let start = usize::try_from(token.start).ok()?;
        let end = usize::try_from(token.end).ok()?;
        Some((start..end, text.get(start..end)?))
    };
    tokens.iter().map(word).collect()
}

/// Both sides of `target := value` or `target = value`. The target may contain subscripts.
fn assignment(text: &str) -> Option<(&str, &str)> {
    let mut depth = 0_i32;
    for (place, word) in words(text)? {
        match word {
            "[" | "(" => depth += 1,
            "]" | ")" => depth -= 1,
            ":=" | "=" if depth == 0 => {
                return Some((text.get(..place.start)?, text.get(place.end..)?));
            }
            _ => {}
        }
    }
    None
}

/// The body in a function's definition.
fn body(definition: &str) -> Option<String> {
    match parse(definition)?.as_slice() {
        [NodeEnum::CreateFunctionStmt(create)] => {
            super::function::option(create, "as").map(str::to_owned)
        }
        _ => None,
    }
}

impl Found {
    /// `None` if the body cannot be parsed or runs text that it makes.
    fn of(definition: &str) -> Option<Self> {
        let tree = pg_query::parse_plpgsql(definition).ok()?;
        let mut found = Self::default();
        found.walk(&tree);
        found.defaults_of_records(definition)?;
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

    /// Finds the initial values of variables that hold rows, in the text between DECLARE and BEGIN. `None`: unknown.
    fn defaults_of_records(&mut self, definition: &str) -> Option<()> {
        if self.records.is_empty() {
            return Some(());
        }
        let body = body(definition)?;
        let mut declaring = false;
        for declaration in words(&body)?.split(|(_, word)| *word == ";") {
            let opens = declaration
                .iter()
                .rposition(|(_, word)| word.eq_ignore_ascii_case("declare"));
            declaring |= opens.is_some();
            let own = declaration.get(opens.map_or(0, |at| at + 1)..)?;
            let begins = own
                .iter()
                .any(|(_, word)| word.eq_ignore_ascii_case("begin"));
            if begins {
                declaring = false;
            }
            let Some((_, name)) = own.first().filter(|_| declaring) else {
                continue;
            };
            let name = name.trim_matches('"');
            if !self
                .records
                .iter()
                .any(|known| known.eq_ignore_ascii_case(name))
            {
                continue;
            }
            let given = own.iter().find(|(_, word)| {
                [":=", "="].contains(word) || word.eq_ignore_ascii_case("default")
            });
            let type_name = own
                .iter()
                .skip(1)
                .map(|(_, word)| *word)
                .take_while(|word| {
                    let ends = [":=", "=", "default", "not", "collate"];
                    !ends.iter().any(|end| word.eq_ignore_ascii_case(end))
                });
            let type_name: Vec<&str> = type_name
                .filter(|word| !word.eq_ignore_ascii_case("constant"))
                .collect();
            let made = format!("NULL::{}", type_name.join(" "));
            // %TYPE and %ROWTYPE name a column or table, not a type.
            if !type_name.contains(&"%") && parse(&format!("SELECT {made}")).is_some() {
                self.queries.push(Query {
                    text: made,
                    mode: Mode::Expression,
                });
            }
            if let (Some((from, _)), Some((to, _))) = (given, own.last()) {
                self.queries.push(Query {
                    text: body.get(from.end..to.end)?.to_owned(),
                    mode: Mode::Expression,
                });
            }
        }
        Some(())
    }

    fn expression(&mut self, fields: &serde_json::Map<String, Value>) {
        let mode = match fields.get("parseMode").and_then(Value::as_i64) {
            None | Some(0) => Mode::Statement,
            Some(2) => Mode::Expression,
            Some(3..=5) => Mode::Assignment,
            // The name of a type.
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
            ("PLpgSQL_rec" | "PLpgSQL_row", Value::Object(fields)) => {
                if let Some(Value::String(name)) = fields.get("refname") {
                    self.records.push(name.clone());
                }
                self.walk(value);
            }
            ("is_stacked", _) => self.reads_errors = true,
            // The text of EXECUTE, FOR IN EXECUTE, OPEN FOR EXECUTE and RETURN QUERY EXECUTE.
            ("PLpgSQL_stmt_dynexecute" | "PLpgSQL_stmt_dynfors" | "dynquery", _) => {
                self.dynamic = true;
            }
            // A procedure may write, and a fetched cursor may be the caller's.
            ("PLpgSQL_stmt_call" | "PLpgSQL_stmt_fetch", _) => self.dynamic = true,
            _ => self.walk(value),
        }
    }
}
