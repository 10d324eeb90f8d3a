//! Whether a statement may change the client's role on the server.

use gatewright_parser::{ConstValue, Node, Strings, nodes};

use crate::facts::{PathChange, RoleEffect, SessionEffect, SettingChange, SettingValue};
use crate::{code, search_path, settings};

use super::state::Walker;
use super::syntax::{constant, is_bound, only};

/// Settings that determine the role on the server.
const SETTINGS: [&str; 2] = ["role", "session_authorization"];

/// Functions of PostgreSQL and its contrib modules that run SQL text in the calling session, or read relations named by text: a view
/// among them runs code.
const RUNNERS: [&str; 11] = [
    "query_to_xml",
    "cursor_to_xml",
    "table_to_xml",
    "schema_to_xml",
    "database_to_xml",
    "crosstab",
    "pg_execute",
    "ts_stat",
    "ts_rewrite",
    "connectby",
    "xpath_table",
];

pub(super) fn of_setting(name: &str) -> RoleEffect {
    match SETTINGS.contains(&name) {
        true => RoleEffect::Set,
        false => RoleEffect::Kept,
    }
}

/// What a function with this name may do to the role, given its first argument; `Node::None` if it is only named.
pub(super) fn of_call(name: &str, argument: Node<'_>) -> RoleEffect {
    if name == "set_config" {
        return constant(argument).map_or(RoleEffect::Set, |name| of_setting(&name.to_lowercase()));
    }
    match RUNNERS.iter().any(|runner| name.starts_with(runner)) {
        true => RoleEffect::Unread,
        false => RoleEffect::Kept,
    }
}

/// asyncpg turns it off while it looks up types, and then resets it.
const INERT_SETTING: &str = "jit";

impl<'a> Walker<'a> {
    /// set_config with constants is a SET. If only the value is a parameter and the setting changes no meaning, it is a SET,
    /// too; any other call is opaque.
    pub(super) fn set_config_or_opaque(
        &mut self,
        call: &'a nodes::FuncCall,
        name: &str,
        reason: String,
    ) {
        let arguments: Vec<Node<'a>> = call.args().iter().collect();
        if name == "set_config" {
            self.may_set_path(arguments.first().and_then(|name| self.named_setting(*name)));
        }
        if name == "set_config"
            && self.facts.session == SessionEffect::None
            && self.scopes.len() == 1
            && let [parameter, value, local] = arguments.as_slice()
            && let Some(parameter) = self.named_setting(*parameter).map(str::to_lowercase)
            && constant(*local).is_none()
            && (constant(*value).is_some() || is_bound(*value) && parameter == INERT_SETTING)
        {
            self.role(of_setting(&parameter));
            let set = constant(*value).map_or(SettingValue::Unknown, |text| {
                SettingValue::Constant(text.to_owned())
            });
            let local = is_true(*local);
            self.changes(settings::change(&parameter, set, local));
            self.facts.session = SessionEffect::Set {
                name: parameter,
                value: constant(*value).map(str::to_owned),
                local: false,
            };
        } else {
            let first = arguments.first().copied().unwrap_or(Node::None);
            self.role(of_call(name, first));
            self.opaque(reason);
        }
    }
}

impl Walker<'_> {
    /// The statement, or code that it calls, changes a setting.
    pub(super) fn changes(&mut self, change: SettingChange) {
        if !self.facts.settings.contains(&change) {
            self.facts.settings.push(change);
        }
    }
}

fn is_true(node: Node<'_>) -> bool {
    matches!(node, Node::A_Const(value) if matches!(value.val(), Some(ConstValue::Boolean(true))))
}

impl<'a> Walker<'a> {
    /// The setting that an argument of set_config names: a constant, or what pg_dump looks up.
    fn named_setting(&self, argument: Node<'a>) -> Option<&'a str> {
        match argument {
            Node::ColumnRef(column) if column.fields().strings().as_slice() == ["name"] => {
                self.setting
            }
            other => constant(other),
        }
    }

    /// `FROM pg_settings WHERE name = 'constant'`: whatever these names mean, the column is equal to the constant.
    pub(super) fn only_setting(&self, select: &'a nodes::SelectStmt) -> Option<&'a str> {
        let Some(Node::RangeVar(relation)) = only(select.from_clause()) else {
            return None;
        };
        let Node::A_Expr(condition) = select.where_clause() else {
            return None;
        };
        let is_name = |node: Node<'_>| {
            matches!(node, Node::ColumnRef(column)
                if column.fields().strings().as_slice() == ["name"])
        };
        let equation = condition.kind == nodes::A_Expr_Kind::AEXPR_OP
            && condition.name().strings().as_slice() == ["="]
            && is_name(condition.lexpr());
        // Functions of extensions in C compare as well.
        let mut equalities = self.catalog.operator_functions(&["="]);
        let compares = equalities.all(|operator| {
            let (schema, function) = &operator.function;
            let bodies = self.catalog.function_bodies(&[schema, function]);
            bodies.is_some_and(|bodies| bodies.is_empty())
        });
        let found = relation.relname() == Some("pg_settings") && relation.alias().is_none();
        let constant = match condition.rexpr() {
            Node::A_Const(_) => constant(condition.rexpr()),
            _ => None,
        };
        constant.filter(|_| found && equation && compares)
    }
}

impl Walker<'_> {
    /// set_config of this setting.
    fn may_set_path(&mut self, setting: Option<&str>) {
        if setting.is_none_or(search_path::is_name) {
            self.facts.path = Some(PathChange::unknown());
        }
    }

    /// Code that the statement runs or stores.
    pub(super) fn code(&mut self, node: Node<'_>) {
        let (mut role, in_code) = (RoleEffect::Kept, self.in_code);
        let mut sets_path = false;
        let mut visit = |statement: Node<'_>| {
            let mut walker = Walker::new(self.catalog);
            walker.in_code = true;
            walker.node(statement);
            role = role.max(walker.facts.role);
            sets_path |= walker.facts.path.is_some() || search_path::change(statement).is_some();
        };
        let read = match node {
            Node::DoStmt(block) if !in_code => code::of_block(block, &mut visit),
            Node::CreateFunctionStmt(create) if !matches!(create.sql_body(), Node::None) => return,
            Node::CreateFunctionStmt(create) if !in_code => code::of_function(create, &mut visit),
            Node::DoStmt(_) | Node::CreateFunctionStmt(_) | Node::LoadStmt(_) => None,
            _ => return,
        };
        if sets_path && matches!(node, Node::DoStmt(_)) {
            self.facts.path = Some(PathChange::unknown());
        }
        self.role(if read.is_some() {
            role
        } else {
            RoleEffect::Unread
        });
    }
}
