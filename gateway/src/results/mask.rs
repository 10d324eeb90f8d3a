//! The built-in masks on one text value, without rows or wire formats.

use super::key::Pseudonym;
use super::types::{Kind, Scalar, hexadecimal, uuid_text};
use gatewright_contract::PartialMask;

/// The action of one step on one column, ready to apply. No built-in mask, not even a constant, turns NULL into a value:
/// NULL stays NULL, and a value stays or becomes NULL.
pub(super) enum Mask {
    Nullify,
    /// `text` is what a policy would see, `wire` the complete replacement as the codec writes it.
    Fixed {
        text: Vec<u8>,
        wire: Vec<u8>,
    },
    Partial(PartialMask),
    Pseudonym(Box<Pseudonym>),
    /// With the label that tells the judge why it was asked.
    Inspect(String),
    Observe(String),
}

/// Appends `value` with all but its first and last characters replaced. A value no longer than what would be kept is
/// replaced completely. False if the result is not text: `value` is not UTF-8, or the fill is NUL.
pub(super) fn partial(mask: &PartialMask, value: &[u8], out: &mut Vec<u8>) -> bool {
    if mask.fill == '\0' {
        return false;
    }
    if value.is_ascii() && mask.fill.is_ascii() {
        partial_ascii(mask, value, out);
        return true;
    }
    let Ok(text) = std::str::from_utf8(value) else {
        return false;
    };
    let (first, last) = kept(mask, text.chars().count());
    let middle = text.chars().count() - first - last;
    let head = text
        .char_indices()
        .nth(first)
        .map_or(text.len(), |(at, _)| at);
    out.extend_from_slice(&value[..head]);
    let mut fill = [0; 4];
    let fill = mask.fill.encode_utf8(&mut fill).as_bytes();
    for _ in 0..middle {
        out.extend_from_slice(fill);
    }
    let tail = text
        .char_indices()
        .nth(first + middle)
        .map_or(text.len(), |(at, _)| at);
    out.extend_from_slice(&value[tail..]);
    true
}

fn partial_ascii(mask: &PartialMask, value: &[u8], out: &mut Vec<u8>) {
    let (first, last) = kept(mask, value.len());
    let start = out.len();
    out.extend_from_slice(value);
    let end = out.len() - last;
    if let Some(middle) = out.get_mut(start + first..end) {
        middle.fill(mask.fill as u8);
    }
}

/// How many of `length` characters are kept at the start and the end.
fn kept(mask: &PartialMask, length: usize) -> (usize, usize) {
    let (first, last) = (mask.first as usize, mask.last as usize);
    if first.saturating_add(last) >= length {
        (0, 0)
    } else {
        (first, last)
    }
}

/// Appends the pseudonym of `value` as text of `kind`. False if the type has no pseudonyms.
pub(super) fn pseudonym(key: &Pseudonym, kind: Kind, value: &[u8], out: &mut Vec<u8>) -> bool {
    let digest = key.digest(value);
    let scalar = match kind {
        Kind::Scalar(scalar) => scalar,
        Kind::Limited { .. } => {
            let mut text = Vec::with_capacity(32);
            hexadecimal(&digest[..16], &mut text);
            return std::str::from_utf8(&text).is_ok_and(|text| kind.settle(text, out));
        }
        Kind::Array { .. } | Kind::Other => return false,
    };
    let [a, b, c, d, e, f, g, h, ..] = digest;
    match scalar {
        Scalar::Text => hexadecimal(&digest[..16], out),
        Scalar::Uuid => uuid(&digest, out),
        Scalar::Int2 => decimal(i64::from(i16::from_be_bytes([a & 0x7f, b])), out),
        Scalar::Int4 => decimal(i64::from(i32::from_be_bytes([a & 0x7f, b, c, d])), out),
        Scalar::Int8 => decimal(i64::from_be_bytes([a & 0x7f, b, c, d, e, f, g, h]), out),
        _ => return false,
    }
    true
}

/// RFC 9562, section 5.8: version 8 is for values with a custom layout.
fn uuid(digest: &[u8; 32], out: &mut Vec<u8>) {
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    bytes[6] = (bytes[6] & 0x0f) | 0x80;
    bytes[8] = (bytes[8] & 0x3f) | 0x80;
    uuid_text(&bytes, out);
}

fn decimal(number: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(number.to_string().as_bytes());
}
