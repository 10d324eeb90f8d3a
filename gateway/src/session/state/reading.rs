//! How the client's text is to be read: the settings of the server that decide it.

use crate::session::state::encoding::Encoding;

/// Settings that change how text is read, as ParameterStatus reported them last, and the longest message that is read whole.
#[derive(Debug)]
pub(in crate::session) struct Reading {
    pub standard_conforming_strings: bool,
    pub encoding: Encoding,
    server_encoding: String,
    /// In bytes.
    pub max_message: usize,
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
        self.encoding.is_utf8() && self.server_encoding == "UTF8"
    }
}
