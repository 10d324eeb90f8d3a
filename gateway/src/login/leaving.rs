//! The end of a login: forgotten here, and withdrawn at the provider where it takes refresh tokens back.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use openidconnect::http::{Request, header};
use openidconnect::url::form_urlencoded::{Serializer, byte_serialize};
use secrecy::{ExposeSecret, SecretString};

use super::provider::Provider;
use super::{Held, LoginError, ProfileName, Store};
use crate::identity::HttpError;

/// What has become of a login.
#[derive(Debug)]
pub enum LoggedOut {
    /// There was none.
    Nothing,
    /// Forgotten here. The provider knows of it, or gave nothing that it could take back.
    Forgotten,
    /// Forgotten here, but its refresh token is still good for whoever has a copy of it.
    NotWithdrawn(LoginError),
}

/// Forgets the login of this name, and has the provider withdraw its refresh token (RFC 7009).
///
/// # Errors
/// The file cannot be removed.
pub async fn log_out(store: &Store, name: &ProfileName) -> Result<LoggedOut, LoginError> {
    // A file that cannot be used is forgotten all the same.
    let held = store.load(name).ok().flatten();
    if !store.remove(name).await? {
        return Ok(LoggedOut::Nothing);
    }
    let Some((held, token)) = held.and_then(|held| {
        let token = held.refresh_token.clone()?;
        Some((held, token))
    }) else {
        return Ok(LoggedOut::Forgotten);
    };
    match withdraw(held, &token).await {
        Ok(()) => Ok(LoggedOut::Forgotten),
        Err(error) => Ok(LoggedOut::NotWithdrawn(error)),
    }
}

async fn withdraw(held: Held, token: &SecretString) -> Result<(), LoginError> {
    let provider = Provider::discover(held.settings).await?;
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
    let answer = provider.http.call(request).await?;
    match answer.status().as_u16() {
        200 => Ok(()),
        status => Err(LoginError::Revocation { status }),
    }
}

/// RFC 6749 section 2.3.1: encoded as in a form first.
fn basic(client_id: &str, secret: &SecretString) -> String {
    let encoded = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let both = format!("{}:{}", encoded(client_id), encoded(secret.expose_secret()));
    format!("Basic {}", BASE64_STANDARD.encode(both))
}
