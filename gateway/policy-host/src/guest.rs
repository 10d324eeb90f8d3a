//! The store data of one instance: the current statement, memory limit and host services.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;

use wasmtime::ResourceLimiter;

use crate::contract::Scope;
use crate::deadline::{self, Deadline};
use crate::services::{HostRefusal, Services, owner};
use crate::state::{KEY_BYTES, Owner};
use crate::view::StatementView;

/// The maximum number of elements in each table of an instance.
const TABLE_ELEMENTS: usize = 100_000;

/// The store data of one instance.
pub(crate) struct GuestData {
    /// Set only during a call.
    pub(crate) view: Option<Arc<dyn StatementView>>,
    pub(crate) memory: MemoryLimit,
    pub(crate) deadline: Deadline,
    pub(crate) services: Arc<Services>,
}

impl GuestData {
    pub(crate) fn new(
        services: Arc<Services>,
        memory_bytes: usize,
        deadline: Deadline,
    ) -> GuestData {
        GuestData {
            view: None,
            memory: MemoryLimit {
                limit: memory_bytes,
                used: 0,
                denied: false,
            },
            deadline,
            services,
        }
    }

    pub(crate) fn statement(&self) -> wasmtime::Result<&dyn StatementView> {
        Ok(self.view.as_deref().ok_or(HostRefusal::NoStatement)?)
    }

    /// Before something is derived from the statement that takes long: the call goes on where it keeps nobody from work.
    pub(crate) async fn leave_foreign_thread(&self, is_long: bool) {
        poll_fn(|_| match is_long && deadline::is_foreign_thread() {
            true => Poll::Pending,
            false => Poll::Ready(()),
        })
        .await;
    }

    /// The owner of a key in this scope. Fails if the key is too long.
    pub(crate) fn owner(&self, scope: Scope, key: &str) -> wasmtime::Result<Owner> {
        if key.len() > KEY_BYTES {
            return Err(HostRefusal::KeyTooLong(key.len()).into());
        }
        Ok(owner(scope, self.view.as_deref())?)
    }
}

/// Limits the total size of an instance's linear memories, and records whether growth was denied.
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
        // Growth past the module's own maximum is not a violation of the limit.
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
