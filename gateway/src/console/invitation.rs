//! The trial of `gatewright dev`: in place of a provider's login, a link that works once. No other command makes one.

use std::sync::{Mutex, PoisonError};

use axum::extract::rejection::PathRejection;
use axum::extract::{Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use tokio::time::Instant;

use super::cookies::{Cookie, Transport};
use super::server::Shared;
use super::sessions::{SessionKey, random};
use super::trouble::Trouble;
use crate::identity::Identity;

/// Who may come in, and the link's secret, of which the SHA-256 is kept.
pub(super) struct Invitation(Mutex<Option<(SessionKey, Identity)>>);

impl Invitation {
    /// Returns the secret, too, which is given to nobody else.
    pub fn of(identity: Identity) -> (Self, String) {
        let secret = random();
        let kept = (SessionKey::of(&secret), identity);
        (Invitation(Mutex::new(Some(kept))), secret)
    }

    /// Uses it up, if it is the one.
    fn accept(&self, secret: &str) -> Option<Identity> {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let is_it = kept
            .as_ref()
            .is_some_and(|(key, _)| *key == SessionKey::of(secret));
        is_it
            .then(|| kept.take())
            .flatten()
            .map(|(_, identity)| identity)
    }
}

/// `GET /link/{secret}`
pub(super) async fn accept(
    State(shared): State<Shared>,
    secret: Result<Path<String>, PathRejection>,
) -> Result<Response, Trouble> {
    let Path(secret) = secret.map_err(|_| Trouble::NoSuchPage)?;
    let invitation = shared.invitation.as_ref().ok_or(Trouble::NoSuchPage)?;
    let identity = invitation.accept(&secret).ok_or(Trouble::UsedLink)?;
    let subject = identity.subject.clone();
    let provider = shared.provider.load();
    let id = shared
        .sessions
        .begin(identity, provider.limits(), Instant::now());
    tracing::info!(subject, "somebody has come to the console by its link");
    let cookie = Cookie::Session.set(&id, Transport::of(&provider.settings.url));
    let cookie = cookie.ok_or(Trouble::Internal)?;
    let mut response = Redirect::to("/").into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::approvals::tests::reviewer;

    #[test]
    fn a_link_works_once() {
        let (invitation, secret) = Invitation::of(reviewer("bob"));
        assert_eq!(secret.len(), 64);
        for wrong in ["", "0", &secret[1..], &secret.to_uppercase()] {
            assert!(*wrong == secret || invitation.accept(wrong).is_none());
        }
        let accepted = invitation.accept(&secret).expect("it is the one");
        assert_eq!(accepted.subject, "bob");
        assert!(invitation.accept(&secret).is_none());
    }
}
