use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use secrecy::{ExposeSecret, SecretString};

use super::TokenFault;
use crate::identity::{TokenError, TokenPeek};
use crate::login::{self, ProfileName, Store};
use crate::upstream::{CredentialError, password_file};

/// A token that expired no longer ago than this is still tried: the gateway allows for clocks that differ.
const SKEW: Duration = Duration::from_secs(30);

/// Where the token for a connection comes from. It is asked anew for every connection.
#[derive(Debug, Clone)]
pub enum TokenSource {
    /// A file that something else renews, such as a projected service account token.
    File(PathBuf),
    /// A person's login, which is renewed when it is time.
    Login { store: Store, name: ProfileName },
}

impl TokenSource {
    /// The token as it is now.
    pub(super) async fn token(&self) -> Result<SecretString, TokenFault> {
        match self {
            Self::File(path) => from_file(path),
            Self::Login { store, name } => Ok(login::current(store, name).await?.token),
        }
    }
}

fn from_file(path: &Path) -> Result<SecretString, TokenFault> {
    let not_a_token = |source| TokenFault::NotAToken {
        path: path.to_owned(),
        source,
    };
    let token = match password_file(path) {
        Ok(token) => token,
        Err(CredentialError::Unreadable { path, source }) => {
            return Err(match source.kind() {
                ErrorKind::NotFound => TokenFault::Missing { path },
                _ => TokenFault::Unreadable { path, source },
            });
        }
        Err(CredentialError::Empty { path }) => return Err(TokenFault::Empty { path }),
        Err(CredentialError::NotAPassword { .. } | CredentialError::Command(_)) => {
            let part = "it is too long or not text";
            return Err(not_a_token(TokenError::Malformed { part }));
        }
    };
    let peek = TokenPeek::of(token.expose_secret()).map_err(not_a_token)?;
    let expired = peek
        .expires_at
        .and_then(|expiry| SystemTime::now().duration_since(expiry).ok());
    match expired {
        Some(ago) if ago > SKEW => Err(TokenFault::Expired {
            path: path.to_owned(),
            ago,
        }),
        _ => Ok(token),
    }
}
