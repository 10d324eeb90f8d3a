//! The client's encoding. Statements are analysed in UTF-8, so text in another encoding is decoded here; the server gets the original bytes.

use std::borrow::Cow;

use encoding_rs as whatwg;

use crate::session::refusal::Refusal;

/// `client_encoding`, as far as the gateway can read it (PostgreSQL: Character Set Support).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    /// ISO 8859-1: each byte is the code point of the same number.
    Latin1,
    /// One byte per character; the lower half is ASCII.
    Single(&'static whatwg::Encoding),
    /// Up to two bytes per character; the second byte may be in the range of ASCII.
    Double(&'static whatwg::Encoding),
    /// No conversion takes place. Read as UTF-8 where it is valid, otherwise as [`Encoding::Latin1`]; ASCII is the same in both.
    Bytes,
    /// Not supported by the gateway.
    Unreadable,
}

/// Names of two-byte encodings as the server looks them up (`pg_encname_tbl`), with tables that agree on where characters begin and end.
const DOUBLE: &[(&[&str], &whatwg::Encoding)] = &[
    (
        &["sjis", "shiftjis", "mskanji", "win932", "windows932"],
        whatwg::SHIFT_JIS,
    ),
    (&["big5", "win950", "windows950"], whatwg::BIG5),
    (&["gbk", "win936", "windows936"], whatwg::GBK),
    (&["gb18030"], whatwg::GB18030),
    (&["uhc", "win949", "windows949"], whatwg::EUC_KR),
    (&["eucjp"], whatwg::EUC_JP),
    (&["euckr"], whatwg::EUC_KR),
    (&["euccn"], whatwg::GBK),
];

/// The same for single-byte encodings, with tables that agree with PostgreSQL's own for every byte it accepts.
const SINGLE: &[(&[&str], &whatwg::Encoding)] = &[
    (&["latin2", "iso88592"], whatwg::ISO_8859_2),
    (&["latin3", "iso88593"], whatwg::ISO_8859_3),
    (&["latin4", "iso88594"], whatwg::ISO_8859_4),
    (&["latin6", "iso885910"], whatwg::ISO_8859_10),
    (&["latin7", "iso885913"], whatwg::ISO_8859_13),
    (&["latin8", "iso885914"], whatwg::ISO_8859_14),
    (&["latin9", "iso885915"], whatwg::ISO_8859_15),
    (&["latin10", "iso885916"], whatwg::ISO_8859_16),
    (&["iso88595"], whatwg::ISO_8859_5),
    (&["koi8r", "koi8"], whatwg::KOI8_R),
    (&["koi8u"], whatwg::KOI8_U),
    (&["win866", "windows866", "alt"], whatwg::IBM866),
    (&["win1250", "windows1250"], whatwg::WINDOWS_1250),
    (&["win1251", "windows1251", "win"], whatwg::WINDOWS_1251),
    (&["win1252", "windows1252"], whatwg::WINDOWS_1252),
    (&["win1253", "windows1253"], whatwg::WINDOWS_1253),
    (&["win1254", "windows1254"], whatwg::WINDOWS_1254),
    (&["win1255", "windows1255"], whatwg::WINDOWS_1255),
    (&["win1256", "windows1256"], whatwg::WINDOWS_1256),
    (&["win1257", "windows1257"], whatwg::WINDOWS_1257),
    (
        &["win1258", "windows1258", "abc", "tcvn", "tcvn5712", "vscii"],
        whatwg::WINDOWS_1258,
    ),
];

/// The name as the server looks it up: letters and digits alone, in lower case (`clean_encoding_name`).
fn cleaned(name: &str) -> String {
    let kept = name.chars().filter(char::is_ascii_alphanumeric);
    kept.map(|letter| letter.to_ascii_lowercase()).collect()
}

impl Encoding {
    /// From the values of `client_encoding` and `server_encoding` in ParameterStatus.
    pub fn new(client: &str, server: &str) -> Self {
        let client = cleaned(client);
        match client.as_str() {
            // The server does not convert, and accepts only what is valid in its own encoding.
            "sqlascii" => match server {
                "SQL_ASCII" => Encoding::Bytes,
                other => Encoding::named(&cleaned(other)),
            },
            client => Encoding::named(client),
        }
    }

    fn named(name: &str) -> Self {
        match name {
            "utf8" | "unicode" => return Encoding::Utf8,
            "latin1" | "iso88591" => return Encoding::Latin1,
            _ => {}
        }
        let find = |tables: &[(&[&str], &'static whatwg::Encoding)]| {
            let found = tables.iter().find(|(names, _)| names.contains(&name));
            found.map(|(_, table)| *table)
        };
        let single = find(SINGLE).map(Encoding::Single);
        let known = single.or_else(|| find(DOUBLE).map(Encoding::Double));
        known.unwrap_or(Encoding::Unreadable)
    }

    pub fn is_utf8(self) -> bool {
        self == Encoding::Utf8
    }

    /// The client's text in UTF-8. The error for invalid text is PostgreSQL's own.
    pub fn read(self, text: &[u8]) -> Result<Cow<'_, str>, Refusal> {
        let utf8 = std::str::from_utf8(text);
        match (self, utf8) {
            (Encoding::Utf8 | Encoding::Bytes, Ok(text)) => Ok(text.into()),
            (_, Ok(text)) if text.is_ascii() => Ok(text.into()),
            (Encoding::Utf8, Err(error)) => Err(invalid(text, error.valid_up_to())),
            (Encoding::Latin1 | Encoding::Bytes, _) => {
                Ok(text.iter().map(|byte| char::from(*byte)).collect())
            }
            (Encoding::Single(table), _) => table
                .decode_without_bom_handling_and_without_replacement(text)
                .ok_or_else(unreadable),
            (Encoding::Double(table), _) => table
                .decode_without_bom_handling_and_without_replacement(text)
                .filter(|text| text.chars().all(is_agreed_on))
                .ok_or_else(unreadable),
            (Encoding::Unreadable, _) => Err(unreadable()),
        }
    }
}

/// True when two-byte tables agree on a character. They differ on some symbols (WAVE DASH, FULLWIDTH TILDE), and a name decoded to another
/// character would not match a policy that forbids it.
fn is_agreed_on(character: char) -> bool {
    matches!(character,
        '\0'..='\x7f'
        // The comma and the full stop, kana, ideographs, hangul, and digits and letters of full width.
        | '\u{3001}' | '\u{3002}'
        | '\u{3041}'..='\u{3093}' | '\u{30a1}'..='\u{30f6}' | '\u{30fc}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{ff10}'..='\u{ff19}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}')
}

fn unreadable() -> Refusal {
    let message = "the statement has characters that are not understood in this client_encoding";
    Refusal::new("0A000", message).with_hint("SET client_encoding TO 'UTF8' first.")
}

/// PostgreSQL's error (`report_invalid_encoding`), with the bytes of the invalid character.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_or_refused_and_never_guessed() {
        let read = |encoding: &str, text: &[u8]| {
            let read = Encoding::new(encoding, "UTF8").read(text);
            read.map(Cow::into_owned)
                .map_err(|refusal| refusal.sqlstate)
        };
        assert_eq!(read("LATIN1", b"\xe9\x80"), Ok("é\u{80}".into()));
        assert_eq!(read("WIN1252", b"\x80"), Ok("€".into()));
        assert_eq!(read("KOI8R", b"\xc1"), Ok("а".into()));
        assert_eq!(read("SJIS", b"'\x83\x5c'"), Ok("'ソ'".into()));
        // FULLWIDTH TILDE to some, WAVE DASH to others.
        assert_eq!(read("SJIS", b"\x81\x60"), Err("0A000".into()));
        assert_eq!(read("SJIS", b"\x83"), Err("0A000".into()));
        for unknown in ["JOHAB", "EUC_TW", "MULE_INTERNAL", "LATIN5", "x"] {
            assert_eq!(read(unknown, b"SELECT 1"), Ok("SELECT 1".into()));
            assert_eq!(read(unknown, b"\xe9"), Err("0A000".into()));
        }
        assert_eq!(read("UTF8", b"\xe9"), Err("22021".into()));
        // Not converted, so the server accepts it.
        assert_eq!(read("SQL_ASCII", "é".as_bytes()), Ok("é".into()));
        assert_eq!(read("SQL_ASCII", b"\xe9"), Err("22021".into()));
        let of = |client, server| Encoding::new(client, server);
        for name in ["UNICODE", "utf-8", "Utf 8", "u_t_f_8"] {
            assert_eq!(of(name, "LATIN1"), Encoding::Utf8);
        }
        assert_eq!(of("ISO-8859-1", "UTF8"), Encoding::Latin1);
        assert_eq!(of("Windows-936", "UTF8"), of("GBK", "UTF8"));
        assert_eq!(of("SQL_ASCII", "LATIN1"), Encoding::Latin1);
        assert_eq!(of("SQL_ASCII", "SQL_ASCII"), Encoding::Bytes);
        assert_eq!(Encoding::Bytes.read(b"\xe9").ok().as_deref(), Some("é"));
    }

    #[test]
    fn invalid_bytes_are_named_as_the_server_names_them() {
        for (text, named) in [
            (b"a\xe9\xe8\x27".as_slice(), "0xe9 0xe8 0x27"),
            (b"\xc3", "0xc3"),
            (b"\xf0\x9f\x98", "0xf0 0x9f 0x98"),
            (b"\xff\xff", "0xff"),
        ] {
            let refusal = Encoding::Utf8.read(text).expect_err("not UTF-8");
            assert!(
                refusal.message.ends_with(&format!(": {named}")),
                "{}",
                refusal.message
            );
        }
    }
}
