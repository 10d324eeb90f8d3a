//! The stream of messages to a client, without what errors and notices may quote of values: their texts.

use std::borrow::Cow;

use bytes::BytesMut;
use gatewright_wire::errors::code;
use gatewright_wire::frame::{self, Frame, HEADER_BYTES, Side};
use gatewright_wire::{ErrorFields, build};

/// Stands for a text that is withheld.
const WITHHELD: &str = "(the text is not recorded)";

/// The fields of which no part is a value.
const KEPT: [u8; 11] = [
    code::SEVERITY,
    code::SEVERITY_NONLOCALIZED,
    code::SQLSTATE,
    code::SCHEMA,
    code::TABLE,
    code::COLUMN,
    code::DATA_TYPE,
    code::CONSTRAINT,
    code::FILE,
    code::LINE,
    code::ROUTINE,
];

/// The stream, wherever in a message it is.
#[derive(Default)]
pub(super) struct ErrorTexts {
    place: Place,
    /// What has come of a message that has begun.
    begun: Vec<u8>,
    withholds: bool,
    /// The message that has begun is passed on as it comes.
    passes: bool,
}

#[derive(Clone, Copy, Default)]
enum Place {
    /// Of a message not enough has come to go on.
    #[default]
    Begun,
    /// So many bytes of a message are passed on.
    Within(usize),
    /// Where the next message begins is not known.
    Lost,
}

impl ErrorTexts {
    /// From the next message on, texts are withheld.
    pub fn withhold(&mut self) {
        self.withholds = true;
    }

    /// What is recorded of the next bytes. An error or notice comes when it is whole.
    pub fn withheld<'b>(&mut self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        if !self.withholds {
            // All of it. Where messages begin has to be known once texts are withheld.
            self.go_through(bytes, &mut |_| {});
            return Cow::Borrowed(bytes);
        }
        let mut kept = Vec::with_capacity(bytes.len());
        self.go_through(bytes, &mut |piece| kept.extend_from_slice(piece));
        Cow::Owned(kept)
    }

    /// `keep` gets what is recorded.
    fn go_through(&mut self, mut bytes: &[u8], keep: &mut dyn FnMut(&[u8])) {
        while !bytes.is_empty() {
            self.place = match self.place {
                Place::Within(missing) => {
                    let (passed, rest) = bytes.split_at(missing.min(bytes.len()));
                    keep(passed);
                    bytes = rest;
                    match missing - passed.len() {
                        0 => Place::default(),
                        missing => Place::Within(missing),
                    }
                }
                Place::Begun => self.go_on(&mut bytes, keep),
                Place::Lost => {
                    if !self.withholds {
                        keep(bytes);
                    }
                    bytes = &[];
                    Place::Lost
                }
            };
        }
    }

    /// Takes more of the message that has begun, as far as it is needed.
    fn go_on(&mut self, bytes: &mut &[u8], keep: &mut dyn FnMut(&[u8])) -> Place {
        let known = self.begun.len();
        if known == 0 {
            self.passes = !self.withholds;
        }
        fill(&mut self.begun, HEADER_BYTES, bytes);
        if self.passes {
            keep(self.begun.get(known..).unwrap_or_default());
        }
        let longest = usize::try_from(i32::MAX).unwrap_or(usize::MAX);
        let header = match frame::next_header(&self.begun, Side::Backend, longest) {
            Ok(Some(header)) => header,
            Ok(None) => return Place::Begun,
            Err(error) => {
                tracing::error!(%error, "errors among what is delivered are no longer told apart");
                return Place::Lost;
            }
        };
        if self.passes || !matches!(header.tag, b'E' | b'N') {
            if !self.passes {
                keep(&self.begun);
            }
            self.begun.clear();
            return match header.body() {
                0 => Place::default(),
                missing => Place::Within(missing),
            };
        }
        fill(&mut self.begun, header.total(), bytes);
        if self.begun.len() < header.total() {
            return Place::Begun;
        }
        keep(&without_texts(header.frame(&self.begun)));
        // It is rare, and may have been long.
        self.begun = Vec::new();
        Place::default()
    }
}

fn fill(begun: &mut Vec<u8>, wanted: usize, bytes: &mut &[u8]) {
    let missing = wanted.saturating_sub(begun.len());
    let (taken, rest) = bytes.split_at(missing.min(bytes.len()));
    begun.extend_from_slice(taken);
    *bytes = rest;
}

fn without_texts(frame: Frame<'_>) -> BytesMut {
    let mut fields = ErrorFields::decode(frame.body).unwrap_or_default();
    let present: Vec<u8> = fields.iter().map(|(code, _)| code).collect();
    for code in present {
        if !KEPT.contains(&code) && code != code::MESSAGE {
            fields.remove(code);
        }
    }
    fields.set(code::MESSAGE, WITHHELD);
    let mut out = BytesMut::new();
    match frame.tag {
        b'N' => build::notice_response(&mut out, &fields),
        _ => build::error_response(&mut out, &fields),
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_of_errors_are_withheld_wherever_the_stream_is_cut() {
        let fields = ErrorFields::new("ERROR", "23505", "duplicate key: canary")
            .with(code::DETAIL, "Key (email)=(canary) already exists.")
            .with(code::CONSTRAINT, "customers_email_key");
        let mut stream = BytesMut::new();
        stream.extend_from_slice(b"D\0\0\0\x0f\0\x01\0\0\0\x05valueI\0\0\0\x04");
        build::error_response(&mut stream, &fields);
        build::notice_response(&mut stream, &fields);
        stream.extend_from_slice(b"Z\0\0\0\x05I");
        for size in 1..20 {
            let mut texts = ErrorTexts::default();
            let pieces = stream.chunks(size).map(|piece| texts.withheld(piece));
            assert_eq!(pieces.collect::<Vec<_>>().concat(), stream, "{size}");
        }
        let withholding = || {
            let mut texts = ErrorTexts::default();
            texts.withhold();
            texts
        };
        let whole = withholding().withheld(&stream).into_owned();
        let text = String::from_utf8_lossy(&whole).into_owned();
        assert!(!text.contains("canary"), "{text}");
        for part in ["value", "23505", "customers_email_key", WITHHELD] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(whole.ends_with(b"Z\0\0\0\x05I"));
        for size in 1..20 {
            let mut texts = withholding();
            let pieces = stream.chunks(size).map(|piece| texts.withheld(piece));
            assert_eq!(pieces.collect::<Vec<_>>().concat(), whole, "{size}");
        }
    }

    #[test]
    fn what_cannot_be_told_apart_is_withheld() {
        let mut texts = ErrorTexts::default();
        assert_eq!(*texts.withheld(b"!!!!!!"), *b"!!!!!!");
        texts.withhold();
        assert!(texts.withheld(b"canary").is_empty());
        let mut texts = ErrorTexts::default();
        texts.withhold();
        assert!(texts.withheld(b"E\0\0\0\x01canary").is_empty());
        assert!(texts.withheld(b"Z\0\0\0\x05I").is_empty());
    }
}
