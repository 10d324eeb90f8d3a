//! How the client's text is to be read: the settings of the server that decide it, and how certain they are.
//!
//! The server tells of a setting no later than with the next ReadyForQuery (`ReportChangedGUCOptions`; PostgreSQL 13 at once). What
//! a transaction has set its end may undo, and so may ROLLBACK TO and any error. So the settings are certain while no transaction
//! that is open, and no message that is outstanding, has changed them; and else when the server has answered everything.

use gatewright_sql::SessionEffect;

use crate::session::state::encoding::Encoding;

/// The settings that decide how text is read.
pub const SETTINGS: [&str; 2] = ["client_encoding", "standard_conforming_strings"];

/// Settings that change how text is read, as ParameterStatus reported them last, and the longest message that is read whole.
#[derive(Debug)]
pub(in crate::session) struct Reading {
    pub standard_conforming_strings: bool,
    pub encoding: Encoding,
    server_encoding: String,
    /// In bytes.
    pub max_message: usize,
    /// What was sent since the last transaction ended may have changed them, so that an end or an error may change them back.
    revertible: bool,
    /// They may be others than were told last, until the next ReadyForQuery behind which nothing is outstanding.
    in_doubt: bool,
    /// The number, in the queue, of the newest message that may change them.
    changed_by: u64,
}

impl Reading {
    pub fn new(
        standard_conforming_strings: bool,
        client_encoding: &str,
        server_encoding: String,
        max_message: usize,
    ) -> Self {
        Reading {
            standard_conforming_strings,
            encoding: Encoding::new(client_encoding, &server_encoding),
            server_encoding,
            max_message,
            revertible: false,
            in_doubt: false,
            changed_by: 0,
        }
    }

    /// The message with this number in the queue is about to be sent, and may change the settings.
    pub fn changes(&mut self, number: u64) {
        self.revertible = true;
        self.in_doubt = true;
        self.changed_by = number;
    }

    /// A message is sent that may fail, or end the transaction.
    pub fn sent(&mut self) {
        self.in_doubt |= self.revertible;
    }

    /// ReadyForQuery. `next`: the number of the oldest message that is outstanding, if one is.
    pub fn ready(&mut self, is_open: bool, next: Option<u64>) {
        let changes_behind = next.is_some_and(|next| next <= self.changed_by);
        self.revertible &= is_open || changes_behind;
        self.in_doubt = self.revertible && next.is_some();
    }

    /// The server has said what the settings are behind all that was sent.
    pub fn told(&mut self) {
        self.in_doubt = false;
    }

    /// True when the settings are what the server will read the next message with.
    pub fn is_certain(&self) -> bool {
        !self.in_doubt
    }

    /// True when the server will read the text as the settings say, or reads it alike with any: ASCII is the same in every encoding
    /// of a client, and without a backslash a string ends where it seems to.
    pub fn is_certain_of(&self, text: &[u8]) -> bool {
        self.is_certain() || reads_alike(text)
    }

    /// What a text is read with.
    pub fn settings(&self) -> (bool, Encoding) {
        (self.standard_conforming_strings, self.encoding)
    }

    /// True when the server would read the text now as it did with these settings.
    pub fn is_as_with(&self, settings: (bool, Encoding), text: &[u8]) -> bool {
        reads_alike(text) || self.is_certain() && self.settings() == settings
    }

    /// The encoding of rows. `option`: that of a COPY, if it has one.
    pub fn of_rows(&self, option: Option<&str>) -> Encoding {
        option.map_or(self.encoding, |name| {
            Encoding::new(name, &self.server_encoding)
        })
    }

    /// True when the statement makes `client_encoding` something else than UTF8, or what that is cannot be told from it.
    pub fn may_leave_utf8(&self, effect: &SessionEffect) -> bool {
        match effect {
            SessionEffect::Set { name, value, .. } => match name.as_str() {
                "client_encoding" | "names" => value
                    .as_deref()
                    .is_none_or(|value| !Encoding::new(value, &self.server_encoding).is_utf8()),
                "all" => true,
                _ => false,
            },
            SessionEffect::DiscardAll => true,
            _ => false,
        }
    }

    /// ParameterStatus.
    pub fn setting(&mut self, name: &str, value: &[u8]) {
        match name {
            "client_encoding" => {
                let client = String::from_utf8_lossy(value);
                self.encoding = Encoding::new(&client, &self.server_encoding);
            }
            "standard_conforming_strings" => self.standard_conforming_strings = value == b"on",
            _ => {}
        }
    }

    /// True when the server keeps names outside ASCII as they came, so that the gateway knows where it cuts long ones.
    pub fn keeps_names(&self) -> bool {
        self.encoding.is_utf8() && self.server_is_utf8()
    }

    pub fn server_is_utf8(&self) -> bool {
        self.server_encoding == "UTF8"
    }
}

/// ASCII is the same in every encoding of a client, and without a backslash a string ends where it seems to.
fn reads_alike(text: &[u8]) -> bool {
    text.is_ascii() && memchr::memchr(b'\\', text).is_none()
}
