//! Obtains a token for a person from an OpenID Connect provider, stores it in a file, and renews it.
//! It knows nothing about gateways or databases, and prints nothing; instructions for the person are passed to the
//! caller as a [`Prompt`]. People log in to the console with [`WebLogin`], which stores nothing.
//! Next: `identity` sends the HTTP requests to the provider and verifies ID tokens.

mod browser;
mod current;
mod device;
mod error;
mod logout;
mod page;
mod provider;
mod redirect;
mod settings;
mod store;
mod web;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use browser::Browser;
pub use current::current;
pub use error::LoginError;
pub use logout::{LogoutOutcome, log_out};
pub use redirect::{Redirect, RedirectError};
pub use settings::{LoginSettings, ProfileName, ProfileNameError, TokenKind};
pub use store::{Store, StoredLogin};
pub use web::{WebClient, WebLogin, WebRequest};

use provider::Provider;

/// The OAuth 2.0 flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LoginFlow {
    /// Authorization code with PKCE, in a browser on this machine (RFC 8252).
    Browser(Browser),
    /// Device authorization: the person enters a code on any device (RFC 8628).
    Device,
}

/// An instruction for the person. Values from the provider contain no control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Open `url` in a browser on this machine. `opened` is set if a browser has been started.
    OpenUrl { url: String, opened: bool },
    /// Open `url` on any device and enter `code`, or open `complete_url`, which contains the code.
    EnterCode {
        url: String,
        code: String,
        complete_url: Option<String>,
        valid_for: Duration,
    },
}

/// Logs a person in and stores the login under this profile name.
///
/// # Errors
/// See [`LoginError`]. A previous login of the profile is then unchanged.
pub async fn log_in(
    store: &Store,
    name: &ProfileName,
    settings: LoginSettings,
    flow: LoginFlow,
    show: impl Fn(Prompt),
) -> Result<StoredLogin, LoginError> {
    // Fails before the person logs in if the token could not be stored.
    drop(store.lock(name).await?);
    let provider = Provider::discover(settings).await?;
    let login = match flow {
        LoginFlow::Browser(browser) => browser::log_in(&provider, browser, show).await?,
        LoginFlow::Device => device::log_in(&provider, show).await?,
    };
    let _locked = store.lock(name).await?;
    store.save(name, &login)?;
    Ok(login)
}
