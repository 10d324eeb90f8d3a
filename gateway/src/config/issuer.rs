use std::collections::BTreeMap;
use std::time::Duration;

use super::files;
use super::reader::{At, Section};
use crate::identity::{
    Algorithm, ClaimPath, ClaimPaths, IssuerSettings, KeySettings, VerifierSettings, is_secure_url,
};

pub(super) fn issuers(root: &Section<'_, '_>) -> Vec<IssuerSettings> {
    let sections = root.sections("issuer");
    if sections.is_empty() && !root.has("issuer") && !root.has("client_certificate") {
        root.fault_here("there is no [[issuer]], so nobody could log in; name the identity provider whose tokens are accepted");
    }
    let mut issuers: Vec<IssuerSettings> = Vec::new();
    for section in sections {
        let settings = issuer(&section);
        if !settings.url.is_empty() && issuers.iter().any(|other| other.url == settings.url) {
            section.fault_here(format!(
                "the issuer {} is there twice; join the two",
                settings.url
            ));
        }
        section.finish();
        issuers.push(settings);
    }
    issuers
}

/// `[tokens]`: what the verifier does for all issuers, and the grace of sessions whose token expires.
pub(super) fn tokens(root: &Section<'_, '_>) -> (VerifierSettings, Duration) {
    let mut settings = VerifierSettings::default();
    let Some(section) = root.section("tokens") else {
        return (settings, Duration::ZERO);
    };
    let grace = section.duration("grace").unwrap_or_default();
    if let Some(cache) = section.duration("cache") {
        settings.cache = cache;
    }
    let entries = section.integer("cache_entries", 1, 1_000_000);
    if let Some(entries) = entries.and_then(|n| usize::try_from(n).ok()) {
        settings.cache_entries = entries;
    }
    section.finish();
    (settings, grace)
}

fn issuer(section: &Section<'_, '_>) -> IssuerSettings {
    let url = section.required_text("url", "the exact text of the tokens' `iss` claim");
    let purpose = "what a token's `aud` must name; without it any token of the issuer would do";
    let audiences = values(section.some_texts("audience", purpose));
    let mut settings = IssuerSettings::new(
        url.map(|url| checked_url(section, "url", url))
            .unwrap_or_default(),
        audiences,
    );
    if section.has("algorithms") {
        let names = section.some_texts("algorithms", "the signatures allowed, or leave it out");
        settings.algorithms = algorithms(section, names);
    }
    if let Some(skew) = section.duration("clock_skew") {
        settings.clock_skew = skew;
    }
    if let Some(claims) = section.section("claims") {
        settings.claims = claim_paths(claims);
    }
    if let Some(groups) = section.section("subject_groups") {
        settings.subject_groups = subject_groups(&groups);
    }
    settings.ca_pem = section
        .path("ca")
        .and_then(|path| files::certificates(section, &path));
    settings.jwks_url = section
        .text("jwks_url")
        .map(|url| checked_url(section, "jwks_url", url));
    settings.keys = keys(section);
    settings
}

pub(super) fn checked_url(section: &Section<'_, '_>, key: &str, url: At<String>) -> String {
    if !is_secure_url(&url.value) {
        section.fault(
            url.at,
            format!("`{key}` must begin with https:// (http:// only on a loopback address)"),
        );
    }
    url.value
}

fn keys(section: &Section<'_, '_>) -> KeySettings {
    let default = KeySettings::default();
    KeySettings {
        refresh: section.period("refresh").unwrap_or(default.refresh),
        stale: section.period("stale_keys").unwrap_or(default.stale),
        timeout: section.period("timeout").unwrap_or(default.timeout),
        ..default
    }
}

fn algorithms(section: &Section<'_, '_>, names: Vec<At<String>>) -> Vec<Algorithm> {
    let mut algorithms = Vec::with_capacity(names.len());
    for name in names {
        match Algorithm::from_name(&name.value) {
            Some(algorithm) => algorithms.push(algorithm),
            None => {
                let known = Algorithm::ALL.map(Algorithm::name).join(", ");
                section.fault(name.at, format!("`algorithms` can hold {known}"));
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
                Err(wanted) => section.fault(
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
    let wanted = |why: String| format!("where a claim is, such as \"/realm_access/roles\" ({why})");
    ClaimPath::parse(text.ok_or_else(|| wanted("a text in quotes".into()))?)
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
            None => section.fault(
                value.span().start,
                format!("the groups of `{}` must be a list of texts", subject.value),
            ),
        }
    }
    subjects
}

pub(super) fn values(texts: Vec<At<String>>) -> Vec<String> {
    texts.into_iter().map(|text| text.value).collect()
}
