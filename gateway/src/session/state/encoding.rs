//! The client's encoding. Statements are analysed in UTF-8, so text in another encoding is decoded here; the server gets the original bytes.

use std::borrow::Cow;

use crate::results::Transcode;
use crate::session::refusal::Refusal;
use crate::session::state::charset::Charset;

/// `client_encoding`, as far as the gateway can read it (PostgreSQL: Character Set Support).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Encoding {
    Utf8,
    /// ISO 8859-1: each byte is the code point of the same number.
    Latin1,
    Table {
        charset: &'static Charset,
        /// Whatever is in the text is the same character in the database: the server converts it to UTF-8, or not at all, or from an
        /// encoding of single bytes. Between two others it may convert without Unicode's tables.
        keeps_characters: bool,
    },
    /// No conversion takes place. Read as UTF-8 where it is valid, otherwise as [`Encoding::Latin1`]; ASCII is the same in both.
    Bytes,
    /// Not supported by the gateway.
    Unreadable,
}

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
                other => Encoding::named(&cleaned(other), other),
            },
            client => Encoding::named(client, server),
        }
    }

    fn named(name: &str, server: &str) -> Self {
        match name {
            "utf8" | "unicode" => return Encoding::Utf8,
            "latin1" | "iso88591" => return Encoding::Latin1,
            _ => {}
        }
        match Charset::named(name) {
            Some(charset) => Encoding::Table {
                charset,
                keeps_characters: !charset.is_wide
                    || server == "UTF8"
                    || charset.names.contains(&cleaned(server).as_str()),
            },
            None => Encoding::Unreadable,
        }
    }

    /// True when rows of text in this encoding can be edited: they are converted to UTF-8 and back.
    pub fn is_converted(self) -> bool {
        matches!(self, Encoding::Latin1 | Encoding::Table { .. })
    }

    pub fn is_utf8(self) -> bool {
        self == Encoding::Utf8
    }

    /// The text as the client would have sent it. `None` where not every character can be.
    pub fn write(self, text: &str) -> Option<Cow<'_, [u8]>> {
        let written: Cow<'_, [u8]> = match self {
            _ if text.is_ascii() => return Some(text.as_bytes().into()),
            Encoding::Utf8 => return Some(text.as_bytes().into()),
            Encoding::Latin1 => {
                let bytes = text.chars().map(|character| u8::try_from(character).ok());
                bytes.collect::<Option<Vec<u8>>>()?.into()
            }
            Encoding::Table { charset, .. } => match charset.table.encode(text) {
                (written, _, false) => written,
                (_, _, true) => return None,
            },
            Encoding::Bytes | Encoding::Unreadable => return None,
        };
        let read = self.read(&written).ok()?;
        (read == text).then(|| written.into_owned().into())
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
            (
                Encoding::Table {
                    charset,
                    keeps_characters,
                },
                _,
            ) => {
                let is_certain = |character| keeps_characters || is_agreed_on(character);
                let read = charset.decode(text);
                read.filter(|text| text.chars().all(is_certain))
                    .ok_or_else(unreadable)
            }
            (Encoding::Unreadable, _) => Err(unreadable()),
        }
    }
}

impl Transcode for Encoding {
    fn decode<'t>(&self, text: &'t [u8]) -> Option<Cow<'t, str>> {
        self.read(text).ok()
    }

    fn encode<'t>(&self, text: &'t str) -> Option<Cow<'t, [u8]>> {
        self.write(text)
    }
}

/// True when the tables of all wide encodings agree on a character, so that it stays the same where the server converts between two of
/// them. They differ on some symbols (WAVE DASH, FULLWIDTH TILDE), and a name decoded to another character would not match a policy
/// that forbids it.
fn is_agreed_on(character: char) -> bool {
    // Variants of two characters, each of which BIG5 and EUC_TW take for the other.
    let is_swapped = matches!(character, '\u{5f5d}' | '\u{5f5e}' | '\u{7b47}' | '\u{7b3b}');
    !is_swapped
        && matches!(character,
        '\0'..='\x7f'
        // Greek and Cyrillic letters.
        | '\u{391}'..='\u{3a9}' | '\u{3b1}'..='\u{3c9}' | '\u{401}' | '\u{410}'..='\u{44f}' | '\u{451}'
        // The comma and the full stop, kana, ideographs, hangul, digits and letters of full width, and katakana of half width.
        | '\u{3001}' | '\u{3002}'
        | '\u{3041}'..='\u{3093}' | '\u{30a1}'..='\u{30f6}' | '\u{30fc}'
        | '\u{3400}'..='\u{4dbf}' | '\u{4e00}'..='\u{9fff}' | '\u{ac00}'..='\u{d7a3}'
        | '\u{ff10}'..='\u{ff19}' | '\u{ff21}'..='\u{ff3a}' | '\u{ff41}'..='\u{ff5a}' | '\u{ff61}'..='\u{ff9f}')
}

fn unreadable() -> Refusal {
    let message = "the statement has characters that are not understood in this client_encoding";
    Refusal {
        unread: true,
        ..Refusal::new("0A000", message).with_hint("SET client_encoding TO 'UTF8' first.")
    }
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
    use gatewright_harness::{Postgres, PostgresSettings, Version};

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
        // FULLWIDTH TILDE to some, WAVE DASH to others: the server's table decides.
        assert_eq!(read("SJIS", b"\x81\x60"), Ok("～".into()));
        let of_euc_jp = Encoding::new("SJIS", "EUC_JP");
        assert!(of_euc_jp.read(b"\x81\x60").is_err());
        assert!(of_euc_jp.read(b"\x83\x5c").is_ok());
        // Greek, Cyrillic and katakana of half width.
        assert_eq!(read("SJIS", b"\x83\x9f\x84\x40\xb1"), Ok("ΑАｱ".into()));
        assert_eq!(read("LATIN5", b"\xfe"), Ok("ş".into()));
        assert_eq!(read("LATIN5", b"\x80"), Err("0A000".into()));
        assert_eq!(read("KOI8U", b"\xbe"), Err("0A000".into()));
        let of_euc_jp = of_euc_jp.read(b"\x83\x9f\x84\x40\xb1");
        assert_eq!(of_euc_jp.ok().as_deref(), Some("ΑАｱ"));
        // Ten, which has two codes in the table and one of them in the server's.
        assert_eq!(read("BIG5", b"\xa4\x51"), Ok("十".into()));
        assert_eq!(read("BIG5", b"\xa2\xcc"), Err("0A000".into()));
        assert_eq!(read("SJIS", b"\x83"), Err("0A000".into()));
        for unknown in ["JOHAB", "EUC_TW", "MULE_INTERNAL", "SHIFT_JIS_2004", "x"] {
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
    fn a_text_is_written_as_it_was_read_or_not_at_all() {
        let write = |encoding: &str, text: &str| {
            let written = Encoding::new(encoding, "UTF8").write(text);
            written.map(Cow::into_owned)
        };
        assert_eq!(write("LATIN1", "é"), Some(b"\xe9".to_vec()));
        assert_eq!(write("LATIN1", "€"), None);
        assert_eq!(write("KOI8R", "а"), Some(b"\xc1".to_vec()));
        assert_eq!(write("SJIS", "ソ"), Some(b"\x83\x5c".to_vec()));
        assert_eq!(write("SJIS", "é"), None);
        assert_eq!(write("LATIN5", "€"), None);
        assert_eq!(write("JOHAB", "x"), Some(b"x".to_vec()));
        assert_eq!(write("JOHAB", "é"), None);
        let bytes = Encoding::new("SQL_ASCII", "SQL_ASCII");
        assert_eq!(bytes.write("é"), None);
    }

    /// One byte, two bytes whose second is in the upper half or may be in the lower, and the codes of three and four bytes.
    const CODES: &str = "SELECT decode(to_hex(i), 'hex') AS code FROM generate_series(128, 255) i
        UNION ALL SELECT decode(to_hex(i) || to_hex(j), 'hex') FROM generate_series(128, 255) i, generate_series(48, 255) j
            WHERE $1 AND (j BETWEEN 64 AND 126 OR j > 127)
        UNION ALL SELECT decode('8f' || to_hex(i) || to_hex(j), 'hex') FROM generate_series(161, 254) i, generate_series(161, 254) j
            WHERE $2 = 'EUC_JP'
        UNION ALL SELECT decode(to_hex(i) || to_hex(j) || to_hex(k) || to_hex(l), 'hex')
            FROM generate_series(129, 255, 3) i, generate_series(48, 57) j, generate_series(129, 254, 5) k, generate_series(48, 57, 2) l
            WHERE $2 = 'GB18030'";

    /// What the server makes of a code in a database of the encoding `database`, which it converts to UTF-8 for the catalog's reader.
    const CONVERT: &str =
        "CREATE FUNCTION read_as(code bytea, name text, database text) RETURNS text LANGUAGE plpgsql AS $$
        BEGIN
            IF database = 'UTF8' THEN RETURN convert_from(code, name); END IF;
            RETURN convert_from(convert(code, name, database), database);
        EXCEPTION WHEN OTHERS THEN RETURN NULL; END $$";

    /// How many of the server's characters are read as the server reads them, and how many are refused.
    async fn compare(
        client: &tokio_postgres::Client,
        charset: &Charset,
        database: &str,
    ) -> (usize, usize) {
        let name = charset.names[0].to_uppercase();
        let name = name.replace("EUC", "EUC_");
        let sql = format!(
            "SELECT code, text FROM (SELECT code, read_as(code, $2, $3) AS text FROM ({CODES}) c OFFSET 0) r WHERE text IS NOT NULL"
        );
        let rows = client
            .query(&sql, &[&charset.is_wide, &name, &database])
            .await;
        let encoding = Encoding::new(&name, database);
        let (mut read, mut refused) = (0, 0);
        for row in rows.expect("the server's characters") {
            let (code, text): (Vec<u8>, String) = (row.get(0), row.get(1));
            match encoding.read(&code) {
                Ok(ours) => {
                    assert_eq!(ours, text, "{name} in {database}: {code:02x?}");
                    read += 1;
                }
                Err(_) => refused += 1,
            }
        }
        (read, refused)
    }

    /// Every character that the server accepts in the encoding is read as the server reads it, or not at all.
    #[test]
    fn characters_are_those_that_the_server_reads() {
        for version in [Version::Installed, Version::Eighteen] {
            let settings = PostgresSettings::default().version(version);
            let postgres = Postgres::start_with(&settings).expect("a PostgreSQL server");
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async {
                let (client, connection) =
                    tokio_postgres::connect(&postgres.dsn().url(), tokio_postgres::NoTls)
                        .await
                        .expect("a connection");
                tokio::spawn(connection);
                client.batch_execute(CONVERT).await.expect("a function");
                for charset in Charset::all() {
                    let (read, refused) = compare(&client, charset, "UTF8").await;
                    let name = charset.names[0];
                    assert!(
                        read > 80 && read > refused * 4,
                        "{name}: {read}, not {refused}"
                    );
                }
                // The server converts between these two without Unicode.
                for (name, database) in [("sjis", "EUC_JP"), ("big5", "EUC_TW")] {
                    let charset = Charset::named(name).expect("a character set");
                    let (read, refused) = compare(&client, charset, database).await;
                    assert!(
                        read > refused * 4,
                        "{name} in {database}: {read}, not {refused}"
                    );
                }
            });
        }
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
