use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Redirect;

/// What it takes to log in at a provider and to renew the login later.
#[derive(Clone, Debug)]
pub struct LoginSettings {
    /// The provider's URL: `https`, or `http` on a loopback address.
    pub issuer: String,
    /// The name under which the provider knows this program.
    pub client_id: String,
    /// Some providers give native programs one, though it can be no secret there (RFC 8252 section 8.5).
    pub client_secret: Option<SecretString>,
    /// Empty: `openid`, and `offline_access` where the provider has it.
    pub scopes: Vec<String>,
    /// What the access token is to be for, as some providers want it: the parameter `audience`.
    pub audience: Option<String>,
    /// The same as a URI, as RFC 8707 has it.
    pub resource: Option<String>,
    pub token: TokenKind,
    pub redirect: Redirect,
    /// PEM file of the authorities that vouch for the provider's HTTPS, in place of the system's.
    pub ca: Option<PathBuf>,
}

impl LoginSettings {
    /// Settings with defaults for all that can have one.
    pub fn new(issuer: impl Into<String>, client_id: impl Into<String>) -> Self {
        Self {
            issuer: issuer.into(),
            client_id: client_id.into(),
            client_secret: None,
            scopes: Vec::new(),
            audience: None,
            resource: None,
            token: TokenKind::Id,
            redirect: Redirect::default(),
            ca: None,
        }
    }

    /// The access token where it was asked for with a target of its own, else the ID token.
    pub fn usual_token(&self) -> TokenKind {
        match self.audience.is_some() || self.resource.is_some() {
            true => TokenKind::Access,
            false => TokenKind::Id,
        }
    }
}

/// Which of the provider's tokens a gateway is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// The ID token. Its audience is the client id.
    Id,
    /// The access token, which must be a signed one (RFC 9068). Its audience is the provider's to choose.
    Access,
}

/// The name of a person's login on this machine; it becomes a file's name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileName(String);

/// A name that no profile can have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "a profile's name has 1 to 64 letters, digits, dots, dashes and underscores, and begins with a letter or digit"
)]
pub struct ProfileNameError;

impl ProfileName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The command that logs in under this name.
    pub(super) fn command(&self) -> String {
        match self == &Self::default() {
            true => "gatewright login".to_owned(),
            false => format!("gatewright login --name {self}"),
        }
    }
}

impl Default for ProfileName {
    fn default() -> Self {
        Self("default".to_owned())
    }
}

impl fmt::Display for ProfileName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl FromStr for ProfileName {
    type Err = ProfileNameError;

    fn from_str(text: &str) -> Result<Self, ProfileNameError> {
        let allowed = |c: char| c.is_ascii_alphanumeric() || "._-".contains(c);
        let begins = text.starts_with(|c: char| c.is_ascii_alphanumeric());
        match begins && text.len() <= 64 && text.chars().all(allowed) {
            true => Ok(Self(text.to_owned())),
            false => Err(ProfileNameError),
        }
    }
}
