//! The server connection of a session: its own, or a seat at a pool.

use std::sync::Arc;

use bytes::BytesMut;
use gatewright_wire::backend::TransactionStatus;
use rand::RngCore;

use super::connections::Connections;
use super::login::{Admitted, Rejection};
use crate::config::Limits;
use crate::listener::Accepted;
use crate::pool::{self, Cancelling, NamesAtStart, Owner, Parameters, PoolMode, Seat, Seated};
use crate::relay::Client;
use crate::session::{ServerAtStart, SessionStart};
use crate::upstream::{self, Connected, Target};

/// Startup parameters that the gateway answers itself.
const OWN_PARAMETERS: [&str; 3] = ["user", "database", "replication"];

/// A session's way to the server, and what the server has said before the session begins.
pub(super) struct ServerConnection {
    pub seat: Seat,
    pub start: SessionStart,
    /// Where cancel requests go.
    pub cancelling: Arc<Cancelling>,
    /// What the client is told of the server.
    pub greeting: BytesMut,
    pub status: TransactionStatus,
    pub leftover: BytesMut,
    /// The process ID that the client is told.
    pub pid: i32,
}

impl Connections {
    pub(super) async fn connect_server(
        &self,
        accepted: &Accepted,
        admitted: &Admitted,
        limits: &Limits,
    ) -> Result<ServerConnection, Rejection> {
        let grant = &admitted.grant;
        let target = &grant.target;
        if grant.database.pool.mode != PoolMode::None {
            return self.take_seat(accepted, admitted, limits).await;
        }
        let mut connected = upstream::connect(target, &forwarded(accepted))
            .await
            .map_err(|error| {
                tracing::warn!(%error, database = %target.dbname, "no connection to the server");
                Rejection::new("upstream_refused", error.fatal_error())
            })?;
        let names = names_at_start(target, &mut connected).await;
        let parameters = Parameters::of_greeting(&connected.greeting);
        let start = session_start(&parameters, names, connected.status, limits.max_message);
        let pid = connected.key.pid;
        Ok(ServerConnection {
            seat: Seat::Own(connected.stream),
            start,
            cancelling: Arc::new(Cancelling::of(target.clone(), connected.key)),
            greeting: BytesMut::from(connected.greeting.as_slice()),
            status: connected.status,
            leftover: connected.leftover,
            pid,
        })
    }

    async fn take_seat(
        &self,
        accepted: &Accepted,
        admitted: &Admitted,
        limits: &Limits,
    ) -> Result<ServerConnection, Rejection> {
        let grant = &admitted.grant;
        let group = self
            .pools
            .group(&grant.database.name, &grant.target, &grant.database.pool);
        let owner = Owner {
            issuer: admitted.identity.issuer.clone(),
            subject: admitted.identity.subject.clone(),
        };
        let seating = pool::connect(group, owner, forwarded(accepted));
        let seated = tokio::select! {
            biased;
            seated = seating => seated,
            () = async { accepted.stream.closed().await } => return Err(Rejection::gone()),
        };
        let seated = seated.map_err(|error| {
            tracing::warn!(%error, database = %grant.target.dbname, "no connection to the server");
            Rejection::new("upstream_refused", error.fatal_error())
        })?;
        let greeting = seated.greeting();
        let Seated {
            seat,
            parameters,
            cancelling,
            attachment,
        } = seated;
        let status = TransactionStatus::Idle;
        let names = attachment.as_ref().and_then(|known| known.names.clone());
        let mut start = session_start(&parameters, names, status, limits.max_message);
        start.server = match attachment {
            Some(attachment) => ServerAtStart::Lent(attachment),
            None => ServerAtStart::Shared(parameters),
        };
        Ok(ServerConnection {
            seat,
            start,
            cancelling,
            greeting,
            status,
            leftover: BytesMut::new(),
            // The session has several server processes, one after the other, and so do others.
            pid: i32::try_from(rand::rng().next_u32() >> 1)
                .unwrap_or(i32::MAX)
                .max(1),
        })
    }
}

/// What the server has said about the session before it begins.
fn session_start(
    parameters: &Parameters,
    names: Option<NamesAtStart>,
    status: TransactionStatus,
    max_message: usize,
) -> SessionStart {
    let text = |name| {
        let value = parameters.value(name).unwrap_or_default();
        String::from_utf8_lossy(value).into_owned()
    };
    SessionStart {
        standard_conforming_strings: parameters
            .value("standard_conforming_strings")
            .is_none_or(|value| value == b"on"),
        client_encoding: text("client_encoding"),
        server_encoding: text("server_encoding"),
        names,
        status: status.byte(),
        max_message,
        server: ServerAtStart::Own,
    }
}

/// The search path and the roles that the connection begins with: the server's defaults, settings of the role and the
/// database, and what the client asked for at startup.
async fn names_at_start(target: &Target, connected: &mut Connected) -> Option<NamesAtStart> {
    let reported = connected.parameters.contains_key("search_path");
    match upstream::ask(target, connected, NamesAtStart::QUERY).await {
        Ok(rows) => NamesAtStart::of_row(rows.into_iter().next()?, reported),
        Err(error) => {
            tracing::warn!(%error, "the search path of a connection could not be asked; names mean objects of every schema");
            None
        }
    }
}

/// The startup parameters that are forwarded to the server.
fn forwarded(accepted: &Accepted) -> Vec<(String, String)> {
    let parameters = accepted.startup.parameters.iter();
    parameters
        .filter(|(name, _)| !OWN_PARAMETERS.contains(&name.as_str()) && !name.starts_with("_pq_."))
        .cloned()
        .collect()
}
