//! A client's session, from its login to its end.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::BytesMut;
use gatewright_contract as contract;
use gatewright_wire::build;

use super::connections::{Cancellable, Connections};
use super::lifetime::SessionLifetime;
use super::login::{Admitted, Login};
use super::slots::Slot;
use super::startup;
use crate::config::Limits;
use crate::gate::{Listeners, SessionGate};
use crate::identity::{Grant, Identity};
use crate::listener::cancel::Registration;
use crate::listener::{self, Accepted, ClientStream};
use crate::pool::Seat;
use crate::recording::{self, Failure, Keep, OpenRecord, Opened, Recorder, SessionRecord};
use crate::relay::{EndSignal, Ending, Relay, Signals};
use crate::roster::{OpenSession, Place};
use crate::session::Session;
use crate::streams::Streams;
use crate::traces::TraceParent;
use crate::upstream::Target;

/// The setting by which a client names the span that its statements belong to.
const TRACE_PARENT: &str = "gatewright.traceparent";

/// A session that may begin.
pub(super) struct ClientSession {
    id: contract::SessionId,
    relay: Box<Relay<ClientStream, Seat, SessionGate>>,
    record: Option<OpenRecord>,
    // Given up when it has ended.
    _slot: Slot,
    _place: Place,
    _registration: Registration<Arc<Cancellable>>,
}

impl ClientSession {
    /// How much memory one takes, without what it has allocated besides.
    #[cfg(test)]
    pub fn bytes() -> usize {
        size_of::<Relay<ClientStream, Seat, SessionGate>>()
    }

    /// Serves it to its end. Returns how it ended, as a value of the metric's label.
    pub async fn run(self) -> &'static str {
        let end = self.relay.run().await;
        if let Some(record) = self.record {
            record.end(end.label());
        }
        tracing::info!(session = %self.id, end = end.label(), "session ends");
        end.label()
    }
}

impl Connections {
    /// The session of a client that has logged in. Errors: how the connection ended, as a value of the metric's label.
    pub(super) async fn begin(
        &self,
        accepted: Accepted,
        login: Login,
        limits: &Limits,
    ) -> Result<ClientSession, &'static str> {
        let Login { admitted, server } = login;
        let Admitted {
            identity,
            certificates,
            database,
            grant,
            slot,
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
        let opened = opened(&session, &identity);
        let record = match self.record(&opened, &grant) {
            Ok(record) => record,
            Err(failure) => {
                let refusal = Ending::Unrecorded(failure).fatal_error();
                listener::refuse(accepted.stream, &refusal).await;
                return Err("unrecorded");
            }
        };
        let session_record = record.as_ref().map(OpenRecord::session).unwrap_or_default();
        let listeners = self.listeners(opened, &session, &session_record, &target);
        let place = self.roster.enter(as_operators_see(&session, &identity));
        let judge: SessionGate = self
            .gate
            .session(session.clone(), &identity, catalog)
            .with_catalog_age(grant.database.catalog_max_age)
            .with_pool(grant.database.pool.mode)
            .with_database(&grant.database.name)
            .with_record(session_record.clone())
            .with_listeners(listeners);
        let cancellable = Arc::new(Cancellable {
            inbox: Arc::default(),
            server: server.cancelling,
        });
        let pid = server.pid;
        let (client_key, registration) =
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
        Ok(ClientSession {
            id: session.id,
            relay: Box::new(relay.recorded(session_record)),
            record,
            _slot: slot,
            _place: place,
            _registration: registration,
        })
    }

    /// Begins the record of a session, if sessions are recorded.
    fn record(&self, opened: &Opened, grant: &Grant) -> Result<Option<OpenRecord>, Failure> {
        let Some(recorder) = &self.recorder else {
            return Ok(None);
        };
        let record = recorder.open(opened.clone(), grant.database.record);
        record.map(Some)
    }

    /// Who is told what becomes of the session's statements.
    fn listeners(
        &self,
        opened: Opened,
        session: &contract::Session,
        record: &SessionRecord,
        target: &Target,
    ) -> Listeners {
        let streams = self.streams.as_ref();
        let traces = self.traces.as_ref();
        let server = match target.hosts.as_slice() {
            [one] => Some(one.clone()),
            _ => None,
        };
        Listeners {
            session: Arc::new(Opened {
                literals: Some(record.literals()),
                ..opened
            }),
            stream: streams.map(Streams::session).unwrap_or_default(),
            trace: traces
                .map(|traces| traces.session(parent(session), server))
                .unwrap_or_default(),
        }
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

/// Who is connected to what, for the record and the streams.
fn opened(session: &contract::Session, identity: &Identity) -> Opened {
    Opened {
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
        literals: None,
    }
}

/// The span that a client names as it connects.
fn parent(session: &contract::Session) -> Option<TraceParent> {
    let mut settings = session.settings.iter();
    let named = settings.find(|setting| setting.name == TRACE_PARENT)?;
    match &named.value {
        contract::SettingValue::Constant(value) => TraceParent::parse(value),
        contract::SettingValue::Initial | contract::SettingValue::Unknown => None,
    }
}

fn as_operators_see(session: &contract::Session, identity: &Identity) -> OpenSession {
    OpenSession {
        id: session.id,
        subject: identity.subject.clone(),
        issuer: identity.issuer.clone(),
        groups: identity.groups.clone(),
        agent: identity.agent.clone(),
        task: identity.task.clone(),
        database: session.database.clone(),
        role: session.role.clone(),
        application: session.application.clone(),
        client_address: session.client_address.clone(),
        started_ms: session.started_ms,
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
