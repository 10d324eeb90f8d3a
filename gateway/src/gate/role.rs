//! The role lock: only the grant determines the role on the server, whatever a statement says. Code that could not be read is not trusted
//! where the session's role could become another one.

use gatewright_contract::StatementId;
use gatewright_sql::{Facts, RoleEffect, SessionEffect, Verb};

use super::{SessionGate, denial};
use crate::session::Refusal;

/// OIDs (pg_proc.dat) of functions that libpq calls by FunctionCall and that run no SQL: the large object functions behind `lo_*`.
const OF_LARGE_OBJECTS: [u32; 13] = [
    715, 952, 953, 954, 955, 956, 957, 958, 964, 1004, 3170, 3171, 3172,
];

impl SessionGate {
    /// Refuses a statement that may change the role on the server.
    pub(super) fn check_role(
        &self,
        facts: &Facts,
        statement_id: StatementId,
    ) -> Result<(), Refusal> {
        if !self.gate.settings.lock_role {
            return Ok(());
        }
        match facts.role {
            RoleEffect::Kept => Ok(()),
            RoleEffect::Set => {
                let (message, hint) = of_what_is_set(facts);
                Err(self.locked(facts.verb, message, hint, statement_id))
            }
            RoleEffect::Unread if self.may_change_role() => Err(self.locked(
                facts.verb,
                self.of_the_unread(facts.opaque.first().map(String::as_str)),
                TAKE_AWAY,
                statement_id,
            )),
            RoleEffect::Unread => Ok(()),
        }
    }

    pub(super) fn check_role_of_call(&self, function_oid: u32) -> Result<(), Refusal> {
        let harmless = OF_LARGE_OBJECTS.contains(&function_oid);
        if harmless || !self.gate.settings.lock_role || !self.may_change_role() {
            return Ok(());
        }
        let message = self.of_the_unread(Some("a function is called by its OID"));
        Err(self.locked(Verb::Unknown, message, TAKE_AWAY, self.statement_id()))
    }

    /// True when policies, the role lock or the pool need the catalog.
    pub(super) fn needs_catalog(&self) -> bool {
        !self.gate.policies.current().is_empty()
            || self.pooled
            || self.gate.settings.lock_role && self.may_change_role()
    }

    /// True when PostgreSQL would let the session's role become another.
    fn may_change_role(&self) -> bool {
        let catalog = self.catalog.current();
        catalog.may_change_role(&self.facts.session.role)
    }

    fn of_the_unread(&self, reason: Option<&str>) -> String {
        format!(
            "this could change the role, since \"{}\" can become another role and {}",
            self.facts.session.role,
            reason.unwrap_or("the code it runs could not be read")
        )
    }

    fn locked(
        &self,
        verb: Verb,
        message: String,
        hint: &str,
        statement_id: StatementId,
    ) -> Refusal {
        self.count(verb, "deny");
        denial::of_gateway("role-locked", message, Some(hint), statement_id)
    }
}

const TAKE_AWAY: &str = "Ask whoever runs the database to take away the role's memberships in other roles (from PostgreSQL 16, \
    GRANT ... WITH SET FALSE, ADMIN FALSE will do) and CREATEROLE; or write this so that all of it can be read.";

fn of_what_is_set(facts: &Facts) -> (String, &'static str) {
    match &facts.session {
        SessionEffect::Set { name, .. } => (
            format!("\"{name}\" is set by the gateway and cannot be changed"),
            "Connect with a grant for the role you need.",
        ),
        _ => (
            "this sets the role, or a setting whose name is not known before it runs".to_owned(),
            "Connect with a grant for the role you need; give set_config the name of another setting as a constant.",
        ),
    }
}
