//! Limits the rows and bytes of one statement's result and of all results of a session. The gateway counts and ends
//! results; this policy computes the remaining allowance.

mod settings;
#[cfg(test)]
mod tests;

use std::time::Duration;

use gatewright_policy::{
    Allowance, Completion, Denial, Facts, Hooks, Phase, Policy, Scope, Statement, Verb, Verdict,
    export, host,
};

use settings::{Limits, Settings};

const ROWS: &str = "rows";
const BYTES: &str = "bytes";
/// The counters live as long as the session.
const WHOLE_SESSION: Duration = Duration::ZERO;

struct RowLimit {
    limits: Limits,
}

impl Policy for RowLimit {
    type Settings = Settings;
    const DESCRIPTION: &'static str = "Ends a result that exceeds its rows or bytes, and refuses statements once a session has reached its limit";
    const HOOKS: Hooks = Hooks::STATEMENT.union(Hooks::COMPLETION);

    fn new(settings: Settings) -> Result<Self, String> {
        Ok(Self {
            limits: settings.limits()?,
        })
    }

    fn hooks(&self) -> Hooks {
        if self.limits.counts_sessions() {
            Self::HOOKS
        } else {
            // Completions matter only to session counters.
            Hooks::STATEMENT
        }
    }

    fn on_statement(&mut self, _: &Statement<'_>, facts: &Facts) -> Verdict {
        // A session that reached its limit must still be able to end its transaction.
        let returns_nothing = facts.verb == Verb::Transaction;
        if returns_nothing || facts.identity.in_any(&self.limits.exempt_groups) {
            return Verdict::reusable();
        }
        if facts.phase == Phase::Parse && self.limits.counts_sessions() {
            // The remaining allowance is computed when the statement runs; it may have changed by then.
            return Verdict::allow();
        }
        match (
            self.limits.rows.remaining(ROWS),
            self.limits.bytes.remaining(BYTES),
        ) {
            (Err(denial), _) | (_, Err(denial)) => denial.into(),
            (Ok(session_rows), Ok(session_bytes)) => {
                let allowance = Allowance {
                    row_limit: self.limits.rows.statement,
                    byte_limit: self.limits.bytes.statement,
                    session_rows,
                    session_bytes,
                    timeout_ms: self.limits.timeout_ms,
                    ..Allowance::new()
                };
                // The remaining allowance of a session changes with every statement.
                if self.limits.counts_sessions() {
                    allowance
                } else {
                    allowance.reuse_fingerprint()
                }
                .into()
            }
        }
    }

    fn on_completion(&mut self, _: &Statement<'_>, completion: &Completion) {
        self.limits.rows.spend(ROWS, completion.rows);
        self.limits.bytes.spend(BYTES, completion.bytes);
    }
}

/// A limit for each statement and one for the whole session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Limit {
    statement: Option<u64>,
    session: Option<u64>,
}

impl Limit {
    /// How much all statements may still return together. `None`: no limit.
    fn remaining(self, unit: &str) -> Result<Option<u64>, Denial> {
        let Some(session) = self.session else {
            return Ok(None);
        };
        let spent = host::counter_add(Scope::Session, unit, 0, WHOLE_SESSION)
            .try_into()
            .unwrap_or(0);
        match session.saturating_sub(spent) {
            0 => Err(exhausted(unit, session)),
            remaining => Ok(Some(remaining)),
        }
    }

    fn spend(self, unit: &str, amount: u64) {
        if self.session.is_some() && amount > 0 {
            let amount = i64::try_from(amount).unwrap_or(i64::MAX);
            host::counter_add(Scope::Session, unit, amount, WHOLE_SESSION);
        }
    }
}

fn exhausted(unit: &str, session: u64) -> Denial {
    Denial::new("session-limit", format!("this session has reached its limit of {session} {unit} of results"))
        // configuration_limit_exceeded
        .sqlstate("53400")
        .hint("Work with the rows already read. If you need more, open a new session and let the database aggregate: count, sum, GROUP BY, a narrower WHERE.")
}

export!(RowLimit);
