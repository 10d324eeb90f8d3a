//! Types: the text of a binary value, whether a text is a valid value, and its binary form. There is no catalog here: the
//! binary form of an unknown type cannot be read.

mod array;
mod calendar;
mod datetime;
mod float;
mod interval;
mod network;
mod numeric;
mod scalar;

#[cfg(test)]
mod tests;

use super::shape::Format;
pub(super) use scalar::{Scalar, hexadecimal, uuid_text};

/// The longest text of one value, in bytes: an array of short binary numerics can grow ten thousandfold.
const LONGEST_TEXT: usize = 256 << 20;

/// OIDs in `pg_type.dat`: char(n) and varchar.
const BPCHAR: u32 = 1042;
const VARCHAR: u32 = 1043;

/// A type as far as the gateway knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar(Scalar),
    Array {
        element: Scalar,
        oid: u32,
    },
    /// varchar(n), or char(n), whose values are blank-padded: text of at most this many characters.
    Limited {
        characters: usize,
        padded: bool,
    },
    /// Enums, domains, composites, ranges, extension types: readable as text, not as binary.
    Other,
}

impl Kind {
    pub(super) fn of(type_oid: u32) -> Self {
        match (Scalar::of(type_oid), Scalar::of_array(type_oid)) {
            (Some(scalar), _) => Self::Scalar(scalar),
            (None, Some((oid, element))) => Self::Array { element, oid },
            (None, None) => Self::Other,
        }
    }

    /// The type of a column, with its modifier (`varchar.c`: the length plus four).
    pub(super) fn of_column(type_oid: u32, modifier: i32) -> Self {
        let padded = type_oid == BPCHAR;
        match usize::try_from(modifier.saturating_sub(4)) {
            Ok(characters) if padded || type_oid == VARCHAR => Self::Limited { characters, padded },
            _ => Self::of(type_oid),
        }
    }

    /// Whether its binary form is its text.
    #[inline]
    pub(super) fn is_text(self) -> bool {
        self.takes_any_text() || matches!(self, Self::Limited { .. })
    }

    /// Whether any text is a valid value.
    #[inline]
    pub(super) fn takes_any_text(self) -> bool {
        self == Self::Scalar(Scalar::Text)
    }

    /// Whether values in this format can be shown as text.
    pub(super) fn is_readable(self, format: Format) -> bool {
        match self {
            _ if format == Format::Text => true,
            Self::Scalar(scalar)
            | Self::Array {
                element: scalar, ..
            } => scalar.has_binary(),
            Self::Limited { .. } => true,
            Self::Other => false,
        }
    }

    /// Appends the text of a value. False if the bytes are not a value of the type; `out` may then contain a part of it.
    pub(super) fn read(self, format: Format, value: &[u8], out: &mut Vec<u8>) -> bool {
        match self {
            _ if format == Format::Text => {
                out.extend_from_slice(value);
                true
            }
            Self::Scalar(scalar) => scalar.read(value, out).is_some(),
            Self::Array { element, oid } => array::read(element, oid, value, out).is_some(),
            Self::Limited { .. } => Scalar::Text.read(value, out).is_some(),
            Self::Other => false,
        }
    }

    /// Appends `text` as the server would write it, if it is a valid value. Text too long for the column is truncated, as by
    /// a cast.
    pub(super) fn settle(self, text: &str, out: &mut Vec<u8>) -> bool {
        if text.contains('\0') {
            return false;
        }
        match self {
            Self::Scalar(Scalar::Text) => out.extend_from_slice(text.as_bytes()),
            Self::Limited { characters, padded } => limited(text, characters, padded, out),
            // Drivers expect t and f from a server.
            Self::Scalar(Scalar::Bool) => match scalar::boolean(text) {
                Some(value) => out.push(if value { b't' } else { b'f' }),
                None => return false,
            },
            Self::Scalar(_) | Self::Array { .. } => {
                if !self.encode(text, &mut Vec::new()) {
                    return false;
                }
                out.extend_from_slice(text.as_bytes());
            }
            Self::Other => return false,
        }
        true
    }

    /// Appends the binary form of `text`. False if it is not a valid value or the type is unknown.
    pub(super) fn encode(self, text: &str, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Scalar(scalar) => scalar.encode(text, out).is_some(),
            Self::Array { element, oid } => array::encode(element, oid, text, out).is_some(),
            Self::Limited { .. } => Scalar::Text.encode(text, out).is_some(),
            Self::Other => false,
        }
    }
}

fn limited(text: &str, characters: usize, padded: bool, out: &mut Vec<u8>) {
    let end = text.char_indices().nth(characters);
    out.extend_from_slice(end.map_or(text, |(end, _)| &text[..end]).as_bytes());
    if padded {
        let missing = characters.saturating_sub(text.chars().count());
        out.resize(out.len() + missing, b' ');
    }
}

/// Whether values of the type in this format can be shown to policies as text. If not, a step can only pass or nullify
/// the column, and every other action nullifies it.
pub fn readable(type_oid: u32, format: Format) -> bool {
    Kind::of(type_oid).is_readable(format)
}

/// The text of one non-NULL value, for example a bound parameter. `None` if it is not readable, not a value of the type,
/// or not UTF-8.
pub fn text_of(type_oid: u32, format: Format, value: &[u8]) -> Option<String> {
    let mut text = Vec::new();
    if !Kind::of(type_oid).read(format, value, &mut text) {
        return None;
    }
    String::from_utf8(text).ok()
}

/// `text` as the server would write it as a value of the type; `None` if it is no such value, or the type is unknown.
pub fn settled(type_oid: u32, text: &str) -> Option<String> {
    let mut settled = Vec::new();
    if !Kind::of(type_oid).settle(text, &mut settled) {
        return None;
    }
    String::from_utf8(settled).ok()
}
