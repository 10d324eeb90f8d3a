//! A server connection that outlives the session, or its transaction: when it comes, when it may go, and what is said where none is
//! to be had.

use gatewright_sql::SessionUse;
use gatewright_wire::FatalError;
use gatewright_wire::frame::Frame;

use crate::pool::Attachment;
use crate::session::doors::output::{Output, Taken};
use crate::session::doors::to_client::Delivery;
use crate::session::judge::{Departure, Judge};
use crate::session::refusal::Refusal;
use crate::session::state::held::Held;
use crate::session::state::pipeline::{Mode, Unserved};
use crate::session::state::search_path::PathState;
use crate::session::state::session::Session;

impl<J: Judge> Session<J> {
    /// True when everything that was sent is answered, and the server is where a session begins, apart from what statements left.
    pub fn is_settled(&self) -> bool {
        self.is_at_rest()
            && self.pipeline.mode == Mode::Ready
            && self.from_client.is_none()
            && self.from_server.is_none()
            && self.turn.running.is_none()
    }

    /// True when a shared connection can serve another session: what is held waits for a person, if anything is.
    pub fn can_do_without_server(&self) -> bool {
        self.is_settled()
            && self.server.is_shared()
            && self.server.is_there()
            && self.held.as_ref().is_none_or(Held::waits_for_decision)
            && self.pipeline.catching_up.is_none()
    }

    /// What was learnt of the connection that the session gives back.
    pub fn detach(&mut self) -> Attachment {
        self.server.detach().unwrap_or_default()
    }

    /// A connection for the next transaction. The client is told of settings that are others than it knows.
    pub fn attach(&mut self, attachment: Attachment, judge: &mut J, output: &mut Output) {
        let as_before = self.server.names_before() == attachment.names.as_ref();
        let news = self.server.attach(attachment);
        for (name, value) in &news {
            output.to_client.deliver(Delivery::Setting { name, value });
            self.reading.setting(name, value);
        }
        if as_before && news.is_empty() {
            self.path.begin_again();
        } else {
            self.path = PathState::new(self.server.names());
            // It was understood as the connection before would have read it.
            if let Some(held) = self.held.take() {
                self.let_go(held, judge);
            }
        }
    }

    /// There is no server connection for the message that comes next: it fails, and the session goes on. `why`: what becomes of an approval.
    pub fn not_attached(
        &mut self,
        tag: u8,
        error: &FatalError,
        why: Departure,
        output: &mut Output,
        judge: &mut J,
    ) {
        let refusal = Refusal {
            sqlstate: error.sqlstate.clone().into(),
            detail: error.detail.clone(),
            hint: error.hint.clone(),
            ..Refusal::new("08006", error.message.clone())
        };
        if let Some(held) = self.held.take() {
            self.let_go_since(why, held, judge);
        }
        judge.refused(&refusal);
        output.to_client.deliver(Delivery::Error(&refusal.error()));
        match tag {
            b'Q' | b'F' => self.pipeline.unserved = Unserved::ThisMessage,
            _ => self.pipeline.unserved = Unserved::UpToSync,
        }
    }

    /// Why a statement is of no use on a connection that is another's after the transaction.
    pub(in crate::session) fn needs_session(
        &self,
        text: &J::Text,
        index: usize,
    ) -> Option<Refusal> {
        if !self.server.is_shared() {
            return None;
        }
        let statement = J::analysis(text).statements.get(index)?;
        let (what, hint) = match statement.facts.session_use()? {
            SessionUse::Listen => (
                "LISTEN is",
                "Listen on a connection to a database without transaction pooling.",
            ),
            SessionUse::TemporaryObject => (
                "temporary relations are",
                "Create the table with ON COMMIT DROP, in the transaction that uses it.",
            ),
            SessionUse::Setting => (
                "session-level settings are",
                "Use SET LOCAL or set_config(…, true), or set it in the connection string.",
            ),
            SessionUse::CursorWithHold => ("cursors WITH HOLD are", "Declare it without HOLD."),
            SessionUse::AdvisoryLock => (
                "session-level advisory locks are",
                "Use pg_advisory_xact_lock and its kind.",
            ),
            SessionUse::NamedStatement => (
                "SQL-level prepared statements are",
                "Prepare it with the protocol (Parse), as drivers do.",
            ),
            SessionUse::Library => (
                "LOAD is",
                "Have the server load it: session_preload_libraries.",
            ),
        };
        let message = format!("{what} not supported with transaction pooling");
        Some(Refusal::new("0A000", message).with_hint(hint))
    }

    /// Messages of the client while no server connection is there.
    pub(in crate::session) fn without_server(
        &mut self,
        frame: Frame<'_>,
        output: &mut Output,
    ) -> Taken {
        match (self.pipeline.unserved, frame.tag) {
            (Unserved::ThisMessage, _) | (_, b'S') => {
                self.pipeline.unserved = Unserved::Nothing;
                output.to_client.deliver(Delivery::Ready);
                Taken::Yes
            }
            (Unserved::UpToSync, _) => Taken::Yes,
            // Nothing is outstanding.
            (Unserved::Nothing, b'H') if frame.body.is_empty() => Taken::Yes,
            (Unserved::Nothing, b'd' | b'c' | b'f') => Taken::Yes,
            (Unserved::Nothing, _) => {
                output.wants_server = Some(frame.tag);
                Taken::Hold
            }
        }
    }
}
