use wasmtime::component::Resource;

use super::wit::gatewright::policy::{host, types};
use super::{Statement, lift, lower};
use crate::guest::GuestData;
use crate::services::{HostRefusal, now_ms, owner};
use crate::state::{KEY_BYTES, Owner, VALUE_BYTES};
use crate::view::StatementView;

impl GuestData {
    fn statement(&self) -> wasmtime::Result<&dyn StatementView> {
        Ok(self.view.as_deref().ok_or(HostRefusal::NoStatement)?)
    }

    fn owner(&self, scope: types::Scope, key: &str) -> wasmtime::Result<Owner> {
        if key.len() > KEY_BYTES {
            return Err(HostRefusal::KeyTooLong(key.len()).into());
        }
        Ok(owner(lift::scope(scope), self.view.as_deref())?)
    }
}

impl types::Host for GuestData {}

impl host::HostStatement for GuestData {
    fn sql(&mut self, _: Resource<Statement>) -> wasmtime::Result<String> {
        Ok(self.statement()?.sql())
    }

    fn normalized(&mut self, _: Resource<Statement>) -> wasmtime::Result<String> {
        Ok(self.statement()?.normalized())
    }

    fn ast_json(&mut self, _: Resource<Statement>) -> wasmtime::Result<Option<String>> {
        Ok(self.statement()?.ast_json())
    }

    fn session(&mut self, _: Resource<Statement>) -> wasmtime::Result<types::Session> {
        Ok(lower::session(self.statement()?.session()))
    }

    fn parameters(&mut self, _: Resource<Statement>) -> wasmtime::Result<Vec<types::Parameter>> {
        Ok(self
            .statement()?
            .parameters()
            .into_iter()
            .map(lower::parameter)
            .collect())
    }

    fn outputs(
        &mut self,
        _: Resource<Statement>,
    ) -> wasmtime::Result<Vec<Vec<types::ColumnSourceResult>>> {
        Ok(self
            .statement()?
            .outputs()
            .into_iter()
            .map(|sources| sources.into_iter().map(lower::owned_source).collect())
            .collect())
    }

    fn flows(&mut self, _: Resource<Statement>) -> wasmtime::Result<Vec<types::DataFlow>> {
        Ok(self
            .statement()?
            .flows()
            .into_iter()
            .map(lower::flow)
            .collect())
    }

    fn equated(&mut self, _: Resource<Statement>) -> wasmtime::Result<Vec<u32>> {
        Ok(self.statement()?.equated())
    }

    fn comment_tag(
        &mut self,
        _: Resource<Statement>,
        key: String,
    ) -> wasmtime::Result<Option<String>> {
        Ok(self.statement()?.comment_tag(&key))
    }

    // Guests only ever hold borrows, and nothing hangs on those.
    fn drop(&mut self, _: Resource<Statement>) -> wasmtime::Result<()> {
        Ok(())
    }
}

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
        let owner = self.owner(scope, &key)?;
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
        let owner = self.owner(scope, &key)?;
        Ok(self
            .services
            .state
            .distinct_add(owner, &key, &value, ttl_ms, now_ms()))
    }

    fn value_get(&mut self, scope: types::Scope, key: String) -> wasmtime::Result<Option<Vec<u8>>> {
        let owner = self.owner(scope, &key)?;
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
        let owner = self.owner(scope, &key)?;
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
