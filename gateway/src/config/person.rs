//! A person's login file: providers and gateways.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::choices::TOKEN;
use super::database::split_host;
use super::issuer::checked_url;
use super::keys::PERSON;
use super::section::{Section, suggestion};
use super::source::Source;
use super::values::plain;
use super::{Report, files, read};
use crate::login::{LoginSettings, ProfileName, Redirect};

/// The port of a gateway whose address has none.
const GATEWAY_PORT: u16 = 6432;

/// A person's login file, checked.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// The profile to use where none is named.
    pub default: ProfileName,
    pub profiles: BTreeMap<ProfileName, Profile>,
}

/// A provider, and the gateway that its tokens are for.
#[derive(Clone, Debug)]
pub struct Profile {
    pub login: LoginSettings,
    /// Log in with a device code rather than a browser.
    pub device: bool,
    /// Default host and port of `gatewright connect`.
    pub gateway: Option<(String, u16)>,
    /// Default database of `gatewright connect`.
    pub database: Option<String>,
    /// The URL of the gateway's API, for `gatewright approvals`.
    pub api: Option<String>,
    /// PEM file with the CAs for the API's certificate, in place of the system's.
    pub api_ca: Option<PathBuf>,
}

/// Reads and checks a person's login file; one that does not exist has no profiles.
///
/// # Errors
/// Every error found, with its place in the file.
pub fn person(path: &Path) -> Result<Person, Report> {
    if !path.exists() {
        return Ok(Person::default());
    }
    let text = read(path)?;
    let source = Source::new(path, &text);
    let document = source.parse();
    let root = source.root(&document, &PERSON);
    let profiles = profiles(&root);
    let default = default(&root, &profiles);
    root.finish();
    source.outcome(Person { default, profiles })
}

/// Splits the address of a gateway, `host`, `host:port`, `::1` or `[::1]:port`, into host and port.
pub fn gateway_address(text: &str) -> Option<(String, u16)> {
    split_host(text, GATEWAY_PORT).filter(|(host, _)| !host.is_empty() && !host.starts_with('/'))
}

fn profiles(root: &Section<'_, '_>) -> BTreeMap<ProfileName, Profile> {
    let mut profiles = BTreeMap::new();
    for (name, section) in root.named("profile") {
        let profile = profile(&section);
        section.finish();
        match name.value.parse::<ProfileName>() {
            Ok(name) => {
                profiles.insert(name, profile);
            }
            Err(error) => root.error(name.at, error.to_string()),
        }
    }
    profiles
}

fn default(root: &Section<'_, '_>, profiles: &BTreeMap<ProfileName, Profile>) -> ProfileName {
    let Some(name) = root.string("default") else {
        return match profiles.keys().collect::<Vec<_>>().as_slice() {
            [only] => (*only).clone(),
            _ => ProfileName::default(),
        };
    };
    let found = profiles.keys().find(|known| known.as_str() == name.value);
    if found.is_none() {
        let advice = suggestion(&name.value, profiles.keys().map(ProfileName::as_str));
        root.error(
            name.at,
            format!("there is no [profile.{}]{advice}", name.value),
        );
    }
    found.cloned().unwrap_or_default()
}

fn profile(section: &Section<'_, '_>) -> Profile {
    let issuer = section.required_string("issuer");
    let client_id = section.required_string("client_id");
    let mut login = LoginSettings::new(
        issuer
            .map(|url| checked_url(section, "issuer", url))
            .unwrap_or_default(),
        client_id.map(|id| id.value).unwrap_or_default(),
    );
    login.client_secret = section
        .string("client_secret")
        .map(|secret| secret.value.into());
    login.scopes = plain(section.strings("scopes"));
    login.audience = section.string("audience").map(|text| text.value);
    login.resource = section.string("resource").map(|text| text.value);
    login.token = section
        .choice("token", &TOKEN)
        .unwrap_or_else(|| login.usual_token());
    if let Some(uri) = section.string("redirect_uri") {
        match uri.value.parse::<Redirect>() {
            Ok(redirect) => login.redirect = redirect,
            Err(error) => section.error(uri.at, error.to_string()),
        }
    }
    if let Some(path) = section.path("ca")
        && files::certificates(section, &path).is_some()
    {
        login.ca = Some(path.value);
    }
    let gateway = section.string("gateway").and_then(|text| {
        let address = gateway_address(&text.value);
        if address.is_none() {
            section.error(
                text.at,
                "a gateway is a name or an IP address; a port follows a colon (\"[::1]:6432\")",
            );
        }
        address
    });
    Profile {
        login,
        device: section.boolean("device").unwrap_or_default(),
        gateway,
        database: section.string("database").map(|text| text.value),
        api: section
            .string("api")
            .map(|url| checked_url(section, "api", url)),
        api_ca: section
            .path("api_ca")
            .filter(|path| files::certificates(section, path).is_some())
            .map(|path| path.value),
    }
}
