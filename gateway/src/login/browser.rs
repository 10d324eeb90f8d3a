//! Authorization code with PKCE, by a browser on this machine (RFC 8252).

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
use super::provider::{Provider, not_understood, printable};
use super::{Held, LoginError, Prompt};

/// How the browser gets to the provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Browser {
    /// It is opened.
    Open,
    /// The person opens it.
    Leave,
}

/// How long a person may take.
const BROWSER_TIMEOUT: Duration = Duration::from_secs(600);

/// How long the browser may take to fetch the last page.
const LAST_PAGE: Duration = Duration::from_secs(2);

/// What the browser brought, and the way to tell it how the login ended.
struct Brought {
    parameters: HashMap<String, String>,
    ended: oneshot::Sender<Page>,
}

/// The page that waits for the browser.
struct Waiting {
    state: CsrfToken,
    /// Taken by the first request that knows the state.
    brought: Mutex<Option<oneshot::Sender<Brought>>>,
}

pub(super) async fn log_in(
    provider: &Provider,
    browser: Browser,
    show: impl Fn(Prompt),
) -> Result<Held, LoginError> {
    let redirect = &provider.settings.redirect;
    let address = redirect.address();
    let failed = |source| LoginError::Listen { address, source };
    let listener = TcpListener::bind(address).await.map_err(failed)?;
    let port = listener.local_addr().map_err(failed)?.port();
    let uri = RedirectUrl::new(redirect.uri(port)).map_err(not_understood)?;
    let asked = ask(provider, &uri)?;

    let (brought, bringing) = oneshot::channel();
    let waiting = Arc::new(Waiting {
        state: asked.state,
        brought: Mutex::new(Some(brought)),
    });
    let router = Router::new()
        .route(redirect.path(), get(receive))
        .fallback(elsewhere)
        .with_state(waiting);
    let (done, stop) = oneshot::channel::<()>();
    let serving = axum::serve(listener, router).with_graceful_shutdown(async {
        let _ = stop.await;
    });
    let serving = tokio::spawn(serving.into_future());
    let opened = browser == Browser::Open && open(&asked.url);
    show(Prompt::Visit {
        url: asked.url,
        opened,
    });

    let outcome = match tokio::time::timeout(BROWSER_TIMEOUT, bringing).await {
        Ok(Ok(Brought { parameters, ended })) => {
            let outcome = match code(provider, &parameters) {
                Ok(code) => {
                    provider
                        .redeem(code, asked.verifier, uri, &asked.nonce)
                        .await
                }
                Err(error) => Err(error),
            };
            let page = match &outcome {
                Ok(held) => Page::success(held.subject.as_deref()),
                Err(error) => Page::failure(&error.to_string()),
            };
            // A browser that has gone away misses only the page.
            let _ = ended.send(page);
            outcome
        }
        Ok(Err(_)) | Err(_) => Err(LoginError::NoAnswer {
            limit: BROWSER_TIMEOUT,
        }),
    };
    drop(done);
    let _ = tokio::time::timeout(LAST_PAGE, serving).await;
    outcome
}

/// What the browser asks the provider with, and the secrets that tie the answer to it.
struct Asked {
    url: String,
    state: CsrfToken,
    nonce: String,
    verifier: PkceCodeVerifier,
}

fn ask(provider: &Provider, redirect: &RedirectUrl) -> Result<Asked, LoginError> {
    let endpoint = provider.metadata.authorization_endpoint.clone();
    let endpoint = AuthUrl::new(endpoint.ok_or(LoginError::NoBrowserLogin)?);
    let client = provider
        .client()?
        .set_auth_uri(endpoint.map_err(not_understood)?)
        .set_redirect_uri(redirect.clone());
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let nonce = CsrfToken::new_random().into_secret();
    let scopes = provider.scopes();
    let mut request = client
        .authorize_url(CsrfToken::new_random)
        .set_pkce_challenge(challenge)
        .add_extra_param("nonce", &nonce);
    // OpenID Connect Core 1.0 section 11: offline access is given to those who were asked.
    if scopes.iter().any(|scope| scope == "offline_access") {
        request = request.add_extra_param("prompt", "consent");
    }
    for (name, value) in provider.targets() {
        request = request.add_extra_param(name, value);
    }
    let (url, state) = request.add_scopes(scopes.into_iter().map(Scope::new)).url();
    Ok(Asked {
        url: url.to_string(),
        state,
        nonce,
        verifier,
    })
}

/// The code among what the provider sent with the browser (RFC 6749 section 4.1.2, RFC 9207).
fn code(provider: &Provider, parameters: &HashMap<String, String>) -> Result<String, LoginError> {
    let issuer = parameters.get("iss").map(String::as_str);
    let expected = provider.settings.issuer.as_str();
    let promised = provider
        .metadata
        .authorization_response_iss_parameter_supported;
    if issuer.map_or(promised, |issuer| issuer != expected) {
        return Err(LoginError::MixedUp {
            issuer: printable(issuer.unwrap_or("which it does not name")),
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

/// The browser comes back. Whoever does not know the state is somebody else, and ends nothing.
async fn receive(
    State(waiting): State<Arc<Waiting>>,
    Query(parameters): Query<HashMap<String, String>>,
) -> Response {
    let state = parameters
        .get("state")
        .map(String::as_str)
        .unwrap_or_default();
    let known: bool = state
        .as_bytes()
        .ct_eq(waiting.state.secret().as_bytes())
        .into();
    if !known {
        return Page::stranger().answer(StatusCode::BAD_REQUEST);
    }
    let brought = {
        let mut brought = waiting
            .brought
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        brought.take()
    };
    let Some(brought) = brought else {
        return Page::again().answer(StatusCode::CONFLICT);
    };
    let (ended, end) = oneshot::channel();
    let _ = brought.send(Brought { parameters, ended });
    match end.await {
        Ok(page) => page.answer(StatusCode::OK),
        Err(_) => Page::failure("it was given up").answer(StatusCode::OK),
    }
}

async fn elsewhere() -> Response {
    Page::stranger().answer(StatusCode::NOT_FOUND)
}

/// Has a browser open this address; whether one was told to.
fn open(url: &str) -> bool {
    let chosen = std::env::var("BROWSER").unwrap_or_default();
    // As other programs read it: several separated by colons, `%s` where the address goes.
    let first = chosen.split(':').next().unwrap_or_default();
    let mut words = first.split_whitespace();
    let mut command = match words.next() {
        Some(program) => {
            let mut command = Command::new(program);
            let words: Vec<&str> = words.collect();
            let placed = words.iter().any(|word| word.contains("%s"));
            command.args(words.iter().map(|word| word.replace("%s", url)));
            if !placed {
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

/// Without a screen `xdg-open` would start a browser in the terminal.
fn has_display() -> bool {
    ["DISPLAY", "WAYLAND_DISPLAY"]
        .iter()
        .any(|name| std::env::var_os(name).is_some_and(|value| !value.is_empty()))
}
