//! One client connection from its first byte to its last: handshake, identity, grant, server, relay.

use std::collections::HashMap;
use std::future::Future;
use std::net::TcpStream;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use arc_swap::ArcSwap;
use bytes::BytesMut;
use gatewright_contract as contract;
use gatewright_wire::build;
use gatewright_wire::startup::CancelRequest;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio::time::Instant;

use super::access::Access;
use super::failures::Failures;
use super::lifetime::SessionLifetime;
use super::limits::{ConnectionLimits, Entrance, Slots};
use super::login::Login;
use crate::admin::Connection;
use crate::catalog::CatalogHandle;
use crate::gate::{Gate, Policies, SessionGate};
use crate::identity::Grant;
use crate::listener::cancel::CancelRegistry;
use crate::listener::{self, Accepted, Handshake, HandshakeSettings};
use crate::relay::{CancelInbox, Ending, Relay, Signals};
use crate::results::PseudonymKey;
use crate::session::{Session, SessionStart};
use crate::upstream::{self, BackendKey, Target};

/// Settings of client connections.
#[derive(Debug, Clone)]
pub struct ConnectionSettings {
    pub limits: ConnectionLimits,
    /// Longest statement text that is analysed, in bytes.
    pub max_statement: usize,
    /// How often catalogs are read again without a reason.
    pub catalog_interval: Duration,
    /// Startup may not choose another role on the server.
    pub lock_role: bool,
}

/// What every connection needs, shared by all session threads.
pub struct Connections {
    pub settings: ConnectionSettings,
    pub limits: ArcSwap<ConnectionLimits>,
    pub slots: Arc<Slots>,
    pub failures: Failures,
    pub handshake: ArcSwap<HandshakeSettings>,
    pub access: watch::Sender<Arc<Access>>,
    pub gate: Arc<Gate>,
    pub policies: Arc<Policies>,
    pub registry: CancelRegistry<Arc<Cancellable>>,
    pub catalogs: Mutex<HashMap<String, Arc<CatalogHandle>>>,
    /// The event loop that reads catalogs and sends cancel requests.
    pub background: Handle,
    pub shutdown: watch::Receiver<Option<Ending>>,
    pub key: Arc<PseudonymKey>,
    pub next_session: AtomicU64,
}

/// What it takes to cancel a session's statement: where it is held in the gateway, and on its server.
pub struct Cancellable {
    inbox: Arc<CancelInbox>,
    target: Target,
    key: BackendKey,
}

impl Default for ConnectionSettings {
    fn default() -> Self {
        ConnectionSettings {
            limits: ConnectionLimits::default(),
            max_statement: 64 << 20,
            catalog_interval: Duration::from_secs(60),
            lock_role: true,
        }
    }
}

impl Connections {
    /// Who may come in now.
    pub(super) fn access(&self) -> Arc<Access> {
        Arc::clone(&self.access.borrow())
    }

    /// What stands in the way of serving statements, one line each.
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

    /// Serves one connection to its end, and counts how it ended.
    pub(super) async fn serve(self: Arc<Self>, stream: TcpStream) {
        let _connection = Connection::open();
        Connection::ended(self.pass(stream).await);
    }

    /// A connection's way through the gateway. Returns how it ended, as a fixed word.
    async fn pass(self: Arc<Self>, stream: TcpStream) -> &'static str {
        let stream = stream
            .set_nonblocking(true)
            .and_then(|()| tokio::net::TcpStream::from_std(stream));
        let stream = match stream {
            Ok(stream) => stream,
            Err(error) => {
                tracing::warn!(%error, "a connection could not be taken over");
                return "lost";
            }
        };
        let limits = self.limits.load_full();
        let mut entrance = match self.slots.enter(&limits) {
            Ok(entrance) => entrance,
            Err(full) => {
                tracing::warn!(reason = %full, "a connection was turned away");
                listener::refuse(stream, &full.fatal_error()).await;
                return "too_many";
            }
        };
        let handshake = self.handshake.load_full();
        let mut accepted = match listener::handshake(stream, &handshake).await {
            Ok(Handshake::Session(accepted)) => *accepted,
            Ok(Handshake::Cancel(request)) => {
                self.cancel(&request);
                return "cancel_request";
            }
            Ok(Handshake::Gone) => return "gone",
            Err(error) => {
                tracing::info!(%error, "a client's handshake failed");
                return "handshake_failed";
            }
        };
        match self.log_in(&mut accepted, &handshake, &limits).await {
            Ok(login) => {
                drop(entrance);
                self.relay(accepted, login, &limits).await
            }
            Err(turned_away) => {
                if turned_away.failed {
                    self.slow_down(&accepted, &limits, &mut entrance).await;
                }
                let outcome = turned_away.tell(accepted, &handshake).await;
                drop(entrance);
                outcome
            }
        }
    }

    /// Has an address whose logins fail again and again wait before it is told so. Those who wait take no place from those who
    /// come; where too many wait, this one is told at once.
    async fn slow_down(
        &self,
        accepted: &Accepted,
        limits: &ConnectionLimits,
        entrance: &mut Entrance,
    ) {
        let failure = self
            .failures
            .failed(accepted.address, &limits.login_backoff, Instant::now());
        if failure.delay.is_zero() || !entrance.waits(limits) {
            return;
        }
        Connection::delayed();
        tracing::info!(peer = %accepted.peer, failures = failure.count, delay = ?failure.delay, "a refusal is told late");
        let mut shutdown = self.shutdown.clone();
        tokio::select! {
            () = tokio::time::sleep(failure.delay) => {}
            _ = shutdown.wait_for(Option::is_some) => {}
        }
    }

    fn cancel(&self, request: &CancelRequest) {
        let Some(session) = self.registry.lookup(request) else {
            return;
        };
        if session.inbox.request() {
            return;
        }
        self.background.spawn(async move {
            if let Err(error) = upstream::cancel(&session.target, &session.key).await {
                tracing::warn!(%error, "a cancel request could not be passed on");
            }
        });
    }

    async fn relay(
        &self,
        accepted: Accepted,
        login: Login,
        limits: &ConnectionLimits,
    ) -> &'static str {
        let Login {
            identity,
            certificates,
            database,
            grant,
            connected,
            slot: _seat,
            access,
        } = login;
        let lifetime = SessionLifetime::new(
            identity.clone(),
            certificates,
            database.clone(),
            &grant,
            &access,
        );
        let target = grant.target.clone();
        let catalog = self.catalog(&grant, &database).await;
        let session = self.contract_session(&accepted, &database, &target);
        tracing::info!(session = session.id, subject = %identity.subject, %database, role = %target.user, peer = %accepted.peer, "session begins");
        let judge: SessionGate = self.gate.session(session.clone(), &identity, catalog);
        let parameter = |name| connected.parameters.get(name).cloned().unwrap_or_default();
        let start = SessionStart {
            standard_conforming_strings: connected
                .parameters
                .get("standard_conforming_strings")
                .is_none_or(|value| value == "on"),
            client_encoding: parameter("client_encoding"),
            server_encoding: parameter("server_encoding"),
            status: connected.status.byte(),
            max_message: limits.max_message,
        };
        let cancellable = Arc::new(Cancellable {
            inbox: Arc::default(),
            target,
            key: connected.key,
        });
        let pid = cancellable.key.pid;
        let (client_key, _registered) =
            self.registry
                .register(pid, Arc::clone(&cancellable), accepted.startup.protocol);
        let mut greeting = BytesMut::new();
        build::authentication_ok(&mut greeting);
        greeting.extend_from_slice(&connected.greeting);
        client_key.encode(&mut greeting);
        build::ready_for_query(&mut greeting, connected.status);
        let signals = Signals {
            end: Box::pin(lifetime.end(self.shutdown.clone(), self.access.subscribe())),
            idle_timeout: limits.idle_timeout,
            inbox: Arc::clone(&cancellable.inbox),
            cancel: canceller(cancellable),
        };
        let relay = Relay::new(
            accepted.stream,
            connected.stream,
            Session::new(start, Arc::clone(&self.key)),
            judge,
            signals,
            greeting,
            (accepted.leftover, connected.leftover),
        );
        let end = relay.run().await;
        tracing::info!(session = session.id, end = end.label(), "session ends");
        end.label()
    }

    fn contract_session(
        &self,
        accepted: &Accepted,
        database: &str,
        target: &Target,
    ) -> contract::Session {
        contract::Session {
            id: self.next_session.fetch_add(1, Ordering::Relaxed),
            database: database.to_owned(),
            role: target.user.clone(),
            application: accepted
                .startup
                .parameter("application_name")
                .unwrap_or_default()
                .to_owned(),
            client_address: accepted.peer.clone(),
            in_transaction: false,
            started_ms: SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| {
                    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
                }),
        }
    }

    /// The catalog of the target's database. Without policies and a lock on the role nobody reads it, so it is not read from the server.
    async fn catalog(&self, grant: &Grant, database: &str) -> Arc<CatalogHandle> {
        if matches!(*self.policies, Policies::None(_)) && !self.settings.lock_role {
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
            // Where it is not read by now, the first statement waits for it, and is refused where it does not come.
            let _ = Arc::clone(&handle).refreshed().await;
        }
        handle
    }
}

/// Cancels what the server does for one session, and knows when the server has taken note.
fn canceller(session: Arc<Cancellable>) -> Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()>>>> {
    Box::new(move || {
        let session = Arc::clone(&session);
        Box::pin(async move {
            if let Err(error) = upstream::cancel(&session.target, &session.key).await {
                tracing::warn!(%error, "a result that was stopped could not be cancelled on the server; its rows are dropped");
            }
        })
    })
}
