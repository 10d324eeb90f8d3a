//! SQL text of masks: what the gateway writes itself, and what a policy's expression may say. A name without schema could mean
//! an object of the session, which would then see the raw value; only names of pg_catalog are written.

use std::fmt::Write;

use gatewright_contract::PartialMask;
use gatewright_parser::{Node, Strings, children, nodes, parse, scan};

use crate::masks::INNER;
use crate::render::{quoted_identifier, quoted_literal};
use crate::risky;

use super::syntax::is_none;

/// A name as SQL, in ASCII whatever it contains (PostgreSQL documentation, Identifiers and Key Words).
pub(super) fn identifier(name: &str) -> String {
    if name.is_ascii() {
        return quoted_identifier(name);
    }
    let mut quoted = String::from("U&\"");
    for character in name.chars() {
        match character {
            '"' => quoted.push_str("\"\""),
            '\\' => quoted.push_str("\\\\"),
            ascii if ascii.is_ascii() => quoted.push(ascii),
            // Writing to a String cannot fail.
            other => drop(write!(quoted, "\\+{:06x}", u32::from(other))),
        }
    }
    quoted.push('"');
    quoted
}

/// A string as SQL, in ASCII whatever it contains, and independent of standard_conforming_strings.
pub(super) fn literal(text: &str) -> String {
    if text.is_ascii() && !text.contains('\\') {
        return quoted_literal(text);
    }
    let mut quoted = String::from("E'");
    for character in text.chars() {
        match character {
            '\'' => quoted.push_str("''"),
            '\\' => quoted.push_str("\\\\"),
            ascii if ascii.is_ascii() => quoted.push(ascii),
            other => drop(write!(quoted, "\\U{:08x}", u32::from(other))),
        }
    }
    quoted.push('\'');
    quoted
}

/// A column of the table inside its derived table.
pub(super) fn inner_column(name: &str) -> String {
    format!("{INNER}.{}", identifier(name))
}

/// A string column with all but its ends replaced, as the result layer does it: a value no longer than what would be kept is
/// replaced completely.
pub(super) fn partial(column: &str, mask: &PartialMask) -> String {
    let value = format!("CAST({column} AS pg_catalog.text)");
    let length = format!("pg_catalog.char_length({value})");
    let (first, last) = (
        mask.first.min(i32::MAX as u32),
        mask.last.min(i32::MAX as u32),
    );
    let kept = u64::from(first) + u64::from(last);
    let fill = literal(&mask.fill.to_string());
    let and = "OPERATOR(pg_catalog.||)";
    let less = "OPERATOR(pg_catalog.-)";
    format!(
        "CASE WHEN {length} OPERATOR(pg_catalog.<=) {kept} THEN pg_catalog.repeat({fill}, {length}) \
         ELSE pg_catalog.\"left\"({value}, {first}) {and} \
         pg_catalog.repeat({fill}, {length} {less} {first} {less} {last}) {and} \
         pg_catalog.\"right\"({value}, {last}) END"
    )
}

/// A policy's expression with its columns written as those of the inner table. `columns` maps a name to the inner table's. Errors:
/// why it is not allowed.
pub(super) fn of_policy(
    text: &str,
    columns: &dyn Fn(&str) -> Option<String>,
) -> Result<String, String> {
    if !text.is_ascii() || text.contains('\\') {
        return Err("it must be ASCII without backslashes; write others as chr(n)".to_owned());
    }
    let whole = format!("SELECT ({text}\n)");
    let lost = || "its columns cannot be found".to_owned();
    let tree = parse(&whole, true).map_err(|error| error.to_string())?;
    let Some(Node::SelectStmt(select)) = tree.only() else {
        return Err("it is not an expression".to_owned());
    };
    let mut targets = Vec::new();
    children(Node::SelectStmt(select), &mut |child| targets.push(child));
    let [Node::ResTarget(target)] = targets.as_slice() else {
        return Err("it is not an expression".to_owned());
    };
    let mut named = Vec::new();
    allowed(target.val(), columns, &mut named)?;
    named.sort_unstable();
    let tokens = scan(&whole).map_err(|error| error.to_string())?;
    let mut written = String::with_capacity(2 * whole.len());
    let mut copied = "SELECT ".len();
    for (at, column) in named {
        let token = tokens.iter().find(|token| token.start == at);
        let token = token.ok_or_else(lost)?;
        written.push_str(whole.get(copied..at).ok_or_else(lost)?);
        written.push_str(&column);
        copied = token.end;
    }
    written.push_str(whole.get(copied..).ok_or_else(lost)?);
    Ok(written)
}

/// Where an expression names a column, and what is written there.
type Named = Vec<(usize, String)>;

/// Whether an expression names only what every session reads alike. Collects where it names columns.
fn allowed(
    node: Node<'_>,
    columns: &dyn Fn(&str) -> Option<String>,
    named: &mut Named,
) -> Result<(), String> {
    let qualified = |names: &[&str]| names.len() == 2 && names.first() == Some(&"pg_catalog");
    match node {
        Node::None
        | Node::A_Const(_)
        | Node::BoolExpr(_)
        | Node::NullTest(_)
        | Node::BooleanTest(_)
        | Node::CaseWhen(_)
        | Node::CoalesceExpr(_) => {}
        Node::CaseExpr(case) if is_none(case.arg()) => {}
        Node::CaseExpr(_) => {
            return Err(
                "CASE x WHEN y compares with an operator without schema; write CASE WHEN"
                    .to_owned(),
            );
        }
        Node::ColumnRef(column) => {
            let names = column.fields().strings();
            let inner = match (names.as_slice(), column.fields().len()) {
                ([name], 1) => columns(name),
                _ => None,
            };
            let inner =
                inner.ok_or_else(|| format!("{} is not a column of the table", names.join(".")))?;
            let at = usize::try_from(column.location).map_err(|error| error.to_string())?;
            named.push((at, inner));
            return Ok(());
        }
        Node::A_Expr(expression) => {
            let names = expression.name().strings();
            if expression.kind != nodes::A_Expr_Kind::AEXPR_OP || !qualified(&names) {
                return Err(format!("write OPERATOR(pg_catalog.{})", names.join(".")));
            }
            for side in [expression.lexpr(), expression.rexpr()] {
                allowed(side, columns, named)?;
            }
            return Ok(());
        }
        Node::TypeCast(cast) => {
            let name = cast.type_name().map(|name| name.names().strings());
            if !name.as_deref().is_some_and(qualified) {
                return Err("types need the schema pg_catalog".to_owned());
            }
            return allowed(cast.arg(), columns, named);
        }
        Node::CollateClause(collate) => {
            let name = collate.collname().strings();
            if !qualified(&name) {
                return Err("collations need the schema pg_catalog".to_owned());
            }
            return allowed(collate.arg(), columns, named);
        }
        Node::FuncCall(call) => {
            function(call)?;
            for argument in call.args() {
                allowed(argument, columns, named)?;
            }
            return Ok(());
        }
        _ => return Err("it contains more than plain expressions".to_owned()),
    }
    let mut parts = Vec::new();
    children(node, &mut |part| parts.push(part));
    parts
        .into_iter()
        .try_for_each(|part| allowed(part, columns, named))
}

fn function(call: &nodes::FuncCall) -> Result<(), String> {
    let names = call.funcname().strings();
    let ["pg_catalog", name] = names.as_slice() else {
        return Err(format!("write pg_catalog.{}", names.join(".")));
    };
    let plain = call.agg_order().is_empty()
        && is_none(call.agg_filter())
        && call.over().is_none()
        && !call.agg_star
        && !call.agg_distinct
        && !call.agg_within_group
        && !call.func_variadic;
    if !plain || risky::is_aggregate(name, call) {
        return Err(format!("{name} is used as an aggregate or window function"));
    }
    if risky::reason(&names, call).is_some() {
        return Err(format!("{name} does more than compute"));
    }
    Ok(())
}
