//! What a function call carries. The catalog knows which functions exist.

use pg_query::{NodeEnum, protobuf as pb};

use super::Resolver;
use super::provenance::{Column, Provenance};
use super::scope::{Item, Rows};
use crate::catalog::Operand;
use crate::facts::{Flow, Transform, Usage};
use crate::walker::{risky, strings};

impl<'t> Resolver<'t> {
    pub(super) fn call(&mut self, call: &'t pb::FuncCall) -> Provenance {
        let parts = strings(&call.funcname);
        let name = parts.last().copied().unwrap_or_default();
        let aggregate = risky::is_aggregate(name, call);
        let transform = if aggregate {
            Transform::Aggregate
        } else {
            Transform::Expression
        };
        let mut value = self.result(&parts, call, transform);
        for item in &call.agg_order {
            let order = self.optional(Some(item));
            // The values of WITHIN GROUP are what is aggregated.
            value.absorb(&order, transform);
        }
        let filter = self.boxed(&call.agg_filter);
        value.absorb(&filter, Transform::Expression);
        if aggregate && let Some(level) = self.levels.last() {
            value.absorb(&level.moved, Transform::Expression);
        }
        if let Some(window) = call.over.as_deref() {
            let window = self.window(window);
            value.absorb(&window, Transform::Expression);
        }
        value
    }

    fn result(
        &mut self,
        parts: &[&str],
        call: &'t pb::FuncCall,
        transform: Transform,
    ) -> Provenance {
        let name = parts.last().copied().unwrap_or_default();
        let bare = parts.len() == 1;
        let args: Vec<Provenance> = call
            .args
            .iter()
            .map(|arg| self.optional(Some(arg)))
            .collect();
        for arg in &args {
            self.record(arg, Usage::Argument);
        }
        // With one row as argument PostgreSQL looks for a function of that name first, then for a column.
        let field = match args.as_slice() {
            [row] if bare && row.has_field(name) => Some(row.field(name)),
            _ => None,
        };
        let counts = name == "count" && !self.catalog.shadows_function(name);
        let plain = |node: &pb::Node| {
            matches!(
                node.node,
                Some(NodeEnum::ColumnRef(_) | NodeEnum::AConst(_) | NodeEnum::ParamRef(_))
            )
        };
        let mut value = Provenance::constant();
        // The number of values in a column reveals none of them.
        if !(counts && call.args.iter().all(plain)) {
            for arg in &args {
                value.absorb(arg, transform);
            }
        }
        let body = self.body(parts, call);
        value.absorb(&body, Transform::Expression);
        // A type's name converts to the type.
        let made = self.made_as(parts);
        value.absorb(&made, Transform::Expression);
        self.writes(parts, &args);
        if let Some(field) = &field {
            value.or(field);
        }
        value
    }

    /// What the function's body adds to its result.
    pub(super) fn body(&mut self, parts: &[&str], call: &'t pb::FuncCall) -> Provenance {
        // A type's name converts to the type.
        if risky::reason(parts, call).is_some()
            || !self.catalog.casts_are_readable(parts, Operand::Any)
        {
            return Provenance::unknown();
        }
        match self.yields(parts) {
            Some(rows) => {
                let mut value = rows.all();
                value.chosen_by(&rows.chosen);
                value
            }
            None => Provenance::unknown(),
        }
    }

    /// What the functions of that name write, which may include their arguments.
    fn writes(&mut self, parts: &[&str], args: &[Provenance]) {
        let catalog = self.catalog;
        let bodies = catalog.function_bodies(parts).unwrap_or_default();
        let mut flows: Vec<Flow> = bodies
            .iter()
            .flat_map(|body| body.flows.iter().cloned())
            .collect();
        if flows.is_empty() {
            return;
        }
        let mut given = Provenance::constant();
        for arg in args {
            given.absorb(arg, Transform::Expression);
        }
        super::add_to_flows(&mut flows, &given, catalog);
        self.add_flows(flows);
    }

    /// What the functions of that name return apart from their arguments. `None`: unknown.
    pub(super) fn yields(&self, parts: &[&str]) -> Option<Rows> {
        let name = parts.last().copied().unwrap_or_default();
        if self.catalog.bodies().function_waits(name) {
            self.waits.set(true);
        }
        let bodies = self.catalog.function_bodies(parts)?;
        if let [body] = bodies.as_slice() {
            return Some(body.rows.clone());
        }
        let mut all = Rows::open(Provenance::constant());
        for body in bodies {
            all.any.absorb(&body.rows.all(), Transform::Expression);
            all.chosen.absorb(&body.rows.chosen, Transform::Expression);
        }
        Some(all)
    }

    /// `item.name` if the item has no such column: a function of its row.
    pub(super) fn call_of_row(&self, name: &str, item: &Item<'t>) -> Provenance {
        let mut value = item.row(self).into(Transform::Expression);
        match self.yields(&[name]) {
            Some(rows) if !risky::is_risky(name) => {
                rows.make(&mut value);
            }
            _ => value.unknown = true,
        }
        value
    }

    pub(super) fn window(&mut self, window: &'t pb::WindowDef) -> Provenance {
        let mut value = self.together(&window.partition_clause);
        for part in [
            self.together(&window.order_clause),
            self.boxed(&window.start_offset),
            self.boxed(&window.end_offset),
        ] {
            value.absorb(&part, Transform::Expression);
        }
        self.record(&value, Usage::Window);
        // OVER w names a window; OVER (w ...) and WINDOW v AS (w ...) refer to one.
        let windows = self.levels.last().map_or(&[][..], |level| level.windows);
        for referred in [&window.name, &window.refname] {
            if referred.is_empty() {
                continue;
            }
            let at = windows.iter().position(|known| {
                matches!(&known.node, Some(NodeEnum::WindowDef(known))
                    if known.name == *referred && !std::ptr::eq(&**known, window))
            });
            if let Some((before, Some(NodeEnum::WindowDef(known)))) =
                at.and_then(|at| Some((windows.get(..at)?, windows.get(at)?.node.as_ref())))
            {
                // A window may refer to earlier ones only.
                let level = self.level();
                let all = std::mem::replace(&mut level.windows, before);
                let known = self.window(known);
                self.level().windows = all;
                value.absorb(&known, Transform::Expression);
            }
        }
        value
    }

    /// The rows of a function in FROM, given what its value as an expression carries.
    pub(super) fn call_rows(
        &mut self,
        node: &'t pb::Node,
        value: Provenance,
        alias: Option<&str>,
    ) -> Rows {
        let Some(NodeEnum::FuncCall(call)) = &node.node else {
            // CURRENT_DATE and the like have one column, whose name is not determined.
            return Rows::of(vec![Column { name: None, value }]);
        };
        let parts = strings(&call.funcname);
        let name = parts.last().copied().unwrap_or_default();
        match self.catalog.function_columns(&parts, call.args.len()) {
            Some([]) => Rows::of(vec![Column::named(alias.unwrap_or(name), value)]),
            Some(names) => Rows::of(
                names
                    .iter()
                    .map(|name| Column::named(name, value.clone()))
                    .collect(),
            ),
            None => self.listed(&parts, value),
        }
    }

    /// The columns in a function's definition; each may carry anything that the call does.
    fn listed(&self, parts: &[&str], value: Provenance) -> Rows {
        let columns = self.yields(parts).and_then(|rows| rows.columns);
        let Some(columns) = columns else {
            return Rows::open(value);
        };
        let named = columns.iter().map(|column| Column {
            name: column.name.clone(),
            value: value.clone(),
        });
        Rows::of(named.collect())
    }
}
