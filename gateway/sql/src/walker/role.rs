//! Whether a statement may change the client's role on the server.

use pg_query::{NodeEnum, NodeRef, protobuf as pb};

use crate::definition;
use crate::facts::RoleEffect;

use super::{Walker, constant};

/// Settings that determine the role on the server.
const SETTINGS: [&str; 2] = ["role", "session_authorization"];

/// Functions of PostgreSQL and its contrib modules that run SQL text in the calling session.
const RUNNERS: [&str; 7] = [
    "query_to_xml",
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

/// What a function with this name may do to the role, given its arguments; none are known if it is only named.
pub(super) fn of_call(name: &str, arguments: &[pb::Node]) -> RoleEffect {
    if name == "set_config" {
        let setting = arguments.first().and_then(constant);
        return setting.map_or(RoleEffect::Set, |name| of_setting(&name.to_lowercase()));
    }
    match RUNNERS.iter().any(|runner| name.starts_with(runner)) {
        true => RoleEffect::Unread,
        false => RoleEffect::Kept,
    }
}

impl Walker<'_> {
    /// Code that the statement runs or stores.
    pub(super) fn code(&mut self, node: NodeRef<'_>) {
        let statements = match node {
            NodeRef::DoStmt(block) => definition::statements_of_block(block),
            NodeRef::CreateFunctionStmt(create) if create.sql_body.is_none() => {
                definition::statements_of_function(create)
            }
            NodeRef::LoadStmt(_) => None,
            _ => return,
        };
        let role = match statements {
            Some(statements) if !self.in_code => self.of_statements(&statements),
            _ => RoleEffect::Unread,
        };
        self.role(role);
    }

    fn of_statements(&self, statements: &[NodeEnum]) -> RoleEffect {
        let effects = statements.iter().map(|node| {
            let mut walker = Walker::new(self.catalog);
            walker.in_code = true;
            walker.node(node.to_ref());
            walker.facts.role
        });
        effects.max().unwrap_or(RoleEffect::Kept)
    }
}
