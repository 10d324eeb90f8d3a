use std::collections::BTreeMap;
use std::time::Duration;

use openidconnect::core::CoreJwsSigningAlgorithm;

use super::claims::ClaimPath;

/// A signature algorithm a token may be signed with (RFC 7518 section 3.1, RFC 8037).
///
/// `none` and the HMAC family have no variant: a gateway that accepted them could be handed tokens
/// that anyone signed with the issuer's public key.
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

    /// What is accepted when an issuer's settings name no algorithms.
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

    /// The algorithm of that `alg` name. Names are case-sensitive (RFC 7515 section 4.1.1).
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

/// Where in a token's claims the parts of an identity are found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimPaths {
    /// A non-empty string. Default `/sub`.
    pub subject: ClaimPath,
    /// A list of strings, or one string of names separated by spaces; may be absent. Default `/groups`.
    pub groups: ClaimPath,
    /// A string; may be absent. Default `/agent`.
    pub agent: ClaimPath,
    /// A string; may be absent. Default `/task`.
    pub task: ClaimPath,
    /// Attribute name to claim. Absent claims give no attribute.
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

/// One issuer whose tokens are accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuerSettings {
    /// The issuer's URL: a token's `iss` claim and the discovery document's `issuer` must equal it
    /// exactly. `https`, or `http` on a loopback address.
    pub url: String,
    /// A token must be meant for one of these (`aud`). Never empty.
    pub audiences: Vec<String>,
    /// Algorithms a signature may use.
    pub algorithms: Vec<Algorithm>,
    /// How far the issuer's clock may be from ours, applied to `exp`, `nbf` and `iat`.
    pub clock_skew: Duration,
    pub claims: ClaimPaths,
    /// Groups given to a subject whatever its token says: for issuers without groups, such as
    /// Kubernetes service accounts.
    pub subject_groups: BTreeMap<String, Vec<String>>,
    /// PEM certificates to trust for the issuer's HTTPS, in place of the system's.
    pub ca_pem: Option<Vec<u8>>,
    /// Where the keys are, for issuers without a discovery document.
    pub jwks_url: Option<String>,
    pub keys: KeySettings,
}

impl IssuerSettings {
    /// Settings with the defaults of the documentation.
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

/// How an issuer's keys are fetched and how long they are believed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KeySettings {
    /// Keys are fetched again this often without being asked.
    pub refresh: Duration,
    /// An unknown key id causes a fetch at most this often.
    pub unknown_key_interval: Duration,
    /// First wait after a failed fetch; doubles up to `refresh`.
    pub retry: Duration,
    /// One fetch (discovery and keys) may take this long; a client waits no longer for it.
    pub timeout: Duration,
    /// Keys are used this long after the last successful fetch while the provider is down.
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

/// What the verifier as a whole does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct VerifierSettings {
    /// A token that was verified is not verified again for this long (nor beyond its expiry, nor
    /// once its issuer's keys have changed).
    pub cache: Duration,
    /// How many verified tokens are remembered.
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
