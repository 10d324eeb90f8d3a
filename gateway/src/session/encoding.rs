//! What the client's text is written in. Statements are understood as UTF-8, so text in another encoding is read in UTF-8 here and goes on to
//! the server as it came.

use std::borrow::Cow;

use encoding_rs as whatwg;

use super::refusal::Refusal;

/// `client_encoding`, as far as the gateway can read it (PostgreSQL: Character Set Support).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    /// ISO 8859-1: each byte is the code point of its number.
    Latin1,
    /// ASCII is ASCII, but for second bytes of characters of two.
    Other(&'static whatwg::Encoding),
    /// Nobody converts, and the database holds what came. Read as UTF-8 where it is, else as if it were [`Encoding::Latin1`]: either way ASCII
    /// is ASCII.
    Bytes,
    /// There is no table for it here.
    Unreadable,
}

/// PostgreSQL's names beside tables that tell where its characters begin and end. Of the single ones they agree with its own for every byte that it
/// takes; of those with two bytes a few characters are others, so nothing that hangs on names is told by them: see [`super::Session::sendable`].
const OTHERS: &[(&str, &whatwg::Encoding)] = &[
    ("SJIS", whatwg::SHIFT_JIS),
    ("BIG5", whatwg::BIG5),
    ("GBK", whatwg::GBK),
    ("GB18030", whatwg::GB18030),
    ("UHC", whatwg::EUC_KR),
    ("EUC_JP", whatwg::EUC_JP),
    ("EUC_KR", whatwg::EUC_KR),
    ("EUC_CN", whatwg::GBK),
    ("LATIN2", whatwg::ISO_8859_2),
    ("LATIN3", whatwg::ISO_8859_3),
    ("LATIN4", whatwg::ISO_8859_4),
    ("LATIN6", whatwg::ISO_8859_10),
    ("LATIN7", whatwg::ISO_8859_13),
    ("LATIN8", whatwg::ISO_8859_14),
    ("LATIN9", whatwg::ISO_8859_15),
    ("LATIN10", whatwg::ISO_8859_16),
    ("ISO_8859_5", whatwg::ISO_8859_5),
    ("KOI8R", whatwg::KOI8_R),
    ("KOI8U", whatwg::KOI8_U),
    ("WIN866", whatwg::IBM866),
    ("WIN1250", whatwg::WINDOWS_1250),
    ("WIN1251", whatwg::WINDOWS_1251),
    ("WIN1252", whatwg::WINDOWS_1252),
    ("WIN1253", whatwg::WINDOWS_1253),
    ("WIN1254", whatwg::WINDOWS_1254),
    ("WIN1255", whatwg::WINDOWS_1255),
    ("WIN1256", whatwg::WINDOWS_1256),
    ("WIN1257", whatwg::WINDOWS_1257),
    ("WIN1258", whatwg::WINDOWS_1258),
];

impl Encoding {
    /// From `client_encoding` and `server_encoding` as ParameterStatus gives them.
    pub fn new(client: &str, server: &str) -> Self {
        let is = |name: &str, other: &str| name.eq_ignore_ascii_case(other);
        if is(client, "SQL_ASCII") {
            // The server converts nothing, and takes only what is right in its own encoding.
            return match server {
                "UTF8" => Encoding::Utf8,
                "SQL_ASCII" => Encoding::Bytes,
                other => Encoding::new(other, other),
            };
        }
        if is(client, "UTF8") || is(client, "UTF-8") {
            return Encoding::Utf8;
        }
        if is(client, "LATIN1") {
            return Encoding::Latin1;
        }
        let known = OTHERS.iter().find(|(name, _)| is(client, name));
        known.map_or(Encoding::Unreadable, |(_, table)| Encoding::Other(table))
    }

    pub fn is_utf8(self) -> bool {
        self == Encoding::Utf8
    }

    /// A text of the client's in UTF-8. The refusal is PostgreSQL's own where the text is none in its encoding.
    pub fn read(self, text: &[u8]) -> Result<Cow<'_, str>, Refusal> {
        let utf8 = std::str::from_utf8(text);
        match (self, utf8) {
            (Encoding::Utf8 | Encoding::Bytes, Ok(text)) => Ok(text.into()),
            (_, Ok(text)) if text.is_ascii() => Ok(text.into()),
            (Encoding::Utf8, Err(error)) => Err(invalid(text, error.valid_up_to())),
            (Encoding::Latin1 | Encoding::Bytes, _) => {
                Ok(text.iter().map(|byte| char::from(*byte)).collect())
            }
            (Encoding::Other(table), _) => table
                .decode_without_bom_handling_and_without_replacement(text)
                .ok_or_else(unreadable),
            (Encoding::Unreadable, _) => Err(unreadable()),
        }
    }
}

fn unreadable() -> Refusal {
    let message = "statements outside ASCII are not understood in this client_encoding";
    Refusal::new("0A000", message).with_hint("SET client_encoding TO 'UTF8' first.")
}

/// As PostgreSQL says it (`report_invalid_encoding`): with the bytes of what would have been one character.
fn invalid(text: &[u8], at: usize) -> Refusal {
    let rest = text.get(at..).unwrap_or_default();
    let length = match rest.first() {
        Some(0xc0..=0xdf) => 2,
        Some(0xe0..=0xef) => 3,
        Some(0xf0..=0xf7) => 4,
        _ => 1,
    };
    let bytes: Vec<String> = rest
        .iter()
        .take(length)
        .map(|byte| format!("0x{byte:02x}"))
        .collect();
    let message = format!(
        "invalid byte sequence for encoding \"UTF8\": {}",
        bytes.join(" ")
    );
    Refusal::new("22021", message)
}
