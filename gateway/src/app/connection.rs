//! One client connection from its first byte to its last: handshake, identity, grant, server, relay.

use std::future::Future;
use std::net::TcpStream;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::BytesMut;
use gatewright_contract as contract;
use gatewright_wire::build;
use gatewright_wire::startup::CancelRequest;
use tokio::time::Instant;

use super::connections::{Cancellable, Connections};
use super::lifetime::SessionLifetime;
use super::login::{Admitted, Login};
use super::slots::Entrance;
use super::startup;
use crate::admin::Connection;
use crate::config::Limits;
use crate::gate::SessionGate;
use crate::identity::{Grant, Identity};
use crate::listener::{self, Accepted, Handshake};
use crate::recording::{self, Failure, Keep, OpenRecord, Opened, Recorder};
use crate::relay::{EndSignal, Ending, Relay, Signals};
use crate::roster::OpenSession;
use crate::session::Session;
use crate::upstream::Target;

impl Connections {
    /// Serves one connection to its end, and counts how it ended.
    pub(super) async fn serve(self: Arc<Self>, stream: TcpStream) {
        let _connection = Connection::open();
        Connection::ended(self.pass(stream).await);
    }

    /// A connection's way through the gateway. Returns how it ended, as a value of the metric's label.
    async fn pass(self: Arc<Self>, stream: TcpStream) -> &'static str {
        let address = stream.peer_addr();
        let stream = stream
            .set_nonblocking(true)
            .and_then(|()| tokio::net::TcpStream::from_std(stream));
        let (stream, address) = match stream.and_then(|stream| Ok((stream, address?.ip()))) {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(%error, "an accepted connection could not be set up");
                return "lost";
            }
        };
        let limits = self.limits.load_full();
        let mut entrance = match self.slots.enter(&limits, address) {
            Ok(entrance) => entrance,
            Err(full) => {
                tracing::warn!(reason = %full, "a connection was refused");
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
        match self.admit(&mut accepted, &handshake, &limits).await {
            Ok(admitted) => {
                // Who waits for a server connection takes no place from those that have not logged in.
                drop(entrance);
                match self.log_in(&accepted, admitted, &handshake, &limits).await {
                    Ok(login) => self.relay(accepted, login, &limits).await,
                    Err(rejection) => rejection.send(accepted, &handshake).await,
                }
            }
            Err(rejection) => {
                if rejection.failed {
                    self.delay_error(&accepted, &limits, &mut entrance).await;
                }
                let outcome = rejection.send(accepted, &handshake).await;
                drop(entrance);
                outcome
            }
        }
    }

    /// Delays the error for an address whose logins fail repeatedly. Delayed connections do not count as handshakes; where
    /// too many are delayed, the error is sent at once.
    async fn delay_error(&self, accepted: &Accepted, limits: &Limits, entrance: &mut Entrance) {
        let failure = self
            .failures
            .failed(accepted.address, &limits.login_backoff, Instant::now());
        if failure.delay.is_zero() || !entrance.delay(limits) {
            return;
        }
        Connection::delayed();
        tracing::info!(peer = %accepted.peer, failures = failure.count, delay = ?failure.delay, "the error of a failed login is delayed");
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
        let Some(flight) = session.server.request() else {
            return;
        };
        self.background.spawn(async move {
            if let Err(error) = flight.send().await {
                tracing::warn!(%error, "a cancel request could not be forwarded");
            }
        });
    }

    async fn relay(&self, accepted: Accepted, login: Login, limits: &Limits) -> &'static str {
        let Login { admitted, server } = login;
        let Admitted {
            identity,
            certificates,
            database,
            grant,
            slot: _slot,
            access,
        } = admitted;
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
        tracing::info!(session = %session.id, subject = %identity.subject, %database, role = %target.user, peer = %accepted.peer, "session begins");
        let record = match self.record(&session, &identity, &grant) {
            Ok(record) => record,
            Err(failure) => {
                let refusal = Ending::Unrecorded(failure).fatal_error();
                listener::refuse(accepted.stream, &refusal).await;
                return "unrecorded";
            }
        };
        let place = self.roster.enter(OpenSession {
            id: session.id,
            subject: identity.subject.clone(),
            issuer: identity.issuer.clone(),
            groups: identity.groups.clone(),
            agent: identity.agent.clone(),
            task: identity.task.clone(),
            database: database.clone(),
            role: target.user.clone(),
            application: session.application.clone(),
            client_address: session.client_address.clone(),
            started_ms: session.started_ms,
        });
        let session_record = record.as_ref().map(OpenRecord::session).unwrap_or_default();
        let judge: SessionGate = self
            .gate
            .session(session.clone(), &identity, catalog)
            .with_catalog_age(grant.database.catalog_max_age)
            .with_pool(grant.database.pool.mode)
            .with_record(session_record.clone());
        let cancellable = Arc::new(Cancellable {
            inbox: Arc::default(),
            server: server.cancelling,
        });
        let pid = server.pid;
        let (client_key, _registered) =
            self.registry
                .register(pid, Arc::clone(&cancellable), accepted.startup.protocol);
        let mut greeting = BytesMut::new();
        build::authentication_ok(&mut greeting);
        greeting.extend_from_slice(&server.greeting);
        client_key.encode(&mut greeting);
        build::ready_for_query(&mut greeting, server.status);
        let signals = Signals {
            end: EndSignal::of(lifetime.end(
                self.shutdown.clone(),
                self.access.subscribe(),
                place.ended(),
                unrecorded(self.recorder.clone()),
            )),
            idle_timeout: limits.idle_timeout,
            inbox: Arc::clone(&cancellable.inbox),
            cancel: canceller(cancellable),
        };
        let relay = Relay::new(
            accepted.stream,
            server.seat,
            Session::new(server.start, Arc::clone(&self.key)),
            judge,
            signals,
            greeting,
            (accepted.leftover, server.leftover),
        );
        let end = relay.recorded(session_record).run().await;
        if let Some(record) = record {
            record.end(end.label());
        }
        tracing::info!(session = %session.id, end = end.label(), "session ends");
        end.label()
    }

    /// Begins the record of a session, if sessions are recorded.
    fn record(
        &self,
        session: &contract::Session,
        identity: &Identity,
        grant: &Grant,
    ) -> Result<Option<OpenRecord>, Failure> {
        let Some(recorder) = &self.recorder else {
            return Ok(None);
        };
        let opened = Opened {
            session: session.id,
            at: recording::now(),
            gateway: env!("CARGO_PKG_VERSION").to_owned(),
            database: session.database.clone(),
            role: session.role.clone(),
            issuer: identity.issuer.clone(),
            subject: identity.subject.clone(),
            groups: identity.groups.clone(),
            agent: identity.agent.clone(),
            task: identity.task.clone(),
            client_address: session.client_address.clone(),
            application: session.application.clone(),
            keep: Keep::default(),
        };
        recorder.open(opened, grant.database.record).map(Some)
    }

    fn contract_session(
        &self,
        accepted: &Accepted,
        database: &str,
        target: &Target,
    ) -> contract::Session {
        contract::Session {
            id: contract::SessionId::generate(),
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
            settings: startup::settings(&accepted.startup),
        }
    }
}

/// Completes when nothing can be recorded.
async fn unrecorded(recorder: Option<Recorder>) -> Failure {
    match recorder {
        Some(recorder) => recorder.failed().await,
        None => std::future::pending().await,
    }
}

/// Cancels what the server does for one session; completes when the server has taken the request.
fn canceller(session: Arc<Cancellable>) -> Box<dyn Fn() -> Pin<Box<dyn Future<Output = ()>>>> {
    Box::new(move || {
        let session = Arc::clone(&session);
        Box::pin(async move {
            let Some(flight) = session.server.request() else {
                return;
            };
            if let Err(error) = flight.send().await {
                tracing::warn!(%error, "a stopped result could not be cancelled on the server; its remaining rows are dropped");
            }
        })
    })
}
