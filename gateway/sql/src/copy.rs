//! COPY ... TO: its options, and the query that describes the copied rows. The rows themselves are handled in `results`.

use gatewright_parser::{Node, Strings, TokenKind, nodes, parse, same, scan, untyped};

use crate::facts::{CopyDestination, CopyFormat, CopyOut, ForceQuote};
use crate::render::quoted_identifier;

/// The options of a COPY ... TO; `describe` is left empty. Errors: why they are not understood.
pub(crate) fn copy_out(copy: &nodes::CopyStmt) -> Result<CopyOut, String> {
    let mut out = CopyOut {
        destination: match (copy.is_program, copy.filename().is_none()) {
            (true, _) => CopyDestination::Program,
            (false, true) => CopyDestination::Stdout,
            (false, false) => CopyDestination::File,
        },
        format: CopyFormat::Text,
        delimiter: b'\t',
        quote: b'"',
        escape: b'"',
        null: "\\N".to_owned(),
        header: false,
        force_quote: ForceQuote::None,
        encoding: None,
        describe: String::new(),
    };
    let options = untyped(copy.options()).iter();
    let options: Vec<(&str, &nodes::DefElem)> = options
        .filter_map(|option| match option {
            Node::DefElem(option) => Some((option.defname().unwrap_or_default(), option)),
            _ => None,
        })
        .collect();
    for (_, option) in options.iter().filter(|(name, _)| *name == "format") {
        out.format = match text(option).as_deref() {
            Some("text") => CopyFormat::Text,
            Some("csv") => CopyFormat::Csv,
            Some("binary") => CopyFormat::Binary,
            _ => return Err("COPY has an unknown format".to_owned()),
        };
    }
    if out.format == CopyFormat::Csv {
        out.delimiter = b',';
        out.null = String::new();
    }
    let byte = |name: &str, option| match text(option).unwrap_or_default().as_bytes() {
        [byte] => Ok(*byte),
        _ => Err(format!("COPY option {name} is not one byte")),
    };
    let mut escape = None;
    for (name, option) in options {
        match name {
            "format" | "freeze" => {}
            "delimiter" => out.delimiter = byte(name, option)?,
            "quote" => out.quote = byte(name, option)?,
            "escape" => escape = Some(byte(name, option)?),
            "null" => out.null = text(option).ok_or("COPY option null has no value")?,
            "encoding" => out.encoding = text(option),
            "header" => out.header = boolean(name, option)?,
            "force_quote" => out.force_quote = force_quote(option),
            other => return Err(format!("COPY option {other} is not supported")),
        }
    }
    out.escape = escape.unwrap_or(out.quote);
    Ok(out)
}

fn force_quote(option: &nodes::DefElem) -> ForceQuote {
    match option.arg() {
        Node::NodeList(list) => {
            let names = list.strings().into_iter().map(str::to_owned);
            ForceQuote::Columns(names.collect())
        }
        _ => ForceQuote::All,
    }
}

fn text(option: &nodes::DefElem) -> Option<String> {
    match option.arg() {
        Node::String(text) => Some(text.sval().unwrap_or_default().to_owned()),
        Node::Integer(number) => Some(number.ival.to_string()),
        Node::Boolean(value) => Some(value.boolval.to_string()),
        _ => None,
    }
}

fn boolean(name: &str, option: &nodes::DefElem) -> Result<bool, String> {
    match (
        !matches!(option.arg(), Node::None),
        text(option)
            .unwrap_or_default()
            .to_ascii_lowercase()
            .as_str(),
    ) {
        (false, _) | (_, "true" | "on" | "1") => Ok(true),
        (_, "false" | "off" | "0") => Ok(false),
        _ => Err(format!("COPY option {name} is not a boolean")),
    }
}

/// A query with the same columns as the rows that COPY sends. `text` is the statement's own. Errors: why there is none.
pub(crate) fn describe(text: &str, copy: &nodes::CopyStmt) -> Result<String, String> {
    let failed = || "the rows that COPY sends cannot be described".to_owned();
    match copy.query() {
        Node::None => {
            let relation = copy.relation().ok_or("COPY names nothing")?;
            Ok(query_of(relation, &copy.attlist().strings()))
        }
        query => {
            let inner = inside(text).ok_or_else(failed)?;
            // What the server runs to describe the rows must be the query that was analysed.
            let again = parse(inner, true).map_err(|_| failed())?;
            match again.only() {
                Some(again) if same(query, again) => Ok(inner.to_owned()),
                _ => Err(failed()),
            }
        }
    }
}

/// The text of the query in DECLARE or PREPARE. `text` is the statement's own. `None` if it is another statement, or cannot be told.
pub fn query_within(text: &str, standard_conforming_strings: bool) -> Option<String> {
    let tree = parse(text, standard_conforming_strings).ok()?;
    let (query, before) = match tree.only()? {
        Node::DeclareCursorStmt(declare) => (declare.query(), "for"),
        // With types, the columns may depend on them.
        Node::PrepareStmt(prepare) if prepare.argtypes().is_empty() => (prepare.query(), "as"),
        _ => return None,
    };
    let tokens = scan(text).ok()?;
    // A name that reads so is quoted, and so no such token.
    let mut tokens = tokens.iter().skip_while(|token| {
        let own = text.get(token.start..token.end).unwrap_or_default();
        !own.eq_ignore_ascii_case(before)
    });
    let inner = text.get(tokens.next()?.end..)?;
    // What the server is asked to describe must be the query that was analysed.
    let again = parse(inner, standard_conforming_strings).ok()?;
    same(query, again.only()?).then(|| inner.trim().to_owned())
}

/// The text in the parentheses that follow COPY.
fn inside(text: &str) -> Option<&str> {
    let tokens = scan(text).ok()?;
    let is_comment =
        |kind: TokenKind| matches!(kind, TokenKind::BlockComment | TokenKind::LineComment);
    let mut tokens = tokens.iter().filter(|token| !is_comment(token.kind));
    tokens.next()?;
    let start = tokens
        .next()
        .filter(|token| text.get(token.start..token.end) == Some("("))?;
    let mut depth = 1_u32;
    for token in tokens {
        match text.get(token.start..token.end)? {
            "(" => depth += 1,
            ")" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return text.get(start.end..token.start).map(str::trim);
        }
    }
    None
}

/// The rows that COPY of a relation sends: its own, without those of its children.
fn query_of(relation: &nodes::RangeVar, columns: &[&str]) -> String {
    let columns: Vec<String> = columns.iter().map(|name| quoted_identifier(name)).collect();
    let columns = match columns.as_slice() {
        [] => "*".to_owned(),
        columns => columns.join(", "),
    };
    let parts = [
        relation.catalogname(),
        relation.schemaname(),
        relation.relname(),
    ];
    let parts: Vec<String> = parts.into_iter().flatten().map(quoted_identifier).collect();
    format!("SELECT {columns} FROM ONLY {}", parts.join("."))
}
