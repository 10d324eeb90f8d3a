//! Settings of a login, and profile names.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::Redirect;

/// Everything needed to log in and to renew the login.
#[derive(Clone, Debug)]
pub struct LoginSettings {
    /// The provider's URL: `https`, or `http` on a loopback address.
    pub issuer: String,
    /// The OAuth 2.0 client ID.
    pub client_id: String,
    /// Some providers issue a secret to native clients, although it cannot be kept secret (RFC 8252, section 8.5).
    pub client_secret: Option<SecretString>,
    /// The scopes to request. Empty stands for `openid`, and `offline_access` if the provider supports it.
    pub scopes: Vec<String>,
    /// The audience of the access token, for providers with the `audience` parameter.
    pub audience: Option<String>,
    /// The audience of the access token as a URI, for providers with the `resource` parameter (RFC 8707).
    pub resource: Option<String>,
    pub token: TokenKind,
    pub redirect: Redirect,
    /// PEM file with the CAs for the provider's certificate, in place of the system's.
    pub ca: Option<PathBuf>,
}

impl LoginSettings {
    /// Settings with defaults for everything else.
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

    /// The default token kind: the access token if its audience is configured, otherwise the ID token.
    pub fn usual_token(&self) -> TokenKind {
        match self.audience.is_some() || self.resource.is_some() {
            true => TokenKind::Access,
            false => TokenKind::Id,
        }
    }
}

/// Which of the provider's tokens is sent to the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TokenKind {
    /// The ID token. Its audience is the client ID.
    Id,
    /// The access token, which must be a signed JWT (RFC 9068). The provider determines its audience.
    Access,
}

/// The name of a login on this machine. It is used as a file name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ProfileName(String);

/// The profile name is invalid.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error(
    "a profile name must have 1 to 64 letters, digits, dots, hyphens or underscores, and begin with a letter or digit"
)]
pub struct ProfileNameError;

impl ProfileName {
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The command that logs in with this profile.
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
