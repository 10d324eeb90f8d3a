//! What the rows of a query carry.

use gatewright_parser::{ConstValue, Node, NodeList, Strings, nodes, untyped};

use super::level::{Level, Windows, ends_in_star};
use super::name;
use super::resolver::Resolver;
use crate::facts::{Transform, Usage};
use crate::masks::Masked;
use crate::provenance::{Column, Provenance};
use crate::rows::Rows;

/// PostgreSQL's limit on a target list (MaxTupleAttributeNumber).
const MOST_COLUMNS: usize = 1664;

impl<'t> Resolver<'t> {
    pub(super) fn query(&mut self, node: Node<'t>) -> Rows {
        match node {
            Node::SelectStmt(select) => self.select(select),
            Node::InsertStmt(insert) => self.insert(insert),
            Node::UpdateStmt(update) => self.update(update),
            Node::DeleteStmt(delete) => self.delete(delete),
            Node::MergeStmt(merge) => self.merge(merge),
            _ => Rows::unknown(),
        }
    }

    pub(super) fn select(&mut self, select: &'t nodes::SelectStmt) -> Rows {
        self.spend(1);
        if self.spent() {
            return Rows::unknown();
        }
        let counted = std::mem::take(&mut self.counted);
        self.levels.push(Level::default());
        let before = self.with(select.with_clause());
        let mut rows = if let (Some(left), Some(right)) = (select.larg(), select.rarg()) {
            self.set_operation(select, left, right)
        } else if !select.values_lists().is_empty() {
            self.values(select.values_lists())
        } else {
            self.plain(select, counted)
        };
        rows.chosen.absorb(&before, Transform::Expression);
        for item in untyped(select.sort_clause()) {
            let order = match item {
                Node::SortBy(sort) => self.by(sort.node(), select, &rows),
                _ => Provenance::unknown(),
            };
            self.record(&order, Usage::Order);
            rows.chosen.absorb(&order, Transform::Expression);
        }
        for bound in [select.limit_count(), select.limit_offset()] {
            let bound = self.value(bound);
            self.record(&bound, Usage::Filter);
            rows.chosen.absorb(&bound, Transform::Expression);
        }
        self.levels.pop();
        rows
    }

    fn plain(&mut self, select: &'t nodes::SelectStmt, counted: bool) -> Rows {
        let mut chosen = self.from(select.from_clause());
        self.level().windows = Some(Windows::of(select.window_clause()));
        let masked = self.masks.and_then(|masks| masks.of(select));
        let (columns, moving) = self.masked_targets(untyped(select.target_list()), masked);
        let mut rows = match columns {
            Ok(columns) => Rows::of(columns),
            Err(any) => Rows::open(any),
        };
        // A set-returning function in the target list can return any number of rows.
        chosen.absorb(&moving, Transform::Expression);
        let condition = self.condition(select.where_clause());
        chosen.absorb(&condition, Transform::Expression);
        let having = self.value(select.having_clause());
        self.record(&having, Usage::Filter);
        chosen.absorb(&having, Transform::Expression);
        if self.levels.len() > 1 && !counted {
            self.failing(untyped(select.target_list()), &rows);
        }
        for item in select.group_clause().iter().chain(select.distinct_clause()) {
            let group = self.by(item, select, &rows);
            self.record(&group, Usage::Group);
            chosen.absorb(&group, Transform::Expression);
        }
        // Plain DISTINCT is a list with one empty element.
        let mut distinct = select.distinct_clause().iter();
        if distinct.any(|node| matches!(node, Node::None)) {
            let all = rows.all();
            self.record(&all, Usage::Group);
        }
        for window in select.window_clause() {
            // It counts even if no call refers to it.
            self.value(window);
        }
        rows.chosen = chosen;
        rows
    }

    /// Whoever reads the rows of a query may drop columns that were computed.
    pub(super) fn failing(&mut self, targets: &'t NodeList, rows: &Rows) {
        let all = rows.all();
        let columns = rows
            .columns
            .as_ref()
            .filter(|columns| columns.len() == targets.len());
        for (at, target) in targets.iter().enumerate() {
            if let Node::ResTarget(target) = target {
                let column = columns.and_then(|columns| columns.get(at));
                self.record_failing(target.val(), column.map_or(&all, |column| &column.value));
            }
        }
    }

    /// An item of ORDER BY, GROUP BY or DISTINCT ON: an output by name or number, or an expression.
    fn by(&mut self, node: Node<'t>, select: &'t nodes::SelectStmt, rows: &Rows) -> Provenance {
        let outputs = rows.columns.as_ref().map_or(&[][..], |columns| columns);
        match node {
            Node::A_Const(constant) => match constant.val() {
                Some(ConstValue::Integer(number)) => usize::try_from(number)
                    .ok()
                    .and_then(|at| outputs.get(at.checked_sub(1)?))
                    .map_or_else(|| rows.any.clone(), |column| column.value.clone()),
                _ => Provenance::constant(),
            },
            Node::ColumnRef(column) => {
                let named = match column.fields().strings().as_slice() {
                    [name] => called(outputs, name),
                    _ => None,
                };
                // Which of the two it is depends on the clause: both count.
                match named {
                    Some(value) if select.from_clause().is_empty() => value,
                    Some(mut value) => {
                        let column = self.column_ref(column);
                        if !column.unknown {
                            value.or(&column);
                        }
                        value
                    }
                    None => self.column_ref(column),
                }
            }
            Node::GroupingSet(set) => {
                let mut value = Provenance::constant();
                for item in set.content() {
                    let item = self.by(item, select, rows);
                    value.absorb(&item, Transform::Expression);
                }
                value
            }
            other => self.value(other),
        }
    }

    /// The output columns, or what any of them carries if their number is unknown; and what the functions among them are
    /// computed from.
    pub(super) fn targets(
        &mut self,
        list: &'t NodeList,
    ) -> (Result<Vec<Column>, Provenance>, Provenance) {
        self.masked_targets(list, None)
    }

    /// See `targets`. Masks carry nothing.
    fn masked_targets(
        &mut self,
        list: &'t NodeList,
        masked: Option<&Masked>,
    ) -> (Result<Vec<Column>, Provenance>, Provenance) {
        let mut columns: Vec<Column> = Vec::with_capacity(list.len());
        let mut open: Option<Provenance> = None;
        let mut moving = Provenance::constant();
        for item in list {
            let Node::ResTarget(target) = item else {
                return (Err(Provenance::unknown()), Provenance::unknown());
            };
            if masked.is_some_and(|masked| masked.is_mask(target)) {
                columns.push(Column {
                    name: target.name().map(Into::into),
                    value: Provenance::constant(),
                });
                continue;
            }
            match self.expanded(target.val()) {
                Some(Ok(star)) => columns.extend(star),
                Some(Err(any)) => match &mut open {
                    Some(open) => open.or(&any),
                    None => open = Some(any),
                },
                None => {
                    let value = self.value(target.val());
                    let plain = matches!(target.val(), Node::ColumnRef(_) | Node::A_Const(_));
                    if !plain {
                        moving.absorb(&value, Transform::Expression);
                    }
                    columns.push(Column {
                        name: name::of_target(target).map(Into::into),
                        value,
                    });
                }
            }
            if columns.len() > MOST_COLUMNS {
                return (Err(Provenance::unknown()), Provenance::unknown());
            }
        }
        let outcome = match open {
            None => Ok(columns),
            Some(mut any) => {
                for column in &columns {
                    any.or(&column.value);
                }
                Err(any)
            }
        };
        (outcome, moving)
    }

    /// The columns that a star stands for; `None` if the node is not a star.
    pub(super) fn expanded(&mut self, node: Node<'t>) -> Option<Result<Vec<Column>, Provenance>> {
        match node {
            Node::ColumnRef(column) if ends_in_star(column.fields()) => {
                let names = column.fields().strings();
                Some(match names.as_slice() {
                    [] => self.star(),
                    [item] => self.star_of("", item),
                    [.., schema, item] => self.star_of(schema, item),
                })
            }
            Node::A_Indirection(indirection) if ends_in_star(indirection.indirection()) => {
                let value = self.value(node);
                Some(match value.fields {
                    Some(fields) => Ok(fields.to_vec()),
                    None => Err(value.into(Transform::Expression)),
                })
            }
            _ => None,
        }
    }

    fn star(&mut self) -> Result<Vec<Column>, Provenance> {
        let items = self.levels.last().map_or(&[][..], |level| &level.items);
        let mut columns = Vec::new();
        let mut open: Option<Provenance> = None;
        for item in items.iter().filter(|item| item.bare) {
            match item.star(self) {
                Some(listed) => columns.extend(listed),
                None => {
                    let row = item.row(self);
                    match &mut open {
                        Some(open) => open.or(&row),
                        None => open = Some(row),
                    }
                }
            }
        }
        match open {
            None => Ok(columns),
            Some(mut any) => {
                for column in &columns {
                    any.or(&column.value);
                }
                Err(any)
            }
        }
    }

    fn star_of(&mut self, schema: &str, name: &str) -> Result<Vec<Column>, Provenance> {
        match self.item(schema, name) {
            Some(item) => match item.star(self) {
                Some(columns) => Ok(columns),
                None => Err(item.row(self)),
            },
            None => Err(Provenance::unknown()),
        }
    }
}

/// The output with this name. One whose name is not determined may have it, too.
fn called(outputs: &[Column], name: &str) -> Option<Provenance> {
    let maybe = |output: &&Column| output.name.as_deref().is_none_or(|known| known == name);
    let mut found = outputs.iter().filter(maybe);
    let mut value = found.next()?.value.clone();
    for other in found {
        value.or(&other.value);
    }
    Some(value)
}
