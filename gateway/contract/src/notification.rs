//! What a session gets of LISTEN, and what a policy says of it.

use std::sync::Arc;

use serde::Serialize;

use crate::facts::by_value;
use crate::{Identity, SessionId};

/// A notification on its way to a client (protocol: NotificationResponse).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Notification {
    /// The connection that listens.
    pub session_id: SessionId,
    /// The database it is connected to.
    pub database: String,
    /// The channel.
    pub channel: String,
    /// What the sender wrote, in UTF-8; empty where it wrote nothing.
    pub payload: String,
    /// Who listens.
    #[serde(serialize_with = "by_value")]
    pub identity: Arc<Identity>,
}

/// What becomes of a notification.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotificationReply {
    /// The client gets it as it is.
    #[default]
    Pass,
    /// The client does not get it.
    Drop,
}
