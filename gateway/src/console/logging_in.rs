//! Logging in at the provider, and out.

use std::collections::HashMap;
use std::time::SystemTime;

use axum::Extension;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form, Query, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::ExposeSecret;
use serde::Deserialize;
use subtle::ConstantTimeEq;
use tokio::time::Instant;

use super::cookies::{Cookie, Transport};
use super::headers::Nonce;
use super::pages::{Frame, LoginPage, html};
use super::person::Person;
use super::sealed::{Begun, seconds};
use super::server::Shared;
use super::sessions::{SessionKey, Use};
use super::trouble::Trouble;
use super::visible::Visible;
use crate::login::LoginError;

/// The longest address to go on to.
const LONGEST_NEXT: usize = 300;

#[derive(Default, Deserialize)]
pub(super) struct LoginQuery {
    next: Option<String>,
    /// After a logout.
    left: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct LogoutForm {
    csrf: String,
}

/// `GET /login`
pub(super) async fn page(
    State(shared): State<Shared>,
    Extension(nonce): Extension<Nonce>,
    headers: HeaderMap,
    query: Result<Query<LoginQuery>, QueryRejection>,
) -> Response {
    let query = query.map(|Query(query)| query).unwrap_or_default();
    let next = local(query.next.as_deref());
    if shared.session(&headers, Use::Page).is_some() {
        return Redirect::to(next).into_response();
    }
    let provider = shared.provider.load();
    let page = LoginPage {
        frame: Frame {
            nonce: Some(nonce),
            ..Frame::bare("Log in")
        },
        issuer: match shared.invitation {
            Some(_) => None,
            None => Some(Visible::line(&provider.settings.issuer.url)),
        },
        next: utf8_percent_encode(next, NON_ALPHANUMERIC).to_string(),
        left: query.left.is_some(),
    };
    html(StatusCode::OK, &page)
}

/// `GET /login/start`: sends the browser to the provider.
pub(super) async fn start(
    State(shared): State<Shared>,
    query: Result<Query<LoginQuery>, QueryRejection>,
) -> Result<Response, Trouble> {
    let query = query.map(|Query(query)| query).unwrap_or_default();
    let provider = shared.provider.load_full();
    let login = provider.login().await.map_err(failed)?;
    let request = login.begin().map_err(failed)?;
    let begun = Begun {
        state: request.state,
        nonce: request.nonce,
        verifier: request.verifier.expose_secret().to_owned(),
        next: local(query.next.as_deref()).to_owned(),
        at: seconds(SystemTime::now()),
    };
    let sealed = shared.seal.close(&begun).ok_or(Trouble::Internal)?;
    let transport = Transport::of(&provider.settings.url);
    let cookie = Cookie::Login.set(&sealed, transport);
    let cookie = cookie.ok_or(Trouble::Internal)?;
    let mut response = Redirect::to(&request.url).into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// `GET /callback`: the browser comes back from the provider.
pub(super) async fn callback(
    State(shared): State<Shared>,
    headers: HeaderMap,
    parameters: Result<Query<HashMap<String, String>>, QueryRejection>,
) -> Result<Response, Trouble> {
    let Query(parameters) = parameters.map_err(|_| Trouble::NoLogin)?;
    let provider = shared.provider.load_full();
    let transport = Transport::of(&provider.settings.url);
    let sealed = Cookie::Login.read(&headers, transport);
    let begun = sealed.and_then(|sealed| shared.seal.open(sealed, SystemTime::now()));
    let begun = begun.ok_or(Trouble::NoLogin)?;
    let state = parameters.get("state").map(String::as_bytes);
    let same = state.is_some_and(|state| state.ct_eq(begun.state.as_bytes()).into());
    if !same {
        return Err(Trouble::NoLogin);
    }
    let login = provider.login().await.map_err(failed)?;
    let token = login.redeem(&parameters, &begun.verifier.into()).await;
    let identity = provider
        .identity(&token.map_err(failed)?, &begun.nonce)
        .await;
    let identity = identity.map_err(|error| {
        tracing::warn!(%error, "a login to the console failed");
        Trouble::LoginFailed
    })?;
    let subject = identity.subject.clone();
    if !shared.approvals.is_person(&identity) {
        tracing::warn!(subject, "a login to the console was refused: not a person");
        return Err(Trouble::NotAPerson);
    }
    // Whatever session the browser had before.
    if let Some(id) = Cookie::Session.read(&headers, transport) {
        shared.sessions.end(SessionKey::of(id));
    }
    let id = shared
        .sessions
        .begin(identity, provider.limits(), Instant::now());
    tracing::info!(subject, "somebody has logged in to the console");
    let mut response = Redirect::to(local(Some(&begun.next))).into_response();
    let cookies = [
        Cookie::Session.set(&id, transport),
        Cookie::Login.remove(transport),
    ];
    for cookie in cookies {
        let cookie = cookie.ok_or(Trouble::Internal)?;
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// `POST /logout`
pub(super) async fn out(
    State(shared): State<Shared>,
    person: Person,
    form: Result<Form<LogoutForm>, FormRejection>,
) -> Result<Response, Trouble> {
    let Form(form) = form.map_err(|_| Trouble::Forged)?;
    if !person.0.made(&form.csrf) {
        return Err(Trouble::Forged);
    }
    shared.sessions.end(person.0.key);
    tracing::info!(
        subject = person.0.identity.subject,
        "somebody has logged out of the console"
    );
    let transport = Transport::of(&shared.provider.load().settings.url);
    let cookie = Cookie::Session.remove(transport).ok_or(Trouble::Internal)?;
    let mut response = Redirect::to("/login?left").into_response();
    response.headers_mut().append(header::SET_COOKIE, cookie);
    Ok(response)
}

/// A page of the console. What leads elsewhere becomes the first page.
fn local(next: Option<&str>) -> &str {
    let page = |next: &&str| {
        let known = ["/requests/", "/history", "/?"];
        let plain = |c: char| c.is_ascii_alphanumeric() || "/?=&-_.".contains(c);
        next.len() <= LONGEST_NEXT
            && known.iter().any(|known| next.starts_with(known))
            && next.chars().all(plain)
    };
    next.filter(page).unwrap_or("/")
}

fn failed(error: LoginError) -> Trouble {
    tracing::warn!(%error, "a login to the console failed");
    match error {
        LoginError::Refused { code, description } => Trouble::Refused(match description {
            Some(text) => format!("{code}: {text}"),
            None => code,
        }),
        _ => Trouble::LoginFailed,
    }
}

#[cfg(test)]
mod tests {
    use super::local;

    #[test]
    fn a_login_leads_nowhere_else() {
        for page in [
            "/requests/019e-a?decide=approve",
            "/history?state=failed",
            "/?refresh",
        ] {
            assert_eq!(local(Some(page)), page);
        }
        let long = format!("/history?{}", "a".repeat(300));
        for other in [
            "",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/requests/../../x@evil:80",
            "/requests/\r\nSet-Cookie: a=b",
            "javascript:alert(1)",
            "/logout",
            &long,
        ] {
            assert_eq!(local(Some(other)), "/", "{other}");
        }
        assert_eq!(local(None), "/");
    }
}
