//! Both ends of a session, played by a test.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::{Buf, Bytes, BytesMut};
use gatewright_wire::backend::TransactionStatus;
use gatewright_wire::{ErrorFields, build};

use super::super::*;
use super::judge::WordJudge;
use crate::results::PseudonymKey;
use crate::session::refusal::STAND_IN;

/// A session between two ends that the test plays.
pub(crate) struct Play {
    pub(crate) session: Session<WordJudge>,
    pub(crate) judge: WordJudge,
    pub(crate) output: Output,
    pub(crate) waiting: BytesMut,
}

impl Play {
    pub(crate) fn new() -> Self {
        Play::of_database("UTF8")
    }

    /// A session with a database in this encoding.
    pub(crate) fn of_database(encoding: &str) -> Self {
        let start = SessionStart {
            standard_conforming_strings: true,
            client_encoding: "UTF8".into(),
            server_encoding: encoding.into(),
            server: crate::session::ServerAtStart::Own,
            names: None,
            status: b'I',
            max_message: 1 << 20,
        };
        let key = Arc::new(PseudonymKey::from_bytes([7; 32]));
        Play {
            session: Session::new(start, key),
            judge: WordJudge::default(),
            output: Output::default(),
            waiting: BytesMut::new(),
        }
    }

    /// Begins a time slice, or one whose time is over already: no more than a few steps are made in it.
    pub(crate) fn slice(&mut self, spent: bool) {
        let now = Instant::now();
        let past = now.checked_sub(Duration::from_secs(1));
        let begins = if spent { past } else { Some(now) };
        let begins = begins.expect("the clock is past its first second");
        self.output.slice.begin(begins);
    }

    pub(crate) fn offer(&mut self) {
        let progress = self
            .session
            .client_bytes(&self.waiting, &mut self.judge, &mut self.output)
            .expect("the client is well-behaved");
        let _ = self.waiting.split_to(progress.consumed);
    }

    pub(crate) fn client(&mut self, write: impl FnOnce(&mut BytesMut)) {
        write(&mut self.waiting);
        self.offer();
    }

    pub(crate) fn server(&mut self, write: impl FnOnce(&mut BytesMut)) {
        let mut bytes = BytesMut::new();
        write(&mut bytes);
        let progress = self
            .session
            .server_bytes(&bytes, &mut self.judge, &mut self.output)
            .expect("the server is well-behaved");
        assert_eq!(progress.consumed, bytes.len());
        self.session.flush_rows(&mut self.judge, &mut self.output);
        self.offer();
    }

    /// The client prepares a statement under this name.
    pub(crate) fn prepare(&mut self, name: &str, text: &str) {
        self.client(|out| {
            parse(name, text)(out);
            build::sync(out);
        });
        self.server(|out| {
            build::parse_complete(out);
            build::ready_for_query(out, TransactionStatus::Idle);
        });
    }

    /// Bytes of the server that may end anywhere. Returns how many of them are done with.
    pub(crate) fn server_piece(&mut self, bytes: &[u8]) -> usize {
        let progress = self
            .session
            .server_bytes(bytes, &mut self.judge, &mut self.output)
            .expect("the server is well-behaved");
        self.session.flush_rows(&mut self.judge, &mut self.output);
        self.offer();
        progress.consumed
    }

    /// Tags of what waits to go to the server; texts of Query and Parse behind theirs.
    pub(crate) fn sent(&mut self) -> Vec<String> {
        let bytes = take(&mut self.output.to_server);
        tags(&bytes, gatewright_wire::frame::Side::Frontend)
    }

    pub(crate) fn replied(&mut self) -> Vec<String> {
        let bytes = take(&mut self.output.to_client);
        tags(&bytes, gatewright_wire::frame::Side::Backend)
    }
}

/// All that waits to be written.
pub(crate) fn take(bytes: &mut impl Buf) -> Bytes {
    bytes.copy_to_bytes(bytes.remaining())
}

pub(crate) fn tags(mut bytes: &[u8], side: gatewright_wire::frame::Side) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(frame) = gatewright_wire::frame::next_frame(bytes, side, usize::MAX)
        .expect("what the session sends is well formed")
    {
        let tag = char::from(frame.tag);
        all.push(match (side, frame.tag) {
            (gatewright_wire::frame::Side::Frontend, b'Q') => {
                format!(
                    "Q {}",
                    String::from_utf8_lossy(
                        gatewright_wire::frontend::Query::decode(frame.body)
                            .expect("a Query")
                            .text
                    )
                )
            }
            (gatewright_wire::frame::Side::Frontend, b'P') => {
                format!(
                    "P {}",
                    String::from_utf8_lossy(
                        gatewright_wire::frontend::Parse::decode(frame.body)
                            .expect("a Parse")
                            .text
                    )
                )
            }
            (gatewright_wire::frame::Side::Backend, b'E') => {
                let fields = ErrorFields::decode(frame.body).expect("an error");
                format!("E {} {}", fields.sqlstate(), fields.message())
            }
            (gatewright_wire::frame::Side::Backend, b'Z') => {
                format!("Z{}", char::from(frame.body[0]))
            }
            _ => tag.to_string(),
        });
        bytes = &bytes[frame.bytes.len()..];
    }
    assert!(bytes.is_empty());
    all
}

pub(crate) fn query(text: &str) -> impl FnOnce(&mut BytesMut) + '_ {
    move |out| build::query(out, text).expect("a text")
}

pub(crate) fn parse<'a>(name: &'a str, text: &'a str) -> impl FnOnce(&mut BytesMut) + 'a {
    move |out| build::parse(out, name, text, &[]).expect("a text")
}

pub(crate) fn bind(out: &mut BytesMut, statement: &str) {
    build::bind(out, "", statement, &[], &[], &[]).expect("a Bind");
}

pub(crate) fn ready(status: TransactionStatus) -> impl FnOnce(&mut BytesMut) {
    move |out| build::ready_for_query(out, status)
}

pub(crate) fn complete(out: &mut BytesMut) {
    build::command_complete(out, "SELECT 1").expect("a tag");
}

/// What another session sends to a channel.
pub(crate) fn notification(channel: &[u8]) -> impl Fn(&mut BytesMut) + '_ {
    move |out| {
        let body = [&[0, 0, 0, 1], channel, b"\0ada@\0"].concat();
        out.extend_from_slice(b"A");
        let length = u32::try_from(body.len() + 4).expect("short");
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&body);
    }
}

pub(crate) fn syntax_error(out: &mut BytesMut) {
    build::error_response(
        out,
        &ErrorFields::new(
            "ERROR",
            "42601",
            format!("syntax error at or near \"{STAND_IN}\""),
        ),
    );
}

pub(crate) fn row_description(out: &mut BytesMut, name: &str) {
    let column = build::Column {
        name,
        type_oid: 25,
        type_size: -1,
        format: 0,
    };
    build::row_description(out, &[column]).expect("a description");
}

pub(crate) fn row(out: &mut BytesMut) {
    build::data_row(out, &[Some(b"value")]).expect("a row");
}
