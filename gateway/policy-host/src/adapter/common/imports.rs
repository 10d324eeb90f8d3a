//! The host functions available to policies of every WIT version. Compiled once within each version's module.

use super::lift;
use super::wit::gatewright::policy::{host, types};
use crate::guest::GuestData;
use crate::services::{HostRefusal, now_ms};
use crate::state::VALUE_BYTES;

impl types::Host for GuestData {}

impl host::Host for GuestData {
    fn log(&mut self, level: types::Level, message: String) -> wasmtime::Result<()> {
        self.services.log(lift::level(level), &message);
        Ok(())
    }

    fn now_ms(&mut self) -> wasmtime::Result<u64> {
        Ok(now_ms())
    }

    fn counter_add(
        &mut self,
        scope: types::Scope,
        key: String,
        delta: i64,
        ttl_ms: u64,
    ) -> wasmtime::Result<i64> {
        let owner = self.owner(lift::scope(scope), &key)?;
        Ok(self
            .services
            .state
            .counter_add(owner, &key, delta, ttl_ms, now_ms()))
    }

    fn distinct_add(
        &mut self,
        scope: types::Scope,
        key: String,
        value: String,
        ttl_ms: u64,
    ) -> wasmtime::Result<u64> {
        let owner = self.owner(lift::scope(scope), &key)?;
        Ok(self
            .services
            .state
            .distinct_add(owner, &key, &value, ttl_ms, now_ms()))
    }

    fn value_get(&mut self, scope: types::Scope, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        let owner = self.owner(lift::scope(scope), &key)?;
        Ok(self.services.state.value(owner, &key, now_ms()))
    }

    fn value_set(
        &mut self,
        scope: types::Scope,
        key: String,
        value: Vec<u8>,
        ttl_ms: u64,
    ) -> wasmtime::Result<()> {
        if value.len() > VALUE_BYTES {
            return Err(HostRefusal::ValueTooLong(value.len()).into());
        }
        let owner = self.owner(lift::scope(scope), &key)?;
        self.services
            .state
            .set_value(owner, &key, value, ttl_ms, now_ms());
        Ok(())
    }

    fn metric_add(&mut self, name: String, value: f64) -> wasmtime::Result<()> {
        self.services.metric(&name, value);
        Ok(())
    }
}
