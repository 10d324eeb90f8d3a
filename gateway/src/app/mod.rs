//! The composition root: it builds the modules from their settings, connects them, and stops them in order.
//! It knows every module and has none of their logic.
//! Next module: `listener`, where a connection begins; `connection.rs` takes it through the others.

mod access;
mod backtest;
mod connection;
mod connections;
mod failures;
mod figures;
mod library;
mod lifetime;
mod login;
mod policies;
mod preview;
mod running;
mod server;
mod session;
mod signals;
mod slots;
mod startup;
mod workers;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use anyhow::{Context, Result};
use arc_swap::ArcSwap;
use gatewright_policy_host::DirectorySettings;
use tokio::runtime::{Builder, Handle, Runtime};
use tokio::sync::watch;

use crate::access::AccessGrants;
use crate::admin::{AdminServer, Metrics, Readiness};
use crate::api::{ApiServer, ApiSettings};
use crate::approvals::{Approvals, ApprovalsSettings};
use crate::config::Limits;
use crate::console::{ConsoleServer, ConsoleSettings, Overview};
use crate::gate::{Gate, GateMetrics, GateSettings, People, Policies};
use crate::library::{Library, LibrarySettings};
use crate::listener::HandshakeSettings;
use crate::listener::cancel::CancelRegistry;
use crate::pool::{PoolMetrics, Pools};
use crate::recording::Recorder;
use crate::relay::Ending;
use crate::results::PseudonymKey;
use crate::streams::Streams;
use crate::traces::Traces;
use crate::webhooks::{WebhookSettings, Webhooks};
use connections::Connections;
use failures::Failures;

pub use access::Access;
pub use backtest::{Answered, Backtest, BacktestSession};
pub use connections::ConnectionSettings;
pub use library::library;
pub use policies::PolicySource;
pub use preview::{PreviewSettings, Previewed, preview};
pub use running::{RunSettings, Running, StartError};
pub use signals::{Hangups, stop_signal};

/// How long the start waits for the keys of issuers.
pub const ISSUER_KEYS_TIMEOUT: Duration = Duration::from_secs(3);

/// Why webhooks do not start.
pub const UNUSABLE_WEBHOOK: &str = "the CAs of a webhook cannot be used";

/// What a gateway is made of.
pub struct Parts {
    pub connections: ConnectionSettings,
    pub handshake: HandshakeSettings,
    pub access: Access,
    pub policies: Arc<Policies>,
    /// `None`: nobody can be asked, and what needs an approval is refused.
    pub approvals: Option<Approvals>,
    /// `None`: nobody can ask for one.
    pub access_grants: Option<AccessGrants>,
    /// `None`: sessions are not recorded.
    pub recorder: Option<Recorder>,
    /// `None`: nobody reads the record here.
    pub library: Option<Library>,
    /// `None`: nobody is told what becomes of statements.
    pub streams: Option<Streams>,
    /// `None`: statements have no spans.
    pub traces: Option<Traces>,
    pub metrics: Metrics,
}

/// The event loop of everything but the sessions and the admin port.
///
/// # Errors
/// The operating system gives no event loop.
pub fn runtime() -> Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .context("the event loop could not be started")
}

/// Installs the metrics of this process.
///
/// # Errors
/// They are installed already.
pub fn metrics() -> Result<Metrics> {
    Metrics::install().context("the metrics could not be set up")
}

/// A gateway that is built but accepts no connections yet.
pub struct Gateway {
    connections: Arc<Connections>,
    shutdown: watch::Sender<Option<Ending>>,
    approvals: Option<Approvals>,
    access_grants: Option<AccessGrants>,
    library: Option<Library>,
    metrics: Metrics,
}

impl Gateway {
    /// Connects the parts. Must be called inside [`runtime`], which then reads catalogs and sends cancel requests.
    pub fn build(parts: Parts) -> Arc<Self> {
        let (shutdown, stopping) = watch::channel(None);
        let defaults = GateSettings::default();
        let gate_settings = GateSettings {
            lock_role: parts.connections.lock_role,
            parser: gatewright_sql::Limits {
                max_bytes: parts.connections.limits.max_statement,
                ..defaults.parser
            },
            ..defaults
        };
        name_databases(&parts.metrics, &parts.access);
        let metrics: Arc<dyn PoolMetrics> = Arc::new(parts.metrics.clone());
        let connections = Arc::new(Connections {
            limits: ArcSwap::from_pointee(parts.connections.limits.clone()),
            slots: Arc::default(),
            failures: Failures::default(),
            settings: parts.connections,
            handshake: ArcSwap::from_pointee(parts.handshake),
            access: watch::Sender::new(Arc::new(parts.access)),
            gate: Gate::new(
                gate_settings,
                Arc::clone(&parts.policies),
                People::of(parts.approvals.clone()),
                parts.access_grants.clone(),
                Arc::new(parts.metrics.clone()),
            ),
            policies: parts.policies,
            registry: CancelRegistry::new(),
            catalogs: Mutex::new(HashMap::new()),
            pools: Pools::new(metrics, Handle::current()),
            roster: Arc::default(),
            recorder: parts.recorder,
            streams: parts.streams,
            traces: parts.traces,
            background: Handle::current(),
            shutdown: stopping,
            key: Arc::new(PseudonymKey::random()),
        });
        Arc::new(Gateway {
            connections,
            shutdown,
            approvals: parts.approvals,
            access_grants: parts.access_grants,
            library: parts.library,
            metrics: parts.metrics,
        })
    }

    /// Serves metrics and health checks until the result is dropped. `hosts`: names by which the port may be addressed, besides
    /// localhost and IP addresses.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub fn serve_admin(&self, address: SocketAddr, hosts: &[String]) -> Result<AdminServer> {
        let connections = Arc::clone(&self.connections);
        let readiness: Readiness = Arc::new(move || connections.readiness());
        let server = AdminServer::start(address, hosts, self.metrics.clone(), readiness)?;
        tracing::info!(address = %server.address(), "the admin port is open");
        Ok(server)
    }

    /// Serves the API for approvals and access grants until the result is dropped. Without approvals there is none.
    ///
    /// # Errors
    /// The address cannot be bound.
    pub fn serve_api(&self, settings: ApiSettings) -> Result<Option<ApiServer>> {
        let (Some(approvals), Some(grants)) = (self.approvals.clone(), self.access_grants.clone())
        else {
            return Ok(None);
        };
        let connections = Arc::clone(&self.connections);
        let verifier = Arc::new(move || Arc::clone(&connections.access().verifier));
        let library = self.library.clone();
        let server = ApiServer::start(settings, approvals, grants, library, verifier)?;
        tracing::info!(address = %server.address(), "the API is open");
        Ok(Some(server))
    }

    /// Serves the console until the result is dropped. Without approvals there is none.
    ///
    /// # Errors
    /// The address cannot be bound, or nobody could log in.
    pub async fn serve_console(&self, settings: ConsoleSettings) -> Result<Option<ConsoleServer>> {
        let (Some(approvals), Some(grants)) = (self.approvals.clone(), self.access_grants.clone())
        else {
            return Ok(None);
        };
        let policies = Arc::clone(&self.connections.policies);
        let overview = Overview {
            roster: Arc::clone(&self.connections.roster),
            policies: Arc::new(move || policies.current()),
            figures: figures::of(&self.connections, &self.metrics),
        };
        let library = self.library.clone();
        let server = ConsoleServer::start(settings, approvals, grants, library, overview).await?;
        tracing::info!(address = %server.address(), "the console is open");
        Ok(Some(server))
    }

    /// Tells webhooks what becomes of requests for approval, until they are stopped. Without approvals there is nothing to tell.
    ///
    /// # Errors
    /// The CAs of a webhook cannot be used.
    pub async fn start_webhooks(&self, settings: Vec<WebhookSettings>) -> Result<Option<Webhooks>> {
        let Some(approvals) = self.approvals.clone() else {
            return Ok(None);
        };
        let metrics = Arc::new(self.metrics.clone());
        let webhooks = Webhooks::start(approvals, metrics, settings).await;
        Ok(Some(webhooks.context(UNUSABLE_WEBHOOK)?))
    }

    /// Replaces who may decide, and how long requests wait.
    pub fn replace_approvals(&self, settings: ApprovalsSettings) {
        if let Some(approvals) = &self.approvals {
            approvals.replace_settings(settings);
        }
    }

    /// Replaces who sees what of the record.
    pub fn replace_library(&self, settings: LibrarySettings) {
        if let Some(library) = &self.library {
            library.replace_settings(settings);
        }
    }

    /// Withdraws what is still held, and stores what has been used, once the sessions have ended.
    pub async fn finish(&self) {
        if let Some(grants) = &self.access_grants {
            grants.stop().await;
        }
        if let Some(approvals) = &self.approvals {
            approvals.stop().await;
        }
        if let Some(library) = &self.library {
            library.finish().await;
        }
        let recorder = self.connections.recorder.clone();
        let streams = self.connections.streams.clone();
        let traces = self.connections.traces.clone();
        let finished = tokio::task::spawn_blocking(move || {
            if let Some(recorder) = recorder {
                recorder.finish();
            }
            if let Some(streams) = streams {
                streams.finish();
            }
            if let Some(traces) = traces {
                traces.finish();
            }
        });
        if let Err(error) = finished.await {
            tracing::error!(%error, "the record, the streams and the traces could not be finished");
        }
    }

    /// Waits until statements can be served, but no longer than `limit`: an issuer may be down for long.
    pub async fn settle(&self, limit: Duration) {
        let ready = async {
            while self.connections.readiness().is_err() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        };
        if tokio::time::timeout(limit, ready).await.is_err() {
            tracing::warn!(
                "the gateway accepts connections before it is ready; /readyz reports what is missing"
            );
        }
    }

    /// Binds the listener and starts the session threads.
    ///
    /// # Errors
    /// See [`StartError`].
    pub async fn start(&self, settings: RunSettings) -> Result<Running, StartError> {
        Running::start(
            settings,
            Arc::clone(&self.connections),
            self.shutdown.clone(),
        )
        .await
    }

    /// Replaces the settings of policies. They apply as soon as the policies that changed have loaded.
    ///
    /// # Errors
    /// The directory cannot be read, or a policy rejects its settings.
    pub async fn replace_policy_settings(&self, settings: DirectorySettings) -> Result<()> {
        let policies = Arc::clone(&self.connections.policies);
        let replaced = tokio::task::spawn_blocking(move || match &*policies {
            Policies::None(_) => Ok(()),
            Policies::Directory { directory, .. } => directory.replace_settings(settings),
        });
        replaced
            .await?
            .context("the settings of the policies could not be replaced")
    }

    /// Replaces the limits for new connections.
    pub fn replace_limits(&self, limits: Limits) {
        self.connections.limits.store(Arc::new(limits));
    }

    /// Replaces issuers, grants and certificates. Open sessions whose grant has changed end.
    pub fn replace_access(&self, access: Access, handshake: HandshakeSettings) {
        name_databases(&self.metrics, &access);
        self.connections.handshake.store(Arc::new(handshake));
        self.connections.access.send_replace(Arc::new(access));
    }
}

/// Has the metrics name every configured database from the start: one that nobody has used shows zeros.
fn name_databases(metrics: &Metrics, access: &Access) {
    for database in access.grants.databases() {
        metrics.database(&database.name);
    }
}
