//! The body of a PL/pgSQL function: every query and expression in it, as the grammar of PL/pgSQL tells them.
//! It refuses to follow variables: what any query yields, any of them may hold, and so the result.

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
    /// Those of them that hold rows. What they begin as does not come out of the grammar.
    records: Vec<String>,
    /// EXECUTE and its like run text that is made at run time.
    dynamic: bool,
    /// It looks at the words of an error that it caught, which may show any row of what it touches.
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
    /// Statements: that of an assignment, and another one for what stands in its target.
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

/// The tokens of a text, each with the bytes that it stands at.
fn words(text: &str) -> Option<Vec<(Range<usize>, &str)>> {
    let tokens = pg_query::scan(text).ok()?.tokens;
    let word = |token: &pg_query::protobuf::ScanToken| {
        let start = usize::try_from(token.start).ok()?;
        let end = usize::try_from(token.end).ok()?;
        Some((start..end, text.get(start..end)?))
    };
    tokens.iter().map(word).collect()
}

/// Both sides of `target := value` or `target = value`: the target may hold subscripts.
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

/// The text of the body within the statement that would create the function.
fn body(definition: &str) -> Option<String> {
    match parse(definition)?.as_slice() {
        [NodeEnum::CreateFunctionStmt(create)] => {
            super::function::option(create, "as").map(str::to_owned)
        }
        _ => None,
    }
}

impl Found {
    /// None where the body cannot be parsed, or runs text that it makes.
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

    /// Finds what variables that hold rows begin as, in the text between DECLARE and BEGIN. None: it cannot be told.
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
            // The type of a column or table is none of a name of its own.
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
            ("PLpgSQL_rec" | "PLpgSQL_row", Value::Object(fields)) => {
                if let Some(Value::String(name)) = fields.get("refname") {
                    self.records.push(name.clone());
                }
                self.walk(value);
            }
            ("is_stacked", _) => self.reads_errors = true,
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
