//! The settings that a server has reported (ParameterStatus).

use bytes::BytesMut;
use gatewright_wire::backend::ParameterStatus;
use gatewright_wire::frame::{self, Side};

/// Values by name, in the order in which the server told them first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Parameters(Vec<(String, Vec<u8>)>);

impl Parameters {
    /// Those of the messages that a server sent during start-up.
    pub fn of_greeting(greeting: &[u8]) -> Self {
        let mut parameters = Parameters::default();
        let mut rest = greeting;
        while let Ok(Some(header)) = frame::next_header(rest, Side::Backend, greeting.len())
            && let Some((message, after)) = rest.split_at_checked(header.total())
        {
            if header.tag == b'S'
                && let Ok(status) = ParameterStatus::decode(header.frame(message).body)
            {
                parameters.set(status.name, status.value);
            }
            rest = after;
        }
        parameters
    }

    /// True when the value is another than before.
    pub fn set(&mut self, name: &str, value: &[u8]) -> bool {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) if known == value => false,
            Some((_, known)) => {
                *known = value.to_vec();
                true
            }
            None => {
                self.0.push((name.to_owned(), value.to_vec()));
                true
            }
        }
    }

    pub fn value(&self, name: &str) -> Option<&[u8]> {
        let mut known = self.0.iter();
        known
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_slice())
    }

    pub fn iter(&self) -> impl Iterator<Item = (&str, &[u8])> {
        let known = self.0.iter();
        known.map(|(name, value)| (name.as_str(), value.as_slice()))
    }

    /// As the messages of a greeting.
    pub fn encode(&self, out: &mut BytesMut) {
        for (name, value) in &self.0 {
            encode_status(out, name, value);
        }
    }
}

/// A ParameterStatus. The value is bytes in whatever encoding the server wrote it.
pub fn encode_status(out: &mut BytesMut, name: &str, value: &[u8]) {
    let length = 4 + name.len() + 1 + value.len() + 1;
    // What a server sent in one message fits into one.
    let Ok(length) = u32::try_from(length) else {
        return;
    };
    out.extend_from_slice(b"S");
    out.extend_from_slice(&length.to_be_bytes());
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\0");
    out.extend_from_slice(value);
    out.extend_from_slice(b"\0");
}
