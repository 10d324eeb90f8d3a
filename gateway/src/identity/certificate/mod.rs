//! Clients that log in with a certificate: which authorities vouch for them, and who each is.

mod names;
#[cfg(test)]
mod tests;

use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use thiserror::Error;
use tokio_rustls::rustls::crypto::ring;
use tokio_rustls::rustls::pki_types::pem::{self, PemObject};
use tokio_rustls::rustls::pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::server::{VerifierBuilderError, WebPkiClientVerifier};
use tokio_rustls::rustls::{self, RootCertStore};

use super::Identity;
use names::Names;

/// Stands for the authorities of `client_ca` where an issuer is named. No URL is so short.
pub const CERTIFICATE: &str = "certificate";

/// Whom a certificate with this name stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRule {
    pub name: CertificateName,
    pub subject: String,
    pub groups: Vec<String>,
    pub agent: Option<String>,
}

/// What is looked at in a certificate. Compared byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateName {
    /// The one URI among its subject's alternative names, such as a SPIFFE id.
    Uri(String),
    /// The one common name of its subject.
    CommonName(String),
    /// Its subject as a whole (RFC 4514), as [`distinguished_name`] writes it.
    DistinguishedName(String),
}

impl CertificateName {
    /// The name itself, of whichever kind.
    pub fn text(&self) -> &str {
        let (Self::Uri(text) | Self::CommonName(text) | Self::DistinguishedName(text)) = self;
        text
    }
}

/// A distinguished name the one way in which names are compared: RFC 4514, the last component of the subject first, types in capital letters and by
/// their short names. `None` for what is no such name.
pub fn distinguished_name(text: &str) -> Option<String> {
    let name: x509_cert::name::Name = text.parse().ok()?;
    (!name.is_empty()).then(|| name.to_string())
}

/// The authorities and rules of client certificates. The default knows nobody.
#[derive(Clone, Default)]
pub struct ClientCertificates {
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    rules: Vec<CertificateRule>,
}

/// Why a certificate does not say who a client is. `Display` is safe to show to the client.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum CertificateError {
    #[error("client certificates are not accepted")]
    NotAccepted,
    #[error("the client certificate is not trusted, is not valid now, or was revoked")]
    Untrusted,
    #[error("the client certificate cannot be read")]
    Unreadable,
    #[error("the client certificate is mapped to nobody here")]
    NotMapped,
}

/// Why authorities or revocation lists cannot be used.
#[derive(Debug, Error)]
pub enum AuthoritiesError {
    #[error("{} cannot be read as PEM: {source}", path.display())]
    Pem { path: PathBuf, source: pem::Error },
    #[error("{} holds no {what}", path.display())]
    Nothing { path: PathBuf, what: &'static str },
    #[error("a certificate in {} cannot vouch for others: {source}", path.display())]
    NoAuthority {
        path: PathBuf,
        source: rustls::Error,
    },
    #[error("the authorities and revocation lists cannot be used: {0}")]
    Unusable(#[from] VerifierBuilderError),
}

impl CertificateError {
    /// A stable label for the log, one word per check.
    pub fn label(&self) -> &'static str {
        match self {
            Self::NotAccepted => "not_accepted",
            Self::Untrusted => "untrusted",
            Self::Unreadable => "unreadable",
            Self::NotMapped => "not_mapped",
        }
    }
}

impl ClientCertificates {
    /// Trusts the authorities in the PEM file `ca`. Where there are revocation lists, each authority but the root itself needs one that is
    /// in date: a certificate whose state is not known is not accepted.
    ///
    /// # Errors
    /// A file does not hold what it should.
    pub fn new(
        ca: &Path,
        lists: &[PathBuf],
        rules: Vec<CertificateRule>,
    ) -> Result<Self, AuthoritiesError> {
        let mut roots = RootCertStore::empty();
        for certificate in pem_items::<CertificateDer<'static>>(ca, "certificate")? {
            roots
                .add(certificate)
                .map_err(|source| AuthoritiesError::NoAuthority {
                    path: ca.to_owned(),
                    source,
                })?;
        }
        let mut revoked = Vec::new();
        for path in lists {
            revoked.extend(pem_items::<CertificateRevocationListDer<'static>>(
                path,
                "revocation list",
            )?);
        }
        let provider = Arc::new(ring::default_provider());
        let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
        let verifier = builder
            .with_crls(revoked)
            .enforce_revocation_expiration()
            // Who has none logs in with a token.
            .allow_unauthenticated()
            .build()?;
        Ok(Self {
            verifier: Some(verifier),
            rules,
        })
    }

    /// What a TLS server asks its clients with; `None` where certificates are not accepted.
    pub fn verifier(&self) -> Option<Arc<dyn ClientCertVerifier>> {
        self.verifier.clone()
    }

    pub fn rules(&self) -> &[CertificateRule] {
        &self.rules
    }

    /// Who a client with this chain is, the client's own certificate first. Trust is checked again, by what holds now: a session may be
    /// older than the last reload.
    ///
    /// # Errors
    /// The first check that failed.
    pub fn identify(
        &self,
        chain: &[CertificateDer<'static>],
        now: SystemTime,
    ) -> Result<Identity, CertificateError> {
        let verifier = self
            .verifier
            .as_ref()
            .ok_or(CertificateError::NotAccepted)?;
        let (own, others) = chain.split_first().ok_or(CertificateError::Unreadable)?;
        let since = now.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        verifier
            .verify_client_cert(own, others, UnixTime::since_unix_epoch(since))
            .map_err(|_| CertificateError::Untrusted)?;
        let names = Names::read(own).ok_or(CertificateError::Unreadable)?;
        let rule = self.rules.iter().find(|rule| names.are(&rule.name));
        let rule = rule.ok_or(CertificateError::NotMapped)?;
        Ok(Identity {
            subject: rule.subject.clone(),
            issuer: CERTIFICATE.to_owned(),
            groups: rule.groups.clone(),
            agent: rule.agent.clone(),
            task: None,
            attributes: Vec::new(),
            expires_at: names.not_after,
        })
    }
}

impl fmt::Debug for ClientCertificates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ClientCertificates")
            .field("accepted", &self.verifier.is_some())
            .field("rules", &self.rules)
            .finish()
    }
}

fn pem_items<T: PemObject>(path: &Path, what: &'static str) -> Result<Vec<T>, AuthoritiesError> {
    let items: Vec<T> = T::pem_file_iter(path)
        .and_then(Iterator::collect)
        .map_err(|source| AuthoritiesError::Pem {
            path: path.to_owned(),
            source,
        })?;
    if items.is_empty() {
        return Err(AuthoritiesError::Nothing {
            path: path.to_owned(),
            what,
        });
    }
    Ok(items)
}
