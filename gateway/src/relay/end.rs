//! The end of a connection, and what its client is told.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use gatewright_wire::{FatalError, build};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;

use super::{Client, Relay, Server};
use crate::recording::Failure;
use crate::session::{Departure, PendingJudge, Violation};

/// How long a client may take to read its last error.
const GOODBYE: Duration = Duration::from_secs(2);

/// How long a client may take to read the rest of a finished result.
const LAST_RESULT: Duration = Duration::from_secs(60);

/// Why a session was told to end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ending {
    /// The gateway shuts down: the session may finish its transaction.
    Drain,
    /// The gateway shuts down now.
    Shutdown,
    /// The token that opened the session is no longer valid.
    TokenExpired,
    /// The client certificate that opened the session has expired.
    CertificateExpired,
    /// After a reload, the client certificate is no longer trusted, was revoked, or maps to no identity.
    CertificateWithdrawn,
    /// After a reload, no grant gives this identity the session's database.
    GrantWithdrawn,
    /// After a reload, the matching grant gives another role or another server.
    GrantChanged,
    /// After a reload, the issuer of the token is no longer trusted.
    IssuerRemoved,
    /// An administrator has ended the session.
    Administrator,
    /// What the session does cannot be recorded.
    Unrecorded(Failure),
    /// No message for this long, outside a transaction.
    Idle(Duration),
}

impl Ending {
    pub(super) fn waits_for_idle(self) -> bool {
        self == Ending::Drain
    }

    /// What the client is told.
    pub(crate) fn fatal_error(self) -> FatalError {
        match self {
            Ending::Drain | Ending::Shutdown => FatalError::new(
                "57P01",
                "terminating connection: the gateway is shutting down",
            ),
            Ending::TokenExpired => {
                FatalError::new("28000", "terminating connection: the token has expired")
                    .with_hint("Connect again with a fresh token.")
            }
            Ending::CertificateExpired => FatalError::new(
                "28000",
                "terminating connection: the client certificate has expired",
            )
            .with_hint("Connect again with a new certificate."),
            Ending::CertificateWithdrawn => FatalError::new(
                "57P01",
                "terminating connection: the client certificate is no longer accepted",
            ),
            Ending::GrantWithdrawn => FatalError::new(
                "57P01",
                "terminating connection: your access to this database was withdrawn",
            )
            .with_hint("None of your groups has a grant for it any more; ask for access."),
            Ending::GrantChanged => FatalError::new(
                "57P01",
                "terminating connection: your grant for this database has changed to another role or server",
            )
            .with_hint("Connect again."),
            Ending::IssuerRemoved => FatalError::new(
                "57P01",
                "terminating connection: the issuer of your token is no longer trusted",
            ),
            // As with pg_terminate_backend.
            Ending::Administrator => FatalError::new(
                "57P01",
                "terminating connection due to administrator command",
            ),
            Ending::Unrecorded(failure) => {
                let message = format!("terminating connection: {}", failure.message());
                FatalError::new(failure.sqlstate(), message)
                    .with_hint("Tell whoever runs the gateway.")
            }
            // PostgreSQL's idle_session_timeout.
            Ending::Idle(limit) => FatalError::new(
                "57P05",
                format!("terminating connection due to idle_timeout: idle for {limit:?}"),
            ),
        }
    }
}

/// How a connection ended.
#[derive(Debug)]
pub enum End {
    ClientLeft,
    ClientGone(io::Error),
    ServerGone(io::Error),
    Violation(Violation),
    Told(Ending),
}

impl End {
    /// What becomes of a statement that is held then.
    fn departure(&self) -> Departure {
        match self {
            End::ClientLeft | End::ClientGone(_) => Departure::ClientLeft,
            End::Told(Ending::Drain | Ending::Shutdown) => Departure::GatewayStopped,
            End::ServerGone(_) | End::Violation(_) | End::Told(_) => Departure::SessionEnded,
        }
    }

    /// The label for metrics.
    pub fn label(&self) -> &'static str {
        match self {
            End::ClientLeft => "client_left",
            End::ClientGone(_) => "client_gone",
            End::ServerGone(_) => "server_gone",
            End::Violation(violation) if violation.is_clients() => "client_violation",
            End::Violation(_) => "server_violation",
            End::Told(Ending::Drain | Ending::Shutdown) => "shutdown",
            End::Told(Ending::TokenExpired) => "token_expired",
            End::Told(Ending::CertificateExpired) => "certificate_expired",
            End::Told(Ending::CertificateWithdrawn) => "certificate_withdrawn",
            End::Told(Ending::GrantWithdrawn) => "grant_withdrawn",
            End::Told(Ending::GrantChanged) => "grant_changed",
            End::Told(Ending::IssuerRemoved) => "issuer_removed",
            End::Told(Ending::Administrator) => "administrator",
            End::Told(Ending::Unrecorded(_)) => "unrecorded",
            End::Told(Ending::Idle(_)) => "idle_timeout",
        }
    }
}

impl<C, S, J> Relay<C, S, J>
where
    C: Client,
    S: Server,
    J: PendingJudge,
{
    /// Sends the client what is left for it, and the reason for the end if it cannot know it. A statement that still runs is cancelled.
    pub(super) async fn say_goodbye(&mut self, end: &End) {
        let settled = self.session.is_settled();
        self.departure = end.departure();
        // Others are in line behind it.
        self.server.stop_waiting();
        self.end_statements().await;
        match end {
            End::ClientLeft | End::ClientGone(_) => {}
            // The server's last message, if any, is among the bytes already; without one, libpq reports a lost connection.
            End::ServerGone(_) => {}
            End::Violation(violation) => {
                let (sqlstate, message) = violation.client_text();
                let error = FatalError::new(sqlstate, message);
                self.output.to_client.fatal(&error);
            }
            End::Told(ending) => self.output.to_client.fatal(&ending.fatal_error()),
        }
        let patience = match end {
            // The rest of the result of a statement that has run.
            End::ServerGone(_) | End::ClientLeft => LAST_RESULT,
            _ => GOODBYE,
        };
        if !matches!(end, End::ClientGone(_)) {
            let farewell = async {
                self.client
                    .write_all_buf(&mut self.output.to_client)
                    .await?;
                self.client.shutdown().await
            };
            // If the client is gone as well, nobody is left to tell.
            let _ = timeout(patience, farewell).await;
        }
        self.leave_server(end, settled).await;
    }

    /// Reports the end of every admitted statement, as far as that takes no time, before the client learns that the connection ends.
    async fn end_statements(&mut self) {
        if timeout(GOODBYE, self.ends_told()).await.is_err() {
            tracing::warn!(
                "a policy takes long to take note of a statement's end; the connection ends meanwhile"
            );
        }
    }

    async fn ends_told(&mut self) {
        poll_fn(|context| {
            while !self
                .session
                .close(self.departure, &mut self.judge, &mut self.output)
            {
                ready!(self.judge.poll_pending(context));
            }
            Poll::Ready(())
        })
        .await;
    }

    /// What is left once the connection is over: it completes when the judge has taken note of every end, one after the other. Each takes
    /// bounded time, the `deadline` and `wait` of the policies (decision 17), but that may be long and there may be many. Sockets, buffers and
    /// names are given up before. `None`: nothing is left.
    pub(super) fn ends_left(self) -> Option<Pin<Box<impl Future<Output = ()>>>> {
        let Relay {
            session, mut judge, ..
        } = self;
        let mut ends = session.into_ends()?;
        Some(Box::pin(poll_fn(move |context| {
            while !ends.tell(&mut judge) {
                ready!(judge.poll_pending(context));
            }
            Poll::Ready(())
        })))
    }

    async fn leave_server(&mut self, end: &End, settled: bool) {
        if self.leaves_connection(end, settled) {
            let given = self.session.detach();
            self.server.give_back(given);
            return;
        }
        if matches!(end, End::ServerGone(_)) {
            return;
        }
        if self.session.awaits_server() && !matches!(end, End::ClientLeft) {
            let _ = timeout(GOODBYE, (self.signals.cancel)()).await;
        }
        let mut terminate = BytesMut::new();
        // After part of a message, Terminate would be read as the rest of it.
        if self.output.to_server.is_empty() && self.session.is_between_messages() {
            build::terminate(&mut terminate);
        }
        let _ = timeout(GOODBYE, async {
            self.server.write_all(&terminate).await?;
            self.server.shutdown().await
        })
        .await;
    }
}
