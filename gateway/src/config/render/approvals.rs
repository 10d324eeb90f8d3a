//! Approvals, the store, the API, the console and webhooks.

use std::fmt::{self, Formatter};

use openidconnect::url::Url;
use secrecy::ExposeSecret;

use super::HIDDEN;
use super::access::credential;
use super::shown::Shown;
use crate::approvals::ApprovalsSettings;
use crate::config::choices::{APPROVAL_WAIT, COMMIT_REVIEW, DISCLOSURE, WEBHOOK_FORMAT};
use crate::config::keys::{API, API_TLS, APPROVALS, CONSOLE, CONSOLE_TLS, STORE, Table, WEBHOOK};
use crate::config::units::duration_text;
use crate::config::webhook::WebhookFormat;
use crate::config::{Api, Approvals, Console, PortTls, Webhook};
use crate::store::StoreSettings;
use crate::upstream::Credential;
use crate::webhooks::Format;

pub(super) fn approvals(f: &mut Formatter<'_>, approvals: &Approvals) -> fmt::Result {
    settings(f, &approvals.settings)?;
    store(f, approvals)?;
    if let Some(shown) = &approvals.api {
        api(f, shown)?;
    }
    if let Some(shown) = &approvals.console {
        console(f, shown)?;
    }
    let mut webhooks = approvals.webhooks.iter();
    webhooks.try_for_each(|shown| webhook(f, shown))
}

fn webhook(f: &mut Formatter<'_>, webhook: &Webhook) -> fmt::Result {
    let settings = &webhook.settings;
    let mut shown = Shown::begin(f, &WEBHOOK)?;
    shown.string("name", &settings.name)?;
    match &webhook.url_file {
        Some(path) => {
            shown.omit(&["url"]);
            shown.string("url_file", path.display())?;
        }
        None => {
            shown.string("url", without_path(settings.url.expose_secret()))?;
            shown.absent("url_file")?;
        }
    }
    let format = WebhookFormat::of(&settings.format);
    shown.string("format", WEBHOOK_FORMAT.name(format))?;
    match (&webhook.secret_file, &settings.secret) {
        (Some(path), _) => {
            shown.omit(&["secret"]);
            shown.string("secret_file", path.display())?;
        }
        (None, Some(_)) => {
            shown.string("secret", HIDDEN)?;
            shown.absent("secret_file")?;
        }
        (None, None) => shown.omit(&["secret", "secret_file"]),
    }
    match (&webhook.token_file, &settings.format) {
        (Some(path), Format::SlackApi(bot)) => {
            shown.string("token_file", path.display())?;
            shown.string("channel", &bot.channel)?;
        }
        _ => shown.omit(&["token_file", "channel"]),
    }
    shown.string("statement", DISCLOSURE.name(settings.statement))?;
    let events: Vec<_> = settings.events.iter().map(|state| state.name()).collect();
    shown.list("events", &events)?;
    let grants = settings.grant_events.iter();
    let grants: Vec<_> = grants.map(|state| state.name()).collect();
    shown.list("grant_events", &grants)?;
    shown.string("timeout", duration_text(settings.timeout))?;
    shown.string("max_age", duration_text(settings.max_age))?;
    match &settings.ca_pem {
        Some(pem) => shown.note("ca", format_args!("{} bytes of certificates", pem.len()))?,
        None => shown.absent("ca")?,
    }
    shown.finish()
}

/// Who knows the path of a chat channel's URL can write there.
fn without_path(url: &str) -> String {
    let parsed = Url::parse(url).ok();
    let origin = parsed.map(|url| url.origin().ascii_serialization());
    format!("{}/{HIDDEN}", origin.unwrap_or_default())
}

fn api(f: &mut Formatter<'_>, api: &Api) -> fmt::Result {
    let mut shown = Shown::begin(f, &API)?;
    shown.string("address", api.address)?;
    shown.list("hosts", &api.hosts)?;
    shown.plain("allow_plaintext", api.allow_plaintext)?;
    shown.finish()?;
    tls(f, &API_TLS, api.tls.as_ref())
}

fn console(f: &mut Formatter<'_>, console: &Console) -> fmt::Result {
    let mut shown = Shown::begin(f, &CONSOLE)?;
    shown.string("address", console.address)?;
    shown.string("url", &console.url)?;
    shown.string("issuer", &console.issuer.url)?;
    shown.string("client_id", &console.client_id)?;
    match &console.client_secret_file {
        Some(path) => shown.string("client_secret_file", path.display())?,
        None => shown.absent("client_secret_file")?,
    }
    shown.list("scopes", &console.scopes)?;
    shown.list("admins", &console.admins)?;
    shown.list("hosts", &console.hosts)?;
    shown.string("idle_timeout", duration_text(console.idle_timeout))?;
    shown.string("login_lifetime", duration_text(console.login_lifetime))?;
    shown.finish()?;
    tls(f, &CONSOLE_TLS, console.tls.as_ref())
}

fn tls(f: &mut Formatter<'_>, table: &'static Table, tls: Option<&PortTls>) -> fmt::Result {
    let Some(tls) = tls else {
        return Ok(());
    };
    let mut shown = Shown::begin(f, table)?;
    shown.string("certificate", tls.certificate.display())?;
    shown.string("key", tls.key.display())?;
    shown.finish()
}

fn settings(f: &mut Formatter<'_>, settings: &ApprovalsSettings) -> fmt::Result {
    let mut shown = Shown::begin(f, &APPROVALS)?;
    shown.list("people", &settings.people)?;
    shown.list("reviewers", &settings.reviewers)?;
    shown.list("viewers", &settings.viewers)?;
    shown.list("auditors", &settings.auditors)?;
    shown.list("break_glass", &settings.break_glass)?;
    shown.plain("approvals", settings.needed)?;
    shown.plain("reason_required", settings.reason_required)?;
    match &settings.hours {
        Some(hours) => {
            shown.list("hours", &hours.texts)?;
            shown.string("time_zone", &hours.time_zone)?;
        }
        None => {
            shown.absent("hours")?;
            shown.omit(&["time_zone"]);
        }
    }
    for (name, duration) in [
        ("pending_ttl", settings.pending_ttl),
        ("approval_ttl", settings.approval_ttl),
        ("hold_limit", settings.hold_limit),
        ("preview_timeout", settings.preview_timeout),
        ("preview_lock_timeout", settings.preview_lock_timeout),
        ("max_grant", settings.max_grant),
        ("notice_interval", settings.notice_interval),
        ("keep", settings.keep),
    ] {
        shown.string(name, duration_text(duration))?;
    }
    shown.plain("preview_rows", settings.preview_rows)?;
    shown.string("agents", APPROVAL_WAIT.name(settings.agents))?;
    shown.string(
        "review_commits",
        COMMIT_REVIEW.name(settings.review_commits),
    )?;
    shown.plain(
        "max_pending_per_identity",
        settings.max_pending_per_identity,
    )?;
    shown.plain("max_held", settings.max_held)?;
    shown.string("url", &settings.url)?;
    shown.finish()
}

fn store(f: &mut Formatter<'_>, approvals: &Approvals) -> fmt::Result {
    let mut shown = Shown::begin(f, &STORE)?;
    match (&approvals.store, &approvals.store_url) {
        (StoreSettings::Postgres(target), Some(url)) => {
            shown.omit(&["path"]);
            shown.string("url", url)?;
            credential(&mut shown, &target.password)?;
        }
        (StoreSettings::File(path), _) => {
            shown.string("path", path.display())?;
            shown.absent("url")?;
            credential(&mut shown, &Credential::None)?;
        }
        _ => {
            shown.omit(&["path", "url"]);
            credential(&mut shown, &Credential::None)?;
        }
    }
    shown.finish()
}
