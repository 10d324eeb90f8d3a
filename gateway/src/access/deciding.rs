//! A person decides about an access grant, or whoever asked takes it back.

use gatewright_contract::AccessGrantId;

use super::grant::AccessGrant;
use super::transition;
use super::{GrantError, State};
use crate::approvals::{
    Actor, ApprovalsSettings, Ballot, Barred, Before, Note, Set, check_texts, is_requester, lock,
    may_decide, may_see, record, step,
};
use crate::identity::Identity;
use crate::store::{Transaction, Value};

/// What somebody says about an access grant.
#[derive(Debug, Clone)]
pub struct Decision {
    pub id: AccessGrantId,
    pub verdict: Verdict,
    /// Who says it, as their token shows.
    pub by: Identity,
    pub reason: Option<String>,
    /// The state that they saw; in another one, nothing is decided.
    pub expected_state: Option<State>,
    /// A decision that is sent again with the same key is made once.
    pub idempotency_key: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Approve,
    Reject,
    /// A reviewer takes an approved grant back.
    Revoke,
    /// Whoever it is for takes it back, before or after its approval.
    Withdraw,
}

/// What keeps the transaction of a decision that found the grant overdue: that it expired is committed.
pub(super) enum Decided {
    Now(Box<AccessGrant>),
    TooLate,
}

impl Verdict {
    pub const ALL: [Self; 4] = [Self::Approve, Self::Reject, Self::Revoke, Self::Withdraw];

    pub fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Revoke => "revoke",
            Self::Withdraw => "withdraw",
        }
    }

    /// The verdict of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }

    /// Whether it can be said in this state.
    pub fn fits(self, state: State) -> bool {
        match self {
            Self::Approve | Self::Reject => state == State::Pending,
            Self::Revoke => state == State::Approved,
            Self::Withdraw => matches!(state, State::Pending | State::Approved),
        }
    }
}

impl Decision {
    /// Decides, or says why not.
    pub(super) fn make(
        &self,
        transaction: &mut dyn Transaction,
        settings: &ApprovalsSettings,
    ) -> Result<Decided, GrantError> {
        let grant = lock::<AccessGrant>(transaction, self.id)?.ok_or(GrantError::NotFound)?;
        self.check_person(&grant, settings)?;
        check_texts(
            self.reason.as_deref(),
            self.idempotency_key.as_deref(),
            settings.reason_required && self.verdict != Verdict::Withdraw,
        )?;
        if self.was_made(transaction)? {
            return Ok(Decided::Now(Box::new(grant)));
        }
        if transition::expire_overdue(transaction, &grant)? {
            return Ok(Decided::TooLate);
        }
        let state = grant.state;
        let is_as_seen = self.expected_state.is_none_or(|expected| expected == state);
        if !is_as_seen || !self.verdict.fits(state) {
            return Err(GrantError::State { state });
        }
        self.write(transaction, state)?;
        match self.verdict {
            Verdict::Approve => self.approve(transaction, &grant)?,
            Verdict::Reject => self.end(transaction, &grant, State::Rejected)?,
            Verdict::Revoke => self.end(transaction, &grant, State::Revoked)?,
            Verdict::Withdraw => self.end(transaction, &grant, State::Withdrawn)?,
        }
        let decided = lock::<AccessGrant>(transaction, self.id)?.ok_or(GrantError::NotFound)?;
        Ok(Decided::Now(Box::new(decided)))
    }

    fn check_person(
        &self,
        grant: &AccessGrant,
        settings: &ApprovalsSettings,
    ) -> Result<(), GrantError> {
        let parties = grant.parties();
        let sees = may_see(&parties, &self.by, settings);
        if self.verdict == Verdict::Withdraw {
            // An agent sees its own only.
            return match (sees, is_requester(&parties, &self.by)) {
                (true, true) => Ok(()),
                (true, false) => Err(GrantError::NotTheRequester),
                (false, _) => Err(GrantError::NotFound),
            };
        }
        match may_decide(&parties, &self.by, settings) {
            Ok(()) => Ok(()),
            Err(Barred::NotAPerson) => Err(GrantError::NotAPerson),
            Err(_) if !sees => Err(GrantError::NotFound),
            Err(Barred::Requester) => Err(GrantError::Requester),
            Err(Barred::Auditor) => Err(GrantError::Auditor),
            Err(Barred::NotAReviewer) => Err(GrantError::NotAReviewer),
        }
    }

    fn ballot(&self) -> Ballot<'_> {
        Ballot {
            id: self.id.to_string(),
            by: &self.by,
            kind: self.verdict.name(),
            reason: self.reason.as_deref(),
            idempotency_key: self.idempotency_key.as_deref(),
        }
    }

    /// Whether this decision came before, with the same key.
    fn was_made(&self, transaction: &mut dyn Transaction) -> Result<bool, GrantError> {
        match self.ballot().before(transaction)? {
            Before::Nothing => Ok(false),
            Before::TheSame => Ok(true),
            Before::SomethingElse => Err(GrantError::KeyReused),
        }
    }

    fn write(&self, transaction: &mut dyn Transaction, state: State) -> Result<(), GrantError> {
        match self.ballot().cast(transaction)? {
            true => Ok(()),
            false => Err(GrantError::AlreadyDecided { state }),
        }
    }

    /// One more reviewer agrees; with the last that is needed, its time begins, or is set.
    fn approve(
        &self,
        transaction: &mut dyn Transaction,
        grant: &AccessGrant,
    ) -> Result<(), GrantError> {
        let Some(by) = self.ballot().approvers(transaction, grant.needed)? else {
            record::<AccessGrant>(
                transaction,
                self.id,
                Some(State::Pending),
                State::Pending,
                self.note(&self.actor()),
            )?;
            return Ok(());
        };
        let now = transaction.now();
        let from = grant.not_before.map_or(now, |begin| begin.max(now));
        let set = Set {
            sql: ", active_from = $5, active_until = $6, decided_by = $7, decided_reason = $8",
            values: &[
                Value::from(from),
                Value::from(from.saturating_add(grant.duration_ms)),
                Value::from(by),
                Value::from(self.reason.clone()),
            ],
        };
        self.step(transaction, grant, State::Approved, &set)
    }

    fn end(
        &self,
        transaction: &mut dyn Transaction,
        grant: &AccessGrant,
        state: State,
    ) -> Result<(), GrantError> {
        let set = Set {
            sql: ", decided_by = $5, decided_reason = $6",
            values: &[
                Value::from(self.by.subject.clone()),
                Value::from(self.reason.clone()),
            ],
        };
        self.step(transaction, grant, state, &set)
    }

    fn step(
        &self,
        transaction: &mut dyn Transaction,
        grant: &AccessGrant,
        to: State,
        set: &Set<'_>,
    ) -> Result<(), GrantError> {
        let actor = self.actor();
        match step(transaction, grant, to, set, self.note(&actor))? {
            true => Ok(()),
            false => Err(GrantError::State { state: grant.state }),
        }
    }

    fn actor(&self) -> Actor {
        Actor {
            subject: self.by.subject.clone(),
            issuer: self.by.issuer.clone(),
        }
    }

    fn note<'a>(&'a self, actor: &'a Actor) -> Note<'a> {
        Note {
            actor: Some(actor),
            reason: self.reason.as_deref(),
        }
    }
}
