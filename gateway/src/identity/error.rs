use thiserror::Error;

/// Why a token was not accepted: the check that failed, and never anything from the token itself.
///
/// `Display` is safe to show to the client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TokenError {
    #[error("the password is empty; give a token from the identity provider as the password")]
    Missing,
    #[error("the token is longer than {limit} bytes")]
    TooLong { limit: usize },
    #[error(
        "the password is not a token in JWS compact form (three base64url parts joined by dots): {part}"
    )]
    Malformed { part: &'static str },
    #[error("the token's header names critical extensions, which this gateway does not know")]
    CriticalExtension,
    #[error(
        "the token is of a type that does not identify a caller; give an ID token or an access token"
    )]
    Type,
    #[error(
        "the token is bound to a key its holder must prove to have, which a password cannot do; ask the provider for a bearer token"
    )]
    SenderConstrained,
    #[error("the token's issuer is not one this gateway trusts")]
    Issuer,
    #[error("the token's signature algorithm is not allowed for its issuer")]
    Algorithm,
    #[error("the token was signed with a key its issuer does not publish")]
    UnknownKey,
    #[error("the token's signature does not verify")]
    Signature,
    #[error("the token is not meant for this gateway (its audience is another)")]
    Audience,
    #[error("the token has expired; get a new one")]
    Expired,
    #[error("the token is not valid yet")]
    NotYetValid,
    #[error("the token says it was issued in the future; check the clocks")]
    IssuedInFuture,
    #[error("the token's claim for {claim} is missing or not of the expected kind")]
    Claim { claim: &'static str },
    #[error("the keys of the token's issuer cannot be fetched at the moment; try again shortly")]
    ProviderUnavailable,
}

impl TokenError {
    /// The text a client may see.
    pub fn client_text(&self) -> String {
        self.to_string()
    }

    /// A stable label for metrics, one word per check.
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

    /// SQLSTATE for the refusal (PostgreSQL appendix A): 28P01 for a token that is not accepted,
    /// 57P03 when nothing could be decided.
    pub fn sqlstate(&self) -> &'static str {
        match self {
            Self::ProviderUnavailable => "57P03",
            _ => "28P01",
        }
    }
}

/// Why a verifier could not be built.
#[derive(Debug, Error)]
pub enum VerifierError {
    #[error("two issuers have the URL {url}; give each issuer once")]
    DuplicateIssuer { url: String },
    #[error(
        "the issuer {url} has no audience; name at least one, or any token of that issuer would do"
    )]
    NoAudience { url: String },
    #[error("the issuer {url} allows no signature algorithm")]
    NoAlgorithm { url: String },
    #[error("the URL {url} is neither https nor http on a loopback address")]
    InsecureUrl { url: String },
    #[error("the certificates for issuer {url} cannot be used: {source}")]
    Certificates { url: String, source: reqwest::Error },
    #[error("the HTTP client for issuer {url} cannot be built: {source}")]
    Client { url: String, source: reqwest::Error },
}
