//! Turns the token a client presents into an `Identity`, and an identity into what it may reach.
//! Refuses to know sockets, statements and the configuration file: it is handed settings and text.
//! Next room: `upstream`, which logs in with the grant's role.

mod certificate;
mod checks;
mod claims;
mod dev;
mod error;
mod fetch;
mod grants;
mod http;
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
pub use grants::{ANY, CatalogLogin, Database, Grant, GrantError, GrantRule, Grants, Place};
pub use http::{HttpError, ProviderHttp, is_secure_url};
pub use peek::TokenPeek;
pub use settings::{Algorithm, ClaimPaths, IssuerSettings, KeySettings, VerifierSettings};
pub use verifier::Verifier;

/// Who a client is, as a trusted issuer signed it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// The person or workload, unique within its issuer. Never empty, never with control characters.
    pub subject: String,
    /// The issuer's URL, exactly as configured; [`CERTIFICATE`] for a client certificate.
    pub issuer: String,
    /// The groups or roles the issuer vouches for, without duplicates, in the token's order.
    pub groups: Vec<String>,
    /// The agent that acts for the subject, where the token names one.
    pub agent: Option<String>,
    /// The task the agent works on, where the token names one.
    pub task: Option<String>,
    /// Further claims the configuration asked for, as (name, text).
    pub attributes: Vec<(String, String)>,
    /// When the token stops being valid (its `exp` claim, without any clock skew), or the certificate (`notAfter`).
    pub expires_at: SystemTime,
}
