//! What was decided, and what the policy would decide now.

use std::collections::BTreeMap;
use std::time::Duration;

use gatewright_contract::Verdict;
use gatewright_record::event::{Decision, Judged, PolicyAnswer, Time};

use super::recorded::RecordedSession;
use crate::app::{Answered, Backtest};

/// What a decision comes to, in the order of how much it stands in the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Decided {
    Permitted,
    Rewritten,
    NeedsApproval,
    Refused,
}

/// Statements with one text about which the policy would decide otherwise in one way.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Change {
    pub then: Decided,
    pub now: Decided,
    pub text: String,
    /// Of the policy's answer now: its code and what it says.
    pub reason: String,
}

/// How often, and when last, for whom.
#[derive(Debug, Clone, Default)]
pub(super) struct Seen {
    pub count: u64,
    pub last: Time,
    pub subject: String,
}

/// All that was compared.
#[derive(Default)]
pub(super) struct Comparison {
    pub policy: String,
    pub version: String,
    pub sessions: u64,
    pub statements: u64,
    /// Another policy, or the gateway, refused them before this one was asked, so there is nothing to compare with.
    pub not_asked: u64,
    /// Texts that cannot be analysed. No policy is asked about them.
    pub unread: u64,
    pub changes: BTreeMap<Change, Seen>,
    /// How long each call took, the shortest first.
    pub calls: Vec<Duration>,
}

impl Comparison {
    pub fn of(policy: String, version: String) -> Self {
        Comparison {
            policy,
            version,
            ..Comparison::default()
        }
    }

    pub async fn session(&mut self, backtest: &Backtest, recorded: &RecordedSession) {
        self.sessions += 1;
        let mut session = backtest.session(recorded.contract(), &recorded.identity());
        for statement in &recorded.statements {
            self.statements += 1;
            let (judged, parameters) = (&statement.judged, statement.parameters.as_deref());
            let (now, reason) = match session.answers(&judged.text, parameters).await {
                Answered::Verdicts(verdicts) => decided_now(&verdicts),
                Answered::Unread(_) => {
                    self.unread += 1;
                    continue;
                }
            };
            match decided_then(judged, &self.policy) {
                None => self.not_asked += 1,
                Some(then) if then == now => {}
                Some(then) => {
                    let change = Change {
                        then,
                        now,
                        text: judged.text.clone(),
                        reason,
                    };
                    let seen = self.changes.entry(change).or_default();
                    seen.count += 1;
                    seen.last = seen.last.max(judged.at);
                    seen.subject.clone_from(&recorded.opened.subject);
                }
            }
        }
    }
}

/// The policy's own answer, also one in shadow mode, if the record has one, and else what became of the statement. `None`: it was refused without that the
/// policy was asked.
fn decided_then(judged: &Judged, policy: &str) -> Option<Decided> {
    let own = judged
        .policies
        .iter()
        .find(|verdict| verdict.name == policy);
    let own = own.and_then(|verdict| match verdict.shadow.unwrap_or(verdict.answer) {
        PolicyAnswer::Allowed => Some(Decided::Permitted),
        PolicyAnswer::Denied => Some(Decided::Refused),
        PolicyAnswer::RequiresApproval => Some(Decided::NeedsApproval),
        PolicyAnswer::Rewrote => Some(Decided::Rewritten),
        PolicyAnswer::NotAsked => None,
    });
    own.or(match judged.decision {
        // What others asked people for, it has permitted by not being there.
        Decision::Permitted | Decision::NeedsApproval => Some(Decided::Permitted),
        Decision::Refused => None,
    })
}

/// What stands in the way most, and why.
fn decided_now(verdicts: &[Verdict]) -> (Decided, String) {
    let decided = verdicts.iter().map(|verdict| match verdict {
        Verdict::Allow(_) => (Decided::Permitted, String::new()),
        Verdict::Deny(denial) => {
            let reason = format!("{}: {}", denial.code, denial.message);
            (Decided::Refused, reason)
        }
        Verdict::RequireApproval(approval) => {
            let reason = format!("{}: {}", approval.code, approval.reason);
            (Decided::NeedsApproval, reason)
        }
        Verdict::Rewrite(replacement) => (Decided::Rewritten, replacement.reason.clone()),
    });
    let most = decided.max_by_key(|(decided, _)| *decided);
    most.unwrap_or((Decided::Permitted, String::new()))
}
