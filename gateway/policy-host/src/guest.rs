//! What stands behind one instance: the statement in hand, its limits and what it may reach.

use std::sync::Arc;

use wasmtime::ResourceLimiter;

use crate::contract::Scope;
use crate::services::{HostRefusal, Services, owner};
use crate::state::{KEY_BYTES, Owner};
use crate::view::StatementView;

/// Elements of all tables of one instance.
const TABLE_ELEMENTS: usize = 100_000;

/// What stands behind one instance: the statement in hand, its limits, and what it may reach.
pub(crate) struct GuestData {
    /// Set for the length of one call.
    pub(crate) view: Option<Arc<dyn StatementView>>,
    pub(crate) memory: MemoryLimit,
    pub(crate) services: Arc<Services>,
}

impl GuestData {
    pub(crate) fn new(services: Arc<Services>, memory_bytes: usize) -> GuestData {
        GuestData {
            view: None,
            memory: MemoryLimit {
                limit: memory_bytes,
                used: 0,
                denied: false,
            },
            services,
        }
    }

    pub(crate) fn statement(&self) -> wasmtime::Result<&dyn StatementView> {
        Ok(self.view.as_deref().ok_or(HostRefusal::NoStatement)?)
    }

    /// Whose state a key is in, which must not be too long.
    pub(crate) fn owner(&self, scope: Scope, key: &str) -> wasmtime::Result<Owner> {
        if key.len() > KEY_BYTES {
            return Err(HostRefusal::KeyTooLong(key.len()).into());
        }
        Ok(owner(scope, self.view.as_deref())?)
    }
}

/// Caps the linear memories of an instance, counted together, and remembers that it had to.
pub(crate) struct MemoryLimit {
    limit: usize,
    used: usize,
    pub(crate) denied: bool,
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let wanted = self.used.saturating_sub(current).saturating_add(desired);
        // The module's own maximum is not a matter of the cap.
        if maximum.is_some_and(|maximum| desired > maximum) {
            return Ok(false);
        }
        if wanted > self.limit {
            self.denied = true;
            return Ok(false);
        }
        self.used = wanted;
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        desired: usize,
        maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(desired <= TABLE_ELEMENTS && maximum.is_none_or(|maximum| desired <= maximum))
    }
}
