//! Client certificates: verifies them against the configured CAs and maps them to identities.

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

/// The issuer of identities from client certificates. It cannot collide with an issuer's URL.
pub const CERTIFICATE: &str = "certificate";

/// Maps certificates with this name to an identity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateRule {
    pub name: CertificateName,
    pub subject: String,
    pub groups: Vec<String>,
    pub agent: Option<String>,
}

/// The name that identifies a certificate. Compared byte for byte.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CertificateName {
    /// The only URI in the subject alternative names, such as a SPIFFE ID.
    Uri(String),
    /// The only common name in the subject.
    CommonName(String),
    /// The complete subject, in the form of [`distinguished_name`].
    DistinguishedName(String),
}

impl CertificateName {
    /// The name without its kind.
    pub fn text(&self) -> &str {
        let (Self::Uri(text) | Self::CommonName(text) | Self::DistinguishedName(text)) = self;
        text
    }
}

/// Normalizes a distinguished name for comparison: RFC 4514, so the last component of the subject comes first, with
/// short attribute types in capital letters. `None` if the text is not a valid, non-empty name.
pub fn distinguished_name(text: &str) -> Option<String> {
    let name: x509_cert::name::Name = text.parse().ok()?;
    (!name.is_empty()).then(|| name.to_string())
}

/// The CAs and rules for client certificates. The default accepts no certificates.
#[derive(Clone, Default)]
pub struct ClientCertificates {
    verifier: Option<Arc<dyn ClientCertVerifier>>,
    rules: Vec<CertificateRule>,
}

/// A client certificate was rejected. `Display` is safe to send to the client.
#[derive(Debug, PartialEq, Eq, Error)]
pub enum CertificateError {
    #[error("client certificates are not accepted")]
    NotAccepted,
    #[error("the client certificate is not trusted, not valid at this time, or revoked")]
    Untrusted,
    #[error("the client certificate cannot be read")]
    Unreadable,
    #[error("the client certificate is not mapped to an identity")]
    NotMapped,
}

/// The CAs or revocation lists cannot be used.
#[derive(Debug, Error)]
pub enum AuthoritiesError {
    #[error("{} cannot be read as PEM: {source}", path.display())]
    Pem { path: PathBuf, source: pem::Error },
    #[error("{} contains no {what}", path.display())]
    Nothing { path: PathBuf, what: &'static str },
    #[error("a certificate in {} cannot be used as a CA: {source}", path.display())]
    NoAuthority {
        path: PathBuf,
        source: rustls::Error,
    },
    #[error("the CAs and revocation lists cannot be used: {0}")]
    Unusable(#[from] VerifierBuilderError),
}

impl CertificateError {
    /// A stable label for the log, one per check.
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
    /// Trusts the CAs in the PEM file `ca`. If revocation lists are given, every CA in a chain requires a current one:
    /// a certificate whose revocation status is unknown is rejected.
    ///
    /// # Errors
    /// A file cannot be read or used.
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
            // Clients without a certificate log in with a token.
            .allow_unauthenticated()
            .build()?;
        Ok(Self {
            verifier: Some(verifier),
            rules,
        })
    }

    /// The verifier for a TLS server, or `None` if certificates are not accepted.
    pub fn verifier(&self) -> Option<Arc<dyn ClientCertVerifier>> {
        self.verifier.clone()
    }

    pub fn rules(&self) -> &[CertificateRule] {
        &self.rules
    }

    /// The identity of a client with this certificate chain, whose first certificate is the client's own. The chain is
    /// verified again, because the CAs and revocation lists may have changed since the TLS handshake.
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
        let rule = self.rules.iter().find(|rule| names.matches(&rule.name));
        let rule = rule.ok_or(CertificateError::NotMapped)?;
        Ok(Identity {
            subject: rule.subject.clone(),
            issuer: CERTIFICATE.to_owned(),
            groups: rule.groups.clone(),
            agent: rule.agent.clone(),
            task: None,
            program: true,
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
