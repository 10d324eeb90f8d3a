//! The port of the console.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use arc_swap::ArcSwap;
use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::{get, post};
use thiserror::Error;
use tokio::sync::Semaphore;

use super::gateway::Overview;
use super::invitation::{self, Invitation};
use super::provider::{ConsoleLogin, ConsoleLoginError, Provider};
use super::sealed::Seal;
use super::sessions::Sessions;
use super::trouble::Trouble;
use super::{
    asking, assets, databases, gateway, grants, headers, live, logging_in, record, requests,
};
use crate::access::AccessGrants;
use crate::approvals::Approvals;
use crate::http::{Hosts, HttpServer, HttpServerError, Limits, Port, Tls, check_host};
use crate::identity::Identity;
use crate::library::Library;

/// Pages keep a stream open, which they open again with the last event that they saw.
const LIMITS: Limits = Limits {
    connections: 512,
    lifetime: Duration::from_secs(3600),
};

/// Pages that are told of changes, at one time.
const READERS: usize = 256;

/// The longest form, in bytes.
const LONGEST_BODY: usize = 64 << 10;

/// Where the console is served, and how people log in.
#[derive(Clone)]
pub struct ConsoleSettings {
    pub address: SocketAddr,
    /// Names by which it may be addressed, besides localhost and IP addresses.
    pub hosts: Vec<String>,
    pub tls: Option<Tls>,
    pub login: ConsoleLogin,
    /// Who comes in by a link in place of a login. For `gatewright dev` only.
    pub guest: Option<Identity>,
}

/// The console cannot be served.
#[derive(Debug, Error)]
pub enum ConsoleError {
    #[error("the console's address {address}: {source}; choose another with [console] address")]
    Port {
        address: SocketAddr,
        source: HttpServerError,
    },
    #[error(transparent)]
    Login(#[from] ConsoleLoginError),
    #[error("the console's cookies cannot be sealed")]
    Seal,
}

/// The server; dropping it closes the port.
pub struct ConsoleServer {
    server: HttpServer,
    shared: Shared,
    link: Option<String>,
}

#[derive(Clone)]
pub(super) struct Shared {
    pub approvals: Approvals,
    pub overview: Overview,
    pub grants: AccessGrants,
    /// `None`: sessions are not recorded.
    pub library: Option<Library>,
    pub provider: Arc<ArcSwap<Provider>>,
    pub sessions: Arc<Sessions>,
    pub seal: Arc<Seal>,
    pub readers: Arc<Semaphore>,
    pub invitation: Option<Arc<Invitation>>,
}

impl ConsoleServer {
    /// Binds the port and serves the console. Must be called inside the event loop that then fetches the issuer's keys.
    ///
    /// # Errors
    /// See [`ConsoleError`].
    pub async fn start(
        settings: ConsoleSettings,
        approvals: Approvals,
        grants: AccessGrants,
        library: Option<Library>,
        overview: Overview,
    ) -> Result<Self, ConsoleError> {
        let provider = Provider::new(settings.login).await?;
        let (invitation, link) = settings.guest.map(Invitation::of).unzip();
        let shared = Shared {
            approvals,
            overview,
            grants,
            library,
            provider: Arc::new(ArcSwap::from_pointee(provider)),
            sessions: Arc::default(),
            seal: Arc::new(Seal::random().ok_or(ConsoleError::Seal)?),
            readers: Arc::new(Semaphore::new(READERS)),
            invitation: invitation.map(Arc::new),
        };
        let address = settings.address;
        let server = HttpServer::start(Port {
            name: "console",
            address,
            tls: settings.tls,
            limits: LIMITS,
            routes: routes(shared.clone(), &settings.hosts),
        });
        let failed = |source| ConsoleError::Port { address, source };
        Ok(ConsoleServer {
            server: server.map_err(failed)?,
            shared,
            link,
        })
    }

    /// The address bound.
    pub fn address(&self) -> SocketAddr {
        self.server.address()
    }

    /// The path by which the guest comes in, once.
    pub fn link(&self) -> Option<String> {
        self.link.as_ref().map(|secret| format!("/link/{secret}"))
    }

    #[cfg(test)]
    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// Replaces how people log in. Where the issuer or the client changes, everybody has to log in again.
    ///
    /// # Errors
    /// Nobody could log in; the previous settings remain.
    pub async fn replace_login(&self, login: ConsoleLogin) -> Result<(), ConsoleLoginError> {
        let provider = Provider::new(login).await?;
        let continues = self.shared.provider.load().continues(&provider);
        self.shared.provider.store(Arc::new(provider));
        if !continues {
            self.shared.sessions.end_all();
        }
        Ok(())
    }
}

/// Where nobody can log in at a provider, there is a link.
fn ways_in(shared: &Shared) -> Router<Shared> {
    match shared.invitation {
        Some(_) => Router::new().route("/link/{secret}", get(invitation::accept)),
        None => Router::new()
            .route("/login/start", get(logging_in::start))
            .route("/callback", get(logging_in::callback)),
    }
}

fn routes(shared: Shared, hosts: &[String]) -> Router {
    ways_in(&shared)
        .route("/", get(requests::home))
        .route("/history", get(requests::history))
        .route("/sessions", get(gateway::sessions))
        .route("/sessions/{id}/end", post(gateway::end))
        .route("/record", get(record::list))
        .route("/record/{id}", get(record::session))
        .route("/record/{id}/{number}", get(record::statement))
        .route("/policies", get(gateway::policies))
        .route("/databases", get(databases::databases))
        .route("/events", get(live::all))
        .route("/requests/{id}", get(requests::show))
        .route("/requests/{id}/events", get(live::one))
        .route("/requests/{id}/{verdict}", post(requests::decide))
        .route("/grants", get(grants::list).post(asking::ask))
        .route("/grants/new", get(asking::new))
        .route("/grants/{id}", get(grants::show))
        .route("/grants/{id}/{verdict}", post(grants::decide))
        .route("/login", get(logging_in::page))
        .route("/logout", post(logging_in::out))
        .route("/assets/{name}", get(assets::asset))
        .fallback(|| async { Trouble::NoSuchPage })
        .method_not_allowed_fallback(|| async { Trouble::NoSuchPage })
        .layer(DefaultBodyLimit::max(LONGEST_BODY))
        .with_state(shared)
        .layer(from_fn(headers::protect))
        .layer(from_fn_with_state(Hosts::new(hosts), check_host))
}
