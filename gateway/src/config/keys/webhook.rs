//! The keys of `[[webhook]]`.

use super::{Key, Kind, Table};
use crate::config::choices;

pub(in crate::config) static WEBHOOK: Table = Table::new(
    "[[webhook]]",
    &[
        Key::new(
            "name",
            Kind::String,
            "by which the store, the log and metrics know it. Gateways that share a store share the webhooks of the same name",
        )
        .required(),
        Key::new(
            "url",
            Kind::String,
            "where messages are sent: `https://`, or `http://` on a loopback address. Redirects are not followed. It is not shown or logged",
        )
        .absent("`url_file`; of `slack-api`: `https://slack.com/api`"),
        Key::new(
            "url_file",
            Kind::Path,
            "a file with the URL, where that is a secret, as those of chat channels are",
        ),
        Key::new(
            "format",
            Kind::Choice(choices::WEBHOOK_FORMAT.names),
            "the form of messages: for programs, for an incoming webhook of Slack, or for Slack's Web API, where one message shows what becomes of a request",
        )
        .default("\"json\""),
        Key::new(
            "secret",
            Kind::String,
            "the key with which messages are signed: `whsec_` and 24 to 64 random bytes in base64",
        )
        .absent("`secret_file`; required for `json`"),
        Key::new("secret_file", Kind::Path, "a file with the secret"),
        Key::new(
            "token_file",
            Kind::Path,
            "a file with the token of a Slack bot that has the scope `chat:write`; required for `slack-api`",
        ),
        Key::new(
            "channel",
            Kind::String,
            "the Slack channel that the bot writes to, by its id; required for `slack-api`",
        ),
        Key::new(
            "statement",
            Kind::Choice(choices::DISCLOSURE.names),
            "what leaves the gateway of a statement: its text without constants and comments, all of it, or nothing. Parameters never do",
        )
        .default("\"redacted\""),
        Key::new(
            "events",
            Kind::Strings,
            "the states of requests that are told, such as `[\"pending\", \"approved\", \"rejected\"]`",
        )
        .absent("all"),
        Key::new(
            "grant_events",
            Kind::Strings,
            "the states of access grants that are told, such as `[\"pending\", \"approved\"]`; `[]`: none",
        )
        .absent("those in `events`"),
        Key::new(
            "timeout",
            Kind::Period,
            "what one attempt may take, at most a minute",
        )
        .default("\"10s\""),
        Key::new(
            "max_age",
            Kind::Period,
            "how long delivery is tried; at most as long as `keep` of `[approvals]`",
        )
        .default("\"1d\""),
        Key::new(
            "ca",
            Kind::Path,
            "PEM certificates of the CAs to trust for this URL",
        )
        .absent("the system's CAs"),
    ],
);
