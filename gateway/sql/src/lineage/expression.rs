//! What the value of an expression carries. `scope` resolves names, `call` handles functions.

use std::sync::Arc;

use pg_query::{NodeEnum, NodeRef, protobuf as pb};

use super::Resolver;
use super::provenance::{Column, Provenance};
use super::scope::Rows;
use crate::catalog::Operand;
use crate::facts::Transform;
use crate::walker::{operand, strings};

impl<'t> Resolver<'t> {
    pub(super) fn boxed(&mut self, node: &'t Option<Box<pb::Node>>) -> Provenance {
        self.optional(node.as_deref())
    }

    pub(super) fn optional(&mut self, node: Option<&'t pb::Node>) -> Provenance {
        match node.and_then(|node| node.node.as_ref()) {
            Some(node) => self.value(node),
            None => Provenance::constant(),
        }
    }

    /// Everything that a list of expressions carries.
    pub(super) fn together(&mut self, nodes: &'t [pb::Node]) -> Provenance {
        let mut value = Provenance::constant();
        for node in nodes {
            let part = self.optional(Some(node));
            value.absorb(&part, Transform::Expression);
        }
        value
    }

    pub(super) fn value(&mut self, node: &'t NodeEnum) -> Provenance {
        self.spend(1);
        if self.spent() {
            return Provenance::unknown();
        }
        match node {
            NodeEnum::ColumnRef(column) => self.column_ref(column),
            NodeEnum::AConst(constant) if constant.isnull => Provenance::null(),
            NodeEnum::AConst(_)
            | NodeEnum::ParamRef(_)
            | NodeEnum::SqlvalueFunction(_)
            | NodeEnum::SetToDefault(_)
            | NodeEnum::CurrentOfExpr(_)
            | NodeEnum::GroupingFunc(_)
            | NodeEnum::MergeSupportFunc(_) => Provenance::constant(),
            NodeEnum::TypeCast(cast) => self.cast(cast),
            NodeEnum::CollateClause(collate) => self.boxed(&collate.arg),
            NodeEnum::NamedArgExpr(named) => self.boxed(&named.arg),
            NodeEnum::FuncCall(call) => self.call(call),
            NodeEnum::SubLink(link) => self.sublink(link),
            NodeEnum::RowExpr(row) => {
                let values: Vec<Provenance> = row
                    .args
                    .iter()
                    .map(|arg| self.optional(Some(arg)))
                    .collect();
                let named = values.into_iter().enumerate();
                let columns =
                    named.map(|(at, value)| Column::named(&format!("f{}", at + 1), value));
                Provenance::row(Arc::new(columns.collect()))
            }
            NodeEnum::AIndirection(indirection) => self.indirection(indirection),
            NodeEnum::MultiAssignRef(assigned) => self.multi_assign(assigned),
            NodeEnum::AExpr(expression) => self.operator(expression),
            NodeEnum::SelectStmt(_) => {
                // JSON_ARRAY(SELECT ...).
                let rows = self.query(node);
                self.of_rows(&rows)
            }
            _ => self.children(node.to_ref()),
        }
    }

    /// A node that is computed from all its children, and from nothing else.
    pub(super) fn children(&mut self, node: NodeRef<'t>) -> Provenance {
        let mut parts = Vec::new();
        crate::tree::children(node, &mut |child| parts.push(child));
        let mut value = Provenance::constant();
        for part in parts {
            let part = self.part(part);
            value.absorb(&part, Transform::Expression);
        }
        value
    }

    fn part(&mut self, node: NodeRef<'t>) -> Provenance {
        match node {
            NodeRef::ColumnRef(column) => self.column_ref(column),
            NodeRef::FuncCall(call) => self.call(call),
            NodeRef::SubLink(link) => self.sublink(link),
            NodeRef::SelectStmt(select) => {
                let rows = self.select(select);
                self.of_rows(&rows)
            }
            NodeRef::AExpr(expression) => self.operator(expression),
            NodeRef::TypeCast(cast) => self.cast(cast),
            NodeRef::AIndirection(indirection) => self.indirection(indirection),
            NodeRef::MultiAssignRef(assigned) => self.multi_assign(assigned),
            NodeRef::TypeName(name) => self.made_as(&strings(&name.names)),
            NodeRef::WindowDef(window) => self.window(window),
            NodeRef::InsertStmt(_)
            | NodeRef::UpdateStmt(_)
            | NodeRef::DeleteStmt(_)
            | NodeRef::MergeStmt(_) => Provenance::unknown(),
            _ => {
                self.spend(1);
                if self.spent() {
                    return Provenance::unknown();
                }
                self.children(node)
            }
        }
    }

    fn operator(&mut self, expression: &'t pb::AExpr) -> Provenance {
        let mut value = Provenance::constant();
        for side in [&expression.lexpr, &expression.rexpr] {
            let side = self.boxed(side);
            value.absorb(&side, Transform::Expression);
        }
        let names = strings(&expression.name);
        if names
            .last()
            .is_some_and(|name| !self.catalog.operator_is_readable(name))
        {
            value.unknown = true;
        }
        value
    }

    fn cast(&mut self, cast: &'t pb::TypeCast) -> Provenance {
        let arg = self.boxed(&cast.arg);
        let Some(kind) = cast.type_name.as_ref() else {
            return Provenance::unknown();
        };
        let names = strings(&kind.names);
        let operand = self.operand(cast, &arg);
        if !self.catalog.casts_are_readable(&names, operand) {
            return Provenance::unknown();
        }
        let made = self.made_as(&names);
        if arg == Provenance::null() && made.is_nothing() {
            return arg;
        }
        let mut value = arg.into(Transform::Expression);
        value.absorb(&made, Transform::Expression);
        value
    }

    /// The type of the cast's operand, if it is a plain column or the syntax gives it.
    fn operand<'n>(&self, cast: &'n pb::TypeCast, arg: &Provenance) -> Operand<'n> {
        let known = if self.catalog.has_casts() {
            operand(cast)
        } else {
            Operand::Any
        };
        let is_array = |name: &pb::TypeName| !name.array_bounds.is_empty();
        let array = cast.type_name.as_ref().is_some_and(is_array);
        match (known, arg.sources()) {
            (Operand::Any, [source])
                if !array
                    && !arg.changed
                    && !arg.unknown
                    && source.transform == Transform::Identity =>
            {
                let column = self.catalog.column(source.relation, source.attnum);
                column.map_or(Operand::Any, |column| Operand::Oid(column.type_oid))
            }
            _ => known,
        }
    }

    /// What a value of a type carries because it is created, or converted to another type.
    pub(super) fn made_as(&mut self, name: &[&str]) -> Provenance {
        let catalog = self.catalog;
        let name = name.last().copied().unwrap_or_default();
        if catalog.type_waits(name) {
            self.waits.set(true);
        }
        let mut made = Provenance::constant();
        for body in catalog.checks_of_type(name) {
            body.rows.make(&mut made);
        }
        if catalog.has_casts() {
            for cast in catalog.unwritten_casts(name) {
                let given = self.made_by(&cast.called());
                made.absorb(&given, Transform::Expression);
            }
        }
        made
    }

    /// What a function, schema first, adds to a value that it creates.
    pub(super) fn made_by(&self, function: &[&str]) -> Provenance {
        match self.yields(function) {
            Some(rows) => rows.everything(),
            None => Provenance::unknown(),
        }
    }

    pub(super) fn column_ref(&mut self, column: &'t pb::ColumnRef) -> Provenance {
        let star = column
            .fields
            .last()
            .is_some_and(|last| matches!(last.node, Some(NodeEnum::AStar(_))));
        let names = strings(&column.fields);
        match (names.as_slice(), star) {
            ([name], false) => self.bare(name),
            ([item, name], false) => self.qualified("", item, name),
            ([.., schema, item, name], false) => self.qualified(schema, item, name),
            // A star where one value is expected: count(t.*), ROW(t.*).
            ([item], true) => self.row_of("", item),
            ([.., schema, item], true) => self.row_of(schema, item),
            _ => Provenance::unknown(),
        }
    }

    fn row_of(&mut self, schema: &str, item: &str) -> Provenance {
        match self.item(schema, item) {
            Some(item) => item.row(self),
            // The row that a check applies to.
            None if self.parameters.contains(&item) => Provenance::constant(),
            None => Provenance::unknown(),
        }
    }

    /// `(value).field[1]`. A star at the end is the row itself here.
    fn indirection(&mut self, indirection: &'t pb::AIndirection) -> Provenance {
        let mut value = self.boxed(&indirection.arg);
        for step in &indirection.indirection {
            match &step.node {
                Some(NodeEnum::String(name)) => value = value.field(&name.sval),
                Some(NodeEnum::AStar(_)) => {}
                Some(NodeEnum::AIndices(at)) => {
                    let mut element = value.into(Transform::Expression);
                    for bound in [&at.lidx, &at.uidx] {
                        let bound = self.boxed(bound);
                        element.absorb(&bound, Transform::Expression);
                    }
                    value = element;
                }
                _ => value = Provenance::unknown(),
            }
        }
        value
    }

    fn sublink(&mut self, link: &'t pb::SubLink) -> Provenance {
        use pb::SubLinkType as Kind;
        let rows = match link.subselect.as_ref().and_then(|node| node.node.as_ref()) {
            Some(node) => self.query(node),
            None => Rows::unknown(),
        };
        match Kind::try_from(link.sub_link_type) {
            Ok(Kind::ExistsSublink) => rows.chosen.into(Transform::Expression),
            Ok(Kind::ExprSublink) => {
                let mut value = match rows.columns.as_ref().map(|columns| columns.as_slice()) {
                    Some([only]) => only.value.clone(),
                    _ => rows.all().into(Transform::Expression),
                };
                value.chosen_by(&rows.chosen);
                value
            }
            _ => {
                let mut value = self.of_rows(&rows);
                let test = self.boxed(&link.testexpr);
                value.absorb(&test, Transform::Expression);
                let names = strings(&link.oper_name);
                if names
                    .last()
                    .is_some_and(|name| !self.catalog.operator_is_readable(name))
                {
                    value.unknown = true;
                }
                value
            }
        }
    }

    /// One value made of a query's rows.
    pub(super) fn of_rows(&mut self, rows: &Rows) -> Provenance {
        let mut value = rows.all().into(Transform::Expression);
        value.absorb(&rows.chosen, Transform::Expression);
        value
    }

    /// `(a, b) = source`: the part for one column.
    fn multi_assign(&mut self, assigned: &'t pb::MultiAssignRef) -> Provenance {
        let at = usize::try_from(assigned.colno).unwrap_or(0).checked_sub(1);
        match (
            assigned.source.as_ref().and_then(|node| node.node.as_ref()),
            at,
        ) {
            (Some(NodeEnum::RowExpr(row)), Some(at)) => self.optional(row.args.get(at)),
            (Some(NodeEnum::SubLink(link)), Some(at)) => {
                let rows = self.boxed_query(link.subselect.as_deref());
                let column = rows.columns.as_ref().and_then(|columns| columns.get(at));
                let mut value = match column {
                    Some(column) => column.value.clone(),
                    None => rows.all(),
                };
                value.chosen_by(&rows.chosen);
                value
            }
            (Some(other), _) => self.value(other),
            _ => Provenance::unknown(),
        }
    }
}
