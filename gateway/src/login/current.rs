//! The current token of a profile, renewed if necessary.

use std::time::{Duration, SystemTime};

use super::provider::Provider;
use super::{LoginError, ProfileName, Store, StoredLogin};

/// A token is renewed when it expires within this time, or within half of its lifetime if that is shorter. A session
/// ends when the token that opened it expires, so a token should be valid for some time when it is used.
const RENEWAL_MARGIN: Duration = Duration::from_secs(300);

/// The login of this profile, with its token renewed if it is about to expire. If the renewal fails, the old token is
/// used as long as it is valid.
///
/// # Errors
/// The profile is not logged in, or its token has expired and cannot be renewed.
pub async fn current(store: &Store, name: &ProfileName) -> Result<StoredLogin, LoginError> {
    let login = load(store, name)?;
    if !needs_renewal(&login, SystemTime::now()) {
        return Ok(login);
    }
    let _locked = store.lock(name).await?;
    // Another process may have renewed the token in the meantime, and a refresh token may be usable only once.
    let login = load(store, name)?;
    let now = SystemTime::now();
    if !needs_renewal(&login, now) {
        return Ok(login);
    }
    match renew(store, name, &login).await {
        Ok(renewed) => Ok(renewed),
        Err(error) if login.expires_at > now => {
            tracing::warn!(%error, profile = %name, "the token could not be renewed; using the old one, which is still valid");
            Ok(login)
        }
        Err(error) => Err(error),
    }
}

fn load(store: &Store, name: &ProfileName) -> Result<StoredLogin, LoginError> {
    store
        .load(name)?
        .ok_or_else(|| LoginError::NotLoggedIn { name: name.clone() })
}

pub(super) fn needs_renewal(login: &StoredLogin, now: SystemTime) -> bool {
    let left = login.expires_at.duration_since(now).unwrap_or_default();
    let lifetime = login
        .expires_at
        .duration_since(login.obtained_at)
        .unwrap_or_default();
    // If the clock was set back, the remaining lifetime is unknown.
    left.is_zero() || left < RENEWAL_MARGIN.min(lifetime / 2) || now < login.obtained_at
}

async fn renew(
    store: &Store,
    name: &ProfileName,
    login: &StoredLogin,
) -> Result<StoredLogin, LoginError> {
    let ended = |reason: String| LoginError::Ended {
        name: name.clone(),
        reason,
    };
    let Some(refresh_token) = &login.refresh_token else {
        return Err(ended("there is no refresh token".to_owned()));
    };
    let renewed = async {
        let provider = Provider::discover(login.settings.clone()).await?;
        provider.renew(login, refresh_token).await
    };
    match renewed.await {
        Ok(renewed) => {
            store.save(name, &renewed)?;
            Ok(renewed)
        }
        Err(error) if error.is_final() => {
            // A provider may treat reuse of an invalid refresh token as theft.
            let without_refresh_token = StoredLogin {
                refresh_token: None,
                ..login.clone()
            };
            store.save(name, &without_refresh_token)?;
            Err(ended(error.to_string()))
        }
        Err(error) => Err(LoginError::Renewal {
            name: name.clone(),
            source: Box::new(error),
        }),
    }
}
