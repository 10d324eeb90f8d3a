//! Verifies tokens and client certificates, maps them to an [`Identity`], and resolves the grant of an identity.
//! It knows nothing about client connections, statements or the configuration file.
//! Next: `upstream` connects to the server with the grant's role.

mod certificate;
mod checks;
mod claims;
mod dev;
mod error;
mod fetch;
mod grants;
pub(crate) mod http;
mod jws;
mod keys;
mod peek;
mod settings;
mod verifier;

#[cfg(test)]
mod tests;

use std::time::SystemTime;

pub use certificate::{
    AuthoritiesError, CERTIFICATE, CertificateError, CertificateName, CertificateRule,
    ClientCertificates, distinguished_name,
};
pub use claims::{ClaimPath, ClaimPathError};
pub use dev::{DevProvider, DevProviderError, TokenRequest};
pub use error::{TokenError, VerifierError};
pub use grants::{
    ANY, CATALOG_MAX_AGE, CatalogLogin, Database, Grant, GrantError, GrantRule, Grants, Place,
};
pub use http::{HttpError, ProviderHttp, is_secure_url};
pub use peek::TokenPeek;
pub use settings::{Algorithm, ClaimPaths, IssuerSettings, KeySettings, VerifierSettings};
pub use verifier::Verifier;

/// The authenticated identity of a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The person or workload, unique within the issuer. Not empty, and without control characters.
    pub subject: String,
    /// The issuer's URL, exactly as configured, or [`CERTIFICATE`] for a client certificate.
    pub issuer: String,
    /// The subject's groups, without duplicates: those in the token in the token's order, then configured ones.
    pub groups: Vec<String>,
    /// The agent acting for the subject, if the token names one.
    pub agent: Option<String>,
    /// The task that the agent is working on, if the token names one.
    pub task: Option<String>,
    /// Whether the token says that it was issued to a program and not to a person, or a certificate was presented. Not
    /// every provider's tokens say so.
    pub program: bool,
    /// Further configured claims, as (name, value).
    pub attributes: Vec<(String, String)>,
    /// When the token (`exp`, without clock skew) or the certificate (`notAfter`) expires.
    pub expires_at: SystemTime,
}
