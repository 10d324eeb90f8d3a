//! The table of fields against those that are generated from PostgreSQL's headers.

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::parts::names;
use crate::{CreateForeignTableStmt, Node, children, parse};

/// Statements that together contain every kind of node that the parser makes, one per line.
const STATEMENTS: &str = include_str!("grammar.sql");

/// Positions in the text, which the table leaves out.
const PLACES: [&str; 9] = [
    "location",
    "stmt_location",
    "stmt_len",
    "rexpr_list_start",
    "rexpr_list_end",
    "list_start",
    "list_end",
    "name_location",
    "arg_location",
];

/// Kinds that only PostgreSQL's analysis, planner or PL/pgSQL make, that stand inside others as values (BitString), or
/// around statements (RawStmt).
const NEVER: [&str; 49] = [
    "Bitmapset",
    "TableFunc",
    "Param",
    "Aggref",
    "WindowFunc",
    "WindowFuncRunCondition",
    "SubscriptingRef",
    "FuncExpr",
    "OpExpr",
    "ScalarArrayOpExpr",
    "SubPlan",
    "AlternativeSubPlan",
    "FieldSelect",
    "FieldStore",
    "CoerceViaIO",
    "ArrayCoerceExpr",
    "ConvertRowtypeExpr",
    "CollateExpr",
    "CaseTestExpr",
    "ArrayExpr",
    "RowCompareExpr",
    "JsonConstructorExpr",
    "JsonExpr",
    "MergeAction",
    "CoerceToDomain",
    "CoerceToDomainValue",
    "NextValueExpr",
    "InferenceElem",
    "ReturningExpr",
    "TargetEntry",
    "RangeTblRef",
    "FromExpr",
    "OnConflictExpr",
    "BitString",
    "Query",
    "PartitionRangeDatum",
    "RangeTblEntry",
    "RTEPermissionInfo",
    "RangeTblFunction",
    "TableSampleClause",
    "WithCheckOption",
    "SortGroupClause",
    "WindowClause",
    "RowMarkClause",
    "RawStmt",
    "SetOperationStmt",
    "PLAssignStmt",
    "InlineCodeBlock",
    "CallContext",
];

#[test]
fn the_table_has_every_field_of_every_node() {
    let table = names();
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for text in STATEMENTS.lines().filter(|line| !line.is_empty()) {
        match parse(text, true) {
            Ok(tree) => tree
                .statements()
                .iter()
                .for_each(|statement| check(statement.node, &table, &mut seen)),
            Err(error) => wrong.push(format!("{text}: {error}")),
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let never: BTreeSet<&str> = NEVER.into_iter().collect();
    let kinds = table.iter().map(|(kind, _)| *kind);
    let unseen: Vec<&str> = kinds
        .filter(|kind| !seen.contains(*kind) && !never.contains(kind))
        .collect();
    assert!(unseen.is_empty(), "no statement has {unseen:?}");
}

fn check(node: Node<'_>, table: &[(&str, Vec<&str>)], seen: &mut BTreeSet<String>) {
    // Debug output panics at a list whose elements are not of the type that the header's comment says.
    let debug = catch_unwind(AssertUnwindSafe(|| format!("{node:?}")));
    match (node, debug) {
        (Node::NodeList(_) | Node::None, _) | (_, Err(_)) => {}
        (Node::Invalid(_), Ok(debug)) => {
            assert!(CreateForeignTableStmt::of(node).is_some(), "{debug}");
        }
        (_, Ok(debug)) => {
            let (kind, mut fields) = described(&debug);
            fields.sort();
            let mut known = table
                .iter()
                .find(|(name, _)| *name == kind)
                .map(|(_, fields)| fields.clone())
                .unwrap_or_else(|| panic!("{kind} is not in the table"));
            // The location of a tablespace is a path.
            if kind != "CreateTableSpaceStmt" {
                fields.retain(|field| !PLACES.contains(&field.as_str()));
            }
            known.sort();
            assert_eq!(known, fields, "{kind}");
            seen.insert(kind);
        }
    }
    children(node, &mut |child| check(child, table, seen));
}

/// The kind of a node and the names of its fields, from its debug output: `Kind(Kind { field: value, .. })`.
fn described(debug: &str) -> (String, Vec<String>) {
    let (kind, rest) = debug.split_once('(').unwrap_or((debug, ""));
    let mut fields = Vec::new();
    let (mut depth, mut quoted, mut escaped) = (0, false, false);
    let mut word = String::new();
    for letter in rest.chars() {
        if quoted {
            quoted = letter != '"' || escaped;
            escaped = letter == '\\' && !escaped;
            continue;
        }
        match letter {
            '"' => quoted = true,
            '(' | '[' | '{' => depth += 1,
            ')' | ']' | '}' => depth -= 1,
            ':' if depth == 1 => fields.push(std::mem::take(&mut word)),
            _ if letter.is_alphanumeric() || letter == '_' => word.push(letter),
            _ => word.clear(),
        }
    }
    (kind.to_owned(), fields)
}
