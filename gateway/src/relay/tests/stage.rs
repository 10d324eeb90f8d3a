//! A relay at work: the judge of a few words, a server that keeps PostgreSQL's rules, and handles to what is inside.

use std::cell::{Cell, RefCell};
use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::BytesMut;
use gatewright_wire::FatalError;
use gatewright_wire::frame::{self, Side};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Notify;
use tokio::time::timeout;

use super::super::signals::Task;
use super::super::{CancelInbox, Client, End, EndSignal, Relay, Server as RelayServer, Signals};
use super::SOON;
use crate::listener::ClientStream;
use crate::pool::Attachment;
use crate::recording::SessionRecord;
use crate::results::PseudonymKey;
use crate::session::tests::judge::{Decision, Ledger, WordJudge};
use crate::session::tests::play::tags;
use crate::session::tests::server::Server;
use crate::session::{ServerAtStart, Session, SessionStart};

/// The ends of a duplex stream are told by reading alone.
impl Client for DuplexStream {
    fn closed(&self) -> Task {
        Box::pin(std::future::pending())
    }
}

/// A connection of the session's own.
impl RelayServer for DuplexStream {
    fn poll_attach(&mut self, _: &mut Context<'_>) -> Poll<Result<Attachment, FatalError>> {
        Poll::Pending
    }

    fn stop_waiting(&mut self) {}

    fn give_back(&mut self, _: Attachment) {}

    fn outlives(&self) -> bool {
        false
    }
}

pub(super) struct Stage {
    pub(super) decision: Rc<Decision>,
    pub(super) withdrawn: Rc<Cell<usize>>,
    /// How many `slow` statements were judged.
    pub(super) slow: Rc<Cell<usize>>,
    /// No end is taken note of before a decision is made.
    pub(super) notes_late: Rc<Cell<bool>>,
    pub(super) ledger: Rc<RefCell<Ledger>>,
    pub(super) inbox: Arc<CancelInbox>,
    pub(super) cancels: Rc<Cell<usize>>,
    ran: Rc<RefCell<Vec<String>>>,
    sent: Rc<Cell<usize>>,
    leave: Rc<Notify>,
    relay: RefCell<Option<std::pin::Pin<Box<dyn Future<Output = End>>>>>,
    server: RefCell<Option<Task>>,
}

impl Stage {
    pub(super) fn begin<C: Client + 'static>(client: C) -> Self {
        Self::with(client, true, SessionRecord::default())
    }

    /// With a server that reads and says nothing.
    pub(super) fn silent<C: Client + 'static>(client: C) -> Self {
        Self::with(client, false, SessionRecord::default())
    }

    /// What is sent to the server is recorded first.
    pub(super) fn recorded<C: Client + 'static>(client: C, record: SessionRecord) -> Self {
        Self::with(client, true, record)
    }

    fn with<C: Client + 'static>(client: C, answers: bool, record: SessionRecord) -> Self {
        let (gateway, server) = duplex(1 << 16);
        let judge = WordJudge::default();
        let (decision, withdrawn) = (Rc::clone(&judge.decision), Rc::clone(&judge.withdrawn));
        let ledger = Rc::clone(&judge.ledger);
        let slow = Rc::clone(&judge.slow);
        let notes_late = Rc::clone(&judge.notes_late);
        let inbox: Arc<CancelInbox> = Arc::default();
        let cancels: Rc<Cell<usize>> = Rc::default();
        let signals = Signals {
            end: EndSignal::never(),
            idle_timeout: None,
            cancel: {
                let cancels = Rc::clone(&cancels);
                Box::new(move || {
                    cancels.set(cancels.get() + 1);
                    Box::pin(async {})
                })
            },
            inbox: Arc::clone(&inbox),
        };
        let start = SessionStart {
            server: ServerAtStart::Own,
            names: None,
            standard_conforming_strings: true,
            client_encoding: "UTF8".into(),
            server_encoding: "UTF8".into(),
            status: b'I',
            max_message: 1 << 20,
        };
        let session = Session::new(start, Arc::new(PseudonymKey::from_bytes([7; 32])));
        let empty = || (BytesMut::new(), BytesMut::new());
        let relay = Relay::new(
            client,
            gateway,
            session,
            judge,
            signals,
            BytesMut::new(),
            empty(),
        );
        let relay = Box::new(relay.recorded(record));
        let (ran, sent, leave) = (Rc::default(), Rc::default(), Rc::default());
        let serving = serve(
            server,
            answers,
            Rc::clone(&ran),
            Rc::clone(&sent),
            Rc::clone(&leave),
        );
        Stage {
            decision,
            withdrawn,
            slow,
            notes_late,
            ledger,
            inbox,
            cancels,
            ran,
            sent,
            leave,
            relay: RefCell::new(Some(Box::pin(relay.run()))),
            server: RefCell::new(Some(Box::pin(serving))),
        }
    }

    /// Plays the client's part beside the relay and the server.
    pub(super) async fn run<T>(&self, client: impl Future<Output = T>) -> T {
        let mut relay = self.relay.borrow_mut().take().expect("a stage plays once");
        let mut server = self.server.borrow_mut().take().expect("a stage plays once");
        let both = async {
            tokio::join!(&mut relay, &mut server);
        };
        let played = async {
            tokio::select! {
                seen = client => seen,
                () = both => panic!("the relay ended before its client"),
            }
        };
        timeout(SOON, played).await.expect("soon")
    }

    /// Plays the client's part to its end, and the relay to its own.
    pub(super) async fn until_end(&self, client: impl Future<Output = ()>) -> End {
        let relay = self.relay.borrow_mut().take().expect("a stage plays once");
        let server = self.server.borrow_mut().take().expect("a stage plays once");
        let played = async { tokio::join!(client, relay, server) };
        timeout(SOON, played).await.expect("soon").1
    }

    pub(super) async fn until_held(&self) {
        while !self.inbox.holds() {
            tokio::task::yield_now().await;
        }
    }

    pub(super) async fn until_sent(&self) {
        while self.sent.get() == 0 {
            tokio::task::yield_now().await;
        }
    }

    pub(super) async fn until_ran(&self, text: &str) {
        while self.ran().last().is_none_or(|last| last != text) {
            tokio::task::yield_now().await;
        }
    }

    pub(super) fn server_leaves(&self) {
        self.leave.notify_one();
    }

    /// The statements that the server has run.
    pub(super) fn ran(&self) -> Vec<String> {
        self.ran.borrow().clone()
    }
}

async fn serve(
    mut socket: DuplexStream,
    answers: bool,
    ran: Rc<RefCell<Vec<String>>>,
    sent: Rc<Cell<usize>>,
    leave: Rc<Notify>,
) {
    let mut server = Server::new(false);
    let mut bytes = [0; 4096];
    loop {
        let count = tokio::select! {
            count = socket.read(&mut bytes) => count.unwrap_or(0),
            () = leave.notified() => return,
        };
        if count == 0 {
            return;
        }
        sent.set(sent.get() + count);
        server.take(&bytes[..count]);
        ran.borrow_mut().clone_from(&server.ran);
        let said = server.output.split();
        if answers && socket.write_all(&said).await.is_err() {
            return;
        }
    }
}

/// Reads until so many ReadyForQuery have come.
pub(super) async fn replies(client: &mut (impl AsyncRead + Unpin), count: usize) -> Vec<String> {
    let mut seen = BytesMut::new();
    loop {
        let mut rest = &seen[..];
        let mut ready = 0;
        while let Ok(Some(frame)) = frame::next_frame(rest, Side::Backend, usize::MAX) {
            ready += usize::from(frame.tag == b'Z');
            rest = &rest[frame.bytes.len()..];
        }
        if ready == count {
            return tags(&seen, Side::Backend);
        }
        let got = client.read_buf(&mut seen).await.expect("an open stream");
        assert!(got > 0, "the gateway closed the connection");
    }
}

/// A client's socket and the gateway's side of it.
pub(super) async fn sockets() -> (TcpStream, ClientStream) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
    let accepted = accepted.expect("a client").0;
    (client.expect("a listener"), ClientStream::Plain(accepted))
}
