//! What may leave the gateway of an event and its access grant, whatever the form of the message. Tables are names, and nothing in a grant
//! is a value of theirs; why somebody asks is what they like to write.

use super::envelope::{Envelope, is_plain};
use super::settings::Disclosure;
use crate::access::{AccessGrant, Event, State};

/// Tables and databases that one message can show.
pub(super) const MOST_SHOWN: usize = 10;

/// An event of an access grant, with what may be known of it.
pub(super) struct GrantMessage<'n> {
    pub envelope: Envelope<'n>,
    pub state: State,
    /// Who decided, once somebody has, separated by commas.
    pub decided_by: Option<&'n str>,
    /// Why it was asked for, where what people write may leave.
    pub why: Option<&'n str>,
    pub grant: &'n AccessGrant,
}

impl<'n> GrantMessage<'n> {
    /// `base`: where people decide.
    pub fn new(
        event: &'n Event,
        grant: &'n AccessGrant,
        disclosure: Disclosure,
        base: &str,
    ) -> Self {
        let shows_texts = disclosure == Disclosure::Whole;
        let url = format!("{base}/grants/{}", grant.id);
        let approvable = event.state == State::Pending && shows_texts && shows_everything(grant);
        GrantMessage {
            envelope: Envelope::new(
                event,
                kind(event.state, event.before.is_none()),
                url,
                shows_texts,
                approvable,
            ),
            state: event.state,
            decided_by: match (event.state, &event.actor) {
                (State::Pending, _) => None,
                // Somebody has decided otherwise since.
                (state, Some(actor)) if state != grant.state => Some(actor.subject.as_str()),
                (_, _) => grant.decided_by.as_deref(),
            },
            why: shows_texts.then_some(grant.reason.as_str()),
            grant,
        }
    }

    /// Asks people to decide.
    pub fn asks(&self) -> bool {
        self.envelope.kind == REQUESTED
    }
}

const REQUESTED: &str = "grant.requested";

fn kind(state: State, is_first: bool) -> &'static str {
    match state {
        State::Pending if is_first => REQUESTED,
        State::Pending => "grant.agreed",
        State::Approved => "grant.approved",
        State::Rejected => "grant.rejected",
        State::Withdrawn => "grant.withdrawn",
        State::Revoked => "grant.revoked",
        State::Expired => "grant.expired",
    }
}

/// Whether a message shows all of what an approval is for, and shows it as it is.
fn shows_everything(grant: &AccessGrant) -> bool {
    let names = [&grant.subject, &grant.reason].into_iter();
    let names = names.chain(&grant.agent).chain(&grant.databases);
    grant.tables.len() <= MOST_SHOWN
        && grant.databases.len() <= MOST_SHOWN
        && names.into_iter().all(|name| is_plain(name))
        && grant
            .tables
            .iter()
            .all(|table| is_plain(&table.to_string()))
}
