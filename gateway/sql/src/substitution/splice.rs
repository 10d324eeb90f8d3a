//! The changes to the text.

use std::ops::Range;

use gatewright_parser::{ConstValue, Node, Strings, children, nodes, parse, same};

use crate::place::Places;

use super::derived::{Derived, qualified};
use super::error::{SubstituteError, Unsupported, Unverified};
use super::expression::identifier;
use super::look_up::LookUps;
use super::pattern::{Piece, pieces};
use super::references::References;
use super::syntax::only;
use super::written::Written;

/// Replacements of parts of the text, which never overlap.
pub(super) struct Splices<'a, 'p> {
    text: &'a str,
    places: &'p Places<'a>,
    changes: Vec<(Range<usize>, Written)>,
}

impl<'a, 'p> Splices<'a, 'p> {
    pub fn of(text: &'a str, places: &'p Places<'a>) -> Self {
        Splices {
            text,
            places,
            changes: Vec::new(),
        }
    }

    /// Puts a derived table in the place of each reference.
    pub fn replace_references(
        &mut self,
        references: &References<'_>,
        derived: &[Derived],
    ) -> Result<(), SubstituteError> {
        for (reference, derived) in references.replaced.iter().zip(derived) {
            let (range, is_table_command) = self
                .extent(reference.item)
                .ok_or(Unsupported("a table name in this spelling"))?;
            let start = if is_table_command {
                "SELECT * FROM ("
            } else {
                "("
            };
            let alias = match reference.item.alias() {
                Some(_) => String::new(),
                None => {
                    let name = reference.item.relname().unwrap_or_default();
                    format!(" AS {}", identifier(name))
                }
            };
            let mut written = Written::from(start);
            written.push(&derived.select);
            written.push_str(")");
            written.push_str(&alias);
            self.changes.push((range, written));
        }
        Ok(())
    }

    /// A relation with what belongs to its name, such as ONLY; and whether it follows the command TABLE, which is then included.
    fn extent(&self, item: &nodes::RangeVar) -> Option<(Range<usize>, bool)> {
        let places = self.places;
        let mut first = places.token(item.location)?;
        let parts = 1 + usize::from(item.schemaname().is_some());
        let mut last = places.end_of_name(first, parts)?;
        if !item.inh {
            if places.is(first.checked_sub(1), "(") && places.is(Some(last + 1), ")") {
                (first, last) = (first - 1, last + 1);
            }
            first = first.checked_sub(1)?;
            if !places.is(Some(first), "ONLY") {
                return None;
            }
        } else if places.is(Some(last + 1), "*") {
            last += 1;
        }
        let is_table_command = places.is(first.checked_sub(1), "TABLE");
        if is_table_command {
            first -= 1;
        }
        let range = places.range(first)?.start..places.range(last)?.end;
        Some((range, is_table_command))
    }

    /// Names relations with their schema that share a name with a protected one.
    pub fn pin(&mut self, references: &References<'_>) -> Result<(), SubstituteError> {
        for reference in &references.pinned {
            let first = self.places.token(reference.item.location);
            let range = first
                .filter(|first| self.places.end_of_name(*first, 1).is_some())
                .and_then(|first| self.places.range(first));
            let range = range.ok_or(Unsupported("a table name in this spelling"))?;
            let name = qualified(reference.relation);
            self.changes.push((range, Written::from(name)));
        }
        Ok(())
    }

    /// A derived table has no schema: `schema.table.column` becomes `table.column`.
    pub fn shorten_columns(&mut self, references: &References<'_>) -> Result<(), SubstituteError> {
        let unsupported = Unsupported("a column name in this spelling");
        for column in references.with_schema() {
            let first = self.places.token(column.location);
            let first = first.filter(|first| {
                column.fields().len() == 3 && self.places.end_of_name(*first, 2).is_some()
            });
            let range = first.and_then(|first| {
                Some(self.places.range(first)?.start..self.places.range(first + 2)?.start)
            });
            let range = range.ok_or_else(|| unsupported.clone())?;
            self.changes.push((range, Written::default()));
        }
        Ok(())
    }

    /// A condition that was moved into a derived table is true for all its rows.
    pub fn settle(&mut self, look_ups: &LookUps<'_>) {
        for look_up in &look_ups.moved {
            self.changes
                .push((look_up.range.clone(), Written::from("TRUE")));
        }
    }

    /// The edited text, and the parts that it has been made of.
    pub fn apply(mut self) -> Result<(String, Vec<Piece>), SubstituteError> {
        self.changes.sort_by_key(|(range, _)| range.start);
        let added: usize = self
            .changes
            .iter()
            .map(|(_, written)| written.as_str().len())
            .sum();
        let mut edited = String::with_capacity(self.text.len() + added);
        let mut parts = Vec::with_capacity(2 * self.changes.len() + 1);
        let mut copied = 0;
        for (range, written) in &self.changes {
            let kept = self.text.get(copied..range.start).ok_or(Unverified)?;
            edited.push_str(kept);
            edited.push_str(written.as_str());
            parts.push(Piece::Client(copied..range.start));
            parts.extend(pieces(written).ok_or(Unverified)?);
            copied = range.end;
        }
        edited.push_str(self.text.get(copied..).ok_or(Unverified)?);
        parts.push(Piece::Client(copied..self.text.len()));
        Ok((edited, parts))
    }
}

/// The text with at most `rows` rows; `None` if it has no more.
pub(super) fn capped(
    text: &str,
    node: Node<'_>,
    rows: u64,
    standard: bool,
) -> Result<Option<String>, SubstituteError> {
    let select = match node {
        Node::SelectStmt(select) if select.into_clause().is_none() => select,
        Node::InsertStmt(_) | Node::UpdateStmt(_) | Node::DeleteStmt(_) | Node::MergeStmt(_) => {
            return Ok(None);
        }
        _ => return Err(Unsupported("a limit for this command")),
    };
    if select.limit_option == nodes::LimitOption::LIMIT_OPTION_WITH_TIES {
        return Err(Unsupported("FETCH FIRST WITH TIES"));
    }
    let capped = match select.limit_count() {
        Node::None => format!("{text}\nLIMIT {rows}"),
        Node::A_Const(constant) => {
            if let Some(ConstValue::Integer(limit)) = constant.val()
                && u64::try_from(limit).is_ok_and(|limit| limit <= rows)
            {
                return Ok(None);
            }
            let places = Places::of(text).ok_or(Unverified)?;
            let token = places
                .token(constant.location)
                .and_then(|at| places.range(at));
            let token = token.ok_or(Unverified)?;
            let (before, after) = (text.get(..token.start), text.get(token.end..));
            let (before, after) = before.zip(after).ok_or(Unverified)?;
            format!("{before}{rows}{after}")
        }
        _ => return Err(Unsupported("a computed LIMIT")),
    };
    let again = parse(&capped, standard).map_err(|_| Unverified)?;
    match only(&again)? {
        Node::SelectStmt(changed) if differs_in_limit(select, changed, rows) => Ok(Some(capped)),
        _ => Err(Unverified),
    }
}

/// Whether `after` is the same query, but for a limit of `rows`.
fn differs_in_limit(before: &nodes::SelectStmt, after: &nodes::SelectStmt, rows: u64) -> bool {
    let limit = after.limit_count();
    let counts = matches!(limit, Node::A_Const(limit) if matches!(limit.val(),
        Some(ConstValue::Integer(limit)) if u64::try_from(limit) == Ok(rows))
        || matches!(limit.val(), Some(ConstValue::Float(limit)) if limit.parse() == Ok(rows)));
    let parts = |select| {
        let mut parts = Vec::new();
        let Node::SelectStmt(query) = select else {
            return parts;
        };
        let limit = query.limit_count();
        children(select, &mut |part| {
            let is_limit = matches!((part, limit), (Node::A_Const(part), Node::A_Const(limit))
                if std::ptr::eq(part, limit));
            if !is_limit {
                parts.push(part);
            }
        });
        parts
    };
    let (old, new) = (parts(before.into()), parts(after.into()));
    counts
        && before.op == after.op
        && before.all == after.all
        && before.group_distinct == after.group_distinct
        && old.len() == new.len()
        && old.iter().zip(&new).all(|(old, new)| same(*old, *new))
}

impl<'t> References<'t> {
    /// Column references that name a replaced table with its schema.
    pub fn with_schema(&self) -> impl Iterator<Item = &'t nodes::ColumnRef> {
        self.columns.iter().copied().filter(|column| {
            let names = column.fields().strings();
            let place = column.fields().len();
            let name = |from_end: usize| place.checked_sub(from_end).and_then(|at| names.get(at));
            let (Some(schema), Some(table)) = (name(3), name(2)) else {
                return false;
            };
            self.replaced.iter().any(|reference| {
                reference.item.alias().is_none()
                    && reference.item.relname() == Some(table)
                    && reference.relation.schema == *schema
            })
        })
    }
}
