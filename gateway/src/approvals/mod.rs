//! Requests for a person's approval: what an approval binds, who may decide, and what becomes of a request. It keeps them
//! in `store`. It does not know sessions or protocol messages.
//! Next: `gate` asks for approvals, and `api` shows requests to people and takes their decisions.
//!
//! The gate's side is [`Approvals`]: [`Approvals::submit`] a [`Draft`], wait for its [`Approvals::outcome`], and say with
//! [`Approvals::finished`] or [`Approvals::withdraw`] what became of it. The last two return at once.

mod asking;
mod ballot;
mod binding;
mod deciding;
mod effect;
mod ending;
mod error;
mod exchange;
mod held;
mod history;
mod hours;
mod keeping;
mod look;
mod matter;
mod outbox;
mod paging;
mod people;
mod reading;
mod request;
mod rows;
mod rules;
mod service;
mod settings;
mod state;
mod transition;

#[cfg(test)]
pub(crate) mod tests;

/// What `access` shares: who may decide, what they have said, how a reason is checked, steps and the events of the store, and pages.
pub(crate) use ballot::{Ballot, Before};
pub(crate) use deciding::check_texts;
pub(crate) use history::{EventOf, approvals_of, events_after, found, history};
pub(crate) use outbox::TRACES;
pub(crate) use paging::{MOST_LISTED, in_states, page, seen};
pub(crate) use rules::{Barred, is_requester, may_decide, may_see};
pub(crate) use transition::{Note, Set, lock, record, step};

pub use binding::{Binding, Parameter, ParameterValue};
pub use deciding::{Decision, DecisionError, TextError, Verdict};
pub use effect::{Effect, EffectFound};
pub use error::ApprovalsError;
pub use exchange::{
    Approved, Change, Draft, Finished, NAMED, Outcome, Shown, Submitted, Withdrawal,
};
pub use history::{Approval, Happened, event_with};
pub use hours::{Hours, HoursError};
pub use look::Look;
pub use matter::{Matter, Stage};
pub use outbox::{Due, Fate, Outbox, Post, ReadEvent, Subscription, Topic};
pub use paging::Paged;
pub use people::Page;
pub use reading::{Entry, Event};
pub use request::{Parties, Request, Stored};
pub use rows::{EffectRow, EffectRows};
pub use service::Approvals;
pub use settings::{ApprovalsSettings, CommitReview};
pub use state::State;

/// Somebody who did something, as their token named them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub subject: String,
    pub issuer: String,
}
