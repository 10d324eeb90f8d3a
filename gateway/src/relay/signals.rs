//! What the relay hears besides the two sockets: the end of the session, cancel requests, judgements, and clocks.

use std::future::Future;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use futures_util::task::AtomicWaker;
use tokio::io::{AsyncRead, AsyncWrite, Interest};
use tokio::net::TcpStream;

use super::{End, EndSignal, READ_AHEAD, Relay, Server};
use crate::listener::ClientStream;
use crate::session::PendingJudge;

pub(super) type Task = Pin<Box<dyn Future<Output = ()>>>;

/// A client's connection.
pub trait Client: AsyncRead + AsyncWrite + Unpin {
    /// Completes when the client has closed or half-closed the connection, although bytes that it sent before are unread.
    fn closed(&self) -> Task;
}

impl Client for ClientStream {
    fn closed(&self) -> Task {
        let socket = self.socket().as_fd().try_clone_to_owned();
        Box::pin(async move {
            if let Err(error) = closed(socket).await {
                tracing::warn!(%error, "a held client's connection cannot be watched; its end is noticed when its statement is decided");
                std::future::pending::<()>().await;
            }
        })
    }
}

/// A second descriptor of the socket has events of its own: the end of the stream is one of them, wherever reading stopped.
async fn closed(socket: io::Result<OwnedFd>) -> io::Result<()> {
    let socket = TcpStream::from_std(socket?.into())?;
    loop {
        if socket.ready(Interest::READABLE).await?.is_read_closed() {
            return Ok(());
        }
        // Nothing is read here, so only the next event counts.
        let _ = socket.try_io(Interest::READABLE, || {
            Err::<(), _>(io::ErrorKind::WouldBlock.into())
        });
    }
}

/// What the relay is told from outside.
pub struct Signals {
    pub end: EndSignal,
    /// A session outside a transaction that has had no message for so long is ended.
    pub idle_timeout: Option<Duration>,
    /// Starts a cancel of whatever the server is doing for this session; completes when the server has taken note.
    pub cancel: Box<dyn Fn() -> Task>,
    /// The client's cancel requests.
    pub inbox: Arc<CancelInbox>,
}

/// Where a cancel request finds a statement that is held in the gateway, for whatever reason. Shared by the relay and whoever accepts cancel requests.
#[derive(Debug, Default)]
pub struct CancelInbox {
    holds: AtomicBool,
    requested: AtomicBool,
    relay: AtomicWaker,
}

impl CancelInbox {
    /// A cancel request has come. True: a statement is held, and its relay was told; false: the request is the server's.
    pub fn request(&self) -> bool {
        let holds = self.holds();
        if holds {
            self.requested.store(true, Ordering::Release);
            self.relay.wake();
        }
        holds
    }

    /// True while a statement is held.
    pub fn holds(&self) -> bool {
        self.holds.load(Ordering::Acquire)
    }
}

/// The relay's side of the inbox.
pub(super) struct Cancels {
    inbox: Arc<CancelInbox>,
    holds: bool,
}

impl Cancels {
    pub fn new(inbox: Arc<CancelInbox>) -> Self {
        Cancels {
            inbox,
            holds: false,
        }
    }

    /// Says whether a statement is held, and whether a request came since. Costs next to nothing while nothing is held: the waker is
    /// registered before `holds` is true, and a request that comes too late still finds it.
    fn poll(&mut self, holds: bool, context: &mut Context<'_>) -> bool {
        if holds {
            self.inbox.relay.register(context.waker());
        }
        if holds != self.holds {
            self.holds = holds;
            self.inbox.holds.store(holds, Ordering::Release);
        }
        self.was_requested()
    }

    /// Whether a request came since.
    pub(super) fn was_requested(&self) -> bool {
        self.inbox.requested.load(Ordering::Acquire)
            && self.inbox.requested.swap(false, Ordering::AcqRel)
    }
}

/// The time of one statement.
pub(super) struct Timer {
    turn: u64,
    /// `None` once it is over.
    sleep: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl<C, S, J> Relay<C, S, J>
where
    C: Client,
    S: Server,
    J: PendingJudge,
{
    /// Hears signals and judgements. True when one came.
    pub(super) fn listen(&mut self, context: &mut Context<'_>) -> Result<bool, End> {
        let mut heard = false;
        if self.draining.is_none()
            && let Some(ending) = self.signals.end.take(context)
        {
            if ending.waits_for_idle() {
                self.draining = Some(ending);
                heard = true;
            } else {
                return Err(End::Told(ending));
            }
        }
        if let Some(idle) = &mut self.idle
            && let Poll::Ready(ending) =
                idle.poll(self.session.is_idle() && !self.client_held, context)
        {
            return Err(End::Told(ending));
        }
        if self.judge.poll_pending(context).is_ready() {
            self.client_held = false;
            self.server_held = false;
            heard = true;
        }
        heard |= self.hear_client(context)?;
        heard |= self.watch_time(context);
        if let Some(task) = &mut self.cancelling
            && task.as_mut().poll(context).is_ready()
        {
            self.cancelling = None;
            self.client_held = false;
            heard = true;
        }
        Ok(heard)
    }

    /// True when the statement that has its turn was told that its time is up.
    fn watch_time(&mut self, context: &mut Context<'_>) -> bool {
        let Some((turn, limit)) = self.session.time_limit() else {
            self.timer = None;
            return false;
        };
        let timer = match &mut self.timer {
            Some(timer) if timer.turn == turn => timer,
            _ => self.timer.insert(Timer {
                turn,
                sleep: Some(Box::pin(tokio::time::sleep(limit))),
            }),
        };
        let up = timer
            .sleep
            .as_mut()
            .is_some_and(|sleep| sleep.as_mut().poll(context).is_ready());
        if up {
            timer.sleep = None;
            self.session.time_is_up(&mut self.judge, &mut self.output);
        }
        up
    }

    /// What the client does while a statement of it is held, or waits for a connection: it may cancel, or leave.
    fn hear_client(&mut self, context: &mut Context<'_>) -> Result<bool, End> {
        let in_line = self.waits_for_server();
        let can_cancel = in_line || self.session.can_cancel() || self.is_held_back();
        let cancelled = self.cancels.poll(can_cancel, context);
        if cancelled {
            if in_line {
                self.stop_waiting();
            } else if self.session.cancel(&mut self.judge, &mut self.output) {
                self.client_held = false;
                self.server_held = false;
            } else {
                // It was let go in the meantime, so the server has it.
                self.output.cancel = true;
            }
        }
        // With room to read, the end of the stream shows by itself.
        let waits = self.waits_for_server() || self.session.waits_for_decision();
        if !waits || self.from_client.len() < READ_AHEAD {
            self.client_watch = None;
            return Ok(cancelled);
        }
        let client = &self.client;
        let watch = self.client_watch.get_or_insert_with(|| client.closed());
        if watch.as_mut().poll(context).is_ready() {
            return Err(End::ClientLeft);
        }
        Ok(cancelled)
    }
}
