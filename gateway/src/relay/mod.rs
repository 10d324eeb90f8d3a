//! The relay: moves bytes between a client, its session and its server, and waits where there is nothing to move.
//! It decides nothing: what bytes mean is `session`'s business, what may run is `gate`'s. Below it are only sockets.

mod buffers;
mod end;
mod idle;
mod signals;
#[cfg(test)]
mod tests;

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::{Buf, BytesMut};
use tokio::io::{AsyncRead, AsyncWrite};

use crate::session::{HIGH_WATER, Judge, Output, PendingJudge, Session, ToClient};
use buffers::{with_scratch, write};
use idle::IdleWatch;
use signals::{Cancels, Task, Timer};

pub use end::{End, Ending};
pub use signals::{CancelInbox, Client, Signals};

/// A client whose next message cannot be taken yet may send this much ahead.
const READ_AHEAD: usize = 64 * 1024;

/// Buffers larger than this are given back when they are empty.
const KEEP_CAPACITY: usize = 8 * 1024;

/// One connection under way.
pub struct Relay<C, S, J: Judge> {
    client: C,
    server: S,
    session: Session<J>,
    judge: J,
    signals: Signals,
    output: Output,
    /// Bytes that were read and not yet taken.
    from_client: BytesMut,
    from_server: BytesMut,
    /// More bytes change nothing: the next message waits for something else.
    client_held: bool,
    server_held: bool,
    client_closed: bool,
    /// The server was told that the client sends no more.
    server_told: bool,
    /// The server takes no more, and what it still has to say is awaited.
    server_deaf: bool,
    cancelling: Option<Task>,
    /// Ready when the client has closed its side, though bytes of it are unread.
    client_watch: Option<Task>,
    /// When the statement that has its turn has had its time.
    timer: Option<Timer>,
    /// The session is to end as soon as it is idle.
    draining: Option<Ending>,
    idle: Option<IdleWatch>,
    cancels: Cancels,
}

impl<C, S, J> Relay<C, S, J>
where
    C: Client,
    S: AsyncRead + AsyncWrite + Unpin,
    J: PendingJudge,
{
    /// `greeting` goes to the client first; the leftovers are what was read with the handshakes.
    pub fn new(
        client: C,
        server: S,
        session: Session<J>,
        judge: J,
        signals: Signals,
        greeting: BytesMut,
        leftovers: (BytesMut, BytesMut),
    ) -> Self {
        let output = Output {
            to_client: ToClient::greeting(greeting),
            ..Output::default()
        };
        let idle = signals.idle_timeout.map(IdleWatch::new);
        let cancels = Cancels::new(Arc::clone(&signals.inbox));
        Relay {
            client,
            server,
            session,
            judge,
            signals,
            output,
            from_client: leftovers.0,
            from_server: leftovers.1,
            client_held: false,
            server_held: false,
            client_closed: false,
            server_told: false,
            server_deaf: false,
            cancelling: None,
            client_watch: None,
            timer: None,
            draining: None,
            idle,
            cancels,
        }
    }

    /// Runs the connection to its end. Cancel-safe in the sense that dropping it drops both sockets.
    pub async fn run(mut self) -> End {
        let end = poll_fn(|context| self.poll(context)).await;
        self.say_goodbye(&end).await;
        end
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<End> {
        match self.turn(context) {
            Ok(Some(end)) | Err(end) => Poll::Ready(end),
            Ok(None) => Poll::Pending,
        }
    }

    /// Moves what can be moved. `Ok(None)`: everything waits.
    fn turn(&mut self, context: &mut Context<'_>) -> Result<Option<End>, End> {
        loop {
            let mut moved = self.read_server(context)?;
            moved |= self.read_client(context)?;
            moved |= self.write_both(context)?;
            self.start_cancel();
            if self.client_closed && self.session.waits_for_decision() {
                // Nothing that it left may ever run.
                return Ok(Some(End::ClientLeft));
            }
            if self.client_is_done() && self.output.to_server.is_empty() {
                if !self.session.awaits_server() && self.output.to_client.is_empty() {
                    return Ok(Some(End::ClientLeft));
                }
                self.pass_on_the_end(context);
            }
            if self.draining.is_some() && self.session.is_idle() && self.from_client.is_empty() {
                return Ok(self.draining.take().map(End::Told));
            }
            // Last, so that whatever this turn began to wait for knows whom to wake.
            moved |= self.listen(context)?;
            if !moved {
                return Ok(None);
            }
            if let Some(idle) = &mut self.idle {
                idle.touch();
            }
        }
    }

    /// True when no message will come of the client any more.
    fn client_is_done(&self) -> bool {
        self.output.terminated || self.client_closed && !self.client_is_held()
    }

    /// The client sends no more: the server is told in the same way, and goes on or gives up as it would without a gateway.
    fn pass_on_the_end(&mut self, context: &mut Context<'_>) {
        if !self.server_told {
            // An error shows when the server is read.
            self.server_told = Pin::new(&mut self.server).poll_shutdown(context).is_ready();
        }
    }

    fn start_cancel(&mut self) {
        if std::mem::take(&mut self.output.cancel) && self.cancelling.is_none() {
            self.cancelling = Some((self.signals.cancel)());
        }
    }

    fn read_server(&mut self, context: &mut Context<'_>) -> Result<bool, End> {
        let mut moved = false;
        if !self.from_server.is_empty() && !self.server_held {
            moved |= self.offer_server_leftover()?;
        }
        if self.server_held || self.output.to_client.len() >= HIGH_WATER {
            return Ok(moved);
        }
        if with_scratch(|scratch| self.take_from_server(context, scratch))? {
            return Ok(true);
        }
        let before = self.output.to_client.len();
        self.session.flush_rows(&mut self.judge, &mut self.output);
        Ok(moved || self.output.to_client.len() != before)
    }

    /// One read of the server's socket. `false`: nothing is there now.
    fn take_from_server(
        &mut self,
        context: &mut Context<'_>,
        scratch: &mut [u8],
    ) -> Result<bool, End> {
        let count = match buffers::read(&mut self.server, context, scratch) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Ok(0)) | Poll::Ready(Err(_)) if self.server_told => {
                return Err(End::ClientLeft);
            }
            Poll::Ready(Err(error)) => return Err(End::ServerGone(error)),
            Poll::Ready(Ok(0)) => return Err(End::ServerGone(io::ErrorKind::UnexpectedEof.into())),
            Poll::Ready(Ok(count)) => count,
        };
        if self.from_server.is_empty() {
            let progress = self
                .session
                .server_bytes(&scratch[..count], &mut self.judge, &mut self.output)
                .map_err(End::Violation)?;
            self.from_server
                .extend_from_slice(&scratch[progress.consumed..count]);
            self.server_held = progress.held;
        } else {
            self.from_server.extend_from_slice(&scratch[..count]);
            self.offer_server_leftover()?;
        }
        self.client_held = false;
        Ok(true)
    }

    fn offer_server_leftover(&mut self) -> Result<bool, End> {
        let progress = self
            .session
            .server_bytes(&self.from_server, &mut self.judge, &mut self.output)
            .map_err(End::Violation)?;
        self.from_server.advance(progress.consumed);
        self.server_held = progress.held;
        self.client_held &= progress.consumed == 0;
        shrink(&mut self.from_server);
        Ok(progress.consumed > 0)
    }

    fn read_client(&mut self, context: &mut Context<'_>) -> Result<bool, End> {
        let mut moved = false;
        if !self.from_client.is_empty() && !self.client_is_held() {
            moved |= self.offer_client_leftover()?;
        }
        if self.client_closed || self.output.to_server.len() >= HIGH_WATER {
            return Ok(moved);
        }
        if self.client_is_held() && self.from_client.len() >= READ_AHEAD {
            return Ok(moved);
        }
        Ok(with_scratch(|scratch| self.take_from_client(context, scratch))? || moved)
    }

    /// One read of the client's socket. `false`: nothing is there now.
    fn take_from_client(
        &mut self,
        context: &mut Context<'_>,
        scratch: &mut [u8],
    ) -> Result<bool, End> {
        let count = match buffers::read(&mut self.client, context, scratch) {
            Poll::Pending => return Ok(false),
            Poll::Ready(Err(error)) => return Err(End::ClientGone(error)),
            Poll::Ready(Ok(0)) => {
                self.client_closed = true;
                return Ok(true);
            }
            Poll::Ready(Ok(count)) => count,
        };
        if self.from_client.is_empty() && self.cancelling.is_none() {
            let progress = self
                .session
                .client_bytes(&scratch[..count], &mut self.judge, &mut self.output)
                .map_err(End::Violation)?;
            self.from_client
                .extend_from_slice(&scratch[progress.consumed..count]);
            self.client_held = progress.held;
        } else {
            self.from_client.extend_from_slice(&scratch[..count]);
            if !self.client_is_held() {
                self.offer_client_leftover()?;
            }
        }
        Ok(true)
    }

    fn client_is_held(&self) -> bool {
        self.client_held || self.cancelling.is_some()
    }

    fn offer_client_leftover(&mut self) -> Result<bool, End> {
        let progress = self
            .session
            .client_bytes(&self.from_client, &mut self.judge, &mut self.output)
            .map_err(End::Violation)?;
        self.from_client.advance(progress.consumed);
        self.client_held = progress.held;
        shrink(&mut self.from_client);
        Ok(progress.consumed > 0)
    }

    fn write_both(&mut self, context: &mut Context<'_>) -> Result<bool, End> {
        if self.server_deaf {
            self.output.to_server.clear();
        }
        let to_server = match write(&mut self.server, &mut self.output.to_server, context) {
            Ok(moved) => moved,
            // Its last words may still be there to be read.
            Err(_) => {
                self.server_deaf = true;
                self.output.to_server.clear();
                true
            }
        };
        let to_client = write(&mut self.client, &mut self.output.to_client, context)
            .map_err(End::ClientGone)?;
        if to_client {
            self.server_held = false;
        }
        if to_server {
            self.client_held = false;
            self.server_held = false;
        }
        Ok(to_server || to_client)
    }
}

fn shrink(bytes: &mut BytesMut) {
    if bytes.is_empty() && bytes.capacity() > KEEP_CAPACITY {
        *bytes = BytesMut::new();
    }
}
