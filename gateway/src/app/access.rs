//! Who can log in, and to which database in which role: what a reload of the configuration replaces.

use std::sync::Arc;
use std::time::Duration;

use crate::identity::{ClientCertificates, Grants, Verifier};

/// The trusted issuers and the grants in force.
pub struct Access {
    pub verifier: Arc<Verifier>,
    /// Who logs in with a client certificate instead of a token.
    pub certificates: ClientCertificates,
    pub grants: Grants,
    /// How long a session may outlive its token.
    pub token_grace: Duration,
}
