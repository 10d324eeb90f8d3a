//! How a client is asked for its token.

use secrecy::SecretString;

use super::{Accepted, CleartextPassword, HandshakeError, HandshakeSettings};

/// A way to ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Authentication {
    /// For a password in clear text, which every client can give.
    #[default]
    Password,
    /// By SASL OAUTHBEARER, which libpq 18 can.
    OAuthBearer,
}

/// The setting by which a client chooses, in its startup parameter `options`.
pub const CHOICE: &str = "gatewright.authentication";

/// A token as a client gave it.
#[derive(Debug)]
pub enum Given {
    Password(SecretString),
    /// Where it is not accepted, [`Accepted::reject_bearer`] comes before the error.
    Bearer(SecretString),
}

impl Given {
    /// The token, however it came.
    pub fn token(&self) -> &SecretString {
        let (Self::Password(token) | Self::Bearer(token)) = self;
        token
    }
}

impl Accepted {
    /// Asks for the token and waits for it: inside TLS, or where the settings allow it without. How long is the
    /// caller's business.
    ///
    /// The caller answers an error with [`HandshakeError::refusal`].
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

/// A server can ask in one way only, so a client that wants the other says so: `-c gatewright.authentication=oauthbearer`.
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
    fn a_client_chooses_in_its_options() {
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
