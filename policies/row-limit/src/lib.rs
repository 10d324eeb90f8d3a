//! Ends results that are too long: rows and bytes of one statement, and of all statements of a session together.
//! The gateway does the counting and the ending; this policy says how much is left. Next: `settings`.

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
/// Counters of a session go with it.
const WHOLE_SESSION: Duration = Duration::ZERO;

struct RowLimit {
    limits: Limits,
}

impl Policy for RowLimit {
    type Settings = Settings;
    const DESCRIPTION: &'static str = "Ends a result after so many rows or bytes, and refuses statements when a session has had its share";
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
            // Nobody counts what a statement returned.
            Hooks::STATEMENT
        }
    }

    fn on_statement(&mut self, _: &Statement<'_>, facts: &Facts) -> Verdict {
        // A session that had its share must still be able to end its transaction.
        let returns_nothing = facts.verb == Verb::Transaction;
        if returns_nothing || facts.identity.in_any(&self.limits.exempt_groups) {
            return Verdict::reusable();
        }
        if facts.phase == Phase::Parse && self.limits.counts_sessions() {
            // What is left is asked when the statement runs: it may be another amount by then.
            return Verdict::allow();
        }
        match (self.limits.rows.left(ROWS), self.limits.bytes.left(BYTES)) {
            (Err(denial), _) | (_, Err(denial)) => denial.into(),
            (Ok(row_limit), Ok(byte_limit)) => {
                let allowance = Allowance {
                    row_limit,
                    byte_limit,
                    timeout_ms: self.limits.timeout_ms,
                    ..Allowance::new()
                };
                // What is left of a session is another amount each time.
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

/// A limit on one statement, and one on all of a session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Limit {
    statement: Option<u64>,
    session: Option<u64>,
}

impl Limit {
    /// How much the next statement may return; none for any amount.
    fn left(self, unit: &str) -> Result<Option<u64>, Denial> {
        let Some(session) = self.session else {
            return Ok(self.statement);
        };
        let spent = host::counter_add(Scope::Session, unit, 0, WHOLE_SESSION)
            .try_into()
            .unwrap_or(0);
        match session.saturating_sub(spent) {
            0 => Err(exhausted(unit, session)),
            left => Ok(Some(
                self.statement.map_or(left, |statement| statement.min(left)),
            )),
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
    Denial::new("session-limit", format!("this session has had all of the {session} {unit} of results that one session may have"))
        // configuration_limit_exceeded
        .sqlstate("53400")
        .hint("Work with what has been read. If that is not enough, connect anew and let the database aggregate: count, sum, GROUP BY, a narrower WHERE.")
}

export!(RowLimit);
