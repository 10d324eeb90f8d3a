//! Review before commit: what the open transaction has changed, and which statements would commit it. Nobody but the server decides where a
//! transaction ends, so what may run outside of a transaction block is taken for its own commit.

use gatewright_contract::{self as contract, ApprovalEffect, ApprovalWait};
use gatewright_sql::{Facts, SessionEffect, Statement, TransactionCommand};

use super::approval::Wanted;
use super::case::Case;
use super::kept::KeptQuestion;
use super::permit::Permit;
use super::{SessionGate, denial};
use crate::approvals::Change;
use crate::session::{Completion, Outcome, Phase, Refusal};

/// What the request is for, as policies say it with a code.
const CODE: &str = "commit";

/// The changes that are listed, at most, and each one's length in characters.
const MOST_CHANGES: usize = 100;
const LONGEST_TEXT: usize = 500;

/// What reviewers are told of statements that ran before their commit was to be reviewed.
const OVERLOOKED: &str = "what ran before commits were reviewed is not known";

/// What the transaction that is open has changed, in the order in which it was admitted.
#[derive(Default)]
pub(super) struct Uncommitted {
    admitted: u64,
    changes: Vec<(u64, Change)>,
    savepoints: Vec<(String, u64)>,
    /// The number of the last statement that may have changed something while nobody reviewed commits.
    overlooked: Option<u64>,
}

impl Uncommitted {
    /// No transaction is open.
    pub fn clear(&mut self) {
        self.changes.clear();
        self.savepoints.clear();
        self.overlooked = None;
    }

    /// A statement is about to be sent, and nobody reviews commits. That may change before its transaction ends.
    pub fn overlook(&mut self, permit: &Permit) {
        if permit.view.facts().is_none_or(Facts::may_change_data) {
            self.admitted += 1;
            self.overlooked = Some(self.admitted);
        }
    }

    /// A statement is about to be sent. Returns its number.
    pub fn admit(&mut self, permit: &Permit) -> u64 {
        self.admitted += 1;
        if permit.view.facts().is_none_or(Facts::may_change_data) {
            self.changes.push((self.admitted, change(permit)));
        }
        self.admitted
    }

    /// The statement with this number has ended.
    pub fn ended(&mut self, number: u64, permit: &Permit, done: &Completion) {
        let command = match permit.view.facts().map(|facts| &facts.session) {
            Some(SessionEffect::Transaction(command)) => Some(command),
            _ => None,
        };
        match (done.outcome, command) {
            // Whether it ran is not known.
            (Outcome::Lost, _) => {}
            (Outcome::Failed | Outcome::Skipped, _) => {
                self.changes.retain(|(at, _)| *at != number);
            }
            (Outcome::Completed | Outcome::Suspended, Some(command)) => {
                self.commanded(number, command);
            }
            (Outcome::Completed | Outcome::Suspended, None) => {
                if let Some((_, change)) = self.changes.iter_mut().find(|(at, _)| *at == number) {
                    let rows = change.rows.unwrap_or_default();
                    change.rows = done.changed.map(|changed| rows.saturating_add(changed));
                }
            }
        }
    }

    fn commanded(&mut self, number: u64, command: &TransactionCommand) {
        match command {
            TransactionCommand::Commit { .. }
            | TransactionCommand::Rollback { .. }
            | TransactionCommand::PrepareTransaction => {
                self.changes.retain(|(at, _)| *at > number);
                self.overlooked = self.overlooked.filter(|at| *at > number);
                self.savepoints.clear();
            }
            TransactionCommand::Savepoint(name) => self.savepoints.push((name.clone(), number)),
            TransactionCommand::RollbackTo(name) => {
                if let Some(index) = self.place(name) {
                    self.savepoints.truncate(index + 1);
                    let since = self.savepoints.last().map_or(number, |(_, since)| *since);
                    self.changes.retain(|(at, _)| *at < since || *at > number);
                }
            }
            TransactionCommand::Release(name) => {
                if let Some(index) = self.place(name) {
                    self.savepoints.truncate(index);
                }
            }
            TransactionCommand::Begin
            | TransactionCommand::CommitPrepared
            | TransactionCommand::RollbackPrepared => {}
        }
    }

    fn place(&self, name: &str) -> Option<usize> {
        self.savepoints.iter().rposition(|(known, _)| known == name)
    }

    pub fn is_empty(&self) -> bool {
        self.changes.is_empty() && self.overlooked.is_none()
    }

    /// The last of them, if they are many: what came first is said by their number.
    pub fn changes(&self) -> Vec<Change> {
        let more = self.changes.len().saturating_sub(MOST_CHANGES);
        let unknown = self.overlooked.map(|_| OVERLOOKED.to_owned());
        let left_out = (more > 0).then(|| format!("{more} earlier statements are not listed"));
        let listed = self.changes.iter().skip(more);
        unknown
            .into_iter()
            .chain(left_out)
            .map(remark)
            .chain(listed.map(|(_, change)| change.clone()))
            .collect()
    }
}

/// Something that is said about the list, in the place of a statement.
fn remark(text: String) -> Change {
    Change {
        verb: String::new(),
        tables: Vec::new(),
        rows: None,
        statement: text,
    }
}

fn change(permit: &Permit) -> Change {
    let view = &permit.view;
    let statement = view.text.as_ref().and_then(|text| {
        let statement = text.analysis.statements.get(view.index)?;
        text.source.get(statement.span.clone())
    });
    let mut text = statement.unwrap_or_default().trim().to_owned();
    if let Some((at, _)) = text.char_indices().nth(LONGEST_TEXT) {
        text.truncate(at);
        text.push('…');
    }
    let facts = view.facts();
    let verb = facts.and_then(|facts| facts.commands.first().cloned());
    Change {
        verb: verb.unwrap_or_else(|| permit.verb.name().to_owned()),
        tables: facts.map_or_else(Vec::new, Facts::table_names),
        rows: None,
        statement: text,
    }
}

impl SessionGate {
    /// Whether what this session commits is reviewed before.
    pub(super) fn reviews_commits(&self) -> bool {
        let is_agent = self.facts.identity.agent.is_some();
        let people = self.gate.people.asked();
        people.is_some_and(|people| people.review_commits(is_agent))
    }

    /// What people have to agree to because the statement commits something.
    pub(super) fn review_of(
        &self,
        question: &KeptQuestion,
        case: &Case,
    ) -> Result<Option<Wanted>, Refusal> {
        if question.phase == Phase::Parse || !self.reviews_commits() {
            return Ok(None);
        }
        let Some(facts) = case.view.facts() else {
            return Ok(None);
        };
        let before = question.text.analysis.statements.get(..question.index);
        let before = before.unwrap_or_default();
        if commits(facts) {
            let changes = |facts: &Facts| facts.may_change_data() || facts.is_dynamic();
            if before.iter().any(|one| changes(&one.facts)) {
                return Err(denial::of_gateway(
                    "commit-review",
                    "this statement commits what others in the same message change, before anybody could review it",
                    Some("Send COMMIT in a message of its own."),
                    case.view.statement_id,
                ));
            }
            let reason = "It commits what its transaction has changed.";
            return Ok(Some(wanted(reason, ApprovalEffect::None)));
        }
        if facts.may_change_data() && !is_in_block(question.in_block, before) {
            let reason = "It is not in a transaction block, so it commits what it changes.";
            return Ok(Some(wanted(reason, ApprovalEffect::Preview)));
        }
        Ok(None)
    }

    /// True for a statement that commits a transaction which has changed nothing.
    pub(super) fn commits_nothing(&self, permit: &Permit, wanted: &Wanted) -> bool {
        wanted.policy.is_none()
            && permit.view.facts().is_some_and(commits)
            && self.uncommitted.is_empty()
    }
}

/// True for a statement that commits the open transaction, or lets it be committed elsewhere.
pub(super) fn commits(facts: &Facts) -> bool {
    matches!(
        &facts.session,
        SessionEffect::Transaction(
            TransactionCommand::Commit { .. } | TransactionCommand::PrepareTransaction
        )
    )
}

/// Whether a statement behind these in a message runs in a transaction block.
fn is_in_block(at_first: bool, before: &[Statement]) -> bool {
    let mut is_in_block = at_first;
    for statement in before {
        let facts = &statement.facts;
        is_in_block = match &facts.session {
            SessionEffect::Transaction(TransactionCommand::Begin) => true,
            SessionEffect::Transaction(TransactionCommand::RollbackTo(_)) => is_in_block,
            _ => is_in_block && !facts.may_end_transaction(),
        };
    }
    is_in_block
}

fn wanted(reason: &str, effect: ApprovalEffect) -> Wanted {
    Wanted {
        policy: None,
        approval: contract::Approval {
            code: CODE.to_owned(),
            reason: reason.to_owned(),
            reviewers: Vec::new(),
            approvals: 1,
            wait: ApprovalWait::Hold,
            hold_ms: 0,
            valid_ms: 0,
            effect,
            above_rows: None,
            allowance: contract::Allowance::default(),
        },
    }
}
