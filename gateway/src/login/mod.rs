//! Gets a token for a person from an OpenID provider, keeps it in a file of the person's own, and renews it.
//! It refuses to know gateways and databases, and prints nothing: what to show goes out as a `Prompt`.
//! Next room: `identity`, whose client asks the provider and whose verifier checks the ID token.

mod browser;
mod current;
mod device;
mod error;
mod leaving;
mod page;
mod provider;
mod redirect;
mod settings;
mod store;

#[cfg(test)]
mod tests;

use std::time::Duration;

pub use browser::Browser;
pub use current::current;
pub use error::LoginError;
pub use leaving::{LoggedOut, log_out};
pub use redirect::{Redirect, RedirectError};
pub use settings::{LoginSettings, ProfileName, ProfileNameError, TokenKind};
pub use store::{Held, Store};

use provider::Provider;

/// How a person shows who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// Authorization code with PKCE, by a browser on this machine (RFC 8252).
    Browser(Browser),
    /// A code that the person types on any other device (RFC 8628).
    Device,
}

/// What a person has to be shown during a login. The texts come from the provider, without control characters.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Prompt {
    /// Open this address on this machine; `opened`: a browser was told to.
    Visit { url: String, opened: bool },
    /// Open `url` anywhere and type `code`; `whole_url` holds the code already.
    Type {
        url: String,
        code: String,
        whole_url: Option<String>,
        valid_for: Duration,
    },
}

/// Logs a person in and keeps the token under this name.
///
/// # Errors
/// See [`LoginError`]. What was kept before stays.
pub async fn log_in(
    store: &Store,
    name: &ProfileName,
    settings: LoginSettings,
    way: Way,
    show: impl Fn(Prompt),
) -> Result<Held, LoginError> {
    // Whether the token can be kept is known before the person is sent anywhere.
    drop(store.lock(name).await?);
    let provider = Provider::discover(settings).await?;
    let held = match way {
        Way::Browser(browser) => browser::log_in(&provider, browser, show).await?,
        Way::Device => device::log_in(&provider, show).await?,
    };
    let _locked = store.lock(name).await?;
    store.save(name, &held)?;
    Ok(held)
}
