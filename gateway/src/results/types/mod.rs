//! Types: what the binary form of a value says as text, whether a text is a value of a type, and its binary form.
//! Refuses to know rows and masks; no catalog, so a type it has no code for stays closed. Next: `column`.

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

/// Longest text that one value may unfold to, in bytes: an array of short binary numerics grows ten thousand fold.
const LONGEST_TEXT: usize = 256 << 20;

/// A type as far as the gateway knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Scalar(Scalar),
    Array {
        element: Scalar,
        oid: u32,
    },
    /// Enums, domains, composites, ranges, extension types: text is text, binary is closed.
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

    /// Any text is a value of it, and its binary form is its text.
    #[inline]
    pub(super) fn is_text(self) -> bool {
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
            Self::Other => false,
        }
    }

    /// Appends the text of a value. False if the bytes are no value of the type; `out` may then hold a part of it.
    pub(super) fn read(self, format: Format, value: &[u8], out: &mut Vec<u8>) -> bool {
        match self {
            _ if format == Format::Text => {
                out.extend_from_slice(value);
                true
            }
            Self::Scalar(scalar) => scalar.read(value, out).is_some(),
            Self::Array { element, oid } => array::read(element, oid, value, out).is_some(),
            Self::Other => false,
        }
    }

    /// Appends `text` as the server would write it, if it is a value of the type.
    pub(super) fn settle(self, text: &str, out: &mut Vec<u8>) -> bool {
        if text.contains('\0') {
            return false;
        }
        match self {
            Self::Scalar(Scalar::Text) => out.extend_from_slice(text.as_bytes()),
            // Drivers know no other spelling from a server than t and f.
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

    /// Appends the binary form of `text`. False if it is no value of the type or the type's rules are not known.
    pub(super) fn encode(self, text: &str, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Scalar(scalar) => scalar.encode(text, out).is_some(),
            Self::Array { element, oid } => array::encode(element, oid, text, out).is_some(),
            Self::Other => false,
        }
    }
}

/// Whether values of the type in this format can be shown to policies as text. Otherwise a step can only pass or
/// nullify the column; whatever else it asks for nullifies.
pub fn readable(type_oid: u32, format: Format) -> bool {
    Kind::of(type_oid).is_readable(format)
}

/// The text of one value that is not NULL, for example a bound parameter. `None` if it is not readable, is no value of
/// the type, or is not UTF-8.
pub fn text_of(type_oid: u32, format: Format, value: &[u8]) -> Option<String> {
    let mut text = Vec::new();
    if !Kind::of(type_oid).read(format, value, &mut text) {
        return None;
    }
    String::from_utf8(text).ok()
}
