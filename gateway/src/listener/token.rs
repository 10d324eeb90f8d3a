//! The authentication exchange: requests the client's token with the selected method.

use secrecy::SecretString;

use super::{Accepted, CleartextPassword, HandshakeError, HandshakeSettings};

/// How a client is asked for its token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Authentication {
    /// As a cleartext password, which every client supports.
    #[default]
    Password,
    /// With SASL OAUTHBEARER, which libpq supports from version 18.
    OAuthBearer,
}

/// The setting in the startup parameter `options` with which a client selects the method.
pub const CHOICE: &str = "gatewright.authentication";

/// A token as a client sent it.
#[derive(Debug)]
pub enum Given {
    Password(SecretString),
    /// If the token is rejected, [`Accepted::reject_bearer`] must be called before the error is sent.
    Bearer(SecretString),
}

impl Given {
    /// The token, however it was sent.
    pub fn token(&self) -> &SecretString {
        let (Self::Password(token) | Self::Bearer(token)) = self;
        token
    }
}

impl Accepted {
    /// Requests the token and reads it. Requires TLS, unless the settings allow cleartext passwords. The caller applies
    /// the time limit.
    ///
    /// # Errors
    /// The caller sends [`HandshakeError::fatal_error`] to the client.
    pub async fn ask_token(
        &mut self,
        settings: &HandshakeSettings,
    ) -> Result<Given, HandshakeError> {
        let allowed = self.secure
            || (self.loopback && settings.cleartext_password == CleartextPassword::Loopback);
        if !allowed {
            return Err(HandshakeError::CleartextRefused);
        }
        let options = self.startup.parameter("options").unwrap_or_default();
        match chosen(options).unwrap_or(settings.authentication) {
            Authentication::Password => self.exchange_password().await.map(Given::Password),
            Authentication::OAuthBearer => self.exchange_bearer(settings).await.map(Given::Bearer),
        }
    }
}

/// The method selected in `options`, such as `-c gatewright.authentication=oauthbearer`. The protocol allows a server
/// to offer only one method.
fn chosen(options: &str) -> Option<Authentication> {
    options.split_ascii_whitespace().rev().find_map(|word| {
        let word = word.strip_prefix("--").unwrap_or(word);
        let word = word.strip_prefix("-c").unwrap_or(word);
        match word.strip_prefix(CHOICE)?.strip_prefix('=')? {
            "password" => Some(Authentication::Password),
            "oauthbearer" => Some(Authentication::OAuthBearer),
            _ => None,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_select_the_method() {
        let bearer = Some(Authentication::OAuthBearer);
        for options in [
            "-c gatewright.authentication=oauthbearer",
            "-cgatewright.authentication=oauthbearer",
            "--gatewright.authentication=oauthbearer -c work_mem=1MB",
            "-c gatewright.authentication=password -c gatewright.authentication=oauthbearer",
        ] {
            assert_eq!(chosen(options), bearer, "{options}");
        }
        assert_eq!(
            chosen("-c gatewright.authentication=password"),
            Some(Authentication::Password)
        );
        for options in [
            "",
            "-c gatewright.authentication=no",
            "gatewright.authentication",
        ] {
            assert_eq!(chosen(options), None, "{options}");
        }
    }
}
