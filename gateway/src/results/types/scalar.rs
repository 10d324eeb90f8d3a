//! Types that are not arrays: their OIDs (`pg_type.dat`), and the text and binary form of the simple ones (`*send` and
//! `*recv` functions). A text is rejected if PostgreSQL's input function would reject it.

use std::io::Write;

use serde::de::IgnoredAny;

use super::{calendar, datetime, float, interval, network, numeric};

/// A type with a known text form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Scalar {
    Bool,
    Bytea,
    /// `"char"`, one byte.
    Char,
    /// name, text, bpchar, varchar, unknown: any text is valid; the column limits its length.
    Text,
    Int2,
    Int4,
    Int8,
    /// oid, xid and cid: unsigned 32 bits.
    Oid,
    Float4,
    Float8,
    Numeric,
    Uuid,
    Date,
    Time,
    Timetz,
    Timestamp,
    Timestamptz,
    Interval,
    Json,
    Jsonb,
    /// Readable, but a replacement cannot be checked without an XML parser.
    Xml,
    Inet,
    Cidr,
    Macaddr,
    Macaddr8,
    /// Its binary form is meaningless without the server's locale.
    Money,
}

/// (OID of the type, OID of its array type, type).
const TYPES: &[(u32, u32, Scalar)] = &[
    (16, 1000, Scalar::Bool),
    (17, 1001, Scalar::Bytea),
    (18, 1002, Scalar::Char),
    (19, 1003, Scalar::Text),
    (20, 1016, Scalar::Int8),
    (21, 1005, Scalar::Int2),
    (23, 1007, Scalar::Int4),
    (25, 1009, Scalar::Text),
    (26, 1028, Scalar::Oid),
    (28, 1011, Scalar::Oid),
    (29, 1012, Scalar::Oid),
    (114, 199, Scalar::Json),
    (142, 143, Scalar::Xml),
    (650, 651, Scalar::Cidr),
    (700, 1021, Scalar::Float4),
    (701, 1022, Scalar::Float8),
    (705, 0, Scalar::Text),
    (774, 775, Scalar::Macaddr8),
    (790, 791, Scalar::Money),
    (829, 1040, Scalar::Macaddr),
    (869, 1041, Scalar::Inet),
    (1042, 1014, Scalar::Text),
    (1043, 1015, Scalar::Text),
    (1082, 1182, Scalar::Date),
    (1083, 1183, Scalar::Time),
    (1114, 1115, Scalar::Timestamp),
    (1184, 1185, Scalar::Timestamptz),
    (1186, 1187, Scalar::Interval),
    (1266, 1270, Scalar::Timetz),
    (1700, 1231, Scalar::Numeric),
    (2950, 2951, Scalar::Uuid),
    (3802, 3807, Scalar::Jsonb),
];

impl Scalar {
    pub(super) fn of(oid: u32) -> Option<Self> {
        TYPES
            .iter()
            .find(|(own, ..)| *own == oid)
            .map(|(.., scalar)| *scalar)
    }

    /// The element type of an array type, and its OID.
    pub(super) fn of_array(oid: u32) -> Option<(u32, Self)> {
        TYPES
            .iter()
            .find(|(_, array, _)| *array == oid && oid != 0)
            .map(|(own, _, scalar)| (*own, *scalar))
    }

    pub(super) fn has_binary(self) -> bool {
        self != Self::Money
    }

    /// Appends the text of a binary value; `None` if it is invalid.
    pub(super) fn read(self, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Text | Self::Json | Self::Xml => out.extend_from_slice(value),
            Self::Jsonb => out.extend_from_slice(value.strip_prefix(&[1])?),
            Self::Bool => out.push(match value {
                [0] => b'f',
                [_] => b't',
                _ => return None,
            }),
            Self::Bytea => {
                out.extend_from_slice(b"\\x");
                hexadecimal(value, out);
            }
            Self::Char => char_text(*exactly::<1>(value)?, out)?,
            Self::Int2 => number(i16::from_be_bytes(*exactly(value)?), out)?,
            Self::Int4 => number(i32::from_be_bytes(*exactly(value)?), out)?,
            Self::Int8 => number(i64::from_be_bytes(*exactly(value)?), out)?,
            Self::Oid => number(u32::from_be_bytes(*exactly(value)?), out)?,
            Self::Uuid => uuid_text(exactly(value)?, out),
            Self::Float4 => float::read4(f32::from_be_bytes(*exactly(value)?), out),
            Self::Float8 => float::read8(f64::from_be_bytes(*exactly(value)?), out),
            Self::Numeric => numeric::read(value, out)?,
            Self::Date => calendar::read_date(i32::from_be_bytes(*exactly(value)?), out)?,
            Self::Time => datetime::read_time(i64::from_be_bytes(*exactly(value)?), out)?,
            Self::Timetz => datetime::read_timetz(value, out)?,
            Self::Timestamp => {
                datetime::read_timestamp(i64::from_be_bytes(*exactly(value)?), "", out)?
            }
            Self::Timestamptz => {
                datetime::read_timestamp(i64::from_be_bytes(*exactly(value)?), "+00", out)?
            }
            Self::Interval => interval::read(value, out)?,
            Self::Inet | Self::Cidr => network::read(self == Self::Cidr, value, out)?,
            Self::Macaddr => colons(exactly::<6>(value)?, out),
            Self::Macaddr8 => colons(exactly::<8>(value)?, out),
            Self::Money => return None,
        }
        Some(())
    }

    /// Appends the binary form of a text; `None` if it is not a valid value.
    pub(super) fn encode(self, text: &str, out: &mut Vec<u8>) -> Option<()> {
        match self {
            Self::Text => out.extend_from_slice(text.as_bytes()),
            Self::Json => {
                serde_json::from_str::<IgnoredAny>(text).ok()?;
                out.extend_from_slice(text.as_bytes());
            }
            Self::Jsonb => {
                is_jsonb(&serde_json::from_str(text).ok()?).then_some(())?;
                out.push(1);
                out.extend_from_slice(text.as_bytes());
            }
            Self::Bool => out.push(u8::from(boolean(text)?)),
            Self::Bytea => bytes_of(text.strip_prefix("\\x")?, out)?,
            Self::Char => out.push(char_of(text)?),
            Self::Int2 => out.extend_from_slice(&text.parse::<i16>().ok()?.to_be_bytes()),
            Self::Int4 => out.extend_from_slice(&text.parse::<i32>().ok()?.to_be_bytes()),
            Self::Int8 => out.extend_from_slice(&text.parse::<i64>().ok()?.to_be_bytes()),
            Self::Oid => out.extend_from_slice(&text.parse::<u32>().ok()?.to_be_bytes()),
            Self::Uuid => uuid_of(text, out)?,
            Self::Float4 => out.extend_from_slice(&float::parse4(text)?.to_be_bytes()),
            Self::Float8 => out.extend_from_slice(&float::parse8(text)?.to_be_bytes()),
            Self::Numeric => numeric::encode(text, out)?,
            Self::Date => out.extend_from_slice(&calendar::parse_date(text)?.to_be_bytes()),
            Self::Time => out.extend_from_slice(&datetime::parse_time(text)?.to_be_bytes()),
            Self::Timetz => datetime::encode_timetz(text, out)?,
            Self::Timestamp => {
                out.extend_from_slice(&datetime::parse_timestamp(text)?.to_be_bytes())
            }
            Self::Timestamptz => {
                out.extend_from_slice(&datetime::parse_timestamptz(text)?.to_be_bytes())
            }
            Self::Interval => interval::encode(text, out)?,
            Self::Inet | Self::Cidr => network::encode(self == Self::Cidr, text, out)?,
            Self::Macaddr => colons_of::<6>(text, out)?,
            Self::Macaddr8 => colons_of::<8>(text, out)?,
            Self::Xml | Self::Money => return None,
        }
        Some(())
    }
}

/// The value as an array of exactly N bytes.
pub(super) fn exactly<const N: usize>(value: &[u8]) -> Option<&[u8; N]> {
    value.try_into().ok()
}

fn number(value: impl std::fmt::Display, out: &mut Vec<u8>) -> Option<()> {
    write!(out, "{value}").ok()
}

/// The spellings that PostgreSQL accepts: unique prefixes of the words, in any case, and the digits.
pub(super) fn boolean(text: &str) -> Option<bool> {
    let word = text.to_ascii_lowercase();
    match word.as_str() {
        "t" | "tr" | "tru" | "true" | "y" | "ye" | "yes" | "on" | "1" => Some(true),
        "f" | "fa" | "fal" | "fals" | "false" | "n" | "no" | "of" | "off" | "0" => Some(false),
        _ => None,
    }
}

/// Bytes above ASCII are written as three octal digits since PostgreSQL 16. Zero is the empty text.
fn char_text([byte]: [u8; 1], out: &mut Vec<u8>) -> Option<()> {
    match byte {
        0 => Some(()),
        1..=0x7f => {
            out.push(byte);
            Some(())
        }
        0x80.. => write!(out, "\\{byte:03o}").ok(),
    }
}

fn char_of(text: &str) -> Option<u8> {
    match text.as_bytes() {
        [] => Some(0),
        [byte] => Some(*byte),
        [b'\\', digits @ ..] if digits.len() == 3 => {
            digits
                .iter()
                .all(|digit| (b'0'..=b'7').contains(digit))
                .then_some(())?;
            u8::from_str_radix(&text[1..], 8).ok()
        }
        _ => None,
    }
}

/// Appends two lower-case hexadecimal digits per byte.
pub(in crate::results) fn hexadecimal(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let start = out.len();
    out.resize(start + bytes.len() * 2, 0);
    for (pair, byte) in out[start..].chunks_exact_mut(2).zip(bytes) {
        pair[0] = DIGITS[usize::from(byte >> 4)];
        pair[1] = DIGITS[usize::from(byte & 15)];
    }
}

fn bytes_of(digits: &str, out: &mut Vec<u8>) -> Option<()> {
    out.extend_from_slice(&hex::decode(digits).ok()?);
    Some(())
}

/// Appends the form that the server writes (RFC 9562, section 4).
pub(in crate::results) fn uuid_text(bytes: &[u8; 16], out: &mut Vec<u8>) {
    for (at, group) in [
        &bytes[..4],
        &bytes[4..6],
        &bytes[6..8],
        &bytes[8..10],
        &bytes[10..],
    ]
    .into_iter()
    .enumerate()
    {
        if at > 0 {
            out.push(b'-');
        }
        hexadecimal(group, out);
    }
}

/// Accepts only the form that the server writes, because drivers parse only that.
fn uuid_of(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let mut groups = text.split('-');
    for length in [8, 4, 4, 4, 12] {
        let group = groups.next().filter(|group| group.len() == length)?;
        bytes_of(group, out)?;
    }
    groups.next().is_none().then_some(())
}

fn colons(bytes: &[u8], out: &mut Vec<u8>) {
    for (at, byte) in bytes.iter().enumerate() {
        if at > 0 {
            out.push(b':');
        }
        hexadecimal(&[*byte], out);
    }
}

fn colons_of<const N: usize>(text: &str, out: &mut Vec<u8>) -> Option<()> {
    let mut groups = text.split(':');
    for _ in 0..N {
        let group = groups.next().filter(|group| group.len() == 2)?;
        bytes_of(group, out)?;
    }
    groups.next().is_none().then_some(())
}

/// The strings of jsonb, unlike those of json, cannot contain NUL.
fn is_jsonb(value: &serde_json::Value) -> bool {
    use serde_json::Value;
    match value {
        Value::String(text) => !text.contains('\0'),
        Value::Array(values) => values.iter().all(is_jsonb),
        Value::Object(members) => members
            .iter()
            .all(|(name, value)| !name.contains('\0') && is_jsonb(value)),
        Value::Null | Value::Bool(_) | Value::Number(_) => true,
    }
}
