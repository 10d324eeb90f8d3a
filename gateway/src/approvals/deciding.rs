//! A person decides.

use gatewright_contract::RequestId;
use thiserror::Error;

use super::ballot::{Ballot, Before};
use super::request::Request;
use super::rules::{self, Barred};
use super::settings::ApprovalsSettings;
use super::transition::{self, Note, Set};
use super::{Actor, State};
use crate::identity::Identity;
use crate::store::{StoreError, Transaction, Value};

/// The longest reason, in characters.
const LONGEST_REASON: usize = 2000;

/// The longest idempotency key, in bytes.
const LONGEST_KEY: usize = 200;

/// What a person says about a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub id: RequestId,
    pub verdict: Verdict,
    /// Who says it, as their token shows.
    pub reviewer: Identity,
    pub reason: Option<String>,
    /// The state that the person saw; in another one, nothing is decided.
    pub expected_state: Option<State>,
    /// The digest of the effect that the person saw. Required to approve a request that shows one.
    pub effect_digest: Option<String>,
    /// A decision that is sent again with the same key is made once.
    pub idempotency_key: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    Approve,
    Reject,
    /// Takes an approval back that was not used yet.
    Revoke,
    /// Has looked at what ran without waiting for reviewers.
    Review,
}

/// A decision was not accepted. `Display` is safe to show to whoever decides.
#[derive(Debug, Error)]
pub enum DecisionError {
    /// Or it may not be seen by whoever asks.
    #[error("there is no such request")]
    NotFound,
    #[error(
        "only people decide; this token belongs to an agent or a program, or its issuer is none of people"
    )]
    NotAPerson,
    #[error("nobody decides about their own statements, or about those of their agents")]
    Requester,
    #[error("auditors decide nothing")]
    Auditor,
    #[error("you are not among the reviewers of this request")]
    NotAReviewer,
    #[error(transparent)]
    Text(#[from] TextError),
    #[error("the idempotency key was used for another decision about this request")]
    KeyReused,
    #[error("you have decided this already")]
    AlreadyDecided { state: State },
    #[error("the request is {state}")]
    State { state: State },
    #[error(
        "there is nothing to review: the request is {state}, and did not break the glass or was reviewed"
    )]
    NothingToReview { state: State },
    #[error("the effect is not the one that you saw")]
    EffectDigest { state: State },
    #[error("the store of approval requests is not available; try again")]
    Store(#[from] StoreError),
}

/// A reason or an idempotency key cannot be taken. `Display` is safe to show to whoever sent it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum TextError {
    #[error("a reason is required")]
    ReasonRequired,
    #[error("the reason is longer than {LONGEST_REASON} characters, or has control characters")]
    Reason,
    #[error(
        "the idempotency key is empty or longer than {LONGEST_KEY} bytes, or has control characters"
    )]
    Key,
}

/// What keeps the transaction of a decision that found the request overdue: that it expired is committed.
pub(super) enum Decided {
    Now(Box<Request>),
    TooLate,
}

impl Verdict {
    pub fn name(self) -> &'static str {
        match self {
            Self::Approve => "approve",
            Self::Reject => "reject",
            Self::Revoke => "revoke",
            Self::Review => "review",
        }
    }

    /// The verdict of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        let all = [Self::Approve, Self::Reject, Self::Revoke, Self::Review];
        all.into_iter().find(|verdict| verdict.name() == name)
    }

    /// The state in which it can be said, if there is only one.
    pub fn state(self) -> Option<State> {
        match self {
            Self::Approve | Self::Reject => Some(State::Pending),
            Self::Revoke => Some(State::Approved),
            Self::Review => None,
        }
    }
}

impl Decision {
    /// Decides, or says why not.
    pub(super) fn make(
        &self,
        transaction: &mut dyn Transaction,
        settings: &ApprovalsSettings,
    ) -> Result<Decided, DecisionError> {
        let request =
            transition::lock::<Request>(transaction, self.id)?.ok_or(DecisionError::NotFound)?;
        self.check_person(&request, settings)?;
        check_texts(
            self.reason.as_deref(),
            self.idempotency_key.as_deref(),
            settings.reason_required,
        )?;
        if self.was_made(transaction)? {
            return Ok(Decided::Now(Box::new(request)));
        }
        if transition::expire_overdue(transaction, &request)? {
            return Ok(Decided::TooLate);
        }
        let state = request.state;
        if self
            .expected_state
            .is_some_and(|expected| expected != state)
            || self.verdict.state().is_some_and(|only| only != state)
        {
            return Err(DecisionError::State { state });
        }
        if self.verdict == Verdict::Review && !request.is_to_review() {
            return Err(DecisionError::NothingToReview { state });
        }
        self.check_effect(&request)?;
        self.write(transaction, state)?;
        match self.verdict {
            Verdict::Approve => self.approve(transaction, &request)?,
            Verdict::Reject => self.end(transaction, &request, State::Rejected)?,
            Verdict::Revoke => self.end(transaction, &request, State::Revoked)?,
            Verdict::Review => self.review(transaction, state)?,
        }
        let decided =
            transition::lock::<Request>(transaction, self.id)?.ok_or(DecisionError::NotFound)?;
        Ok(Decided::Now(Box::new(decided)))
    }

    fn check_person(
        &self,
        request: &Request,
        settings: &ApprovalsSettings,
    ) -> Result<(), DecisionError> {
        let parties = request.parties();
        let barred = rules::may_decide(&parties, &self.reviewer, settings);
        match barred {
            Ok(()) => Ok(()),
            Err(Barred::NotAPerson) => Err(DecisionError::NotAPerson),
            Err(_) if !rules::may_see(&parties, &self.reviewer, settings) => {
                Err(DecisionError::NotFound)
            }
            Err(Barred::Requester) => Err(DecisionError::Requester),
            Err(Barred::Auditor) => Err(DecisionError::Auditor),
            Err(Barred::NotAReviewer) => Err(DecisionError::NotAReviewer),
        }
    }

    fn ballot(&self) -> Ballot<'_> {
        Ballot {
            id: self.id.to_string(),
            by: &self.reviewer,
            kind: self.verdict.name(),
            reason: self.reason.as_deref(),
            idempotency_key: self.idempotency_key.as_deref(),
        }
    }

    /// Whether this decision came before, with the same key.
    fn was_made(&self, transaction: &mut dyn Transaction) -> Result<bool, DecisionError> {
        match self.ballot().before(transaction)? {
            Before::Nothing => Ok(false),
            Before::TheSame => Ok(true),
            Before::SomethingElse => Err(DecisionError::KeyReused),
        }
    }

    fn check_effect(&self, request: &Request) -> Result<(), DecisionError> {
        let wrong = match (&self.effect_digest, &request.effect_digest) {
            (None, Some(_)) => self.verdict == Verdict::Approve,
            (Some(seen), shown) => shown.as_ref() != Some(seen),
            (None, None) => false,
        };
        match wrong {
            true => Err(DecisionError::EffectDigest {
                state: request.state,
            }),
            false => Ok(()),
        }
    }

    fn write(&self, transaction: &mut dyn Transaction, state: State) -> Result<(), DecisionError> {
        match self.ballot().cast(transaction)? {
            true => Ok(()),
            false => Err(DecisionError::AlreadyDecided { state }),
        }
    }

    /// One more reviewer agrees; with the last that is needed, the request is approved.
    fn approve(
        &self,
        transaction: &mut dyn Transaction,
        request: &Request,
    ) -> Result<(), DecisionError> {
        let Some(by) = self.ballot().approvers(transaction, request.needed)? else {
            transition::record::<Request>(
                transaction,
                self.id,
                Some(State::Pending),
                State::Pending,
                self.note(&self.actor()),
            )?;
            return Ok(());
        };
        let until = transaction.now().saturating_add(request.valid_ms);
        let set = Set {
            sql: ", approved_until = $5, decided_by = $6, decided_reason = $7",
            values: &[
                Value::from(until),
                Value::from(by),
                Value::from(self.reason.clone()),
            ],
        };
        self.step(transaction, request, State::Approved, &set)
    }

    fn end(
        &self,
        transaction: &mut dyn Transaction,
        request: &Request,
        state: State,
    ) -> Result<(), DecisionError> {
        let set = Set {
            sql: ", decided_by = $5, decided_reason = $6",
            values: &[
                Value::from(self.reviewer.subject.clone()),
                Value::from(self.reason.clone()),
            ],
        };
        self.step(transaction, request, state, &set)
    }

    fn review(&self, transaction: &mut dyn Transaction, state: State) -> Result<(), DecisionError> {
        let now = transaction.now();
        transaction.query(
            "UPDATE request SET reviewed_at = $1, reviewed_by = $2 WHERE id = $3",
            &[
                Value::from(now),
                Value::from(self.reviewer.subject.clone()),
                Value::from(self.id.to_string()),
            ],
        )?;
        let actor = self.actor();
        transition::record::<Request>(transaction, self.id, Some(state), state, self.note(&actor))?;
        Ok(())
    }

    fn step(
        &self,
        transaction: &mut dyn Transaction,
        request: &Request,
        to: State,
        set: &Set<'_>,
    ) -> Result<(), DecisionError> {
        let actor = self.actor();
        match transition::step(transaction, request, to, set, self.note(&actor))? {
            true => Ok(()),
            false => Err(DecisionError::State {
                state: request.state,
            }),
        }
    }

    fn actor(&self) -> Actor {
        Actor {
            subject: self.reviewer.subject.clone(),
            issuer: self.reviewer.issuer.clone(),
        }
    }

    fn note<'a>(&'a self, actor: &'a Actor) -> Note<'a> {
        Note {
            actor: Some(actor),
            reason: self.reason.as_deref(),
        }
    }
}

/// Checks what a person wrote, and what makes sure that it is taken once.
///
/// # Errors
/// See [`TextError`].
pub(crate) fn check_texts(
    reason: Option<&str>,
    key: Option<&str>,
    reason_required: bool,
) -> Result<(), TextError> {
    let reason = reason.unwrap_or_default();
    if reason_required && reason.trim().is_empty() {
        return Err(TextError::ReasonRequired);
    }
    let controls = |character: char| character.is_control() && !"\n\t".contains(character);
    if reason.chars().count() > LONGEST_REASON || reason.contains(controls) {
        return Err(TextError::Reason);
    }
    match key {
        Some(key)
            if key.is_empty() || key.len() > LONGEST_KEY || key.contains(char::is_control) =>
        {
            Err(TextError::Key)
        }
        _ => Ok(()),
    }
}
