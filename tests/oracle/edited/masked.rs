//! Whether the server reads a protected column of an edited statement anywhere but in a mask.

use std::collections::BTreeSet;

use crate::carried::Column;
use crate::node::{Node, Value};

/// The name of the table inside the derived table that replaces it.
const INNER: &str = "gw";

/// What edits replace.
pub struct Protected {
    /// The columns, with those of views that show them.
    pub columns: BTreeSet<Column>,
    /// The row types of their relations.
    pub rows: BTreeSet<i64>,
}

impl Protected {
    fn has(&self, relation: i64, number: i64) -> bool {
        match (u32::try_from(relation), i16::try_from(number)) {
            (Ok(relation), Ok(0)) => self.columns.iter().any(|column| column.0 == relation),
            (Ok(relation), Ok(number)) => self.columns.contains(&(relation, number)),
            _ => false,
        }
    }

    /// Whether a statement reads whole rows of a relation with such columns. They have no type of their own when they are edited.
    pub fn is_row_read(&self, tree: &Value) -> bool {
        any(tree, &|node| {
            node.kind == "VAR"
                && node.number("varattno") == 0
                && self.rows.contains(&node.number("vartype"))
        })
    }

    fn concerns(&self, relation: i64) -> bool {
        self.has(relation, 0)
    }
}

/// What is wrong with a tree: places where a protected relation is read as it is, and masks that are none.
pub fn unmasked(tree: &Value, protected: &Protected) -> Vec<String> {
    let mut found = Vec::new();
    visit(tree, protected, &mut found);
    found
}

fn visit(value: &Value, protected: &Protected, found: &mut Vec<String>) {
    match value {
        Value::List(list) => list.iter().for_each(|item| visit(item, protected, found)),
        Value::Node(node) => {
            if node.kind == "QUERY" {
                query(node, protected, found);
            }
            node.fields()
                .for_each(|field| visit(field, protected, found));
        }
        _ => {}
    }
}

fn query(query: &Node, protected: &Protected, found: &mut Vec<String>) {
    let items: Vec<&Node> = query.field("rtable").nodes().collect();
    for (at, item) in items.iter().enumerate() {
        let relation = item.number("relid");
        // What a statement changes is not replaced, and such statements are not edited if it is protected.
        let number = at as i64 + 1;
        let conflict = query.field("onConflict").node();
        let changed = query.number("resultRelation") == number
            || conflict.is_some_and(|conflict| conflict.number("exclRelIndex") == number);
        if item.number("rtekind") != 0 || changed || !protected.concerns(relation) {
            continue;
        }
        match items.as_slice() {
            [_] if is_inner(item) => mask(query, relation, protected, found),
            _ => found.push(format!(
                "{} is read as it is",
                item.field("eref")
                    .node()
                    .map_or("a relation", |name| name.field("aliasname").word())
            )),
        }
    }
}

fn is_inner(item: &Node) -> bool {
    let alias = item.field("alias").node();
    alias.is_some_and(|alias| alias.field("aliasname").word() == INNER)
}

/// A derived table: protected columns only in masks, and in conditions that compare them with a constant.
fn mask(query: &Node, relation: i64, protected: &Protected, found: &mut Vec<String>) {
    for part in [
        "groupClause",
        "havingQual",
        "distinctClause",
        "sortClause",
        "windowClause",
        "limitCount",
        "limitOffset",
        "cteList",
        "setOperations",
    ] {
        if !query.field(part).is_null() {
            found.push(format!("a derived table has {part}"));
        }
    }
    for entry in query.field("targetList").nodes() {
        let expression = entry.field("expr");
        let name = entry.field("resname").word();
        if reads(expression, relation, protected) && is_shown(expression) {
            found.push(format!("{name} shows its column"));
        }
    }
    if let Some(from) = query.field("jointree").node() {
        condition(from.field("quals"), relation, protected, found);
    }
}

fn condition(value: &Value, relation: i64, protected: &Protected, found: &mut Vec<String>) {
    let Some(node) = value.node() else { return };
    if !reads(value, relation, protected) {
        return;
    }
    match node.kind.as_str() {
        "BOOLEXPR" if node.field("boolop").word() == "and" => {
            for part in node.field("args").list() {
                condition(part, relation, protected, found);
            }
        }
        "OPEXPR" => {
            let sides = node.field("args").list();
            let columns = sides
                .iter()
                .filter(|side| any(side, &|node| node.kind == "VAR"))
                .count();
            let plain = sides.iter().any(is_shown);
            if columns != 1 || !plain {
                found.push("a condition compares more than a column and a constant".to_owned());
            }
        }
        kind => found.push(format!("a condition has a {kind} over a protected column")),
    }
}

/// Whether a column comes out unchanged.
fn is_shown(value: &Value) -> bool {
    let Some(node) = value.node() else {
        return false;
    };
    match node.kind.as_str() {
        "VAR" => true,
        "RELABELTYPE" | "COLLATEEXPR" | "COERCETODOMAIN" => is_shown(node.field("arg")),
        // A conversion of the length, such as to varchar(3).
        "FUNCEXPR" if node.number("funcformat") != 0 => {
            node.field("args").list().first().is_some_and(is_shown)
        }
        _ => false,
    }
}

fn reads(value: &Value, relation: i64, protected: &Protected) -> bool {
    any(value, &|node| {
        node.kind == "VAR" && protected.has(relation, node.number("varattno"))
    })
}

fn any(value: &Value, is: &impl Fn(&Node) -> bool) -> bool {
    match value {
        Value::List(list) => list.iter().any(|item| any(item, is)),
        Value::Node(node) => is(node) || node.fields().any(|field| any(field, is)),
        _ => false,
    }
}
