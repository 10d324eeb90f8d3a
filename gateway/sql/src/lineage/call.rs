//! What a function call carries. The catalog knows which functions exist.

use gatewright_parser::{Node, nodes, untyped};

use super::level::Item;
use super::resolver::Resolver;
use crate::catalog::Operand;
use crate::facts::{Flow, Transform, Usage};
use crate::provenance::{Column, Provenance};
use crate::risky;
use crate::rows::Rows;
use crate::version;

impl<'t> Resolver<'t> {
    pub(super) fn call(&mut self, call: &'t nodes::FuncCall) -> Provenance {
        let parts = version::called(call, self.catalog.server_version());
        let name = parts.last().copied().unwrap_or_default();
        let aggregate = risky::is_aggregate(name, call);
        let transform = if aggregate {
            Transform::Aggregate
        } else {
            Transform::Expression
        };
        let mut value = self.result(&parts, call, transform);
        for item in untyped(call.agg_order()) {
            let order = self.value(item);
            self.record(&order, Usage::Aggregate);
            // The values of WITHIN GROUP are what is aggregated.
            value.absorb(&order, transform);
        }
        let filter = self.value(call.agg_filter());
        self.record(&filter, Usage::Aggregate);
        value.absorb(&filter, Transform::Expression);
        if aggregate {
            self.absorb_moved(&mut value);
        }
        if let Some(window) = call.over() {
            let window = self.window(window);
            value.absorb(&window, Transform::Expression);
        }
        value
    }

    /// An aggregate reveals what determines how many rows there are.
    pub(super) fn absorb_moved(&self, value: &mut Provenance) {
        if let Some(level) = self.levels.last() {
            value.absorb(&level.moved, Transform::Expression);
        }
    }

    fn result(
        &mut self,
        parts: &[&str],
        call: &'t nodes::FuncCall,
        transform: Transform,
    ) -> Provenance {
        let name = parts.last().copied().unwrap_or_default();
        let bare = parts.len() == 1;
        let args = call.args().iter();
        let args: Vec<Provenance> = args.map(|arg| self.value(arg)).collect();
        // With one row as argument PostgreSQL looks for a function of that name first, then for a column.
        let field = match args.as_slice() {
            [row] if bare && row.has_field(name) => Some(row.field(name)),
            _ => None,
        };
        let counts = name == "count" && !self.catalog.shadows_function(name);
        // As a count of values it reveals whether a column is NULL.
        let of_column = counts && takes_a_column(call);
        for arg in &args {
            let same = !arg.changed && !arg.unknown;
            self.record_as(arg, Usage::Argument, !(of_column && same));
        }
        let plain = |node: Node<'_>| {
            matches!(
                node,
                Node::ColumnRef(_) | Node::A_Const(_) | Node::ParamRef(_)
            )
        };
        let mut value = Provenance::constant();
        // The number of values in a column reveals none of them.
        if !(counts && call.args().iter().all(plain)) {
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
    pub(super) fn body(&mut self, parts: &[&str], call: &'t nodes::FuncCall) -> Provenance {
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
        super::resolver::add_to_flows(&mut flows, &given, catalog.catalog());
        self.add_flows(flows);
    }

    /// What the functions of that name return apart from their arguments. `None`: unknown.
    pub(super) fn yields(&self, parts: &[&str]) -> Option<Rows> {
        if self.catalog.function_waits(parts) {
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

    /// `(value).name`: a field; else the function `name` of the value. The server does not know the fields of every record: of one
    /// that is no `variable`, such as the result of a subquery, the function may be called although a field has the name.
    pub(super) fn field_or_call(
        &mut self,
        value: &Provenance,
        name: &str,
        variable: bool,
    ) -> Provenance {
        let mut found = value.field(name);
        let is_field = value.has_field(name);
        if !(is_field && variable) && self.catalog.has_function(name) {
            if is_field {
                found.absorb(value, Transform::Expression);
            }
            self.named_as_field(name);
            match self.yields(&[name]) {
                Some(rows) if !risky::is_risky(name) => rows.make(&mut found),
                _ => found.unknown = true,
            }
            self.record(&found, Usage::Argument);
        }
        found
    }

    /// A function is called without being written as a call.
    fn named_as_field(&self, name: &str) {
        let mut called = self.called.borrow_mut();
        if !called.iter().any(|known| known == name) {
            called.push(name.to_owned());
        }
    }

    /// `item.name` if the item has no such column: a function of its row.
    pub(super) fn call_of_row(&mut self, name: &str, item: &Item<'t>) -> Provenance {
        let mut value = item.row(self).into(Transform::Expression);
        match self.yields(&[name]) {
            Some(rows) if !risky::is_risky(name) => rows.make(&mut value),
            _ => value.unknown = true,
        }
        if self.catalog.has_function(name) {
            self.named_as_field(name);
            self.record(&value, Usage::Argument);
        }
        value
    }

    pub(super) fn window(&mut self, window: &'t nodes::WindowDef) -> Provenance {
        let mut value = self.together(window.partition_clause());
        for part in [
            self.together(untyped(window.order_clause())),
            self.value(window.start_offset()),
            self.value(window.end_offset()),
        ] {
            value.absorb(&part, Transform::Expression);
        }
        self.record(&value, Usage::Window);
        // OVER w names a window; OVER (w ...) and WINDOW v AS (w ...) refer to one.
        let windows = self.levels.last().and_then(|level| level.windows);
        for referred in [window.name(), window.refname()] {
            let found = windows.zip(referred);
            if let Some((known, before)) =
                found.and_then(|(windows, name)| windows.named(name, window))
            {
                // A window may refer to earlier ones only.
                let all = self.level().windows.replace(before);
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
        node: Node<'t>,
        value: Provenance,
        alias: Option<&str>,
    ) -> Rows {
        let Node::FuncCall(call) = node else {
            // CURRENT_DATE and the like have one column, whose name is not determined.
            return Rows::of(vec![Column { name: None, value }]);
        };
        let parts = version::called(call, self.catalog.server_version());
        let name = parts.last().copied().unwrap_or_default();
        match self.catalog.function_columns(&parts, call.args().len()) {
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

/// `f(column)` and nothing else.
fn takes_a_column(call: &nodes::FuncCall) -> bool {
    let plain = matches!(call.agg_filter(), Node::None)
        && call.agg_order().is_empty()
        && call.over().is_none();
    let mut args = call.args().iter();
    plain && args.len() == 1 && args.all(|arg| matches!(arg, Node::ColumnRef(_)))
}
