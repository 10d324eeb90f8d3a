//! What the messages about requests and those about access grants have in common.

use std::fmt::Display;

use chrono::{DateTime, SecondsFormat, Utc};

use crate::approvals::{Actor, Happened, Look};

/// The event of a message.
pub(super) struct Envelope<'n> {
    /// The same whenever it is sent.
    pub id: String,
    /// `approval.requested`, `grant.approved` and the like.
    pub kind: &'static str,
    /// In milliseconds since 1970.
    pub at: i64,
    pub by: Option<&'n Actor>,
    /// Why, where it may be said.
    pub reason: Option<&'n str>,
    /// Where what the event is about is shown to people who log in.
    pub url: String,
    /// Where a person can agree, if the message shows everything that there is to agree to.
    pub approve_url: Option<String>,
}

impl<'n> Envelope<'n> {
    /// `url`: where people see what the event is about. `shows_texts`: what people write may leave. `approvable`: the message shows
    /// everything that there is to agree to.
    pub fn new<I: Display, S>(
        event: &'n Happened<I, S>,
        kind: &'static str,
        url: String,
        shows_texts: bool,
        approvable: bool,
    ) -> Self {
        let by = event.actor.as_ref();
        Envelope {
            id: format!("{}-{}", event.about, event.sequence),
            kind,
            at: event.at,
            by,
            // The gateway's own reasons are of its own making; people write what they like.
            reason: event
                .reason
                .as_deref()
                .filter(|_| shows_texts || by.is_none()),
            approve_url: approvable.then(|| format!("{url}?decide=approve")),
            url,
        }
    }
}

/// Whether every character is what it looks like. A backtick ends quoted text in chats.
pub(super) fn is_plain(text: &str) -> bool {
    let mut characters = text.chars();
    characters.all(|character| match character {
        '\n' | '\t' => true,
        '`' => false,
        other => Look::of(other) == Look::Plain,
    })
}

/// Milliseconds since 1970 as `2026-11-30T07:12:25.000Z` (RFC 3339).
pub(super) fn rfc3339(milliseconds: i64) -> String {
    time(milliseconds).to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// As people read it.
pub(super) fn readable(milliseconds: i64) -> String {
    let time = time(milliseconds);
    format!("{} UTC", time.format("%Y-%m-%d %H:%M:%S"))
}

fn time(milliseconds: i64) -> DateTime<Utc> {
    DateTime::from_timestamp_millis(milliseconds).unwrap_or(DateTime::<Utc>::MAX_UTC)
}
