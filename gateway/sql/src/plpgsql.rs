//! PL/pgSQL: every query and expression in the body of a function, as SQL text, from PL/pgSQL's own grammar.

use std::ops::Range;

use gatewright_parser::{parse, plpgsql, scan};
use serde_json::Value;

use crate::strings::ends_strings_alike;

/// A part of a body that PostgreSQL runs as SQL.
pub(crate) struct Query {
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
pub(crate) struct Found {
    pub queries: Vec<Query>,
    pub variables: Vec<String>,
    /// Variables that hold rows. The grammar does not return their initial values.
    records: Vec<String>,
    /// EXECUTE and similar statements run text made at run time.
    dynamic: bool,
    /// It reads the text of a caught error, which may quote any row that it touches.
    pub reads_errors: bool,
}

/// A function definition with the variables of a trigger function as parameters. The grammar does not return those of a
/// trigger function legibly.
pub(crate) fn trigger_as_function(body: &str) -> Option<String> {
    const VARIABLES: &str = "new record, old record, tg_name name, tg_when text, tg_level text, tg_op text, tg_relid oid, \
        tg_relname name, tg_table_name name, tg_table_schema name, tg_nargs int, tg_argv text[], \
        tg_event text, tg_tag text";
    as_function(VARIABLES, "record", body)
}

/// A function definition with the body of a DO block.
pub(crate) fn block_as_function(body: &str) -> Option<String> {
    as_function("", "void", body)
}

fn as_function(parameters: &str, returns: &str, body: &str) -> Option<String> {
    const QUOTE: &str = "$gatewright$";
    (!body.contains(QUOTE)).then(|| {
        format!("CREATE FUNCTION f({parameters}) RETURNS {returns} LANGUAGE plpgsql AS {QUOTE}{body}{QUOTE}")
    })
}

impl Query {
    /// What PostgreSQL parses, as statements: for an assignment, one for the assigned value and one for the target.
    pub(crate) fn statements(&self) -> Option<Vec<String>> {
        let expression = |text: &str| format!("SELECT {text}");
        Some(match self.mode {
            Mode::Statement => vec![self.text.clone()],
            Mode::Expression => vec![expression(&self.text)],
            Mode::Assignment => {
                let (target, value) = assignment(&self.text)?;
                let mut statements = vec![expression(value)];
                if target.contains(['[', '(']) {
                    statements.push(expression(target));
                }
                statements
            }
        })
    }
}

/// The tokens of a text, each with its byte range.
fn words(text: &str) -> Option<Vec<(Range<usize>, &str)>> {
    let tokens = scan(text).ok()?.into_iter();
    let word = tokens.map(|token| {
        let range = token.start..token.end;
        Some((range.clone(), text.get(range)?))
    });
    word.collect()
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

impl Found {
    /// `definition` is one CREATE FUNCTION statement with this body. `None` if the body cannot be parsed or runs text that
    /// it makes.
    pub(crate) fn of(definition: &str, body: &str) -> Option<Self> {
        if !ends_strings_alike(body) {
            return None;
        }
        let tree = plpgsql(definition).ok()?;
        let mut found = Self::default();
        found.walk(&tree);
        found.defaults_of_records(body)?;
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

    /// Finds the initial values of variables that hold rows, in the text between DECLARE and BEGIN. `None`: unknown.
    fn defaults_of_records(&mut self, body: &str) -> Option<()> {
        if self.records.is_empty() {
            return Some(());
        }
        let mut declaring = false;
        for declaration in words(body)?.split(|(_, word)| *word == ";") {
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
            let mut records = self.records.iter();
            if records.any(|known| known.eq_ignore_ascii_case(name)) {
                self.default_of_record(own, body)?;
            }
        }
        Some(())
    }

    /// The type and initial value in one declaration, given its tokens.
    fn default_of_record(&mut self, own: &[(Range<usize>, &str)], body: &str) -> Option<()> {
        let given = own
            .iter()
            .find(|(_, word)| [":=", "="].contains(word) || word.eq_ignore_ascii_case("default"));
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
        if !type_name.contains(&"%") && parse(&format!("SELECT {made}"), true).is_ok() {
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
        Some(())
    }
}
