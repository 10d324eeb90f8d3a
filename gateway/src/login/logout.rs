//! Logout: deletes the stored login and revokes its refresh token (RFC 7009).

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use openidconnect::http::{Request, header};
use openidconnect::url::form_urlencoded::{Serializer, byte_serialize};
use secrecy::{ExposeSecret, SecretString};

use super::provider::Provider;
use super::{LoginError, ProfileName, Store, StoredLogin};
use crate::identity::HttpError;

/// The result of a logout.
#[derive(Debug)]
pub enum LogoutOutcome {
    /// The profile was not logged in.
    NotLoggedIn,
    /// The login was deleted, and its refresh token, if any, was revoked.
    Deleted,
    /// The login was deleted, but its refresh token could not be revoked and remains valid.
    NotRevoked(LoginError),
}

/// Deletes the login of this profile and revokes its refresh token.
///
/// # Errors
/// The file cannot be removed.
pub async fn log_out(store: &Store, name: &ProfileName) -> Result<LogoutOutcome, LoginError> {
    // A file that cannot be read is deleted as well.
    let login = store.load(name).ok().flatten();
    if !store.remove(name).await? {
        return Ok(LogoutOutcome::NotLoggedIn);
    }
    let Some((login, token)) = login.and_then(|login| {
        let token = login.refresh_token.clone()?;
        Some((login, token))
    }) else {
        return Ok(LogoutOutcome::Deleted);
    };
    match revoke(login, &token).await {
        Ok(()) => Ok(LogoutOutcome::Deleted),
        Err(error) => Ok(LogoutOutcome::NotRevoked(error)),
    }
}

async fn revoke(login: StoredLogin, token: &SecretString) -> Result<(), LoginError> {
    let provider = Provider::discover(login.settings).await?;
    let endpoint = provider.metadata.revocation_endpoint.as_ref();
    let endpoint = endpoint.ok_or(LoginError::NoRevocation)?;
    let settings = &provider.settings;
    let mut form = Serializer::new(String::new());
    form.append_pair("token", token.expose_secret())
        .append_pair("token_type_hint", "refresh_token");
    let mut request =
        Request::post(endpoint).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    match &settings.client_secret {
        Some(secret) if provider.wants_basic() => {
            request = request.header(header::AUTHORIZATION, basic(&settings.client_id, secret));
        }
        secret => {
            form.append_pair("client_id", &settings.client_id);
            if let Some(secret) = secret {
                form.append_pair("client_secret", secret.expose_secret());
            }
        }
    }
    let request = request
        .body(form.finish().into_bytes())
        .map_err(HttpError::from)?;
    let response = provider.http.call(request).await?;
    match response.status().as_u16() {
        200 => Ok(()),
        status => Err(LoginError::Revocation { status }),
    }
}

/// The Basic credentials of a client. ID and secret are form-encoded first (RFC 6749, section 2.3.1).
fn basic(client_id: &str, secret: &SecretString) -> String {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let both = format!("{}:{}", encoded(client_id), encoded(secret.expose_secret()));
    format!("Basic {}", BASE64_STANDARD.encode(both))
}
