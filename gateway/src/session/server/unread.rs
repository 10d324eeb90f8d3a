//! Replies to a text that the gateway cannot read, and that was sent for the server's error.

use gatewright_wire::ErrorFields;

use crate::session::judge::Judge;
use crate::session::state::outstanding::{Outstanding, Unread};
use crate::session::state::session::Session;
use crate::session::violation::Violation;

/// The files of PostgreSQL that report what is wrong with a text before anything of it is looked up: the scanner and grammar, the
/// conversion of encodings, and the check of the stack's depth.
const FILES: [&str; 5] = ["scan.l", "gram.y", "parser.c", "mbutils.c", "stack_depth.c"];

/// What is said of any text: it is nested too deeply, the transaction has failed, the statement's name is in use, it was cancelled.
const OF_ANY_TEXT: [&str; 4] = ["54001", "25P02", "42P05", "57014"];

impl Unread {
    /// True when the server's error says that it cannot read the text. What it says of a text that it can read speaks of names and types
    /// that nobody has judged.
    pub fn is_rejected_with(&self, fields: &ErrorFields) -> bool {
        if self.accepted {
            return false;
        }
        let sqlstate = fields.field(b'C').unwrap_or_default();
        OF_ANY_TEXT.contains(&sqlstate)
            || match fields.field(b'F') {
                Some(file) => FILES.contains(&file),
                // A server that does not tell.
                None => sqlstate == "42601",
            }
    }
}

impl<J: Judge> Session<J> {
    /// ParseComplete and CloseComplete: the server can read the text. The error of the stand-in follows.
    pub(in crate::session) fn unread_accepted(&mut self, tag: u8) -> Result<(), Violation> {
        let Some(Outstanding::Unread(unread)) = self.queue.front_mut() else {
            return Err(Violation::Unexpected(char::from(tag)));
        };
        if unread.accepted == (tag == b'1') {
            return Err(Violation::Unexpected(char::from(tag)));
        }
        unread.accepted = true;
        let name = unread.name.clone();
        self.names.close_prepared(&name);
        Ok(())
    }
}
