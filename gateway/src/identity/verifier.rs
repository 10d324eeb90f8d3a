//! The token verifier.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use quick_cache::sync::Cache;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::error::{TokenError, VerifierError};
use super::fetch::KeyFetcher;
use super::jws::{Unverified, check_length};
use super::keys::{KeySet, Keys, Outcome, Signed};
use super::settings::{Algorithm, IssuerSettings, VerifierSettings};
use super::{Identity, checks, claims};

/// Verifies tokens of the configured issuers. Shared by all connections.
///
/// Dropping it stops the tasks that fetch the issuers' keys.
pub struct Verifier {
    issuers: HashMap<String, Issuer>,
    verified: Cache<[u8; 32], Arc<Verified>>,
    settings: VerifierSettings,
    _fetching: JoinSet<()>,
}

struct Issuer {
    settings: IssuerSettings,
    keys: Keys,
}

/// A verified token. The cache key is the token's SHA-256, so tokens themselves are not kept in memory.
struct Verified {
    identity: Identity,
    generation: u64,
    until: Instant,
}

impl Verifier {
    /// A verifier with default cache settings. The issuers' keys are fetched in the background, so the gateway can
    /// start while a provider is unavailable.
    ///
    /// # Errors
    /// The settings are invalid, see [`VerifierError`].
    pub async fn new(issuers: Vec<IssuerSettings>) -> Result<Self, VerifierError> {
        Self::with_settings(issuers, VerifierSettings::default()).await
    }

    /// As [`Verifier::new`], with the given cache settings.
    ///
    /// # Errors
    /// As [`Verifier::new`].
    pub async fn with_settings(
        issuers: Vec<IssuerSettings>,
        settings: VerifierSettings,
    ) -> Result<Self, VerifierError> {
        let mut fetching = JoinSet::new();
        let mut known = HashMap::with_capacity(issuers.len());
        for issuer in issuers {
            let url = issuer.url.clone();
            if known.contains_key(&url) {
                return Err(VerifierError::DuplicateIssuer { url });
            }
            if issuer.audiences.is_empty() {
                return Err(VerifierError::NoAudience { url });
            }
            if issuer.algorithms.is_empty() {
                return Err(VerifierError::NoAlgorithm { url });
            }
            let fetcher = KeyFetcher::new(&issuer)?;
            let (keys, task) = Keys::new(fetcher, url.clone(), issuer.keys);
            fetching.spawn(task);
            known.insert(
                url,
                Issuer {
                    settings: issuer,
                    keys,
                },
            );
        }
        Ok(Self {
            issuers: known,
            verified: Cache::new(settings.cache_entries),
            settings,
            _fetching: fetching,
        })
    }

    /// Whether the keys of every issuer are loaded, for readiness checks.
    pub fn has_all_keys(&self) -> bool {
        self.issuers.values().all(|i| i.keys.current().is_some())
    }

    /// Whether tokens of this issuer are accepted.
    pub fn trusts(&self, issuer: &str) -> bool {
        self.issuers.contains_key(issuer)
    }

    /// The groups that the issuer's settings assign to this subject, in addition to those in its token.
    pub fn given_groups(&self, issuer: &str, subject: &str) -> &[String] {
        let issuer = self.issuers.get(issuer);
        let given = issuer.and_then(|issuer| issuer.settings.subject_groups.get(subject));
        given.map(Vec::as_slice).unwrap_or_default()
    }

    /// The tolerated clock difference of this issuer; zero for an unknown issuer.
    pub fn clock_skew(&self, issuer: &str) -> Duration {
        let issuer = self.issuers.get(issuer);
        issuer.map_or(Duration::ZERO, |issuer| issuer.settings.clock_skew)
    }

    /// Verifies a token's issuer, type, algorithm, signature, audience and times, and returns the identity in its
    /// claims. Waits for a key fetch at most as long as the issuer's timeout.
    ///
    /// # Errors
    /// The first check that failed.
    pub async fn verify(&self, token: &str) -> Result<Identity, TokenError> {
        check_length(token)?;
        let digest: [u8; 32] = Sha256::digest(token.as_bytes()).into();
        if let Some(identity) = self.recall(&digest) {
            return Ok(identity);
        }
        let token = Unverified::parse(token)?;
        let issuer = self.issuer_of(&token)?;
        checks::token_type(&token.header, &token.claims)?;
        let algorithm = Algorithm::from_name(&token.header.alg)
            .filter(|algorithm| issuer.settings.algorithms.contains(algorithm))
            .ok_or(TokenError::Algorithm)?;
        let keys = issuer.verify_signature(&token, algorithm).await?;
        let now = SystemTime::now();
        let expires_at = checks::audience_and_times(&token.claims, &issuer.settings, now)?;
        let identity = claims::identity(&token.claims, &issuer.settings, expires_at)?;
        self.remember(digest, &identity, keys.generation, now);
        Ok(identity)
    }

    /// The issuer that the token claims, which its signature then proves. Compared byte for byte (OpenID Connect Core
    /// 1.0, section 3.1.3.7).
    fn issuer_of(&self, token: &Unverified<'_>) -> Result<&Issuer, TokenError> {
        token
            .claims
            .get("iss")
            .and_then(Value::as_str)
            .and_then(|url| self.issuers.get(url))
            .ok_or(TokenError::Issuer)
    }

    fn recall(&self, digest: &[u8; 32]) -> Option<Identity> {
        let verified = self.verified.get(digest)?;
        let keys = self
            .issuers
            .get(&verified.identity.issuer)?
            .keys
            .current()?;
        if keys.generation == verified.generation
            && Instant::now() < verified.until
            && SystemTime::now() < verified.identity.expires_at
        {
            return Some(verified.identity.clone());
        }
        self.verified.remove(digest);
        None
    }

    fn remember(&self, digest: [u8; 32], identity: &Identity, generation: u64, now: SystemTime) {
        // A token that is past its expiry but within the clock skew is accepted, but not cached.
        if self.settings.cache.is_zero() || identity.expires_at <= now {
            return;
        }
        let verified = Verified {
            identity: identity.clone(),
            generation,
            until: Instant::now() + self.settings.cache,
        };
        self.verified.insert(digest, Arc::new(verified));
    }
}

impl Issuer {
    /// Returns the key set that verified the signature. An unknown key ID causes one fetch, because the provider may
    /// have rotated its keys.
    async fn verify_signature(
        &self,
        token: &Unverified<'_>,
        algorithm: Algorithm,
    ) -> Result<Arc<KeySet>, TokenError> {
        let signed = Signed {
            kid: token.header.kid.as_deref(),
            algorithm,
            input: token.signing_input,
            signature: &token.signature,
        };
        let mut keys = self.keys.available().await?;
        let mut outcome = keys.verify(&signed);
        if outcome == Outcome::NoSuchKey
            && let Some(newer) = self.keys.newer().await
        {
            outcome = newer.verify(&signed);
            keys = newer;
        }
        match outcome {
            Outcome::Verified => Ok(keys),
            Outcome::BadSignature => Err(TokenError::Signature),
            Outcome::NoSuchKey if self.keys.provider_is_down() => {
                Err(TokenError::ProviderUnavailable)
            }
            Outcome::NoSuchKey if signed.kid.is_none() => Err(TokenError::Signature),
            Outcome::NoSuchKey => Err(TokenError::UnknownKey),
        }
    }
}
