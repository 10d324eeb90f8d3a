use std::time::SystemTime;

use serde_json::Value;

use super::TokenError;
use super::checks;
use super::jws::{Unverified, check_length};

/// What a token says of itself, believed by nobody: for those who hold the token, to know when it wants renewing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenPeek {
    pub issuer: Option<String>,
    pub subject: Option<String>,
    pub expires_at: Option<SystemTime>,
}

impl TokenPeek {
    /// Reads a token without verifying anything.
    ///
    /// # Errors
    /// It is not a signed token in compact form, or longer than a gateway would read.
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
