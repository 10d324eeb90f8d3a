//! The host: compiles policies and owns what they share.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use crate::contract::SessionId;
use crate::engine::Engine;
use crate::error::{HostError, LoadError};
use crate::load::{self, Code, CodeCache, Digest};
use crate::observer::Observer;
use crate::policy::{Context, Policy};
use crate::services::Services;
use crate::settings::{HostSettings, PolicySettings};
use crate::state::StateLimits;

/// Compiles policies and owns what they share: the engine, the deadline clock, compiled code and state.
pub struct PolicyHost {
    engine: Arc<Engine>,
    cache: Option<CodeCache>,
    observer: Arc<dyn Observer>,
    state_limits: StateLimits,
    /// By policy name, so that state and rate limits survive a reload.
    services: Mutex<HashMap<String, Arc<Services>>>,
    /// Code in use, so that it is not recompiled for other settings.
    compiled: Mutex<HashMap<Digest, Weak<Code>>>,
}

impl PolicyHost {
    /// Creates the engine and opens the code cache. If address space for pooled instances cannot be reserved, instances
    /// are allocated on demand.
    ///
    /// # Errors
    /// When the engine cannot be created or the cache directory is unsafe or unusable.
    pub fn new(
        settings: HostSettings,
        observer: Arc<dyn Observer>,
    ) -> Result<PolicyHost, HostError> {
        Ok(PolicyHost {
            cache: settings
                .cache_directory
                .as_deref()
                .map(CodeCache::open)
                .transpose()?,
            engine: Arc::new(Engine::new(&settings)?),
            observer,
            state_limits: StateLimits {
                bytes: settings.state_bytes_per_policy,
                keys: settings.state_keys_per_policy,
            },
            services: Mutex::default(),
            compiled: Mutex::default(),
        })
    }

    /// Compiles a component or core module and starts it with its settings. May take seconds: do not call it on the
    /// data path.
    ///
    /// # Errors
    /// When the module is invalid, does not match the contract, or rejects its settings.
    pub fn load(
        &self,
        name: &str,
        wasm: &[u8],
        settings: &PolicySettings,
    ) -> Result<Arc<Policy>, LoadError> {
        let code = self.code(name, wasm)?;
        self.start(name, code, settings)
    }

    /// Starts code that is already compiled, with the given settings.
    pub(crate) fn start(
        &self,
        name: &str,
        code: Arc<Code>,
        settings: &PolicySettings,
    ) -> Result<Arc<Policy>, LoadError> {
        let around = Context {
            engine: self.engine.clone(),
            services: self.services(name),
            observer: self.observer.clone(),
        };
        Policy::start(name, code, settings, around).map(Arc::new)
    }

    /// Frees the state that policies keep in the scope of this session.
    pub fn session_ended(&self, session_id: SessionId) {
        let services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        for services in services.values() {
            services.state.session_ended(session_id);
        }
    }

    pub(crate) fn observer(&self) -> &dyn Observer {
        self.observer.as_ref()
    }

    fn code(&self, name: &str, wasm: &[u8]) -> Result<Arc<Code>, LoadError> {
        let digest = load::digest(wasm);
        let known = self
            .compiled
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&digest)
            .and_then(Weak::upgrade);
        if let Some(code) = known {
            return Ok(code);
        }
        let code = Arc::new(load::load(
            &self.engine.engine,
            self.cache.as_ref(),
            name,
            wasm,
        )?);
        let mut compiled = self.compiled.lock().unwrap_or_else(PoisonError::into_inner);
        compiled.retain(|_, code| code.strong_count() > 0);
        compiled.insert(digest, Arc::downgrade(&code));
        Ok(code)
    }

    fn services(&self, name: &str) -> Arc<Services> {
        let mut services = self.services.lock().unwrap_or_else(PoisonError::into_inner);
        services
            .entry(name.to_owned())
            .or_insert_with(|| {
                Arc::new(Services::new(
                    name,
                    self.state_limits,
                    self.observer.clone(),
                ))
            })
            .clone()
    }
}
