//! The one door to the server. Messages that can make it run something pass only with proof that they were judged and admitted:
//! there is no other way into the buffer. `relay` writes the bytes.

pub(in crate::session) mod rehearsing;

use bytes::{Buf, BytesMut};
use gatewright_wire::build;
use gatewright_wire::frame::Frame;
use gatewright_wire::frontend::{Bind, Subject};

use crate::session::doors::outgoing::{Outgoing, shrink};
use crate::session::judge::Judge;
use crate::session::refusal::STAND_IN;

/// The name of the statement and the portal with which the gateway asks for settings.
const SHOW_NAME: &str = "gatewright_show";

/// Proof that a message makes the server run nothing, so that nobody has to judge it.
#[derive(Debug)]
pub(in crate::session) struct RunsNothing(());

impl RunsNothing {
    /// Of a text without statements.
    pub fn in_text<J: Judge>(text: &J::Text) -> Option<Self> {
        J::analysis(text)
            .statements
            .is_empty()
            .then_some(RunsNothing(()))
    }

    /// In a transaction that has failed the server runs nothing but its end, which no Execute of an unknown portal is.
    pub fn in_transaction(status: u8) -> Option<Self> {
        (status == b'E').then_some(RunsNothing(()))
    }
}

/// Admissions for every statement of a message.
pub(in crate::session) enum Pass<'a, J: Judge> {
    Admitted(&'a [Option<J::Admitted>]),
    RunsNothing(RunsNothing),
}

impl<J: Judge> Pass<'_, J> {
    fn holds(&self) -> bool {
        match self {
            Pass::Admitted(each) => !each.is_empty() && each.iter().all(Option::is_some),
            Pass::RunsNothing(_) => true,
        }
    }
}

/// A Parse that has left through this door, so that it may leave once more, for another connection.
#[derive(Debug)]
pub(in crate::session) struct Kept {
    text: Box<[u8]>,
    types: Box<[u32]>,
}

impl Kept {
    pub fn text(&self) -> &[u8] {
        &self.text
    }
}

/// A Bind that has left through this door, so that it may leave once more.
#[derive(Debug)]
pub(in crate::session) struct KeptBind(Box<[u8]>);

impl KeptBind {
    /// The message without its type and length.
    pub fn body(&self) -> &[u8] {
        self.0.get(5..).unwrap_or_default()
    }
}

/// A statement that is tried.
pub(in crate::session) struct Tried<'a> {
    /// In the client's encoding.
    pub text: &'a [u8],
    pub types: &'a [u32],
    /// The client's Bind, for its values.
    pub bind: Option<&'a Bind<'a>>,
}

/// Bytes on their way to the server.
#[derive(Debug, Default)]
pub struct ToServer {
    bytes: BytesMut,
}

impl ToServer {
    /// Forgets what waits: the server takes no more.
    pub(crate) fn clear(&mut self) {
        self.bytes.clear();
    }

    /// How many bytes wait.
    pub fn len(&self) -> usize {
        self.bytes.len()
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }

    /// A message that names, ends or carries something, and runs nothing: Sync, Flush, Close, Describe, COPY data, Terminate.
    /// A message of any other type is replaced by the stand-in, which the server refuses.
    pub(in crate::session) fn control(&mut self, frame: Frame<'_>) {
        match frame.tag {
            b'S' | b'H' | b'C' | b'D' | b'd' | b'c' | b'f' | b'X' => {
                self.bytes.extend_from_slice(frame.bytes);
            }
            _ => {
                debug_assert!(false, "a {} runs something", char::from(frame.tag));
                self.stand_in_parse(STAND_IN);
            }
        }
    }

    /// Part of a CopyData message.
    pub(in crate::session) fn copy_piece(&mut self, piece: &[u8]) {
        self.bytes.extend_from_slice(piece);
    }

    /// A Parse or Bind whose statement was judged.
    pub(in crate::session) fn prepare<J: Judge>(&mut self, frame: Frame<'_>, _judged: &J::Permit) {
        self.bytes.extend_from_slice(frame.bytes);
    }

    /// A Parse or Bind of a text without statements.
    pub(in crate::session) fn prepare_nothing(&mut self, frame: Frame<'_>, _proof: RunsNothing) {
        self.bytes.extend_from_slice(frame.bytes);
    }

    /// A Parse with the text that a policy put in place of the client's.
    pub(in crate::session) fn prepare_rewritten<J: Judge>(
        &mut self,
        name: &str,
        text: &[u8],
        types: &[u32],
        _judged: &J::Permit,
    ) {
        self.parse(name, text, types);
    }

    /// A Parse whose statement was judged, under a name of the gateway's own.
    pub(in crate::session) fn prepare_as<J: Judge>(
        &mut self,
        name: &str,
        text: &[u8],
        types: &[u32],
        _judged: &J::Permit,
    ) -> Kept {
        self.kept(name, text, types)
    }

    /// The same of a text without statements.
    pub(in crate::session) fn prepare_nothing_as(
        &mut self,
        name: &str,
        text: &[u8],
        types: &[u32],
        _proof: RunsNothing,
    ) -> Kept {
        self.kept(name, text, types)
    }

    /// A Parse that has left before.
    pub(in crate::session) fn prepare_again(&mut self, name: &str, kept: &Kept) {
        self.parse(name, &kept.text, &kept.types);
    }

    /// A Bind whose statement was judged, of the statement with this name.
    pub(in crate::session) fn bind_as<J: Judge>(
        &mut self,
        frame: Frame<'_>,
        statement: &str,
        _judged: &J::Permit,
    ) {
        self.renamed_bind(frame, statement);
    }

    /// The same of a text without statements.
    pub(in crate::session) fn bind_nothing_as(
        &mut self,
        frame: Frame<'_>,
        statement: &str,
        _proof: RunsNothing,
    ) {
        self.renamed_bind(frame, statement);
    }

    /// A Query, Execute or FunctionCall.
    pub(in crate::session) fn run<J: Judge>(&mut self, frame: Frame<'_>, pass: &Pass<'_, J>) {
        if pass.holds() {
            self.bytes.extend_from_slice(frame.bytes);
        } else {
            debug_assert!(false, "a statement without admission");
            self.empty(frame.tag);
        }
    }

    /// A Query with the text that a policy put in place of the client's.
    pub(in crate::session) fn run_rewritten<J: Judge>(&mut self, text: &[u8], pass: &Pass<'_, J>) {
        if !pass.holds() || build::query(&mut self.bytes, text).is_err() {
            self.stand_in_query();
        }
    }

    /// The gateway's own question what columns a judged statement has: Parse, Describe, Close under `name`, and Flush. Flush, not
    /// Sync: the transaction that the client's message continues must not end here.
    pub(in crate::session) fn describe_text<J: Judge>(
        &mut self,
        name: &str,
        source: &[u8],
        _judged: &J::Permit,
    ) {
        self.parse(name, source, &[]);
        self.describe_statement(name);
        self.close_statement(name);
        self.flush();
    }

    /// A Parse of a text that nobody could judge, for the server's error. Whatever the server makes of it, nothing can be run with it: the
    /// statement is closed before anything else is read, and a stand-in fails in its place.
    pub(in crate::session) fn parse_unread(&mut self, name: &str, text: &[u8], types: &[u32]) {
        self.parse(name, text, types);
        self.close_statement(name);
        self.stand_in_parse(name);
    }

    /// A Bind of a statement that does not exist: the name is closed first, in case the server knows one.
    pub(in crate::session) fn bind_unknown(&mut self, statement: &str, frame: Frame<'_>) {
        self.close_statement(statement);
        self.bytes.extend_from_slice(frame.bytes);
    }

    /// The gateway's own question for a setting. The portal has a name, since the client may need the one without.
    pub(in crate::session) fn show(&mut self, setting: &'static str) {
        self.parse(SHOW_NAME, format!("SHOW {setting}").as_bytes(), &[]);
        let built = build::bind(&mut self.bytes, SHOW_NAME, SHOW_NAME, &[], &[], &[])
            .and_then(|()| build::execute(&mut self.bytes, SHOW_NAME, 0))
            .and_then(|()| build::close(&mut self.bytes, Subject::Portal(SHOW_NAME)));
        debug_assert!(built.is_ok(), "short names without zero bytes");
        self.close_statement(SHOW_NAME);
    }

    /// The message that has just been written, a Bind. `mark`: how many bytes waited before it.
    pub(in crate::session) fn kept_bind(&self, mark: usize) -> KeptBind {
        KeptBind(self.bytes.get(mark..).unwrap_or_default().into())
    }

    /// A Bind that has left before.
    pub(in crate::session) fn bind_again(&mut self, bind: &KeptBind) {
        match bind.0.first() {
            Some(b'B') => self.bytes.extend_from_slice(&bind.0),
            _ => self.stand_in_parse(STAND_IN),
        }
    }

    /// A Query as Parse, Bind, Describe, Execute and Flush: until its Sync, the server has not committed what it did.
    pub(in crate::session) fn run_in_parts<J: Judge>(&mut self, text: &[u8], pass: &Pass<'_, J>) {
        let built = match pass.holds() {
            true => build::parse(&mut self.bytes, "", text, &[])
                .and_then(|()| build::bind(&mut self.bytes, "", "", &[], &[], &[]))
                .and_then(|()| build::describe(&mut self.bytes, Subject::Portal("")))
                .and_then(|()| build::execute(&mut self.bytes, "", 0)),
            false => {
                self.stand_in_parse(STAND_IN);
                Ok(())
            }
        };
        if built.is_err() {
            self.stand_in_parse(STAND_IN);
        }
        self.flush();
    }

    /// A Query that always fails.
    pub(in crate::session) fn stand_in_query(&mut self) {
        let built = build::query(&mut self.bytes, STAND_IN);
        debug_assert!(built.is_ok(), "a short text without zero bytes");
    }

    /// A Parse that always fails. `name` was a string of the client's, so it has no zero byte and fits a message.
    pub(in crate::session) fn stand_in_parse(&mut self, name: &str) {
        if build::parse(&mut self.bytes, name, STAND_IN, &[]).is_err() {
            let built = build::parse(&mut self.bytes, STAND_IN, STAND_IN, &[]);
            debug_assert!(built.is_ok(), "a short text without zero bytes");
        }
    }

    /// An Execute of a portal that does not exist.
    pub(in crate::session) fn stand_in_execute(&mut self) {
        if build::execute(&mut self.bytes, STAND_IN, 0).is_err() {
            self.stand_in_parse(STAND_IN);
        }
    }

    /// A message of this type without fields, which therefore fails.
    pub(in crate::session) fn empty(&mut self, tag: u8) {
        build::empty(&mut self.bytes, tag);
    }

    pub(in crate::session) fn describe_statement(&mut self, name: &str) {
        if build::describe(&mut self.bytes, Subject::Statement(name)).is_err() {
            self.stand_in_parse(STAND_IN);
        }
    }

    pub(in crate::session) fn close_statement(&mut self, name: &str) {
        if build::close(&mut self.bytes, Subject::Statement(name)).is_err() {
            self.stand_in_parse(STAND_IN);
        }
    }

    pub(in crate::session) fn flush(&mut self) {
        build::flush(&mut self.bytes);
    }

    pub(in crate::session) fn sync(&mut self) {
        build::sync(&mut self.bytes);
    }

    fn kept(&mut self, name: &str, text: &[u8], types: &[u32]) -> Kept {
        self.parse(name, text, types);
        Kept {
            text: text.into(),
            types: types.into(),
        }
    }

    fn renamed_bind(&mut self, frame: Frame<'_>, statement: &str) {
        let mut parts = frame.body.splitn(3, |byte| *byte == 0);
        let (Some(portal), Some(_), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
            debug_assert!(false, "a Bind that was decoded");
            return self.stand_in_parse(STAND_IN);
        };
        let length = 4 + portal.len() + 1 + statement.len() + 1 + rest.len();
        let Ok(length) = i32::try_from(length) else {
            return self.stand_in_parse(STAND_IN);
        };
        self.bytes.extend_from_slice(b"B");
        self.bytes.extend_from_slice(&length.to_be_bytes());
        self.bytes.extend_from_slice(portal);
        self.bytes.extend_from_slice(b"\0");
        self.bytes.extend_from_slice(statement.as_bytes());
        self.bytes.extend_from_slice(b"\0");
        self.bytes.extend_from_slice(rest);
    }

    // None can be left out, or the server would owe one reply less than the queue says.
    fn parse(&mut self, name: &str, text: &[u8], types: &[u32]) {
        if build::parse(&mut self.bytes, name, text, types).is_err() {
            self.stand_in_parse(STAND_IN);
        }
    }
}

impl Buf for ToServer {
    fn remaining(&self) -> usize {
        self.bytes.len()
    }

    fn chunk(&self) -> &[u8] {
        &self.bytes
    }

    fn advance(&mut self, count: usize) {
        self.bytes.advance(count);
    }
}

impl Outgoing for ToServer {
    fn shrink(&mut self) {
        shrink(&mut self.bytes);
    }
}
