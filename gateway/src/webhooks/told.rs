//! What webhooks are told: events of requests and of access grants, in the form that a webhook takes.

use serde_json::Value;

use super::grant_message::GrantMessage;
use super::message::Message;
use super::settings::Disclosure;
use super::{json, slack};
use crate::access::{self, AccessGrant};
use crate::approvals::{Event, Request, event_with};
use crate::store::{StoreError, Transaction};

/// An event, and what it is about as that is now.
pub(super) enum Told {
    Request(Event, Box<Request>),
    Grant(access::Event, Box<AccessGrant>),
}

/// The event of this number.
pub(super) fn read(
    transaction: &mut dyn Transaction,
    sequence: i64,
) -> Result<Option<Told>, StoreError> {
    if let Some((event, request)) = event_with::<Request>(transaction, sequence)? {
        return Ok(Some(Told::Request(event, Box::new(request))));
    }
    let found = event_with::<AccessGrant>(transaction, sequence)?;
    Ok(found.map(|(event, grant)| Told::Grant(event, Box::new(grant))))
}

/// A message before it has a form.
pub(super) enum Content<'t> {
    Request(Message<'t>),
    Grant(GrantMessage<'t>),
}

impl Told {
    /// The id of what the event is about.
    pub fn id(&self) -> String {
        match self {
            Told::Request(_, request) => request.id.to_string(),
            Told::Grant(_, grant) => grant.id.to_string(),
        }
    }

    /// What may be known of it; `base`: where people decide.
    pub fn content(&self, disclosure: Disclosure, base: &str) -> Content<'_> {
        match self {
            Told::Request(event, request) => {
                Content::Request(Message::new(event, request, disclosure, base))
            }
            Told::Grant(event, grant) => {
                Content::Grant(GrantMessage::new(event, grant, disclosure, base))
            }
        }
    }
}

impl Content<'_> {
    /// The message's id, the same whenever it is sent.
    pub fn id(&self) -> &str {
        match self {
            Content::Request(message) => &message.envelope.id,
            Content::Grant(message) => &message.envelope.id,
        }
    }

    pub fn kind(&self) -> &'static str {
        match self {
            Content::Request(message) => message.envelope.kind,
            Content::Grant(message) => message.envelope.kind,
        }
    }

    pub fn json(&self) -> Vec<u8> {
        match self {
            Content::Request(message) => json::of_request(message),
            Content::Grant(message) => json::of_grant(message),
        }
    }

    pub fn slack(&self, form: slack::Form) -> Value {
        match self {
            Content::Request(message) => slack::of_request(message, form),
            Content::Grant(message) => slack::of_grant(message, form),
        }
    }
}
