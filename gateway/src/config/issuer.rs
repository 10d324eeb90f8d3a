//! `[[issuer]]` and `[tokens]`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::files;
use super::section::{At, Section};
use super::values::plain;
use crate::identity::{
    Algorithm, ClaimPath, ClaimPaths, IssuerSettings, KeySettings, VerifierSettings, is_secure_url,
};

pub(super) fn issuers(root: &Section<'_, '_>) -> Vec<IssuerSettings> {
    let sections = root.sections("issuer");
    if sections.is_empty() && !root.has("issuer") && !root.has("client_certificate") {
        root.error_here("at least one [[issuer]] or [[client_certificate]] is required: without one, no client can log in");
    }
    let mut issuers: Vec<IssuerSettings> = Vec::new();
    for section in sections {
        let settings = issuer(&section);
        if !settings.url.is_empty() && issuers.iter().any(|other| other.url == settings.url) {
            section.error_here(format!(
                "the issuer {} has two entries; combine them",
                settings.url
            ));
        }
        section.finish();
        issuers.push(settings);
    }
    issuers
}

/// `[tokens]`: settings of the verifier, and the grace of sessions whose token expires.
pub(super) fn tokens(root: &Section<'_, '_>) -> (VerifierSettings, Duration) {
    let section = root.section_or_defaults("tokens");
    let settings = VerifierSettings {
        cache: section.duration("cache").unwrap_or_default(),
        cache_entries: section.integer("cache_entries").unwrap_or_default(),
    };
    let grace = section.duration("grace").unwrap_or_default();
    section.finish();
    (settings, grace)
}

fn issuer(section: &Section<'_, '_>) -> IssuerSettings {
    let url = section.required_string("url");
    let audiences = plain(section.some_strings("audience"));
    let mut settings = IssuerSettings::new(
        url.map(|url| checked_url(section, "url", url))
            .unwrap_or_default(),
        audiences,
    );
    settings.algorithms = algorithms(section, section.some_strings("algorithms"));
    settings.clock_skew = section.duration("clock_skew").unwrap_or_default();
    settings.claims = claim_paths(section.section_or_defaults("claims"));
    if let Some(groups) = section.section("subject_groups") {
        settings.subject_groups = subject_groups(&groups);
    }
    settings.ca_pem = section
        .path("ca")
        .and_then(|path| files::certificates(section, &path));
    settings.jwks_url = section
        .string("jwks_url")
        .map(|url| checked_url(section, "jwks_url", url));
    settings.keys = keys(section);
    settings
}

pub(super) fn checked_url(section: &Section<'_, '_>, key: &str, url: At<String>) -> String {
    if !is_secure_url(&url.value) {
        section.error(
            url.at,
            format!("`{key}` must begin with https://, or with http:// on a loopback address"),
        );
    }
    url.value
}

fn keys(section: &Section<'_, '_>) -> KeySettings {
    KeySettings {
        refresh: section.duration("refresh").unwrap_or_default(),
        stale: section.duration("stale_keys").unwrap_or_default(),
        timeout: section.duration("timeout").unwrap_or_default(),
        ..KeySettings::default()
    }
}

fn algorithms(section: &Section<'_, '_>, names: Vec<At<String>>) -> Vec<Algorithm> {
    let mut algorithms = Vec::with_capacity(names.len());
    for name in names {
        match Algorithm::from_name(&name.value) {
            Some(algorithm) => algorithms.push(algorithm),
            None => {
                let known = Algorithm::ALL.map(Algorithm::name).join(", ");
                section.error(name.at, format!("`algorithms` can contain {known}"));
            }
        }
    }
    algorithms
}

fn claim_paths(section: Section<'_, '_>) -> ClaimPaths {
    let mut paths = ClaimPaths::default();
    let places = [
        ("subject", &mut paths.subject),
        ("groups", &mut paths.groups),
        ("agent", &mut paths.agent),
        ("task", &mut paths.task),
    ];
    for (key, place) in places {
        if let Some(path) = section.read(key, |value| claim_path(value.as_str())) {
            *place = path.value;
        }
    }
    if let Some(attributes) = section.section("attributes") {
        for (name, value) in attributes.entries() {
            match claim_path(value.get_ref().as_str()) {
                Ok(path) => {
                    paths.attributes.insert(name.value.to_owned(), path);
                }
                Err(wanted) => section.error(
                    value.span().start,
                    format!("the attribute `{}` must be {wanted}", name.value),
                ),
            }
        }
    }
    section.finish();
    paths
}

fn claim_path(text: Option<&str>) -> Result<ClaimPath, String> {
    let wanted =
        |why: String| format!("the path of a claim, such as \"/realm_access/roles\" ({why})");
    ClaimPath::parse(text.ok_or_else(|| wanted("a string in quotes".into()))?)
        .map_err(|error| wanted(error.to_string()))
}

fn subject_groups(section: &Section<'_, '_>) -> BTreeMap<String, Vec<String>> {
    let mut subjects = BTreeMap::new();
    for (subject, value) in section.entries() {
        let groups: Option<Vec<String>> = value.get_ref().as_array().and_then(|items| {
            let texts = items
                .iter()
                .map(|item| item.get_ref().as_str().map(str::to_owned));
            texts.collect()
        });
        match groups {
            Some(groups) => {
                subjects.insert(subject.value.to_owned(), groups);
            }
            None => section.error(
                value.span().start,
                format!(
                    "the groups of `{}` must be a list of strings",
                    subject.value
                ),
            ),
        }
    }
    subjects
}
