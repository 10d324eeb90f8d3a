//! `[[webhook]]`.

use std::path::PathBuf;
use std::time::Duration;

use secrecy::SecretString;

use super::choices::{DISCLOSURE, WEBHOOK_FORMAT};
use super::files;
use super::section::{At, Section, suggestion};
use crate::approvals::State;
use crate::identity::is_secure_url;
use crate::webhooks::{Disclosure, Format, Secret, WebhookSettings};

/// The longest that one attempt may take.
const LONGEST_TIMEOUT: Duration = Duration::from_secs(60);

/// A webhook, and where its secrets were read from.
#[derive(Clone, Debug)]
pub struct Webhook {
    pub settings: WebhookSettings,
    pub url_file: Option<PathBuf>,
    pub secret_file: Option<PathBuf>,
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
    let (url, url_file) = one_of(section, "url", "url_file");
    let (secret, secret_file) = one_of(section, "secret", "secret_file");
    let is_secret_given = section.has("secret") || section.has("secret_file");
    if !section.has("url") && !section.has("url_file") {
        section.error_here("[[webhook]] requires `url` or `url_file`");
    }
    if format == Some(Format::Json) && !is_secret_given {
        section.error_here(
            "[[webhook]] requires `secret` or `secret_file`: without a signature its receiver cannot know who sent a message",
        );
    }
    if let Some(url) = url.as_ref().filter(|url| !is_secure_url(&url.value)) {
        let why = "the URL must begin with https://, or with http:// on a loopback address";
        section.error(url.at, why);
    }
    let secret = secret.and_then(|secret| {
        let parsed = Secret::parse(&secret.value);
        parsed
            .map_err(|error| section.error(secret.at, format!("the secret {error}")))
            .ok()
    });
    let ca = section.path("ca");
    Webhook {
        settings: WebhookSettings {
            name: name.map(|name| name.value).unwrap_or_default(),
            url: SecretString::from(url.map(|url| url.value).unwrap_or_default()),
            format: format.unwrap_or(Format::Json),
            secret,
            statement: section
                .choice("statement", &DISCLOSURE)
                .unwrap_or(Disclosure::None),
            events: events(section),
            timeout: limited(section, "timeout", LONGEST_TIMEOUT, "a minute"),
            max_age: limited(section, "max_age", keep, "`keep` of [approvals]"),
            ca_pem: ca.and_then(|ca| files::certificates(section, &ca)),
        },
        url_file,
        secret_file,
    }
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

fn events(section: &Section<'_, '_>) -> Vec<State> {
    let names = section.strings("events");
    if !section.has("events") {
        return State::ALL.to_vec();
    }
    if names.is_empty() {
        section.error_here("`events` must not be empty");
    }
    let mut states = Vec::with_capacity(names.len());
    for name in names {
        match State::from_name(&name.value) {
            Some(state) => states.push(state),
            None => {
                let advice = suggestion(&name.value, State::ALL.into_iter().map(State::name));
                let known = State::ALL.map(State::name).join(", ");
                let why = format!("`events` can contain {known}{advice}");
                section.error(name.at, why);
            }
        }
    }
    states
}

fn limited(section: &Section<'_, '_>, name: &'static str, most: Duration, limit: &str) -> Duration {
    let given = section.duration(name).unwrap_or_default();
    if given > most {
        section.error_here(format!("`{name}` must not be longer than {limit}"));
    }
    given
}
