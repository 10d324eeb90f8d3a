use std::time::{Duration, SystemTime};

use super::provider::Provider;
use super::{Held, LoginError, ProfileName, Store};

/// A token is renewed when less than this is left of it, or less than half of its life: a session lasts no longer than
/// the token that opened it.
const MARGIN: Duration = Duration::from_secs(300);

/// The token of this name, renewed if it is time. Where renewing fails and the old token is still good, it is used.
///
/// # Errors
/// Nobody is logged in, or the token has expired and cannot be renewed.
pub async fn current(store: &Store, name: &ProfileName) -> Result<Held, LoginError> {
    let found = load(store, name)?;
    if !is_due(&found, SystemTime::now()) {
        return Ok(found);
    }
    let _locked = store.lock(name).await?;
    // Another process may have renewed it meanwhile; providers let a refresh token be used once.
    let found = load(store, name)?;
    let now = SystemTime::now();
    if !is_due(&found, now) {
        return Ok(found);
    }
    match renew(store, name, &found).await {
        Ok(renewed) => Ok(renewed),
        Err(error) if found.expires_at > now => {
            tracing::warn!(%error, profile = %name, "the token could not be renewed; the old one is still good");
            Ok(found)
        }
        Err(error) => Err(error),
    }
}

fn load(store: &Store, name: &ProfileName) -> Result<Held, LoginError> {
    store
        .load(name)?
        .ok_or_else(|| LoginError::NotLoggedIn { name: name.clone() })
}

/// Whether it is time to renew.
pub(super) fn is_due(held: &Held, now: SystemTime) -> bool {
    let left = held.expires_at.duration_since(now).unwrap_or_default();
    let life = held
        .expires_at
        .duration_since(held.obtained_at)
        .unwrap_or_default();
    // A clock that was set back makes no token young again.
    left.is_zero() || left < MARGIN.min(life / 2) || now < held.obtained_at
}

async fn renew(store: &Store, name: &ProfileName, held: &Held) -> Result<Held, LoginError> {
    let ended = |reason: String| LoginError::Ended {
        name: name.clone(),
        reason,
    };
    let Some(refresh_token) = &held.refresh_token else {
        return Err(ended("there is no refresh token to do it with".to_owned()));
    };
    let renewed = async {
        let provider = Provider::discover(held.settings.clone()).await?;
        provider.renew(held, refresh_token).await
    };
    match renewed.await {
        Ok(renewed) => {
            store.save(name, &renewed)?;
            Ok(renewed)
        }
        Err(error) if error.is_final() => {
            // Presented again, it would look stolen to the provider.
            let spent = Held {
                refresh_token: None,
                ..held.clone()
            };
            store.save(name, &spent)?;
            Err(ended(error.to_string()))
        }
        Err(error) => Err(LoginError::Renewal {
            name: name.clone(),
            source: Box::new(error),
        }),
    }
}
