//! How a connection ends, and what its client is told then.

use std::future::poll_fn;
use std::io;
use std::task::{Poll, ready};
use std::time::Duration;

use bytes::BytesMut;
use gatewright_wire::{FatalError, build};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::{Client, Relay};
use crate::session::{PendingJudge, Violation};

/// A client that does not read its last error within this time does not get it.
const GOODBYE: Duration = Duration::from_secs(2);

/// How long a client may take to read the end of a result whose server is done.
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
    /// The client certificate that opened the session is no longer valid.
    CertificateExpired,
    /// After a reload the client certificate is not trusted any longer, was revoked, or stands for nobody.
    CertificateWithdrawn,
    /// After a reload no grant gives this identity the session's database.
    GrantWithdrawn,
    /// After a reload the grant that fits gives another role or another database.
    GrantChanged,
    /// After a reload the issuer that vouched for the identity is trusted no longer.
    IssuerRemoved,
    /// No message for so long, outside a transaction.
    Idle(Duration),
}

impl Ending {
    pub(super) fn waits_for_idle(self) -> bool {
        self == Ending::Drain
    }

    fn fatal_error(self) -> FatalError {
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
                "terminating connection: the client certificate is not accepted any longer",
            ),
            Ending::GrantWithdrawn => FatalError::new(
                "57P01",
                "terminating connection: your access to this database was withdrawn",
            )
            .with_hint("None of your groups is granted it any longer; ask for access."),
            Ending::GrantChanged => FatalError::new(
                "57P01",
                "terminating connection: your grant for this database now gives another role or server",
            )
            .with_hint("Connect again."),
            Ending::IssuerRemoved => FatalError::new(
                "57P01",
                "terminating connection: the issuer of your token is not trusted any longer",
            ),
            // PostgreSQL's idle_session_timeout.
            Ending::Idle(limit) => FatalError::new(
                "57P05",
                format!("terminating connection: it was idle for {limit:?} (idle_timeout)"),
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
    /// A fixed word for metrics.
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
            End::Told(Ending::Idle(_)) => "idle_timeout",
        }
    }
}

impl<C, S, J> Relay<C, S, J>
where
    C: Client,
    S: AsyncRead + AsyncWrite + Unpin,
    J: PendingJudge,
{
    /// Sends what is still owed to the client, and the reason for the end where the client cannot know it. What the server
    /// does for the client is cancelled.
    pub(super) async fn say_goodbye(&mut self, end: &End) {
        self.end_statements().await;
        match end {
            End::ClientLeft | End::ClientGone(_) => {}
            // The server's own last words are among the bytes already; without any, libpq reports a lost connection.
            End::ServerGone(_) => {}
            End::Violation(violation) => {
                let (sqlstate, message) = violation.client_text();
                let error = FatalError::new(sqlstate, message);
                self.output.to_client.fatal(&error);
            }
            End::Told(ending) => self.output.to_client.fatal(&ending.fatal_error()),
        }
        let patience = match end {
            // What is left is the result of a statement that ran.
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
            // The client may be gone as well; there is nobody else to tell.
            let _ = timeout(patience, farewell).await;
        }
        self.leave_server(end).await;
    }

    /// Every statement that was admitted ends, before the client learns that the connection does.
    async fn end_statements(&mut self) {
        let ended = poll_fn(|context| {
            while !self.session.close(&mut self.judge, &mut self.output) {
                ready!(self.judge.poll_pending(context));
            }
            Poll::Ready(())
        });
        if timeout(GOODBYE, ended).await.is_err() {
            tracing::error!("the end of a statement could not be recorded in time");
        }
    }

    async fn leave_server(&mut self, end: &End) {
        if matches!(end, End::ServerGone(_)) {
            return;
        }
        if self.session.awaits_server() && !matches!(end, End::ClientLeft) {
            let _ = timeout(GOODBYE, (self.signals.cancel)()).await;
        }
        let mut terminate = BytesMut::new();
        // Behind half a message, Terminate would be taken for the other half.
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
