//! Who may come in, and where each goes: what a reload of the configuration replaces.

use std::sync::Arc;
use std::time::Duration;

use crate::identity::{Grants, Verifier};

/// The issuers that are trusted and the grants that hold.
pub struct Access {
    pub verifier: Arc<Verifier>,
    pub grants: Grants,
    /// How long a session may outlive its token.
    pub token_grace: Duration,
}
