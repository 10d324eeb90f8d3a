//! Who asks: a person with a session.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, Uri};
use tokio::time::Instant;

use super::cookies::{Cookie, Transport};
use super::server::Shared;
use super::sessions::{Found, SessionKey, Use};
use super::trouble::Trouble;

/// A person who is logged in.
pub(super) struct Person(pub Found);

impl FromRequestParts<Shared> for Person {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Trouble> {
        let by = match refreshes_itself(&parts.headers, &parts.uri) {
            true => Use::Page,
            false => Use::Person,
        };
        match shared.session(&parts.headers, by) {
            Some(found) => Ok(Person(found)),
            None if parts.method != Method::GET => Err(Trouble::LoggedOut),
            None if by == Use::Page => Err(Trouble::Reload),
            None => Err(Trouble::LogIn {
                next: parts.uri.to_string(),
            }),
        }
    }
}

impl Shared {
    /// The session that the cookie names, as people and issuers are configured now.
    pub fn session(&self, headers: &HeaderMap, by: Use) -> Option<Found> {
        let provider = self.provider.load();
        let transport = Transport::of(&provider.settings.url);
        let id = Cookie::Session.read(headers, transport)?;
        self.session_of(SessionKey::of(id), by)
    }

    pub fn session_of(&self, key: SessionKey, by: Use) -> Option<Found> {
        let provider = self.provider.load();
        let found = self
            .sessions
            .find(key, by, provider.limits(), Instant::now())?;
        let identity = &found.identity;
        (identity.issuer == provider.settings.issuer.url && self.approvals.is_person(identity))
            .then_some(found)
    }
}

/// Whether a page asks by itself: by script, or with the query that pages without script refresh themselves with.
fn refreshes_itself(headers: &HeaderMap, uri: &Uri) -> bool {
    let mut parts = uri.query().unwrap_or_default().split('&');
    headers.contains_key("hx-request") || parts.any(|part| part == "refresh")
}
