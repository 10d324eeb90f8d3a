//! Who may come in, and where each goes: what a reload of the configuration replaces.

use std::sync::Arc;

use crate::identity::{Grants, Verifier};

/// The issuers that are trusted and the grants that hold.
pub struct Access {
    pub verifier: Arc<Verifier>,
    pub grants: Grants,
}
