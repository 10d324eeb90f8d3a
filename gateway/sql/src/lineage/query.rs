//! What the rows of a query carry.

use pg_query::{NodeEnum, protobuf as pb};

use super::provenance::{Column, Provenance};
use super::scope::{Level, Rows};
use super::{Resolver, name};
use crate::facts::{Transform, Usage};
use crate::walker::strings;

/// PostgreSQL's limit on a target list (MaxTupleAttributeNumber).
const MOST_COLUMNS: usize = 1664;

impl<'t> Resolver<'t> {
    pub(super) fn query(&mut self, node: &'t NodeEnum) -> Rows {
        match node {
            NodeEnum::SelectStmt(select) => self.select(select),
            NodeEnum::InsertStmt(insert) => self.insert(insert),
            NodeEnum::UpdateStmt(update) => self.update(update),
            NodeEnum::DeleteStmt(delete) => self.delete(delete),
            NodeEnum::MergeStmt(merge) => self.merge(merge),
            _ => Rows::unknown(),
        }
    }

    pub(super) fn select(&mut self, select: &'t pb::SelectStmt) -> Rows {
        self.spend(1);
        if self.spent() {
            return Rows::unknown();
        }
        self.levels.push(Level::default());
        let before = self.with(select.with_clause.as_ref());
        let mut rows = if let (Some(left), Some(right)) = (&select.larg, &select.rarg) {
            self.set_operation(select, left, right)
        } else if !select.values_lists.is_empty() {
            self.values(&select.values_lists)
        } else {
            self.plain(select)
        };
        rows.chosen.absorb(&before, Transform::Expression);
        for item in &select.sort_clause {
            let order = match &item.node {
                Some(NodeEnum::SortBy(sort)) => self.by(sort.node.as_deref(), select, &rows),
                _ => Provenance::unknown(),
            };
            self.record(&order, Usage::Order);
            rows.chosen.absorb(&order, Transform::Expression);
        }
        for bound in [&select.limit_count, &select.limit_offset] {
            let bound = self.boxed(bound);
            self.record(&bound, Usage::Filter);
            rows.chosen.absorb(&bound, Transform::Expression);
        }
        self.levels.pop();
        rows
    }

    fn plain(&mut self, select: &'t pb::SelectStmt) -> Rows {
        let mut chosen = self.from(&select.from_clause);
        self.level().windows = &select.window_clause;
        let (columns, moving) = self.targets(&select.target_list);
        let mut rows = match columns {
            Ok(columns) => Rows::of(columns),
            Err(any) => Rows::open(any),
        };
        // A set-returning function in the target list can return any number of rows.
        chosen.absorb(&moving, Transform::Expression);
        for condition in [&select.where_clause, &select.having_clause] {
            let condition = self.boxed(condition);
            self.record(&condition, Usage::Filter);
            chosen.absorb(&condition, Transform::Expression);
        }
        for item in select.group_clause.iter().chain(&select.distinct_clause) {
            let group = self.by(Some(item), select, &rows);
            self.record(&group, Usage::Group);
            chosen.absorb(&group, Transform::Expression);
        }
        let distinct = select
            .distinct_clause
            .iter()
            .any(|node| node.node.is_none());
        if distinct {
            let all = rows.all();
            self.record(&all, Usage::Group);
        }
        for window in &select.window_clause {
            self.optional(Some(window));
        }
        rows.chosen = chosen;
        rows
    }

    /// An item of ORDER BY, GROUP BY or DISTINCT ON: an output by name or number, or an expression.
    fn by(
        &mut self,
        node: Option<&'t pb::Node>,
        select: &'t pb::SelectStmt,
        rows: &Rows,
    ) -> Provenance {
        let Some(node) = node.and_then(|node| node.node.as_ref()) else {
            return Provenance::constant();
        };
        let outputs = rows.columns.as_ref().map_or(&[][..], |columns| columns);
        match node {
            NodeEnum::AConst(constant) => match &constant.val {
                Some(pb::a_const::Val::Ival(number)) => usize::try_from(number.ival)
                    .ok()
                    .and_then(|at| outputs.get(at.checked_sub(1)?))
                    .map_or_else(|| rows.any.clone(), |column| column.value.clone()),
                _ => Provenance::constant(),
            },
            NodeEnum::ColumnRef(column) => {
                let named = match strings(&column.fields).as_slice() {
                    [name] => outputs
                        .iter()
                        .find(|output| output.name.as_deref() == Some(name))
                        .map(|output| output.value.clone()),
                    _ => None,
                };
                // Which of the two it is depends on the clause: both count.
                match named {
                    Some(value) if select.from_clause.is_empty() => value,
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
            NodeEnum::GroupingSet(set) => {
                let mut value = Provenance::constant();
                for item in &set.content {
                    let item = self.by(Some(item), select, rows);
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
        list: &'t [pb::Node],
    ) -> (Result<Vec<Column>, Provenance>, Provenance) {
        let mut columns: Vec<Column> = Vec::with_capacity(list.len());
        let mut open: Option<Provenance> = None;
        let mut moving = Provenance::constant();
        for item in list {
            let Some(NodeEnum::ResTarget(target)) = &item.node else {
                return (Err(Provenance::unknown()), Provenance::unknown());
            };
            match self.expanded(target) {
                Some(Ok(star)) => columns.extend(star),
                Some(Err(any)) => match &mut open {
                    Some(open) => open.or(&any),
                    None => open = Some(any),
                },
                None => {
                    let value = self.optional(target.val.as_deref());
                    let plain = matches!(
                        target.val.as_ref().and_then(|value| value.node.as_ref()),
                        Some(NodeEnum::ColumnRef(_) | NodeEnum::AConst(_))
                    );
                    if !plain {
                        moving.absorb(&value, Transform::Expression);
                    }
                    columns.push(Column {
                        name: name::of_target(target).as_deref().map(Into::into),
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

    /// The columns that a star stands for; `None` if the target is not a star.
    fn expanded(&mut self, target: &'t pb::ResTarget) -> Option<Result<Vec<Column>, Provenance>> {
        let is_star = |node: Option<&pb::Node>| {
            node.is_some_and(|node| matches!(node.node, Some(NodeEnum::AStar(_))))
        };
        match target.val.as_ref().and_then(|value| value.node.as_ref())? {
            NodeEnum::ColumnRef(column) if is_star(column.fields.last()) => {
                let names = strings(&column.fields);
                Some(match names.as_slice() {
                    [] => self.star(),
                    [item] => self.star_of("", item),
                    [.., schema, item] => self.star_of(schema, item),
                })
            }
            NodeEnum::AIndirection(indirection) if is_star(indirection.indirection.last()) => {
                let value = self.optional(target.val.as_deref());
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
            match item.list(self) {
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
            Some(item) => match item.list(self) {
                Some(columns) => Ok(columns),
                None => Err(item.row(self)),
            },
            None => Err(Provenance::unknown()),
        }
    }
}
