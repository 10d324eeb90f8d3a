//! From a syntax tree to facts. A construct that is not understood makes the statement opaque; an ambiguous name is
//! reported for everything it can mean.

mod command;
mod convert;
mod dispatch;
mod dml;
mod equality;
mod named_functions;
mod outputs;
pub(crate) mod risky;
mod role;
mod scope;
mod select;
mod tags;

use std::collections::HashSet;

use pg_query::{NodeEnum, NodeRef, protobuf as pb};

use crate::catalog::Catalog;
use crate::facts::{Access, Facts, RoleEffect, SessionEffect, Usage, Verb};

use scope::Scope;

pub(crate) use convert::operand;

pub(crate) struct Walker<'a> {
    catalog: &'a Catalog,
    facts: Facts,
    scopes: Vec<Scope<'a>>,
    columns: HashSet<(Option<usize>, String, Usage)>,
    /// The uses among them that can reveal more than whether values are equal.
    telling: HashSet<(Option<usize>, String, Usage)>,
    /// The next column is only compared for equality.
    equality: bool,
    /// The client sees the order in which the server finds rows.
    order_shows: bool,
    /// Relations whose base relations were recorded, with the access.
    reached: HashSet<(u32, Access)>,
    /// Code inside code is not analysed.
    in_code: bool,
    /// A bit set of `Usage`.
    usage: u16,
    access: Access,
    /// Objects of the named relations are passed to other relations or renamed, which counts as running them.
    hands_over: bool,
}

/// What a statement of a definition names, without lineage. `None` if it does more than read and write rows.
pub(crate) fn names(node: &NodeEnum, catalog: &Catalog) -> Option<Facts> {
    let mut walker = Walker::new(catalog);
    walker.node(node.to_ref());
    let facts = walker.facts;
    let followed = Access::SELECT | Access::INSERT | Access::UPDATE | Access::DELETE | Access::LOCK;
    let understood = facts.session == SessionEffect::None
        && facts
            .tables
            .iter()
            .all(|table| followed.contains(table.access));
    understood.then_some(facts)
}

/// The facts of one statement, except for its fingerprint.
pub(crate) fn facts(node: &NodeEnum, catalog: &Catalog) -> Facts {
    let mut walker = Walker::new(catalog);
    walker.facts.verb = tags::verb(node.to_ref());
    walker.node(node.to_ref());
    walker.facts.equated = walker.equated();
    walker.lineage(node);
    if let NodeEnum::SelectStmt(select) = node {
        walker.facts.limit = outputs::limit(select);
        if select.into_clause.is_some() {
            walker.facts.commands = vec!["SELECT INTO".to_owned()]
                .into_iter()
                .chain(walker.facts.commands.drain(1..))
                .collect();
            walker.facts.verb = Verb::Ddl;
        }
    }
    walker.facts
}

impl<'a> Walker<'a> {
    fn new(catalog: &'a Catalog) -> Self {
        Walker {
            catalog,
            facts: Facts::default(),
            scopes: Vec::new(),
            columns: HashSet::new(),
            telling: HashSet::new(),
            equality: false,
            order_shows: true,
            reached: HashSet::new(),
            in_code: false,
            usage: 1 << Usage::Output as u16,
            access: Access::DDL,
            hands_over: false,
        }
    }

    fn lineage(&mut self, node: &NodeEnum) {
        let lineage = crate::lineage::of(node, self.catalog);
        self.facts.outputs = lineage.outputs;
        self.facts.inner = lineage.inner;
        self.facts.flows = lineage.flows;
        if let Some(reason) = lineage.opaque {
            self.opaque(reason.to_owned());
        }
        for (relation, attnum, usage) in lineage.uses {
            let Some(relation) = self.catalog.relation(relation) else {
                continue;
            };
            let at =
                self.facts.tables.iter().position(|table| {
                    table.name == relation.name && table.schema == relation.schema
                });
            if let (Some(at), Some(name)) = (at, relation.attribute_name(attnum)) {
                self.push_column(Some(at), name, usage);
            }
        }
    }

    /// Opaque because code runs that was not analysed: it could do anything, such as set the role.
    fn unread(&mut self, reason: String) {
        self.role(RoleEffect::Unread);
        self.opaque(reason);
    }

    fn role(&mut self, effect: RoleEffect) {
        self.facts.role = self.facts.role.max(effect);
    }

    fn opaque(&mut self, reason: String) {
        if !self.facts.opaque.contains(&reason) {
            self.facts.opaque.push(reason);
        }
    }

    /// A nested query is listed among the commands only if it is the statement itself.
    fn nested(&mut self, tag: &str, run: impl FnOnce(&mut Self)) {
        if self.facts.commands.is_empty() {
            self.facts.commands.push(tag.to_owned());
        }
        run(self);
    }

    fn using(&mut self, usage: Usage, run: impl FnOnce(&mut Self)) {
        let before = std::mem::replace(&mut self.usage, 1 << usage as u16);
        run(self);
        self.usage = before;
    }

    fn nodes(&mut self, nodes: &'a [pb::Node]) {
        for node in nodes {
            if let Some(node) = &node.node {
                self.node(node.to_ref());
            }
        }
    }

    fn boxed(&mut self, node: &'a Option<Box<pb::Node>>) {
        if let Some(node) = node.as_ref().and_then(|node| node.node.as_ref()) {
            self.node(node.to_ref());
        }
    }

    fn column_ref(&mut self, column: &'a pb::ColumnRef) {
        let star = column
            .fields
            .last()
            .is_some_and(|last| matches!(last.node, Some(NodeEnum::AStar(_))));
        let names = strings(&column.fields);
        match (names.as_slice(), star) {
            ([], _) => self.star(None),
            ([.., alias], true) => self.star(Some(alias)),
            ([name], false) => self.bare(name),
            ([.., alias, name], false) => self.qualified(alias, name),
        }
    }

    /// set_config with constants is a SET. If only the value is a parameter and the setting changes no meaning, it is a SET,
    /// too; any other call is opaque.
    fn set_config_or_opaque(&mut self, call: &'a pb::FuncCall, name: &str, reason: String) {
        if name == "set_config"
            && self.facts.session == SessionEffect::None
            && self.scopes.len() == 1
            && let [parameter, value, local] = call.args.as_slice()
            && let Some(parameter) = constant(parameter).map(str::to_lowercase)
            && constant(local).is_none()
            && (constant(value).is_some() || is_bound(value) && parameter == INERT_SETTING)
        {
            self.role(role::of_setting(&parameter));
            self.facts.session = SessionEffect::Set {
                name: parameter,
                value: constant(value).map(str::to_owned),
                local: false,
            };
        } else {
            self.role(role::of_call(name, &call.args));
            self.opaque(reason);
        }
    }
}

/// asyncpg turns it off while it looks up types, and then resets it.
const INERT_SETTING: &str = "jit";

fn is_bound(node: &pb::Node) -> bool {
    matches!(node.node, Some(NodeEnum::ParamRef(_)))
}

fn constant(node: &pb::Node) -> Option<&str> {
    match &node.node {
        Some(NodeEnum::AConst(constant)) => match &constant.val {
            Some(pb::a_const::Val::Sval(text)) => Some(&text.sval),
            _ => None,
        },
        _ => None,
    }
}

/// The names in a list of String nodes.
pub(crate) fn strings(nodes: &[pb::Node]) -> Vec<&str> {
    nodes
        .iter()
        .filter_map(|node| match &node.node {
            Some(NodeEnum::String(text)) => Some(text.sval.as_str()),
            _ => None,
        })
        .collect()
}

/// Whether a condition can exclude rows depending on their values.
fn narrows(condition: Option<&pb::Node>) -> bool {
    let Some(node) = condition.and_then(|node| node.node.as_ref()) else {
        return false;
    };
    if let NodeEnum::BoolExpr(expression) = node {
        let mut arms = expression.args.iter().map(|arm| narrows(Some(arm)));
        return if expression.boolop == pb::BoolExprType::OrExpr as i32 {
            arms.all(|arm| arm)
        } else {
            arms.any(|arm| arm)
        };
    }
    if let NodeEnum::AExpr(expression) = node
        && let (Some(left), Some(right)) = (&expression.lexpr, &expression.rexpr)
        && let (Some(NodeEnum::ColumnRef(left)), Some(NodeEnum::ColumnRef(right))) =
            (&left.node, &right.node)
        && strings(&left.fields) == strings(&right.fields)
    {
        return false;
    }
    names_column(node.to_ref())
}

fn names_column(node: NodeRef<'_>) -> bool {
    let mut found = matches!(node, NodeRef::ColumnRef(_) | NodeRef::CurrentOfExpr(_));
    crate::tree::children(node, &mut |child| found = found || names_column(child));
    found
}
