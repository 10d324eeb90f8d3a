//! The relay: moves bytes between a client, its session and its server, and waits when there is nothing to move. It decides nothing: the
//! session knows what bytes mean, and the gate what may run.

mod buffers;
mod end;
mod end_signal;
mod idle;
mod server;
mod signals;
#[cfg(test)]
mod tests;

use std::future::{Future, poll_fn};
use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Instant;

use bytes::{Buf, BytesMut};
use tokio::task::yield_now;

use crate::recording::{Barrier, SessionRecord};
use crate::session::{Departure, Judge, Output, PendingJudge, Session, ToClient, shrink};
use buffers::{with_scratch, write};
use idle::IdleWatch;
use signals::{Cancels, Task, Timer};

pub use end::{End, Ending};
pub use end_signal::EndSignal;
pub use server::Server;
pub use signals::{CancelInbox, Client, Signals};

/// How many bytes are read ahead, at least, while the client's next message has to wait.
const READ_AHEAD: usize = 64 * 1024;

/// What a handshake has read beyond its end. Mostly nothing, in a buffer that the handshake needed.
fn left(bytes: BytesMut) -> BytesMut {
    match bytes.is_empty() {
        true => BytesMut::new(),
        false => bytes,
    }
}

/// One client connection with its server connection.
pub struct Relay<C, S, J: Judge> {
    client: C,
    server: S,
    session: Session<J>,
    judge: J,
    signals: Signals,
    output: Output,
    /// Bytes that were read and not taken by the session yet.
    from_client: BytesMut,
    from_server: BytesMut,
    /// The next message waits for something other than more bytes.
    client_held: bool,
    server_held: bool,
    /// Nothing was available in this turn. When something is, there is another one.
    client_is_quiet: bool,
    server_is_quiet: bool,
    client_closed: bool,
    /// The server's connection was half-closed, because the client's was.
    server_told: bool,
    /// In front of the server's connection.
    barrier: Barrier,
    /// Writing to the server fails, but its last messages may still be read.
    server_deaf: bool,
    cancelling: Option<Task>,
    /// Completes when the client has closed its connection while bytes of it are unread.
    client_watch: Option<Task>,
    /// The time limit of the statement that the server is processing.
    timer: Option<Timer>,
    /// The session ends as soon as it is idle.
    draining: Option<Ending>,
    idle: Option<IdleWatch>,
    cancels: Cancels,
    /// Why nobody waits for answers once the connection has ended.
    departure: Departure,
}

impl<C, S, J> Relay<C, S, J>
where
    C: Client,
    S: Server,
    J: PendingJudge,
{
    /// `greeting` is sent to the client first. `leftovers`: what was read from the client and from the server beyond their handshakes.
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
            from_client: left(leftovers.0),
            from_server: left(leftovers.1),
            client_held: false,
            server_held: false,
            client_is_quiet: false,
            server_is_quiet: false,
            client_closed: false,
            server_told: false,
            barrier: Barrier::default(),
            server_deaf: false,
            cancelling: None,
            client_watch: None,
            timer: None,
            draining: None,
            idle,
            cancels,
            departure: Departure::default(),
        }
    }

    /// The same, with a record of what passes to the client and of what it copies in. What is attempted leaves for the server once it is
    /// in there.
    pub fn recorded(mut self, record: SessionRecord) -> Self {
        self.barrier = Barrier::new(record.clone());
        self.output.to_client.set_record(record);
        self
    }

    /// Runs the connection to its end. Cancel-safe in the sense that dropping it drops both sockets.
    pub async fn run(mut self: Box<Self>) -> End {
        let end = poll_fn(|context| self.poll(context)).await;
        self.say_goodbye(&end).await;
        if let Some(told) = (*self).ends_left() {
            told.await;
        }
        end
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<End> {
        match self.turn(context) {
            Ok(Some(end)) | Err(end) => Poll::Ready(end),
            Ok(None) => Poll::Pending,
        }
    }

    /// Moves what can be moved. `Ok(None)`: nothing can, or others have to have their turn first.
    fn turn(&mut self, context: &mut Context<'_>) -> Result<Option<End>, End> {
        self.output.slice.begin(Instant::now());
        self.client_is_quiet = false;
        self.server_is_quiet = false;
        loop {
            let mut moved = self.read_server(context)?;
            moved |= self.read_client(context)?;
            moved |= self.write_both(context)?;
            self.start_cancel();
            moved |= self.settle_server(context);
            if self.client_closed && (self.session.waits_for_decision() || self.waits_for_server())
            {
                // A statement that its client left must never run, nor take a connection from others.
                return Ok(Some(End::ClientLeft));
            }
            if self.client_closed && !self.output.to_server.is_empty() && self.barrier.is_stuck() {
                // It would run whenever somebody has made room for the record.
                return Ok(Some(End::ClientLeft));
            }
            if self.client_is_done() && self.output.to_server.is_empty() {
                if !self.session.awaits_server() && self.output.to_client.is_empty() {
                    return Ok(Some(End::ClientLeft));
                }
                self.pass_on_the_end(context);
            }
            let is_over = self.session.is_idle() && self.from_client.is_empty();
            // Nobody would decide in time.
            if self.draining.is_some() && (is_over || self.session.waits_for_decision()) {
                return Ok(self.draining.take().map(End::Told));
            }
            // Last, so that everything this turn started to wait for has a waker.
            moved |= self.listen(context)?;
            if !moved && !self.output.slice.is_over() {
                return Ok(None);
            }
            if let Some(idle) = &mut self.idle {
                idle.touch();
            }
            if self.output.slice.look() {
                self.let_others(context);
                return Ok(None);
            }
        }
    }

    /// Goes on in the next slice, also with what has stopped for lack of time.
    fn let_others(&mut self, context: &mut Context<'_>) {
        self.client_held = false;
        self.server_held = false;
        // Unlike a plain wake-up, this also lets the sockets of others be looked at.
        let _ = pin!(yield_now()).poll(context);
    }

    /// True when the client will send no further message.
    fn client_is_done(&self) -> bool {
        self.output.terminated || self.client_closed && !self.client_is_held()
    }

    /// The client sends no more: the server's connection is half-closed too, and the server reacts as it would without a gateway.
    fn pass_on_the_end(&mut self, context: &mut Context<'_>) {
        if !self.server_told {
            // An error shows when the server's connection is read.
            self.server_told = Pin::new(&mut self.server).poll_shutdown(context).is_ready();
        }
    }

    fn start_cancel(&mut self) {
        // It would reach the server before the statement does.
        if self.is_held_back() {
            return;
        }
        if std::mem::take(&mut self.output.cancel) && self.cancelling.is_none() {
            self.cancelling = Some((self.signals.cancel)());
        }
    }

    fn read_server(&mut self, context: &mut Context<'_>) -> Result<bool, End> {
        let mut moved = false;
        if !self.from_server.is_empty() && !self.server_held {
            moved |= self.offer_server_leftover()?;
        }
        if self.server_held || self.output.to_client.is_full() {
            return Ok(moved);
        }
        if !self.server_is_quiet && with_scratch(|scratch| self.take_from_server(context, scratch))?
        {
            return Ok(true);
        }
        let before = self.output.to_client.len();
        self.session.flush_rows(&mut self.judge, &mut self.output);
        Ok(moved || self.output.to_client.len() != before)
    }

    /// One read from the server. `false`: nothing was available.
    fn take_from_server(
        &mut self,
        context: &mut Context<'_>,
        scratch: &mut [u8],
    ) -> Result<bool, End> {
        let count = match buffers::read(&mut self.server, context, scratch) {
            Poll::Pending => {
                self.server_is_quiet = true;
                return Ok(false);
            }
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
        if self.session.waits_for_decision() && !self.client_is_held() {
            // It may be about to run. A client that has left by now has left before.
            moved |= self.read_ahead(context)?;
            if self.client_closed {
                return Ok(true);
            }
        }
        if !self.from_client.is_empty() && !self.client_is_held() {
            moved |= self.offer_client_leftover()?;
        }
        if self.client_closed || self.output.is_full_for_client() {
            return Ok(moved);
        }
        if self.client_is_held() && self.from_client.len() >= READ_AHEAD {
            return Ok(moved);
        }
        let read = !self.client_is_quiet
            && with_scratch(|scratch| self.take_from_client(context, scratch))?;
        Ok(read || moved)
    }

    /// One read from the client. `false`: nothing was available.
    fn take_from_client(
        &mut self,
        context: &mut Context<'_>,
        scratch: &mut [u8],
    ) -> Result<bool, End> {
        let count = match buffers::read(&mut self.client, context, scratch) {
            Poll::Pending => {
                self.client_is_quiet = true;
                return Ok(false);
            }
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

    /// Reads what the client has sent behind a statement that is held, without looking at it. True when something came.
    fn read_ahead(&mut self, context: &mut Context<'_>) -> Result<bool, End> {
        let mut moved = false;
        while !self.client_closed && self.from_client.len() < READ_AHEAD {
            let ahead = &mut self.from_client;
            let client = &mut self.client;
            let read = with_scratch(|scratch| {
                let read = buffers::read(client, context, scratch);
                if let Poll::Ready(Ok(count)) = read {
                    ahead.extend_from_slice(&scratch[..count]);
                }
                read
            });
            match read {
                Poll::Pending => break,
                Poll::Ready(Err(error)) => return Err(End::ClientGone(error)),
                Poll::Ready(Ok(0)) => self.client_closed = true,
                Poll::Ready(Ok(_)) => {}
            }
            moved = true;
        }
        Ok(moved)
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

    /// Whether something waits to be recorded before it is sent.
    fn is_held_back(&self) -> bool {
        !self.output.to_server.is_empty() && self.barrier.is_closed()
    }

    fn write_both(&mut self, context: &mut Context<'_>) -> Result<bool, End> {
        if self.server_deaf {
            self.output.to_server.clear();
        }
        let may_send =
            self.output.to_server.is_empty() || self.barrier.poll_open(context).is_ready();
        let sent = match may_send {
            true => write(&mut self.server, &mut self.output.to_server, context),
            false => Ok(false),
        };
        let to_server = match sent {
            Ok(moved) => moved,
            // Its last messages may still be readable.
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
