//! Queries: WITH, FROM, targets, grouping and ordering.

use gatewright_parser::{ConstValue, Node, NodeList, Strings, nodes, untyped};

use crate::catalog::Operand;
use crate::facts::{Access, Usage};
use crate::masks::Masked;
use crate::risky;
use crate::version;

use super::sources::{Scope, Source};
use super::state::Walker;
use super::syntax::only;

impl<'a> Walker<'a> {
    pub(super) fn with(&mut self, clause: Option<&'a nodes::WithClause>) {
        let Some(clause) = clause else { return };
        let ctes = || {
            let list = untyped(clause.ctes()).iter();
            list.filter_map(|cte| match cte {
                Node::CommonTableExpr(cte) => Some(cte),
                _ => None,
            })
        };
        let name = |cte: &nodes::CommonTableExpr| cte.ctename().unwrap_or_default().to_owned();
        if clause.recursive {
            self.scope().ctes.extend(ctes().map(name));
        }
        for cte in ctes() {
            let access = std::mem::replace(&mut self.access, Access::SELECT);
            self.using(Usage::Output, |walker| walker.node(cte.ctequery()));
            self.access = access;
            self.scope().ctes.push(name(cte));
        }
    }

    pub(super) fn select(&mut self, select: &'a nodes::SelectStmt) {
        let usage = self.usage;
        let access = std::mem::replace(&mut self.access, Access::SELECT);
        self.scopes.push(Scope::default());
        self.with(select.with_clause());
        if let Some(into) = select.into_clause() {
            self.target(into.rel(), Access::DDL | Access::INSERT);
        }
        for item in select.from_clause() {
            self.read_item(item);
        }
        self.scope().complete = true;
        for arm in [select.larg(), select.rarg()].into_iter().flatten() {
            self.usage = usage | super::equality::compared_arms(select);
            self.select(arm);
        }
        self.setting = self.only_setting(select);
        self.targets(select);
        self.setting = None;
        self.nodes(select.values_lists());
        self.condition(select.where_clause(), self.shows_order(select));
        self.using(Usage::Filter, |walker| walker.node(select.having_clause()));
        self.using(Usage::Group, |walker| {
            walker.aliases(select.group_clause(), untyped(select.target_list()));
            walker.bare_nodes(select.distinct_clause());
        });
        // DISTINCT without ON.
        let mut distinct = select.distinct_clause().iter();
        if distinct.any(|node| matches!(node, Node::None)) {
            self.using(Usage::Group, |walker| {
                walker.bare_nodes(untyped(select.target_list()))
            });
        }
        self.using(Usage::Window, |walker| walker.nodes(select.window_clause()));
        self.using(Usage::Order, |walker| {
            walker.aliases(untyped(select.sort_clause()), untyped(select.target_list()))
        });
        self.using(Usage::Argument, |walker| {
            walker.node(select.limit_count());
            walker.node(select.limit_offset());
        });
        for locking in untyped(select.locking_clause()) {
            self.locking(locking);
        }
        self.scopes.pop();
        self.usage = usage;
        self.access = access;
    }

    fn targets(&mut self, select: &'a nodes::SelectStmt) {
        let masked = self.masks.and_then(|masks| masks.of(select));
        for target in untyped(select.target_list()) {
            let is_mask = matches!((target, masked), (Node::ResTarget(target), Some(masked))
                if masked.is_mask(target));
            if !is_mask {
                self.node(target);
            }
        }
    }

    fn locking(&mut self, clause: Node<'a>) {
        let Node::LockingClause(clause) = clause else {
            return;
        };
        let named: Vec<&str> = clause
            .locked_rels()
            .iter()
            .filter_map(|rel| match rel {
                Node::RangeVar(rel) => Some(rel.relname().unwrap_or_default()),
                _ => None,
            })
            .collect();
        let tables: Vec<usize> = self
            .scopes
            .last()
            .into_iter()
            .flat_map(|scope| &scope.sources)
            .filter(|source| named.is_empty() || named.contains(&source.name.as_str()))
            .flat_map(|source| source.tables.iter().map(|(table, _)| *table))
            .collect();
        self.grant(&tables, Access::LOCK);
    }

    /// Items of ORDER BY and GROUP BY, which may refer to output columns by name or number.
    fn aliases(&mut self, items: &'a NodeList, targets: &'a NodeList) {
        for item in items {
            let inner = match item {
                Node::SortBy(sort) => sort.node(),
                other => other,
            };
            match inner {
                Node::ColumnRef(column) => {
                    if let [name] = column.fields().strings().as_slice() {
                        for target in targets {
                            if let Node::ResTarget(target) = target
                                && target.name().unwrap_or_default() == *name
                            {
                                self.bare_or_not(target.val());
                            }
                        }
                    }
                }
                Node::A_Const(constant) => {
                    if let Some(ConstValue::Integer(at)) = constant.val()
                        && let Ok(at) = usize::try_from(at)
                        && let Some(target) = at.checked_sub(1).and_then(|at| targets.get(at))
                    {
                        self.bare_or_not(target);
                    }
                }
                _ => {}
            }
            self.bare_or_not(item);
        }
    }

    pub(super) fn scope(&mut self) -> &mut Scope<'a> {
        if self.scopes.is_empty() {
            self.scopes.push(Scope::default());
        }
        let last = self.scopes.len() - 1;
        &mut self.scopes[last]
    }

    fn source(
        &mut self,
        name: &str,
        alias: Option<&nodes::Alias>,
        tables: Vec<(usize, Option<&'a crate::catalog::Relation>)>,
    ) {
        let renamed = alias.map_or_else(Vec::new, |alias| {
            let names = alias.colnames().strings();
            names.into_iter().map(str::to_owned).collect()
        });
        let name = alias
            .map_or(name, |alias| alias.aliasname().unwrap_or_default())
            .to_owned();
        self.scope().sources.push(Source {
            name,
            tables,
            renamed,
            masked: None,
        });
    }

    /// A derived table that stands for a relation is the relation under its masks.
    fn replacement(&mut self, sub: &'a nodes::RangeSubselect, masked: &'a Masked) {
        let relation = self
            .catalog
            .lookup(Some(&masked.schema), &masked.name)
            .into_iter()
            .next();
        let at = self
            .places
            .find(&self.facts.tables, &masked.schema, &masked.name);
        let tables = at.map(|at| (at, relation)).into_iter().collect();
        self.source("", sub.alias(), tables);
        if let Some(source) = self.scope().sources.last_mut() {
            source.masked = Some(masked);
        }
    }

    /// A relation in FROM; a CTE hides an unqualified name.
    pub(super) fn read(&mut self, relation: &'a nodes::RangeVar) {
        let (schema, name) = name_of(relation);
        let tables = if schema.is_empty() && self.is_cte(name) {
            Vec::new()
        } else {
            self.relation(schema, name, Access::SELECT)
        };
        self.source(name, relation.alias(), tables);
    }

    /// The relation that a command acts on, which is never a CTE.
    pub(super) fn target(
        &mut self,
        relation: Option<&'a nodes::RangeVar>,
        access: Access,
    ) -> Vec<usize> {
        let Some(relation) = relation else {
            return Vec::new();
        };
        let (schema, name) = name_of(relation);
        let tables = self.relation(schema, name, access);
        let indexes = tables.iter().map(|(table, _)| *table).collect();
        for row in ["old", "new", "excluded"] {
            self.source(row, None, tables.clone());
        }
        self.source(name, relation.alias(), tables);
        indexes
    }

    pub(super) fn read_item(&mut self, item: Node<'a>) {
        match item {
            Node::None => {}
            Node::RangeVar(relation) => self.read(relation),
            Node::JoinExpr(join) => self.join(join),
            Node::RangeSubselect(sub) => {
                self.using(Usage::Output, |walker| walker.node(sub.subquery()));
                let masks = self.masks;
                let masked = match sub.subquery() {
                    Node::SelectStmt(select) => masks.and_then(|masks| masks.of(select)),
                    _ => None,
                };
                match masked {
                    Some(masked) => self.replacement(sub, masked),
                    None => self.source("", sub.alias(), Vec::new()),
                }
            }
            Node::RangeTableSample(sample) => {
                self.read_item(sample.relation());
                self.using(Usage::Argument, |walker| {
                    walker.nodes(sample.args());
                    walker.node(sample.repeatable());
                });
            }
            other => {
                self.using(Usage::Argument, |walker| walker.node(other));
                let alias = match other {
                    Node::RangeFunction(function) => function.alias(),
                    Node::RangeTableFunc(table) => table.alias(),
                    Node::JsonTable(table) => table.alias(),
                    _ => None,
                };
                self.source("", alias, Vec::new());
            }
        }
    }

    fn join(&mut self, join: &'a nodes::JoinExpr) {
        let first = self.scope().sources.len();
        for side in [join.larg(), join.rarg()] {
            self.read_item(side);
        }
        self.using(Usage::Join, |walker| {
            walker.node(join.quals());
            for name in join.using_clause().strings() {
                walker.bare(name);
            }
            if join.is_natural {
                walker.star(None);
            }
        });
        for alias in [join.alias(), join.join_using_alias()]
            .into_iter()
            .flatten()
        {
            let tables = self
                .scope()
                .sources
                .iter()
                .skip(first)
                .flat_map(|source| {
                    source.tables.iter().map(|(table, relation)| {
                        (*table, relation.filter(|_| alias.colnames().is_empty()))
                    })
                })
                .collect();
            // An alias list on a join renames columns of several tables; which is which is not determined.
            self.source("", Some(alias), tables);
        }
    }

    /// `f(x)`, with what its name implies.
    pub(super) fn function(&mut self, call: &'a nodes::FuncCall) {
        let parts = version::called(call, self.catalog.server_version());
        let name = parts.join(".");
        let bare = parts.last().copied().unwrap_or_default();
        if let Some(reason) = risky::reason(&parts, call) {
            self.set_config_or_opaque(call, bare, reason);
        }
        self.calls(&parts);
        // A type's name converts to the type.
        self.type_named(&parts);
        for cast in self.catalog.catalog().casts_to(bare, Operand::Any) {
            self.calls(&cast.called());
        }
        if self.catalog.is_unknown_function(&parts) && !self.may_be_field(call) {
            self.unread(format!("function {name} is not in the catalog"));
        }
        self.named_function(&name);
        let usage = self.usage;
        self.usage |= 1 << Usage::Argument as u8;
        if risky::is_aggregate(bare, call) {
            self.usage |= 1 << Usage::Aggregate as u8;
        }
        if call.over().is_some() {
            self.usage |= 1 << Usage::Window as u8;
        }
        // PostgreSQL reads f(c) as the column c.f if c is a row.
        if let Some(row) = self.row_of(call)
            && parts.len() == 1
        {
            self.qualified(row, bare);
        }
        let counts = parts.as_slice() == ["count"] && !self.catalog.shadows_function(bare);
        if counts && super::equality::takes_a_column(call) {
            self.bare_nodes(call.args());
        } else {
            self.descend(Node::FuncCall(call));
        }
        self.usage = usage;
    }

    /// What the functions behind an operator do.
    pub(super) fn operator(&mut self, name: &NodeList) {
        for operator in self.catalog.operator_functions(&name.strings()) {
            let (schema, function) = &operator.function;
            self.calls(&[schema, function]);
        }
    }

    /// What a function does that is called, or that a definition names to be called later.
    pub(super) fn calls(&mut self, parts: &[&str]) {
        let catalog = self.catalog;
        if let Some(function) = catalog.unread_function(parts) {
            self.unread(format!("function {function} has an unknown body"));
        }
        self.facts.calls_unread |= catalog.is_obscure_function(parts);
        for body in catalog.function_bodies(parts).into_iter().flatten() {
            self.body(body, Access::default());
        }
    }

    /// The FROM item whose row is the only argument.
    fn row_of(&self, call: &'a nodes::FuncCall) -> Option<&'a str> {
        let Some(Node::ColumnRef(column)) = only(call.args()) else {
            return None;
        };
        let [row] = column.fields().strings()[..] else {
            return None;
        };
        self.spend(self.scopes.iter().map(|scope| scope.sources.len()).sum());
        let mut scopes = self.scopes.iter();
        scopes
            .any(|scope| scope.sources.iter().any(|source| source.name == row))
            .then_some(row)
    }

    /// Whether PostgreSQL may read the call as a column of a row.
    fn may_be_field(&self, call: &'a nodes::FuncCall) -> bool {
        call.funcname().len() == 1 && self.row_of(call).is_some()
    }
}

/// Schema, empty if none is written, and name.
fn name_of(relation: &nodes::RangeVar) -> (&str, &str) {
    let (schema, name) = (relation.schemaname(), relation.relname());
    (schema.unwrap_or_default(), name.unwrap_or_default())
}
