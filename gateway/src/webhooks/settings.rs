//! Settings of webhooks.

use std::time::Duration;

use secrecy::SecretString;

use super::signature::Secret;
use crate::access::{self, AccessGrant};
use crate::approvals::{Request, State, Subscription, Topic};

/// Where to send, what, and how. A reload of the configuration replaces them.
#[derive(Debug, Clone)]
pub struct WebhookSettings {
    /// By which the store, the log and metrics know it.
    pub name: String,
    /// A secret: whoever knows the URL of a chat channel can write there. Of Slack's Web API: where its methods are.
    pub url: SecretString,
    pub format: Format,
    /// With which messages are signed.
    pub secret: Option<Secret>,
    pub statement: Disclosure,
    /// The states of requests that are told.
    pub events: Vec<State>,
    /// The states of access grants that are told.
    pub grant_events: Vec<access::State>,
    /// What one attempt may take.
    pub timeout: Duration,
    /// What could not be delivered for so long is given up.
    pub max_age: Duration,
    /// The CAs to trust in place of the system's, as PEM.
    pub ca_pem: Option<Vec<u8>>,
}

/// The form of the message.
#[derive(Debug, Clone)]
pub enum Format {
    Json,
    /// Slack's incoming webhooks: what happens is a message of its own.
    Slack,
    /// Slack's Web API: one message for each request and access grant, which shows what has become of it.
    SlackApi(Bot),
}

/// Who writes to Slack, and where.
#[derive(Debug, Clone)]
pub struct Bot {
    pub token: SecretString,
    /// The channel's id, or its name.
    pub channel: String,
}

/// How much of a statement leaves the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Disclosure {
    /// Its text without constants and comments, and nothing else that could quote it.
    Redacted,
    /// All of its text, what it does, and the reasons that policies and people give.
    Whole,
    /// Nothing of its text.
    None,
}

impl WebhookSettings {
    pub(super) fn subscription(&self) -> Subscription {
        Subscription {
            name: self.name.clone(),
            topics: vec![
                Topic::of::<Request>(&self.events),
                Topic::of::<AccessGrant>(&self.grant_events),
            ],
            max_age: self.max_age,
        }
    }
}
