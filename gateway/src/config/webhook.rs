//! `[[webhook]]`.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::choices::{DISCLOSURE, WEBHOOK_FORMAT};
use super::files;
use super::section::{At, Section, suggestion};
use crate::access;
use crate::approvals::State;
use crate::identity::is_secure_url;
use crate::webhooks::{Bot, Disclosure, Format, Secret, WebhookSettings};

/// The longest that one attempt may take.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);

/// Where the methods of Slack's Web API are.
const SLACK_API: &str = "https://slack.com/api";

/// The format by its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum WebhookFormat {
    Json,
    Slack,
    SlackApi,
}

impl WebhookFormat {
    pub(super) fn of(format: &Format) -> Self {
        match format {
            Format::Json => Self::Json,
            Format::Slack => Self::Slack,
            Format::SlackApi(_) => Self::SlackApi,
        }
    }
}

/// A webhook, and where its secrets were read from.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub settings: WebhookSettings,
    pub url_file: Option<PathBuf>,
    pub secret_file: Option<PathBuf>,
    pub token_file: Option<PathBuf>,
}

/// `keep`: how long requests that have ended are kept.
pub(super) fn webhooks(sections: Vec<Section<'_, '_>>, keep: Duration) -> Vec<Webhook> {
    let mut webhooks: Vec<Webhook> = Vec::new();
    for section in sections {
        let webhook = webhook(&section, keep);
        let name = &webhook.settings.name;
        if webhooks.iter().any(|other| other.settings.name == *name) {
            section.error_here(format!("there are two webhooks with the name \"{name}\""));
        }
        section.finish();
        webhooks.push(webhook);
    }
    webhooks
}

fn webhook(section: &Section<'_, '_>, keep: Duration) -> Webhook {
    let name = section.required_string("name");
    let format = section.choice("format", &WEBHOOK_FORMAT);
    let (url, url_file) = url(section, format);
    let (secret, secret_file) = secret(section, format);
    let (bot, token_file) = bot(section, format);
    let ca = section.path("ca");
    let events = events(section, "events", &State::ALL, State::name);
    let grant_events = grant_events(section, &events);
    Webhook {
        settings: WebhookSettings {
            name: name.map(|name| name.value).unwrap_or_default(),
            url: SecretString::from(url),
            format: match (format, bot) {
                (Some(WebhookFormat::SlackApi), Some(bot)) => Format::SlackApi(bot),
                (Some(WebhookFormat::Slack), _) => Format::Slack,
                // What is missing has been reported.
                (Some(WebhookFormat::Json | WebhookFormat::SlackApi) | None, _) => Format::Json,
            },
            secret,
            statement: section
                .choice("statement", &DISCLOSURE)
                .unwrap_or(Disclosure::None),
            events,
            grant_events,
            timeout: limited(section, "timeout", LONGEST_TIMEOUT, "a minute"),
            max_age: limited(section, "max_age", keep, "`keep` of [approvals]"),
            ca_pem: ca.and_then(|ca| files::certificates(section, &ca)),
        },
        url_file,
        secret_file,
        token_file,
    }
}

fn url(section: &Section<'_, '_>, format: Option<WebhookFormat>) -> (String, Option<PathBuf>) {
    let (url, file) = one_of(section, "url", "url_file");
    if let Some(url) = url.as_ref().filter(|url| !is_secure_url(&url.value)) {
        let why = "the URL must begin with https://, or with http:// on a loopback address";
        section.error(url.at, why);
    }
    let is_absent = !section.has("url") && !section.has("url_file");
    if is_absent && format == Some(WebhookFormat::SlackApi) {
        return (SLACK_API.to_owned(), None);
    }
    if is_absent {
        section.error_here("[[webhook]] requires `url` or `url_file`");
    }
    (url.map(|url| url.value).unwrap_or_default(), file)
}

fn secret(
    section: &Section<'_, '_>,
    format: Option<WebhookFormat>,
) -> (Option<Secret>, Option<PathBuf>) {
    let (secret, file) = one_of(section, "secret", "secret_file");
    let is_given = section.has("secret") || section.has("secret_file");
    if format == Some(WebhookFormat::Json) && !is_given {
        section.error_here(
            "[[webhook]] requires `secret` or `secret_file`: without a signature its receiver cannot know who sent a message",
        );
    }
    if format == Some(WebhookFormat::SlackApi) && is_given {
        section.error_here(
            "a secret has no effect with `format = \"slack-api\"`: `token_file` says who sends",
        );
    }
    let secret = secret.and_then(|secret| {
        let parsed = Secret::parse(&secret.value);
        parsed
            .map_err(|error| section.error(secret.at, format!("the secret {error}")))
            .ok()
    });
    (secret, file)
}

/// Who writes to Slack, with `format = "slack-api"`.
fn bot(section: &Section<'_, '_>, format: Option<WebhookFormat>) -> (Option<Bot>, Option<PathBuf>) {
    let path = section.path("token_file");
    let channel = section.string("channel");
    if format != Some(WebhookFormat::SlackApi) {
        if section.has("token_file") || section.has("channel") {
            section.error_here("`token_file` and `channel` require `format = \"slack-api\"`");
        }
        return (None, None);
    }
    section.require("token_file");
    section.require("channel");
    let token = path.as_ref().and_then(|path| files::text(section, path));
    let token = token.filter(|token| {
        // It stands in a header.
        let is_token = !token.value.is_empty() && token.value.chars().all(|c| c.is_ascii_graphic());
        if !is_token {
            section.error(token.at, "the file has no token of Slack's");
        }
        is_token
    });
    let bot = token.zip(channel).map(|(token, channel)| Bot {
        token: SecretString::from(token.value),
        channel: channel.value,
    });
    (bot, path.map(|path| path.value))
}

/// A value that stands in the configuration or in a file.
fn one_of(
    section: &Section<'_, '_>,
    own: &'static str,
    file: &'static str,
) -> (Option<At<String>>, Option<PathBuf>) {
    let inline = section.string(own);
    let path = section.path(file);
    if inline.is_some() && path.is_some() {
        section.error_here(format!("only one of `{own}` and `{file}` can be set"));
    }
    let read = path.as_ref().and_then(|path| files::text(section, path));
    (inline.or(read), path.map(|path| path.value))
}

/// States by their names; without any, all.
fn events<S: Copy>(
    section: &Section<'_, '_>,
    key: &'static str,
    all: &[S],
    name: fn(S) -> &'static str,
) -> Vec<S> {
    let given = section.strings(key);
    if !section.has(key) {
        return all.to_vec();
    }
    let mut states = Vec::with_capacity(given.len());
    for one in given {
        match all.iter().find(|state| name(**state) == one.value) {
            Some(state) => states.push(*state),
            None => {
                let names = || all.iter().map(|state| name(*state));
                let advice = suggestion(&one.value, names());
                let known = names().collect::<Vec<_>>().join(", ");
                section.error(one.at, format!("`{key}` can contain {known}{advice}"));
            }
        }
    }
    states
}

/// Without any, those of access grants that are called as those of requests that are told.
fn grant_events(section: &Section<'_, '_>, events: &[State]) -> Vec<access::State> {
    if section.has("events") && section.strings("events").is_empty() && !section.has("grant_events")
    {
        section.error_here("`events` must not be empty without `grant_events`");
    }
    let own = events_of_grants(section);
    let is_told = |state: &access::State| events.iter().any(|told| told.name() == state.name());
    match section.has("grant_events") {
        true => own,
        false => own.into_iter().filter(is_told).collect(),
    }
}

fn events_of_grants(section: &Section<'_, '_>) -> Vec<access::State> {
    events(
        section,
        "grant_events",
        &access::State::ALL,
        access::State::name,
    )
}

fn limited(section: &Section<'_, '_>, name: &'static str, most: Duration, limit: &str) -> Duration {
    let given = section.duration(name).unwrap_or_default();
    if given > most {
        section.error_here(format!("`{name}` must not be longer than {limit}"));
    }
    given
}
