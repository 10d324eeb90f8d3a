//! One client connection from its first byte to its last: handshake, identity, grant, server, session.

use std::net::TcpStream;
use std::sync::Arc;

use gatewright_wire::startup::CancelRequest;
use tokio::time::Instant;

use super::connections::Connections;
use super::session::ClientSession;
use super::slots::Entrance;
use crate::admin::Connection;
use crate::config::Limits;
use crate::listener::{self, Accepted, Handshake};

impl Connections {
    /// Serves one connection to its end, and counts how it ended.
    pub(super) async fn serve(self: Arc<Self>, stream: TcpStream) {
        let _connection = Connection::open();
        Connection::ended(self.pass(stream).await);
    }

    /// A connection's way through the gateway. Returns how it ended, as a value of the metric's label.
    async fn pass(self: Arc<Self>, stream: TcpStream) -> &'static str {
        // What a login needs is freed before the session begins, which may be idle for long.
        match Box::pin(self.open(stream)).await {
            Ok(session) => session.run().await,
            Err(outcome) => outcome,
        }
    }

    /// From the first byte to a session that may begin. Errors: how the connection ended before.
    async fn open(self: Arc<Self>, stream: TcpStream) -> Result<ClientSession, &'static str> {
        let address = stream.peer_addr();
        let stream = stream
            .set_nonblocking(true)
            .and_then(|()| tokio::net::TcpStream::from_std(stream));
        let (stream, address) = match stream.and_then(|stream| Ok((stream, address?.ip()))) {
            Ok(known) => known,
            Err(error) => {
                tracing::warn!(%error, "an accepted connection could not be set up");
                return Err("lost");
            }
        };
        let limits = self.limits.load_full();
        let mut entrance = match self.slots.enter(&limits, address) {
            Ok(entrance) => entrance,
            Err(full) => {
                tracing::warn!(reason = %full, "a connection was refused");
                listener::refuse(stream, &full.fatal_error()).await;
                return Err("too_many");
            }
        };
        let handshake = self.handshake.load_full();
        let mut accepted = match listener::handshake(stream, &handshake).await {
            Ok(Handshake::Session(accepted)) => *accepted,
            Ok(Handshake::Cancel(request)) => {
                self.cancel(&request);
                return Err("cancel_request");
            }
            Ok(Handshake::Gone) => return Err("gone"),
            Err(error) => {
                tracing::info!(%error, "a client's handshake failed");
                return Err("handshake_failed");
            }
        };
        match self.admit(&mut accepted, &handshake, &limits).await {
            Ok(admitted) => {
                // Who waits for a server connection takes no place from those that have not logged in.
                drop(entrance);
                match self.log_in(&accepted, admitted, &handshake, &limits).await {
                    Ok(login) => self.begin(accepted, login, &limits).await,
                    Err(rejection) => Err(rejection.send(accepted, &handshake).await),
                }
            }
            Err(rejection) => {
                if rejection.failed {
                    self.delay_error(&accepted, &limits, &mut entrance).await;
                }
                let outcome = rejection.send(accepted, &handshake).await;
                drop(entrance);
                Err(outcome)
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
}
