//! The server's side of a relay: where its connection comes from, and where it goes.

use std::task::{Context, Poll};

use gatewright_wire::FatalError;
use tokio::io::{AsyncRead, AsyncWrite};

use super::{Client, End, Relay};
use crate::pool::{Attachment, Seat};
use crate::session::{Departure, PendingJudge};

/// A way to the server. Nothing is read or written while no connection is there.
pub trait Server: AsyncRead + AsyncWrite + Unpin {
    /// A connection for the next transaction.
    fn poll_attach(&mut self, context: &mut Context<'_>) -> Poll<Result<Attachment, FatalError>>;
    /// The session does not want the connection any more that it was waiting for.
    fn stop_waiting(&mut self);
    /// The session is done with the connection, on which nothing is outstanding and no transaction is open.
    fn give_back(&mut self, given: Attachment);
    /// True when the connection may outlive the session.
    fn outlives(&self) -> bool;
}

impl Server for Seat {
    fn poll_attach(&mut self, context: &mut Context<'_>) -> Poll<Result<Attachment, FatalError>> {
        Seat::poll_attach(self, context)
    }

    fn stop_waiting(&mut self) {
        Seat::stop_waiting(self);
    }

    fn give_back(&mut self, given: Attachment) {
        Seat::give_back(self, given);
    }

    fn outlives(&self) -> bool {
        Seat::outlives(self)
    }
}

impl<C, S, J> Relay<C, S, J>
where
    C: Client,
    S: Server,
    J: PendingJudge,
{
    /// Gets a connection where the session wants one, and gives it back where it can do without. True when the session can go on.
    pub(super) fn settle_server(&mut self, context: &mut Context<'_>) -> bool {
        if self.output.wants_server.is_some() {
            // Before it gets one: then the request would be the server's, which has nothing to cancel yet.
            if self.cancels.was_requested() {
                return self.stop_waiting();
            }
            match self.server.poll_attach(context) {
                Poll::Pending => return false,
                Poll::Ready(Ok(attachment)) => {
                    let judge = &mut self.judge;
                    self.session.attach(attachment, judge, &mut self.output);
                    self.server_is_quiet = false;
                }
                Poll::Ready(Err(error)) => return self.not_served(&error, Departure::Refused),
            }
            self.output.wants_server = None;
            self.client_held = false;
            return true;
        }
        if self.session.can_do_without_server() && self.nothing_is_under_way() {
            let given = self.session.detach();
            self.server.give_back(given);
        }
        false
    }

    /// True when the client waits for a connection to the server.
    pub(super) fn waits_for_server(&self) -> bool {
        self.output.wants_server.is_some()
    }

    /// The client cancelled while it waited for a connection. True: the session can go on.
    pub(super) fn stop_waiting(&mut self) -> bool {
        self.server.stop_waiting();
        let error = FatalError::new("57014", "canceling statement due to user request");
        self.not_served(&error, Departure::Cancelled)
    }

    /// There is no connection for what the client wants. True: the session can go on.
    fn not_served(&mut self, error: &FatalError, why: Departure) -> bool {
        if let Some(tag) = self.output.wants_server.take() {
            let judge = &mut self.judge;
            self.session
                .not_attached(tag, error, why, &mut self.output, judge);
        }
        self.client_held = false;
        true
    }

    /// True when the server has got and sent everything, and its connection is open.
    fn nothing_is_under_way(&self) -> bool {
        self.output.to_server.is_empty()
            && self.from_server.is_empty()
            && self.cancelling.is_none()
            && !self.output.cancel
            && !self.server_told
            && !self.server_deaf
    }

    /// Whether the connection may serve another session after this end. `settled`: the session was, when it ended.
    pub(super) fn leaves_connection(&self, end: &End, settled: bool) -> bool {
        let known = match end {
            End::ServerGone(_) => false,
            End::Violation(violation) => violation.is_clients(),
            End::ClientLeft | End::ClientGone(_) | End::Told(_) => true,
        };
        known && settled && self.server.outlives() && self.nothing_is_under_way()
    }
}
