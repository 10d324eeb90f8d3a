//! Look-ups by equality: `column = constant` or `column IN (constant)` as a condition that all rows of a query must meet compares the column itself. It
//! moves into the derived table, where the server finds the row by its index.

use std::ops::Range;

use gatewright_parser::{ConstValue, Node, Strings, nodes};

use crate::place::Places;

use super::expression::{identifier, inner_column, literal};
use super::references::{Condition, Reference, References};
use super::rules::{Reading, Rules};
use super::syntax::name_of;
use super::written::Written;
use crate::catalog::is_base_type;
use crate::equation::{compared, conjuncts};

/// Types from here on are not PostgreSQL's own (FirstNormalObjectId): what their equality means is not known.
const FIRST_OWN_TYPE: u32 = 16_384;

/// A condition that moves.
pub(super) struct LookUp<'t> {
    /// The index of the reference that it moves into.
    reference: usize,
    pub condition: &'t nodes::A_Expr,
    /// Where it stands in the text.
    pub range: Range<usize>,
    written: Written,
}

pub(super) struct LookUps<'t> {
    pub moved: Vec<LookUp<'t>>,
}

impl LookUps<'_> {
    /// The conditions that move into this reference.
    pub fn of(&self, reference: usize) -> Vec<Written> {
        let own = self
            .moved
            .iter()
            .filter(|known| known.reference == reference);
        own.map(|known| known.written.clone()).collect()
    }
}

/// The conditions that can move, as many as the rules allow in one statement.
pub(super) fn find<'t>(
    references: &References<'t>,
    rules: &Rules<'_>,
    places: &Places<'_>,
) -> LookUps<'t> {
    let mut moved: Vec<LookUp<'t>> = Vec::new();
    for condition in &references.conditions {
        let items = items(condition);
        let mut all = Vec::new();
        conjuncts(condition.all_meet, &mut |part| {
            if let Node::A_Expr(part) = part {
                all.push(part);
            }
        });
        // Of more than may move, the last ones do.
        for part in all.into_iter().rev() {
            if let Some((found, most)) = look_up(part, &items, references, rules, places)
                && moved.len() < usize::try_from(most).unwrap_or(0)
            {
                moved.push(found);
            }
        }
    }
    LookUps { moved }
}

/// An item of FROM.
struct Item<'t> {
    /// `None`: not a plain relation.
    relation: Option<&'t nodes::RangeVar>,
    /// An outer join may add a row of NULLs, which a condition inside would not remove.
    nullable: bool,
    /// A join's alias hides its name, or USING or NATURAL merges its columns.
    hidden: bool,
}

fn items<'t>(condition: &Condition<'t>) -> Vec<Item<'t>> {
    let mut items = Vec::new();
    items.extend(condition.target.map(|target| Item {
        relation: Some(target),
        nullable: false,
        hidden: false,
    }));
    let mut open: Vec<(Node<'t>, bool, bool)> = Vec::new();
    open.extend(condition.from.iter().map(|node| (node, false, false)));
    while let Some((node, nullable, hidden)) = open.pop() {
        match node {
            Node::JoinExpr(join) => {
                use nodes::JoinType::{JOIN_FULL, JOIN_INNER, JOIN_LEFT, JOIN_RIGHT};
                let (left, right) = match join.jointype {
                    JOIN_INNER => (nullable, nullable),
                    JOIN_LEFT => (nullable, true),
                    JOIN_RIGHT => (true, nullable),
                    JOIN_FULL => (true, true),
                    _ => (true, true),
                };
                let merges = join.is_natural || !join.using_clause().is_empty();
                let hidden = hidden || merges || join.alias().is_some();
                open.push((join.larg(), left, hidden));
                open.push((join.rarg(), right, hidden));
            }
            Node::RangeVar(relation) => items.push(Item {
                relation: Some(relation),
                nullable,
                hidden,
            }),
            _ => items.push(Item {
                relation: None,
                nullable,
                hidden,
            }),
        }
    }
    items
}

/// The look-up that a condition is, and how many a statement may have.
fn look_up<'t>(
    condition: &'t nodes::A_Expr,
    items: &[Item<'t>],
    references: &References<'t>,
    rules: &Rules<'_>,
    places: &Places<'_>,
) -> Option<(LookUp<'t>, u32)> {
    let (column, given) = compared(condition)?;
    let constant = constant(given, places)?;
    let names = column.fields().strings();
    let (table, name) = match names.as_slice() {
        [name] if column.fields().len() == 1 => (None, *name),
        [table, name] if column.fields().len() == 2 => (Some(*table), *name),
        _ => return None,
    };
    let reference = meant(table, name, items, references)?;
    let at = references
        .replaced
        .iter()
        .position(|known| std::ptr::eq(known.item, reference.item))?;
    let mut columns = reference.relation.columns.iter();
    let own = columns.find(|column| column.name == name && column.type_oid < FIRST_OWN_TYPE)?;
    let Reading::Replaced(replaced) = rules.reading(reference.relation, own) else {
        return None;
    };
    let first = places.token(column.location)?;
    let last = places.end_of_name(first, names.len())?;
    let (column_at, given_at) = (
        places.range(first)?.start..places.range(last)?.end,
        constant.range,
    );
    let mut range = column_at.start.min(given_at.start)..column_at.end.max(given_at.end);
    if condition.kind == nodes::A_Expr_Kind::AEXPR_IN {
        let last = places.next(range.end);
        range.end = places
            .range(last)
            .filter(|_| places.is(Some(last), ")"))?
            .end;
    }
    // A side in parentheses of its own.
    if !places.is_balanced(&range) {
        return None;
    }
    let mut written = Written::from(inner_column(name));
    written.push_str(" OPERATOR(pg_catalog.=) ");
    written.push(&constant.written);
    let found = LookUp {
        reference: at,
        condition,
        range,
        written,
    };
    Some((found, replaced.look_ups))
}

/// The replaced reference whose column is meant, if no other reading is possible.
fn meant<'r, 't>(
    table: Option<&str>,
    name: &str,
    items: &[Item<'t>],
    references: &'r References<'t>,
) -> Option<&'r Reference<'t>> {
    let reference_of = |item: &Item<'t>| {
        let relation = item.relation?;
        let mut replaced = references.replaced.iter();
        replaced.find(|known| std::ptr::eq(known.item, relation))
    };
    let named: Vec<&Item<'t>> = match table {
        Some(table) => items
            .iter()
            .filter(|item| {
                item.relation
                    .is_none_or(|relation| name_of(relation) == table)
            })
            .collect(),
        // Another item could have the column, too.
        None => items.iter().collect(),
    };
    let [item] = named.as_slice() else {
        return None;
    };
    let reference = reference_of(item).filter(|_| !item.nullable && !item.hidden)?;
    let renames = reference
        .item
        .alias()
        .is_some_and(|alias| !alias.colnames().is_empty());
    let has = reference
        .relation
        .columns
        .iter()
        .any(|column| column.name == name);
    (has && !renames).then_some(reference)
}

/// A constant or parameter, and where it stands.
struct Constant {
    written: Written,
    range: Range<usize>,
}

fn constant(node: Node<'_>, places: &Places<'_>) -> Option<Constant> {
    match node {
        Node::A_Const(constant) => {
            let token = places.token(constant.location)?;
            let written = match constant.val()? {
                ConstValue::String(text) => literal(text),
                ConstValue::Integer(number) if number >= 0 => number.to_string(),
                ConstValue::Float(number) if !number.starts_with('-') => number.to_owned(),
                ConstValue::Boolean(value) => if value { "TRUE" } else { "FALSE" }.to_owned(),
                _ => return None,
            };
            let range = places.range(token)?;
            Some(Constant {
                written: Written::constant(written, range.clone()),
                range,
            })
        }
        Node::ParamRef(parameter) => Some(Constant {
            written: Written::from(format!("${}", parameter.number)),
            range: places.range(places.token(parameter.location)?)?,
        }),
        Node::TypeCast(cast) => converted(cast, places),
        _ => None,
    }
}

/// `constant::type` with the plain name of a type of PostgreSQL's: another may have an equality of its own only.
fn converted(cast: &nodes::TypeCast, places: &Places<'_>) -> Option<Constant> {
    let inner = match cast.arg() {
        Node::TypeCast(_) => return None,
        node => constant(node, places)?,
    };
    let kind = cast.type_name()?;
    let names = kind.names().strings();
    let ([name] | ["pg_catalog", name]) = names.as_slice() else {
        return None;
    };
    if !is_base_type(name) {
        return None;
    }
    let first = places.token(kind.location)?;
    let plain = kind.typmods().is_empty() && kind.array_bounds().is_empty() && !kind.setof;
    if !plain || kind.typemod != -1 || !places.is(first.checked_sub(1), "::") {
        return None;
    }
    // A keyword such as integer stands for pg_catalog.int4: one word in the text, two names in the tree.
    let written_names = names.len();
    let parts = match places.is(Some(first + 1), ".") {
        true => written_names,
        false => 1,
    };
    let last = places.end_of_name(first, parts)?;
    let name: Vec<String> = names.iter().map(|name| identifier(name)).collect();
    let mut written = Written::from("CAST(");
    written.push(&inner.written);
    written.push_str(&format!(" AS {})", name.join(".")));
    Some(Constant {
        written,
        range: inner.range.start..places.range(last)?.end,
    })
}
