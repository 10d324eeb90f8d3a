//! What all connections share: settings, limits, issuers and grants, policies, catalogs.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use tokio::runtime::Handle;
use tokio::sync::watch;

use super::access::Access;
use super::failures::Failures;
use super::slots::Slots;
use crate::catalog::CatalogHandle;
use crate::config::Limits;
use crate::gate::{Gate, Policies};
use crate::identity::Grant;
use crate::listener::HandshakeSettings;
use crate::listener::cancel::CancelRegistry;
use crate::pool::{Cancelling, PoolMode, Pools};
use crate::recording::Recorder;
use crate::relay::{CancelInbox, Ending};
use crate::results::PseudonymKey;
use crate::roster::Roster;
use crate::streams::Streams;
use crate::traces::Traces;

/// Settings of client connections.
#[derive(Debug, Clone)]
pub struct ConnectionSettings {
    pub limits: Limits,
    /// How often catalogs are read again without an occasion.
    pub catalog_interval: Duration,
    /// A startup packet may not choose another role on the server.
    pub lock_role: bool,
}

/// What every connection needs, shared by all session threads.
pub struct Connections {
    pub settings: ConnectionSettings,
    pub limits: ArcSwap<Limits>,
    pub slots: Arc<Slots>,
    pub failures: Failures,
    pub handshake: ArcSwap<HandshakeSettings>,
    pub access: watch::Sender<Arc<Access>>,
    pub gate: Arc<Gate>,
    pub policies: Arc<Policies>,
    pub registry: CancelRegistry<Arc<Cancellable>>,
    pub catalogs: Mutex<HashMap<String, Arc<CatalogHandle>>>,
    pub pools: Arc<Pools>,
    pub roster: Arc<Roster>,
    /// `None`: sessions are not recorded.
    pub recorder: Option<Recorder>,
    /// `None`: nobody is told what becomes of statements.
    pub streams: Option<Streams>,
    /// `None`: statements have no spans.
    pub traces: Option<Traces>,
    /// The event loop that reads catalogs and sends cancel requests.
    pub background: Handle,
    pub shutdown: watch::Receiver<Option<Ending>>,
    pub key: Arc<PseudonymKey>,
}

/// What it takes to cancel a session's statement: where it is held in the gateway, and on its server.
pub struct Cancellable {
    pub inbox: Arc<CancelInbox>,
    pub server: Arc<Cancelling>,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        ConnectionSettings {
            limits: Limits::default(),
            catalog_interval: Duration::from_secs(60),
            lock_role: true,
        }
    }
}

impl Connections {
    /// The issuers, certificates and grants in force.
    pub(super) fn access(&self) -> Arc<Access> {
        Arc::clone(&self.access.borrow())
    }

    /// Why statements cannot be served now, one line per reason. Never blocks: the admin thread calls it.
    pub(super) fn readiness(&self) -> Result<(), Vec<String>> {
        let mut reasons: Vec<String> = self
            .policies
            .current()
            .missing
            .iter()
            .map(|missing| format!("policy {} is missing: {}", missing.name, missing.reason))
            .collect();
        if !self.access().verifier.has_all_keys() {
            reasons.push("the keys of an issuer are not loaded".into());
        }
        if self.shutdown.borrow().is_some() {
            reasons.push("the gateway is shutting down".into());
        }
        if reasons.is_empty() {
            Ok(())
        } else {
            Err(reasons)
        }
    }

    /// The catalog of the target's database. Without policies, role lock and pool it is not used, so it is not read from the
    /// server.
    pub(super) async fn catalog(&self, grant: &Grant, database: &str) -> Arc<CatalogHandle> {
        let pooled = grant.database.pool.mode != PoolMode::None;
        if matches!(*self.policies, Policies::None(_)) && !self.settings.lock_role && !pooled {
            return CatalogHandle::new(grant.target.clone());
        }
        let service = grant.catalog_target(database);
        let (handle, is_new) = {
            let mut catalogs = self.catalogs.lock().unwrap_or_else(PoisonError::into_inner);
            let key = service.address_and_database();
            match catalogs.get(&key) {
                Some(handle) => (Arc::clone(handle), false),
                None => {
                    let handle = CatalogHandle::new(service);
                    let gate = Arc::clone(&self.gate);
                    handle.when_replaced(move |last| gate.forget(last));
                    catalogs.insert(key, Arc::clone(&handle));
                    (handle, true)
                }
            }
        };
        if is_new {
            self.background
                .spawn(Arc::clone(&handle).keep_fresh(self.settings.catalog_interval));
        }
        if !handle.is_read() {
            // If this fails, the first statement waits for the catalog again, and is refused without it.
            let _ = Arc::clone(&handle).refreshed().await;
        }
        handle
    }
}
