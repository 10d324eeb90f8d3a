//! Where the proxy gets its token.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use secrecy::{ExposeSecret, SecretString};

use super::TokenSourceError;
use crate::identity::{TokenError, TokenPeek};
use crate::login::{self, ProfileName, Store};
use crate::upstream::{CredentialError, password_file};

/// A token is still sent for this long after its expiry, because the gateway tolerates a clock difference.
const SKEW: Duration = Duration::from_secs(30);

/// The source of tokens. It is read for every connection.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// A file that is renewed externally, such as a projected service account token.
    File(PathBuf),
    /// A stored login, which is renewed when necessary.
    Login { store: Store, name: ProfileName },
}

impl TokenSource {
    /// The current token.
    pub(super) async fn token(&self) -> Result<SecretString, TokenSourceError> {
        match self {
            Self::File(path) => from_file(path),
            Self::Login { store, name } => Ok(login::current(store, name).await?.token),
        }
    }
}

fn from_file(path: &Path) -> Result<SecretString, TokenSourceError> {
    let not_a_token = |source| TokenSourceError::NotAToken {
        path: path.to_owned(),
        source,
    };
    let token = match password_file(path) {
        Ok(token) => token,
        Err(CredentialError::Unreadable { path, source }) => {
            return Err(match source.kind() {
                ErrorKind::NotFound => TokenSourceError::Missing { path },
                _ => TokenSourceError::Unreadable { path, source },
            });
        }
        Err(CredentialError::Empty { path }) => return Err(TokenSourceError::Empty { path }),
        Err(CredentialError::NotAPassword { .. } | CredentialError::Command(_)) => {
            let part = "too long or not valid UTF-8";
            return Err(not_a_token(TokenError::Malformed { part }));
        }
    };
    let peek = TokenPeek::of(token.expose_secret()).map_err(not_a_token)?;
    let expired = peek
        .expires_at
        .and_then(|expiry| SystemTime::now().duration_since(expiry).ok());
    match expired {
        Some(ago) if ago > SKEW => Err(TokenSourceError::Expired {
            path: path.to_owned(),
            ago,
        }),
        _ => Ok(token),
    }
}
