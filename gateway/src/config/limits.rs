//! `[listen.limits]`: what one listener accepts.

use std::path::Path;
use std::time::Duration;

use super::keys::LIMITS;
use super::section::Section;
use super::source::Source;
use crate::listener::HandshakeSettings;

/// Limits on connections. A reload replaces them for new connections.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Concurrent sessions.
    pub max_connections: usize,
    /// Concurrent connections that have not logged in yet.
    pub max_handshakes: usize,
    /// Concurrent connections from one address that have not logged in yet.
    pub max_handshakes_per_address: usize,
    /// Concurrent sessions of one identity.
    pub max_connections_per_identity: Option<usize>,
    /// The longest message that is read as a whole, in bytes.
    pub max_message: usize,
    /// The longest statement that is analysed, in bytes.
    pub max_statement: usize,
    /// A session outside a transaction without a message for this long is ended.
    pub idle_timeout: Option<Duration>,
    pub login_backoff: LoginBackoff,
}

/// How the errors of repeatedly failing logins are delayed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginBackoff {
    /// The first delay; it doubles with each further failure. Zero disables delays.
    pub first: Duration,
    /// The longest delay.
    pub most: Duration,
    /// An address without a failed login for this long starts over.
    pub memory: Duration,
}

impl Default for Limits {
    /// The defaults of the configuration.
    fn default() -> Self {
        let source = Source::new(Path::new(""), "");
        let document = source.parse();
        limits(
            source.root(&document, &LIMITS),
            &mut HandshakeSettings::default(),
        )
    }
}

pub(super) fn limits(section: Section<'_, '_>, handshake: &mut HandshakeSettings) -> Limits {
    let duration = |name| section.duration(name).unwrap_or_default();
    handshake.handshake_timeout = duration("handshake_timeout");
    handshake.authentication_timeout = duration("authentication_timeout");
    let limits = Limits {
        max_connections: section.integer("max_connections").unwrap_or_default(),
        max_handshakes: section.integer("max_handshakes").unwrap_or_default(),
        max_handshakes_per_address: section
            .integer("max_handshakes_per_address")
            .unwrap_or_default(),
        max_connections_per_identity: section.integer("max_connections_per_identity"),
        max_message: section.size("max_message").unwrap_or_default(),
        max_statement: section.size("max_statement").unwrap_or_default(),
        idle_timeout: section.duration("idle_timeout"),
        login_backoff: LoginBackoff {
            first: duration("failure_delay"),
            most: duration("failure_delay_max"),
            memory: duration("failure_memory"),
        },
    };
    section.finish();
    limits
}
