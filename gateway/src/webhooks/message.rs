//! What may leave the gateway of an event and its request, whatever the form of the message.

use gatewright_sql::redacted;

use super::envelope::{Envelope, is_plain};
use super::settings::Disclosure;
use crate::approvals::{Event, NAMED, Request, State};

/// Effects that one message can show.
pub(super) const MOST_EFFECTS: usize = 10;

/// Settings that one message can show.
pub(super) const MOST_SETTINGS: usize = 8;

/// How the statement's strings are read.
pub(super) const STRINGS: (&str, &str) = ("standard_conforming_strings", "on");

/// An event, with what may be known of it.
pub(super) struct Message<'n> {
    pub envelope: Envelope<'n>,
    pub state: State,
    /// Who decided, once somebody has, separated by commas.
    pub decided_by: Option<&'n str>,
    pub statement: Statement,
    pub request: &'n Request,
    disclosure: Disclosure,
}

/// How much of the statement is in the message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Statement {
    Whole(String),
    Redacted(String),
    Withheld,
}

impl<'n> Message<'n> {
    /// `base`: where people decide.
    pub fn new(event: &'n Event, request: &'n Request, disclosure: Disclosure, base: &str) -> Self {
        let shows_texts = disclosure == Disclosure::Whole;
        let url = format!("{base}/requests/{}", request.id);
        let approvable = event.state == State::Pending && shows_texts && shows_everything(request);
        Message {
            envelope: Envelope::new(event, kind(event, request), url, shows_texts, approvable),
            state: event.state,
            decided_by: request
                .decided_by
                .as_deref()
                .filter(|_| event.state != State::Pending),
            statement: statement(request, disclosure),
            request,
            disclosure,
        }
    }

    /// Asks people to decide.
    pub fn asks(&self) -> bool {
        self.envelope.kind == REQUESTED && !self.broke_glass()
    }

    /// The statement runs without waiting for reviewers.
    pub fn broke_glass(&self) -> bool {
        self.request.break_glass.is_some()
    }

    /// Somebody has looked at it afterwards.
    pub fn is_review(&self) -> bool {
        self.envelope.kind == REVIEWED
    }

    /// Why the policy wants an approval, if that may quote the statement.
    pub fn policy_reason(&self) -> Option<&'n str> {
        self.whole().map(|request| request.reason.as_str())
    }

    /// What the statement does, in sentences that may quote it.
    pub fn effects(&self) -> Option<&'n [String]> {
        self.whole().map(|request| request.shown.effects.as_slice())
    }

    pub fn search_path(&self) -> Option<&'n [String]> {
        self.whole().map(|request| request.search_path.as_slice())
    }

    /// What else an approval binds, and changes how the statement is read.
    pub fn settings(&self) -> Option<&'n [(String, String)]> {
        self.whole().map(|request| request.settings.as_slice())
    }

    fn whole(&self) -> Option<&'n Request> {
        (self.disclosure == Disclosure::Whole).then_some(self.request)
    }
}

const REQUESTED: &str = "approval.requested";
const REVIEWED: &str = "approval.reviewed";

fn kind(event: &Event, request: &Request) -> &'static str {
    let by_somebody = event.actor.is_some();
    match event.state {
        State::Pending if event.before.is_none() => REQUESTED,
        state if state.is_end() && event.before == Some(state) && by_somebody => REVIEWED,
        State::Approved if request.break_glass.is_some() => "approval.break_glass",
        State::Pending => "approval.agreed",
        State::Approved => "approval.approved",
        State::Claimed => "approval.claimed",
        State::Executed => "approval.executed",
        State::Failed => "approval.failed",
        State::Rejected => "approval.rejected",
        State::Expired => "approval.expired",
        State::Withdrawn => "approval.withdrawn",
        State::Revoked => "approval.revoked",
        State::EffectMismatch => "approval.effect_mismatch",
    }
}

fn statement(request: &Request, disclosure: Disclosure) -> Statement {
    match disclosure {
        Disclosure::None => Statement::Withheld,
        Disclosure::Whole => Statement::Whole(request.text.clone()),
        Disclosure::Redacted => hidden(request).map_or(Statement::Withheld, Statement::Redacted),
    }
}

/// The text without its constants; `None` unless it is certain where they are.
fn hidden(request: &Request) -> Option<String> {
    let mut settings = request.settings.iter();
    let is_standard = settings.any(|(name, value)| (name.as_str(), value.as_str()) == STRINGS);
    // What it names may have been written under another setting.
    let own = request.text.split(NAMED).next();
    own.filter(|_| is_standard).and_then(redacted)
}

/// Whether a message with the whole statement hides nothing of what an approval is for, and shows it as it is.
fn shows_everything(request: &Request) -> bool {
    let plain = |text: &String| is_plain(text);
    let rows = request
        .shown
        .effect
        .as_ref()
        .and_then(|effect| effect.rows.as_ref());
    if request.break_glass.is_some() || rows.is_some() || !request.shown.transaction.is_empty() {
        return false;
    }
    let settings = request.settings.as_slice();
    let reads_otherwise = |name: &str, value: &str| name == STRINGS.0 && value != STRINGS.1;
    request.parameters.is_empty()
        && request.effect_digest.is_none()
        && request.shown.effects.len() <= MOST_EFFECTS
        && settings.len() <= MOST_SETTINGS
        && settings
            .iter()
            .all(|(name, value)| is_plain(name) && is_plain(value) && !reads_otherwise(name, value))
        && is_plain(&request.text)
        && is_plain(&request.reason)
        && request.shown.effects.iter().all(plain)
        && request.search_path.iter().all(plain)
        && [&request.subject, &request.database, &request.role]
            .into_iter()
            .chain(&request.agent)
            .all(plain)
}
