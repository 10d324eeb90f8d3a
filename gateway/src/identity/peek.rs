//! Reads claims from tokens without verifying them.

use std::time::SystemTime;

use serde_json::Value;

use super::TokenError;
use super::checks;
use super::jws::{Unverified, check_length};

/// Unverified claims of a token. For holders of the token, to decide when to renew it; never for authentication.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPeek {
    pub issuer: Option<String>,
    pub subject: Option<String>,
    pub expires_at: Option<SystemTime>,
}

impl TokenPeek {
    /// Reads the claims of a token without verifying it.
    ///
    /// # Errors
    /// The token is not in JWS compact form, is longer than a gateway accepts, or has an invalid `exp`.
    pub fn of(token: &str) -> Result<Self, TokenError> {
        check_length(token)?;
        let token = Unverified::parse(token)?;
        let text = |claim| {
            let value = token.claims.get(claim).and_then(Value::as_str);
            value.map(str::to_owned)
        };
        Ok(Self {
            issuer: text("iss"),
            subject: text("sub"),
            expires_at: checks::time(&token.claims, "exp")?,
        })
    }
}
