//! Queries: WITH, FROM, targets, grouping and ordering.

use pg_query::{NodeEnum, NodeRef, protobuf as pb};

use crate::catalog::Operand;
use crate::facts::{Access, Usage};

use super::scope::{Scope, Source};
use super::{Walker, strings};

impl<'a> Walker<'a> {
    pub(super) fn with(&mut self, clause: Option<&'a pb::WithClause>) {
        let Some(clause) = clause else { return };
        let ctes = || {
            clause.ctes.iter().filter_map(|cte| match &cte.node {
                Some(NodeEnum::CommonTableExpr(cte)) => Some(&**cte),
                _ => None,
            })
        };
        if clause.recursive {
            let names: Vec<String> = ctes().map(|cte| cte.ctename.clone()).collect();
            self.scope().ctes.extend(names);
        }
        for cte in ctes() {
            let access = std::mem::replace(&mut self.access, Access::SELECT);
            self.using(Usage::Output, |walker| walker.boxed(&cte.ctequery));
            self.access = access;
            self.scope().ctes.push(cte.ctename.clone());
        }
    }

    pub(super) fn select(&mut self, select: &'a pb::SelectStmt) {
        let usage = self.usage;
        let access = std::mem::replace(&mut self.access, Access::SELECT);
        self.scopes.push(Scope::default());
        self.with(select.with_clause.as_ref());
        if let Some(into) = select.into_clause.as_deref() {
            self.target(into.rel.as_ref(), Access::DDL | Access::INSERT);
        }
        for item in &select.from_clause {
            self.read_item(item.node.as_ref());
        }
        self.scope().complete = true;
        for arm in [&select.larg, &select.rarg].into_iter().flatten() {
            self.usage = usage | super::equality::compared_arms(select);
            self.select(arm);
        }
        self.nodes(&select.target_list);
        self.nodes(&select.values_lists);
        self.condition(&select.where_clause, self.shows_order(select));
        self.using(Usage::Filter, |walker| walker.boxed(&select.having_clause));
        self.using(Usage::Group, |walker| {
            walker.aliases(&select.group_clause, &select.target_list);
            walker.bare_nodes(&select.distinct_clause);
        });
        if select
            .distinct_clause
            .iter()
            .any(|node| node.node.is_none())
        {
            self.using(Usage::Group, |walker| {
                walker.bare_nodes(&select.target_list)
            });
        }
        self.using(Usage::Window, |walker| walker.nodes(&select.window_clause));
        self.using(Usage::Order, |walker| {
            walker.aliases(&select.sort_clause, &select.target_list)
        });
        self.using(Usage::Argument, |walker| {
            walker.boxed(&select.limit_count);
            walker.boxed(&select.limit_offset);
        });
        for locking in &select.locking_clause {
            self.locking(locking);
        }
        self.scopes.pop();
        self.usage = usage;
        self.access = access;
    }

    fn locking(&mut self, clause: &'a pb::Node) {
        let Some(NodeEnum::LockingClause(clause)) = &clause.node else {
            return;
        };
        let named: Vec<&str> = clause
            .locked_rels
            .iter()
            .filter_map(|rel| match &rel.node {
                Some(NodeEnum::RangeVar(rel)) => Some(rel.relname.as_str()),
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
    fn aliases(&mut self, items: &'a [pb::Node], targets: &'a [pb::Node]) {
        for item in items {
            let inner = match &item.node {
                Some(NodeEnum::SortBy(sort)) => {
                    sort.node.as_ref().and_then(|node| node.node.as_ref())
                }
                other => other.as_ref(),
            };
            match inner {
                Some(NodeEnum::ColumnRef(column)) => {
                    if let [name] = strings(&column.fields).as_slice() {
                        for target in targets {
                            if let Some(NodeEnum::ResTarget(target)) = &target.node
                                && target.name == *name
                            {
                                self.bare_or_not(target.val.as_deref());
                            }
                        }
                    }
                }
                Some(NodeEnum::AConst(constant)) => {
                    if let Some(pb::a_const::Val::Ival(at)) = &constant.val
                        && let Ok(at) = usize::try_from(at.ival)
                        && let Some(target) = at.checked_sub(1).and_then(|at| targets.get(at))
                    {
                        self.bare_nodes(std::slice::from_ref(target));
                    }
                }
                _ => {}
            }
            self.bare_nodes(std::slice::from_ref(item));
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
        alias: Option<&pb::Alias>,
        tables: Vec<(usize, Option<&'a crate::catalog::Relation>)>,
    ) {
        let renamed = alias.map_or_else(Vec::new, |alias| {
            strings(&alias.colnames)
                .into_iter()
                .map(str::to_owned)
                .collect()
        });
        let name = alias
            .map_or(name, |alias| alias.aliasname.as_str())
            .to_owned();
        self.scope().sources.push(Source {
            name,
            tables,
            renamed,
        });
    }

    /// A relation in FROM; a CTE hides an unqualified name.
    pub(super) fn read(&mut self, relation: &'a pb::RangeVar) {
        let tables = if relation.schemaname.is_empty() && self.is_cte(&relation.relname) {
            Vec::new()
        } else {
            self.relation(&relation.schemaname, &relation.relname, Access::SELECT)
        };
        self.source(&relation.relname, relation.alias.as_ref(), tables);
    }

    /// The relation that a command acts on, which is never a CTE.
    pub(super) fn target(
        &mut self,
        relation: Option<&'a pb::RangeVar>,
        access: Access,
    ) -> Vec<usize> {
        let Some(relation) = relation else {
            return Vec::new();
        };
        let tables = self.relation(&relation.schemaname, &relation.relname, access);
        let indexes = tables.iter().map(|(table, _)| *table).collect();
        for row in ["old", "new", "excluded"] {
            self.source(row, None, tables.clone());
        }
        self.source(&relation.relname, relation.alias.as_ref(), tables);
        indexes
    }

    pub(super) fn read_item(&mut self, item: Option<&'a NodeEnum>) {
        match item {
            Some(NodeEnum::RangeVar(relation)) => self.read(relation),
            Some(NodeEnum::JoinExpr(join)) => self.join(join),
            Some(NodeEnum::RangeSubselect(sub)) => {
                self.using(Usage::Output, |walker| walker.boxed(&sub.subquery));
                self.source("", sub.alias.as_ref(), Vec::new());
            }
            Some(NodeEnum::RangeTableSample(sample)) => {
                self.read_item(sample.relation.as_ref().and_then(|node| node.node.as_ref()));
                self.using(Usage::Argument, |walker| {
                    walker.nodes(&sample.args);
                    walker.boxed(&sample.repeatable);
                });
            }
            Some(other) => {
                self.using(Usage::Argument, |walker| walker.node(other.to_ref()));
                let alias = match other {
                    NodeEnum::RangeFunction(function) => function.alias.as_ref(),
                    NodeEnum::RangeTableFunc(table) => table.alias.as_ref(),
                    NodeEnum::JsonTable(table) => table.alias.as_ref(),
                    _ => None,
                };
                self.source("", alias, Vec::new());
            }
            None => {}
        }
    }

    fn join(&mut self, join: &'a pb::JoinExpr) {
        let first = self.scope().sources.len();
        for side in [&join.larg, &join.rarg] {
            self.read_item(side.as_ref().and_then(|node| node.node.as_ref()));
        }
        self.using(Usage::Join, |walker| {
            walker.boxed(&join.quals);
            for name in strings(&join.using_clause) {
                walker.bare(name);
            }
            if join.is_natural {
                walker.star(None);
            }
        });
        for alias in [&join.alias, &join.join_using_alias].into_iter().flatten() {
            let tables = self
                .scope()
                .sources
                .iter()
                .skip(first)
                .flat_map(|source| {
                    source.tables.iter().map(|(table, relation)| {
                        (*table, relation.filter(|_| alias.colnames.is_empty()))
                    })
                })
                .collect();
            // An alias list on a join renames columns of several tables; which is which is not determined.
            self.source("", Some(alias), tables);
        }
    }

    /// `f(x)`, with what its name implies.
    pub(super) fn function(&mut self, call: &'a pb::FuncCall) {
        let parts = strings(&call.funcname);
        let name = parts.join(".");
        let bare = parts.last().copied().unwrap_or_default();
        if let Some(reason) = super::risky::reason(&parts, call) {
            self.set_config_or_opaque(call, bare, reason);
        }
        self.calls(&parts);
        // A type's name converts to the type.
        self.type_named(&parts);
        for cast in self.catalog.casts_to(bare, Operand::Any) {
            self.calls(&cast.called());
        }
        if self.catalog.is_unknown_function(&parts) && !self.may_be_field(call) {
            self.unread(format!("function {name} is not in the catalog"));
        }
        if !self.facts.functions.contains(&name) {
            self.facts.functions.push(name.clone());
        }
        let usage = self.usage;
        self.usage |= 1 << Usage::Argument as u8;
        if super::risky::is_aggregate(bare, call) {
            self.usage |= 1 << Usage::Aggregate as u8;
        }
        if call.over.is_some() {
            self.usage |= 1 << Usage::Window as u8;
        }
        // PostgreSQL reads f(c) as the column c.f if c is a row.
        if let Some(row) = self.row_of(call)
            && parts.len() == 1
        {
            self.qualified(row, bare);
        }
        if parts.as_slice() == ["count"] && super::equality::takes_a_column(call) {
            self.bare_nodes(&call.args);
        } else {
            crate::tree::children(NodeRef::FuncCall(call), &mut |child| self.node(child));
        }
        self.usage = usage;
    }

    /// What the functions behind an operator do.
    pub(super) fn operator(&mut self, name: &[pb::Node]) {
        let catalog = self.catalog;
        let name = strings(name).last().copied().unwrap_or_default();
        for (schema, function) in catalog.operator_functions(name) {
            self.calls(&[schema, function]);
        }
    }

    /// What a function does that is called, or that a definition names to be called later.
    pub(super) fn calls(&mut self, parts: &[&str]) {
        let catalog = self.catalog;
        if let Some(function) = catalog.unread_function(parts) {
            self.unread(format!("function {function} has an unknown body"));
        }
        for body in catalog.function_bodies(parts).into_iter().flatten() {
            self.body(body, Access::default());
        }
    }

    /// The FROM item whose row is the only argument.
    fn row_of(&self, call: &'a pb::FuncCall) -> Option<&'a str> {
        let [argument] = call.args.as_slice() else {
            return None;
        };
        let Some(NodeEnum::ColumnRef(column)) = &argument.node else {
            return None;
        };
        let [row] = strings(&column.fields)[..] else {
            return None;
        };
        let mut scopes = self.scopes.iter();
        scopes
            .any(|scope| scope.sources.iter().any(|source| source.name == row))
            .then_some(row)
    }

    /// Whether PostgreSQL may read the call as a column of a row.
    fn may_be_field(&self, call: &'a pb::FuncCall) -> bool {
        call.funcname.len() == 1 && self.row_of(call).is_some()
    }
}
