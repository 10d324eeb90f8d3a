//! Settings of issuers and of the verifier.

use std::collections::BTreeMap;
use std::time::Duration;

use openidconnect::core::CoreJwsSigningAlgorithm;

use super::claims::ClaimPath;

/// A signature algorithm (RFC 7518, section 3.1; RFC 8037).
///
/// `none` and the HMAC algorithms are excluded by design: with them, anyone could forge tokens, unsigned or signed with
/// the issuer's public key as the secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Algorithm {
    Rs256,
    Rs384,
    Rs512,
    Ps256,
    Ps384,
    Ps512,
    Es256,
    Es384,
    EdDsa,
}

impl Algorithm {
    pub const ALL: [Self; 9] = [
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Es256,
        Self::Es384,
        Self::EdDsa,
    ];

    /// The algorithms accepted by default.
    pub const DEFAULT: [Self; 4] = [Self::Rs256, Self::Ps256, Self::Es256, Self::EdDsa];

    /// The name in a token's `alg` header.
    pub fn name(self) -> &'static str {
        match self {
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::EdDsa => "EdDSA",
        }
    }

    /// The algorithm with this `alg` name. Names are case-sensitive (RFC 7515, section 4.1.1).
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|a| a.name() == name)
    }

    pub(super) fn core(self) -> CoreJwsSigningAlgorithm {
        match self {
            Self::Rs256 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            Self::Rs384 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
            Self::Rs512 => CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
            Self::Ps256 => CoreJwsSigningAlgorithm::RsaSsaPssSha256,
            Self::Ps384 => CoreJwsSigningAlgorithm::RsaSsaPssSha384,
            Self::Ps512 => CoreJwsSigningAlgorithm::RsaSsaPssSha512,
            Self::Es256 => CoreJwsSigningAlgorithm::EcdsaP256Sha256,
            Self::Es384 => CoreJwsSigningAlgorithm::EcdsaP384Sha384,
            Self::EdDsa => CoreJwsSigningAlgorithm::EdDsa,
        }
    }
}

/// The claims that hold the parts of an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPaths {
    /// A non-empty string, required. Default `/sub`.
    pub subject: ClaimPath,
    /// A list of strings, or one string with names separated by spaces; optional. Default `/groups`.
    pub groups: ClaimPath,
    /// A string, optional. Default `/agent`.
    pub agent: ClaimPath,
    /// A string, optional. Default `/task`.
    pub task: ClaimPath,
    /// Maps attribute names to claims. An absent claim adds no attribute.
    pub attributes: BTreeMap<String, ClaimPath>,
}

impl Default for ClaimPaths {
    fn default() -> Self {
        Self {
            subject: ClaimPath::top_level("sub"),
            groups: ClaimPath::top_level("groups"),
            agent: ClaimPath::top_level("agent"),
            task: ClaimPath::top_level("task"),
            attributes: BTreeMap::new(),
        }
    }
}

/// A trusted issuer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerSettings {
    /// The issuer's URL: `https`, or `http` on a loopback address. A token's `iss` claim and the discovery document's
    /// `issuer` must be identical to it.
    pub url: String,
    /// A token's `aud` claim must contain one of these. Must not be empty.
    pub audiences: Vec<String>,
    /// The accepted signature algorithms. Must not be empty.
    pub algorithms: Vec<Algorithm>,
    /// Tolerated clock difference for `exp`, `nbf` and `iat`.
    pub clock_skew: Duration,
    pub claims: ClaimPaths,
    /// Groups that a subject has in addition to those in its token, for issuers whose tokens carry none, such as
    /// Kubernetes service accounts.
    pub subject_groups: BTreeMap<String, Vec<String>>,
    /// The CAs for the issuer's HTTPS certificate (PEM), in place of the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// The URL of the key set, for issuers without a discovery document.
    pub jwks_url: Option<String>,
    pub keys: KeySettings,
}

impl IssuerSettings {
    /// Settings with the documented defaults.
    pub fn new(url: impl Into<String>, audiences: Vec<String>) -> Self {
        Self {
            url: url.into(),
            audiences,
            algorithms: Algorithm::DEFAULT.to_vec(),
            clock_skew: Duration::from_secs(30),
            claims: ClaimPaths::default(),
            subject_groups: BTreeMap::new(),
            ca_pem: None,
            jwks_url: None,
            keys: KeySettings::default(),
        }
    }
}

/// How an issuer's keys are fetched and how long they are used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySettings {
    /// The interval between regular fetches.
    pub refresh: Duration,
    /// The minimum interval between fetches that unknown key IDs cause.
    pub unknown_key_interval: Duration,
    /// The wait after the first failed fetch. It doubles with each further failure, up to `refresh`.
    pub retry: Duration,
    /// Time limit for one fetch (discovery and keys), and for a client that waits for it.
    pub timeout: Duration,
    /// How long keys are used after the last successful fetch.
    pub stale: Duration,
}

impl Default for KeySettings {
    fn default() -> Self {
        Self {
            refresh: Duration::from_secs(300),
            unknown_key_interval: Duration::from_secs(10),
            retry: Duration::from_secs(1),
            timeout: Duration::from_secs(5),
            stale: Duration::from_secs(3600),
        }
    }
}

/// The cache of verified tokens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifierSettings {
    /// How long a verified token is not verified again. An entry ends earlier if the token expires or its issuer's keys
    /// change.
    pub cache: Duration,
    /// Maximum number of entries.
    pub cache_entries: usize,
}

impl Default for VerifierSettings {
    fn default() -> Self {
        Self {
            cache: Duration::from_secs(15),
            cache_entries: 4096,
        }
    }
}
