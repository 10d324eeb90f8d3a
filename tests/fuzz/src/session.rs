//! Fuzz target: a conversation in which client and server send in turns, with the real gate and no policies.

use std::sync::Arc;
use std::thread;
use std::time::SystemTime;

use bytes::Buf;
use gatewright::catalog::CatalogHandle;
use gatewright::gate::{
    DatabaseMetrics, Gate, GateMetrics, GateSettings, People, Policies, SessionGate,
};
use gatewright::identity::Identity;
use gatewright::results::PseudonymKey;
use gatewright::session::{Completion, Departure, Output, Session, SessionStart};
use gatewright_contract as contract;
use gatewright_sql::{Catalog, STACK_BYTES, Settings, Verb};
use gatewright_wire::frame::{self, FrameError, Side};
use gatewright_wire::frontend;

/// The statement sent in place of a refused one.
const STAND_IN: &str = "gatewright_refused_this_statement";

/// Longer statements are analysed asynchronously.
const MAX_BYTES: usize = 8 * 1024;

/// Plays the bytes. Each chunk begins with a byte that gives its sender (lowest bit; 1 is the server) and its length (the
/// other bits, times four).
///
/// # Panics
/// If the session panics, writes bytes that are not messages, or forwards a statement that it could not analyse.
pub fn session(bytes: &[u8]) {
    let bytes = &bytes[..bytes.len().min(MAX_BYTES)];
    thread::scope(|scope| {
        let builder = thread::Builder::new().stack_size(STACK_BYTES);
        let played = builder
            .spawn_scoped(scope, || play(bytes))
            .map(|thread| thread.join());
        match played {
            Ok(Ok(())) => {}
            Ok(Err(panic)) => std::panic::resume_unwind(panic),
            Err(error) => panic!("the thread could not be started: {error}"),
        }
    });
}

struct NoMetrics;

impl GateMetrics for NoMetrics {
    fn verdict(&self, _: Verb, _: &'static str) {}
    fn completed(&self, _: Verb, _: f64, _: &Completion) {}
    fn held(&self, _: bool) {}
    fn decided(&self, _: &'static str) {}
    fn shadow(&self, _: &str, _: &'static str) {}
    fn database(&self, _: &str) -> Option<Arc<dyn DatabaseMetrics>> {
        None
    }
}

fn judge() -> SessionGate {
    let policies = Arc::new(Policies::none());
    let gate = Gate::new(
        GateSettings::default(),
        policies,
        People::Nobody,
        None,
        Arc::new(NoMetrics),
    );
    let identity = Identity {
        subject: "somebody".to_owned(),
        issuer: "https://id.example".to_owned(),
        groups: Vec::new(),
        agent: None,
        task: None,
        program: false,
        attributes: Vec::new(),
        expires_at: SystemTime::UNIX_EPOCH,
    };
    let session = contract::Session {
        id: contract::SessionId::generate(),
        database: "here".to_owned(),
        role: "role".to_owned(),
        application: String::new(),
        client_address: String::new(),
        in_transaction: false,
        started_ms: 0,
        settings: Vec::new(),
    };
    let target = "postgres://role@localhost/here?sslmode=disable".parse();
    let target = target.expect("a connection string");
    gate.session(session, &identity, CatalogHandle::new(target))
}

fn play(mut bytes: &[u8]) {
    let mut judge = judge();
    let start = SessionStart {
        server: gatewright::session::ServerAtStart::Own,
        names: None,
        standard_conforming_strings: true,
        client_encoding: "UTF8".to_owned(),
        server_encoding: "UTF8".to_owned(),
        status: b'I',
        max_message: 64 * 1024,
    };
    let key = Arc::new(PseudonymKey::from_bytes([7; 32]));
    let mut session = Session::new(start, key);
    let mut output = Output::default();
    let (mut from_client, mut from_server) = (Vec::new(), Vec::new());
    while let Some((head, rest)) = bytes.split_first() {
        let (piece, after) = rest.split_at(rest.len().min(usize::from(head >> 1) * 4));
        bytes = after;
        if head & 1 == 0 {
            from_client.extend_from_slice(piece);
        } else {
            from_server.extend_from_slice(piece);
        }
        let Ok(progress) = session.server_bytes(&from_server, &mut judge, &mut output) else {
            break;
        };
        from_server.drain(..progress.consumed);
        session.flush_rows(&mut judge, &mut output);
        let Ok(progress) = session.client_bytes(&from_client, &mut judge, &mut output) else {
            break;
        };
        from_client.drain(..progress.consumed);
    }
    let sent = output.to_server.copy_to_bytes(output.to_server.len());
    check(&sent);
    while !session.close(Departure::ClientLeft, &mut judge, &mut output) {}
}

/// Asserts that the server receives only messages, and only statements that can be analysed.
fn check(mut sent: &[u8]) {
    loop {
        let next = frame::next_frame(sent, Side::Frontend, usize::MAX);
        if let Err(FrameError::UnknownTag { .. }) = next {
            // An unknown type is forwarded for the server to reject, during COPY or after one.
            assert_eq!(sent.get(1..5), Some(&[0, 0, 0, 4][..]));
            sent = &sent[5..];
            continue;
        }
        let Some(frame) = next.expect("the session sends well-formed messages") else {
            return;
        };
        let text = match frame.tag {
            // An empty message replaces a malformed one; the server cannot read it either.
            _ if frame.body.is_empty() => b"",
            b'Q' => frontend::Query::decode(frame.body).expect("a Query").text,
            b'P' => frontend::Parse::decode(frame.body).expect("a Parse").text,
            _ => b"",
        };
        // Text that is not UTF-8 was analysed in the server's client_encoding.
        if let Ok(text) = std::str::from_utf8(text)
            && text != STAND_IN
            && !is_closed_at_once(frame.tag, &sent[frame.bytes.len()..])
        {
            assert_analysable(text);
        }
        sent = &sent[frame.bytes.len()..];
    }
}

/// True for a Parse of which nothing can be run: the statement is closed, and then an error follows.
fn is_closed_at_once(tag: u8, behind: &[u8]) -> bool {
    let next = |bytes| frame::next_frame(bytes, Side::Frontend, usize::MAX).ok()?;
    let Some(close) = next(behind) else {
        return false;
    };
    let stand_in = next(&behind[close.bytes.len()..]);
    let fails = stand_in.is_some_and(|frame| {
        frame.tag == b'P'
            && frontend::Parse::decode(frame.body)
                .is_ok_and(|parse| parse.text == STAND_IN.as_bytes())
    });
    tag == b'P' && close.tag == b'C' && fails
}

/// `standard_conforming_strings` may have changed in between, so either value will do.
fn assert_analysable(text: &str) {
    let reads = |standard_conforming_strings| {
        let settings = Settings {
            standard_conforming_strings,
            ..Settings::default()
        };
        gatewright_sql::analyze(text, &Catalog::default(), &settings).is_ok()
    };
    assert!(
        reads(true) || reads(false),
        "forwarded without analysis: {text}"
    );
}
