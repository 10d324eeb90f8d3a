//! Authorization code with PKCE, in a browser on this machine (RFC 8252).

use std::collections::HashMap;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use oauth2::{AuthUrl, CsrfToken, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, Scope};
use subtle::ConstantTimeEq;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

use super::page::Page;
use super::provider::{Provider, invalid_response, printable};
use super::{LoginError, Prompt, StoredLogin};

/// Who opens the browser.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Browser {
    /// The program starts a browser.
    Open,
    /// The person opens the URL.
    Manual,
}

/// Time limit for the login in the browser.
const BROWSER_TIMEOUT: Duration = Duration::from_secs(600);

/// Time limit for delivering the result page.
const RESULT_PAGE_TIMEOUT: Duration = Duration::from_secs(2);

/// The redirect from the provider, and a channel for the result page.
struct Callback {
    parameters: HashMap<String, String>,
    result: oneshot::Sender<Page>,
}

/// State of the HTTP server that waits for the redirect.
struct Pending {
    state: CsrfToken,
    /// Taken by the first request with the right `state`.
    callback: Mutex<Option<oneshot::Sender<Callback>>>,
}

pub(super) async fn log_in(
    provider: &Provider,
    browser: Browser,
    show: impl Fn(Prompt),
) -> Result<StoredLogin, LoginError> {
    let redirect = &provider.settings.redirect;
    let address = redirect.address();
    let failed = |source| LoginError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let uri = RedirectUrl::new(redirect.uri(port)).map_err(invalid_response)?;
    let request = authorization_request(provider, &uri)?;

    let (callback, called_back) = oneshot::channel();
    let pending = Arc::new(Pending {
        state: request.state,
        callback: Mutex::new(Some(callback)),
    });
    let router = Router::new()
        .route(redirect.path(), get(redirected))
        .fallback(not_found)
        .with_state(pending);
    let (done, stop) = oneshot::channel::<()>();
    let serving = axum::serve(listener, router).with_graceful_shutdown(async {
        let _ = stop.await;
    });
    let serving = tokio::spawn(serving.into_future());
    let opened = browser == Browser::Open && open(&request.url);
    show(Prompt::OpenUrl {
        url: request.url,
        opened,
    });

    let outcome = match tokio::time::timeout(BROWSER_TIMEOUT, called_back).await {
        Ok(Ok(Callback { parameters, result })) => {
            let outcome = match code(provider, &parameters) {
                Ok(code) => {
                    provider
                        .exchange_code(code, request.verifier, uri, &request.nonce)
                        .await
                }
                Err(error) => Err(error),
            };
            let page = match &outcome {
                Ok(login) => Page::success(login.subject.as_deref()),
                Err(error) => Page::failure(&error.to_string()),
            };
            // Fails if the browser has disconnected, which does not affect the login.
            let _ = result.send(page);
            outcome
        }
        Ok(Err(_)) | Err(_) => Err(LoginError::BrowserTimeout {
            limit: BROWSER_TIMEOUT,
        }),
    };
    drop(done);
    let _ = tokio::time::timeout(RESULT_PAGE_TIMEOUT, serving).await;
    outcome
}

/// The authorization request, and the secrets that bind the response to it.
pub(super) struct AuthorizationRequest {
    pub url: String,
    pub state: CsrfToken,
    pub nonce: String,
    pub verifier: PkceCodeVerifier,
}

pub(super) fn authorization_request(
    provider: &Provider,
    redirect: &RedirectUrl,
) -> Result<AuthorizationRequest, LoginError> {
    let endpoint = provider.metadata.authorization_endpoint.clone();
    let endpoint = AuthUrl::new(endpoint.ok_or(LoginError::NoBrowserLogin)?);
    let client = provider
        .client()?
        .set_auth_uri(endpoint.map_err(invalid_response)?)
        .set_redirect_uri(redirect.clone());
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let nonce = CsrfToken::new_random().into_secret();
    let scopes = provider.scopes();
    let mut request = client
        .authorize_url(CsrfToken::new_random)
        .set_pkce_challenge(challenge)
        .add_extra_param("nonce", &nonce);
    // `offline_access` requires consent (OpenID Connect Core 1.0, section 11).
    if scopes.iter().any(|scope| scope == "offline_access") {
        request = request.add_extra_param("prompt", "consent");
    }
    for (name, value) in provider.audience_parameters() {
        request = request.add_extra_param(name, value);
    }
    let (url, state) = request.add_scopes(scopes.into_iter().map(Scope::new)).url();
    Ok(AuthorizationRequest {
        url: url.to_string(),
        state,
        nonce,
        verifier,
    })
}

/// The authorization code in the parameters of the redirect (RFC 6749, section 4.1.2; RFC 9207).
pub(super) fn code(
    provider: &Provider,
    parameters: &HashMap<String, String>,
) -> Result<String, LoginError> {
    let issuer = parameters.get("iss").map(String::as_str);
    let expected = provider.settings.issuer.as_str();
    let required = provider
        .metadata
        .authorization_response_iss_parameter_supported;
    if issuer.map_or(required, |issuer| issuer != expected) {
        return Err(LoginError::WrongIssuer {
            issuer: printable(issuer.unwrap_or("(missing)")),
        });
    }
    if let Some(code) = parameters.get("error") {
        return Err(LoginError::Refused {
            code: printable(code),
            description: parameters
                .get("error_description")
                .map(|text| printable(text)),
        });
    }
    parameters.get("code").cloned().ok_or(LoginError::NoCode)
}

/// Handles the redirect. A request without the right `state` does not belong to this login and does not affect it.
async fn redirected(
    State(pending): State<Arc<Pending>>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Response {
    let state = parameters
        .get("state")
        .map(String::as_str)
        .unwrap_or_default();
    let known: bool = state
        .as_bytes()
        .ct_eq(pending.state.secret().as_bytes())
        .into();
    if !known {
        return Page::unknown_login().response(StatusCode::BAD_REQUEST);
    }
    let callback = {
        let mut callback = pending
            .callback
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        callback.take()
    };
    let Some(callback) = callback else {
        return Page::already_processed().response(StatusCode::CONFLICT);
    };
    let (result, finished) = oneshot::channel();
    let _ = callback.send(Callback { parameters, result });
    match finished.await {
        Ok(page) => page.response(StatusCode::OK),
        Err(_) => Page::failure("it was cancelled").response(StatusCode::OK),
    }
}

async fn not_found() -> Response {
    Page::unknown_login().response(StatusCode::NOT_FOUND)
}

/// Starts a browser with this URL. Returns whether one could be started.
fn open(url: &str) -> bool {
    let configured = std::env::var("BROWSER").unwrap_or_default();
    // By convention, a list of commands separated by colons, in which `%s` stands for the URL.
    let first = configured.split(':').next().unwrap_or_default();
    let mut words = first.split_whitespace();
    let mut command = match words.next() {
        Some(program) => {
            let mut command = Command::new(program);
            let words: Vec<&str> = words.collect();
            let has_placeholder = words.iter().any(|word| word.contains("%s"));
            command.args(words.iter().map(|word| word.replace("%s", url)));
            if !has_placeholder {
                command.arg(url);
            }
            command
        }
        None if cfg!(target_os = "macos") => with_argument("open", url),
        None if has_display() => with_argument("xdg-open", url),
        None => return false,
    };
    command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .is_ok()
}

fn with_argument(program: &str, url: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(url);
    command
}

/// Without a display, `xdg-open` would start a text browser in the terminal.
fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
