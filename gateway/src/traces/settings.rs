//! Where spans go, and what is in them.

use openidconnect::url::Url;
use secrecy::SecretString;

/// A collector that takes spans by OTLP over HTTP.
#[derive(Debug, Clone)]
pub struct TracesSettings {
    pub url: Url,
    pub token: Option<SecretString>,
    /// The CAs to trust in place of the system's.
    pub ca_pem: Option<Vec<u8>>,
    pub texts: QueryTexts,
    pub without_parent: WithoutParent,
}

/// What spans have of the texts of statements.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum QueryTexts {
    #[default]
    None,
    /// Texts with parameters in place of constants.
    Redacted,
}

/// What becomes of a statement whose client names no span.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WithoutParent {
    /// It begins a trace.
    #[default]
    Sample,
    /// It has no span.
    Ignore,
}
