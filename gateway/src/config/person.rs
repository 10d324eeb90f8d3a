use std::collections::BTreeMap;
use std::path::Path;

use super::database::split_host;
use super::issuer::{checked_url, values};
use super::reader::{Section, Source, nearest};
use super::{Report, files, read};
use crate::login::{LoginSettings, ProfileName, Redirect, TokenKind};

/// Where gateways listen unless told otherwise.
const GATEWAY_PORT: u16 = 6432;

/// What a person has set up for themselves, checked.
#[derive(Clone, Debug, Default)]
pub struct Person {
    /// The profile that is meant where none is named.
    pub default: ProfileName,
    pub profiles: BTreeMap<ProfileName, Profile>,
}

/// A provider to log in at, and the gateway its tokens are for.
#[derive(Clone, Debug)]
pub struct Profile {
    pub login: LoginSettings,
    /// Log in with a device code rather than a browser.
    pub device: bool,
    /// Host and port that `gatewright connect` goes to unless told otherwise.
    pub gateway: Option<(String, u16)>,
    /// The database that it asks for unless told otherwise.
    pub database: Option<String>,
}

/// Reads and checks a person's file; a file that is not there says nothing.
///
/// # Errors
/// Every fault found, with its place in the file.
pub fn person(path: &Path) -> Result<Person, Report> {
    if !path.exists() {
        return Ok(Person::default());
    }
    let text = read(path)?;
    let source = Source::new(path, &text);
    let document = source.parse();
    let root = source.root(&document);
    let profiles = profiles(&root);
    let default = default(&root, &profiles);
    root.finish();
    source.outcome(Person { default, profiles })
}

/// Takes `host`, `host:port`, `::1` or `[::1]:port` apart, as the address of a gateway.
pub fn gateway_address(text: &str) -> Option<(String, u16)> {
    split_host(text, GATEWAY_PORT).filter(|(host, _)| !host.is_empty() && !host.starts_with('/'))
}

fn profiles(root: &Section<'_, '_>) -> BTreeMap<ProfileName, Profile> {
    let mut profiles = BTreeMap::new();
    let Some(all) = root.section("profile") else {
        return profiles;
    };
    for (name, value) in all.entries() {
        let Some(section) = all.table_of(name.value, value) else {
            continue;
        };
        let profile = profile(&section);
        section.finish();
        match name.value.parse::<ProfileName>() {
            Ok(name) => {
                profiles.insert(name, profile);
            }
            Err(error) => all.fault(name.at, error.to_string()),
        }
    }
    profiles
}

fn default(root: &Section<'_, '_>, profiles: &BTreeMap<ProfileName, Profile>) -> ProfileName {
    let Some(name) = root.text("default") else {
        // One alone needs no word about it.
        return match profiles.keys().collect::<Vec<_>>().as_slice() {
            [only] => (*only).clone(),
            _ => ProfileName::default(),
        };
    };
    let found = profiles.keys().find(|known| known.as_str() == name.value);
    if found.is_none() {
        let meant = nearest(&name.value, profiles.keys().map(ProfileName::as_str));
        let advice = meant.map(|meant| format!("; did you mean \"{meant}\"?"));
        root.fault(
            name.at,
            format!(
                "there is no [profile.{}]{}",
                name.value,
                advice.unwrap_or_default()
            ),
        );
    }
    found.cloned().unwrap_or_default()
}

fn profile(section: &Section<'_, '_>) -> Profile {
    let issuer = section.required_text("issuer", "the provider's URL");
    let client_id = section.required_text(
        "client_id",
        "the name under which the provider knows this program",
    );
    let mut login = LoginSettings::new(
        issuer
            .map(|url| checked_url(section, "issuer", url))
            .unwrap_or_default(),
        client_id.map(|id| id.value).unwrap_or_default(),
    );
    login.client_secret = section
        .text("client_secret")
        .map(|secret| secret.value.into());
    login.scopes = values(section.texts("scopes").unwrap_or_default());
    login.audience = section.text("audience").map(|text| text.value);
    login.resource = section.text("resource").map(|text| text.value);
    let kinds = [("id", TokenKind::Id), ("access", TokenKind::Access)];
    login.token = section
        .choice("token", &kinds)
        .unwrap_or_else(|| login.usual_token());
    if let Some(uri) = section.text("redirect_uri") {
        match uri.value.parse::<Redirect>() {
            Ok(redirect) => login.redirect = redirect,
            Err(error) => section.fault(uri.at, error.to_string()),
        }
    }
    if let Some(path) = section.path("ca")
        && files::certificates(section, &path).is_some()
    {
        login.ca = Some(path.value);
    }
    let gateway = section.text("gateway").and_then(|text| {
        let address = gateway_address(&text.value);
        if address.is_none() {
            section.fault(text.at, "a gateway is a name or an IP address, with `:port` behind it if need be (\"[::1]:6432\")");
        }
        address
    });
    Profile {
        login,
        device: section.boolean("device").unwrap_or(false),
        gateway,
        database: section.text("database").map(|text| text.value),
    }
}
