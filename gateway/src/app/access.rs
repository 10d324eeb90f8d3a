//! Who may come in, and where each goes: what a reload of the configuration replaces.

use std::sync::Arc;
use std::time::Duration;

use crate::identity::{ClientCertificates, Grants, Verifier};

/// The issuers that are trusted and the grants that hold.
pub struct Access {
    pub verifier: Arc<Verifier>,
    /// Who logs in with a client certificate instead of a token.
    pub certificates: ClientCertificates,
    pub grants: Grants,
    /// How long a session may outlive its token.
    pub token_grace: Duration,
}
