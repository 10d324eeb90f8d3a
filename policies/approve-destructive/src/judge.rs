//! Judges a statement by its facts and words the reason that reviewers read.

use std::time::Duration;

use gatewright_policy::{
    Access, Allowance, Approval, ApprovalEffect, Facts, Granted, Statement, Verb, Verdict,
    command_is,
};

use crate::settings::{Choice, Effect, Grants, Settings, Wait, Writes};

/// Code and reason.
type Cause = (&'static str, String);

/// Access that MERGE, or code that a statement runs, can have to rows that are there.
const CHANGES: Access = Access::UPDATE.union(Access::DELETE);

impl Settings {
    pub fn judge(&self, statement: &Statement<'_>, facts: &Facts) -> Verdict {
        if facts.identity.in_any(&self.exempt_groups) {
            return Verdict::reusable();
        }
        let cause = self
            .command(facts)
            .or_else(|| self.write(facts))
            .filter(|_| !self.is_granted(statement, facts))
            .or_else(|| self.function(facts))
            .or_else(|| self.opaque(facts));
        match cause {
            Some(cause) => self.approval(cause, facts).into(),
            None => Verdict::reusable(),
        }
    }

    fn approval(&self, (code, reason): Cause, facts: &Facts) -> Approval {
        let approval = Approval::new(code, reason)
            .reviewers(self.reviewers.iter().cloned())
            .approvals(self.approvals)
            .valid(Duration::from_secs(self.valid_seconds))
            .effect(self.effect(facts))
            .allowance(Allowance::new());
        let approval = match self.above_rows {
            Some(rows) if counted(facts) => approval.above_rows(rows),
            _ => approval,
        };
        match self.wait {
            Wait::Hold => approval.hold(Duration::from_secs(self.hold_seconds)),
            Wait::Return => approval.return_id(),
        }
    }

    /// What cannot be bound is not refused for that: DROP and its kind have no rows to count.
    fn effect(&self, facts: &Facts) -> ApprovalEffect {
        match self.effect {
            Effect::None => ApprovalEffect::None,
            Effect::Estimate => ApprovalEffect::Estimate,
            Effect::Bound if counted(facts) => ApprovalEffect::Bound,
            Effect::Preview | Effect::Bound => ApprovalEffect::Preview,
        }
    }

    /// Whether people have agreed before to all that the statement changes.
    fn is_granted(&self, statement: &Statement<'_>, facts: &Facts) -> bool {
        self.access_grants == Grants::Accept
            && Granted::from_iter(statement.access_grants()).covers_writes(facts)
    }

    /// A listed command, or TRUNCATE in code that the statement runs.
    fn command(&self, facts: &Facts) -> Option<Cause> {
        let is_listed = |command: &str| {
            self.commands
                .iter()
                .any(|listed| command_is(command, listed))
        };
        if let Some(command) = facts.first_command(is_listed) {
            return Some(("command", format!("{command}{}", self.targets(facts))));
        }
        let mut truncated = facts
            .tables
            .iter()
            .filter(|table| table.access.contains(Access::TRUNCATE));
        let table = truncated.next().filter(|_| is_listed("TRUNCATE TABLE"))?;
        Some((
            "command",
            format!("code that the statement runs truncates {}", table.display()),
        ))
    }

    /// The relations that are changed, in whatever way.
    fn targets(&self, facts: &Facts) -> String {
        let targets: Vec<String> = facts
            .tables
            .iter()
            .filter(|table| table.access.intersects(Access::WRITES))
            .map(|table| table.display())
            .collect();
        match targets.as_slice() {
            [] => String::new(),
            targets => format!(" of {}", targets.join(", ")),
        }
    }

    fn write(&self, facts: &Facts) -> Option<Cause> {
        let changed = || {
            let changes = |access: Access| access.intersects(CHANGES);
            let mut tables = facts.tables.iter();
            tables.find(|table| changes(table.access))
        };
        match self.writes {
            Writes::None => None,
            Writes::Unbounded if facts.unbounded_write => {
                let command = ["DELETE", "UPDATE"]
                    .into_iter()
                    .find(|command| facts.runs(command))
                    .unwrap_or("the statement");
                let table = changed().map(|table| format!(" of {}", table.display()));
                let table = table.unwrap_or_default();
                Some((
                    "unbounded-write",
                    format!("{command}{table} without a narrowing WHERE clause affects every row"),
                ))
            }
            Writes::Unbounded if facts.runs("MERGE") => {
                let table = changed()?;
                Some((
                    "unbounded-write",
                    format!("MERGE can change every row of {}", table.display()),
                ))
            }
            Writes::Unbounded => None,
            Writes::All => {
                let own = ["UPDATE", "DELETE", "MERGE"];
                let command = own.into_iter().find(|command| facts.runs(command));
                match (command, changed()) {
                    (Some(command), Some(table)) => {
                        Some(("write", format!("{command} of {}", table.display())))
                    }
                    (Some(command), None) => Some(("write", command.to_owned())),
                    (None, Some(table)) => Some((
                        "write",
                        format!("the statement changes rows of {}", table.display()),
                    )),
                    (None, None) => None,
                }
            }
        }
    }

    fn function(&self, facts: &Facts) -> Option<Cause> {
        let function = self.functions.first_call(facts)?;
        Some(("function", format!("calls function {function}")))
    }

    fn opaque(&self, facts: &Facts) -> Option<Cause> {
        let reason = facts
            .opaque
            .first()
            .filter(|_| self.opaque == Choice::Approve)?;
        Some((
            "opaque",
            format!("the statement cannot be analyzed: {reason}"),
        ))
    }
}

/// Whether the server says how many rows it changes, and it does nothing else.
fn counted(facts: &Facts) -> bool {
    let nested = ["UPDATE", "DELETE", "SELECT"];
    let mut commands = facts.commands.iter();
    matches!(facts.verb, Verb::Update | Verb::Delete)
        && facts.opaque.is_empty()
        && commands.all(|command| nested.contains(&command.as_str()))
}
