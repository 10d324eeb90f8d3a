//! Errors of token verification and of the verifier's configuration.

use thiserror::Error;

/// A token was rejected. Names the check that failed; contains no data from the token.
///
/// `Display` is safe to send to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    #[error("the password is empty; use a token from the identity provider as the password")]
    Missing,
    #[error("the token is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error(
        "the password is not a token in JWS compact form (three base64url parts separated by dots): {part}"
    )]
    Malformed { part: &'static str },
    #[error("the token requires header extensions (crit) that the gateway does not support")]
    CriticalExtension,
    #[error("tokens of this type are not accepted; use an ID token or an access token")]
    Type,
    #[error("the token is bound to a key (cnf), which is not supported; request a bearer token")]
    SenderConstrained,
    #[error("the token's issuer is not trusted by this gateway")]
    Issuer,
    #[error("the token's signature algorithm is not allowed for its issuer")]
    Algorithm,
    #[error("the token is signed with a key that its issuer does not publish")]
    UnknownKey,
    #[error("the token's signature does not verify")]
    Signature,
    #[error("the token's audience is not this gateway")]
    Audience,
    #[error("the token has expired; get a new one")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("the token's issue time is in the future; check the clocks")]
    IssuedInFuture,
    #[error("the token's {claim} claim is missing or invalid")]
    Claim { claim: &'static str },
    #[error("the keys of the token's issuer cannot be fetched at the moment; try again later")]
    ProviderUnavailable,
}

impl TokenError {
    /// The error message for the client.
    pub fn client_text(&self) -> String {
        self.to_string()
    }

    /// A stable label for metrics, one per check.
    pub fn label(&self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::TooLong { .. } => "too_long",
            Self::Malformed { .. } => "malformed",
            Self::CriticalExtension => "critical_extension",
            Self::Type => "type",
            Self::SenderConstrained => "sender_constrained",
            Self::Issuer => "issuer",
            Self::Algorithm => "algorithm",
            Self::UnknownKey => "unknown_key",
            Self::Signature => "signature",
            Self::Audience => "audience",
            Self::Expired => "expired",
            Self::NotYetValid => "not_yet_valid",
            Self::IssuedInFuture => "issued_in_future",
            Self::Claim { .. } => "claim",
            Self::ProviderUnavailable => "provider_unavailable",
        }
    }

    /// The SQLSTATE: 28P01 if the token was rejected, 57P03 if it could not be checked.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::ProviderUnavailable => "57P03",
            _ => "28P01",
        }
    }
}

/// The issuer settings are invalid.
#[derive(Debug, Error)]
pub enum VerifierError {
    #[error("duplicate issuer {url}")]
    DuplicateIssuer { url: String },
    /// Without an audience, any token of the issuer would be accepted, whatever it was issued for.
    #[error("issuer {url} has no audience; at least one is required")]
    NoAudience { url: String },
    #[error("issuer {url} has no signature algorithm; at least one is required")]
    NoAlgorithm { url: String },
    #[error("the URL {url} must be https, or http on a loopback address")]
    InsecureUrl { url: String },
    #[error("the CA certificates for issuer {url} cannot be used: {source}")]
    Certificates { url: String, source: reqwest::Error },
    #[error("the HTTP client for issuer {url} cannot be created: {source}")]
    Client { url: String, source: reqwest::Error },
}
