//! The character sets of clients that the gateway can read, by the names under which the server looks them up, and where its
//! tables differ from the server's.

use std::borrow::Cow;

use encoding_rs as whatwg;

/// A character set, and the characters that are not read, because the server reads others in their place.
#[derive(Debug, PartialEq, Eq)]
pub struct Charset {
    /// As in `pg_encname_tbl`.
    pub names: &'static [&'static str],
    pub table: &'static whatwg::Encoding,
    /// Up to two bytes per character in most cases; the second byte may be in the range of ASCII.
    pub is_wide: bool,
    /// Ranges of characters in `table`, both ends included.
    disputed: &'static [(char, char)],
    /// Ranges of codes of two bytes, both ends included, where the server has another character than `table`, while it agrees on
    /// other codes of that character.
    disputed_codes: &'static [(u16, u16)],
}

impl Charset {
    pub fn named(name: &str) -> Option<&'static Self> {
        CHARSETS.iter().find(|set| set.names.contains(&name))
    }

    #[cfg(test)]
    pub fn all() -> &'static [Self] {
        CHARSETS
    }

    /// The text that the server reads as well. `None` where it may read other characters, or none.
    pub fn decode<'t>(&self, text: &'t [u8]) -> Option<Cow<'t, str>> {
        let table = self.table;
        let read = table.decode_without_bom_handling_and_without_replacement(text)?;
        let is_undisputed = read
            .chars()
            .all(|character| !is_in(self.disputed, character))
            && (self.disputed_codes.is_empty() || self.has_undisputed_codes(text));
        is_undisputed.then_some(read)
    }

    /// Only for encodings whose characters have one byte or two.
    fn has_undisputed_codes(&self, text: &[u8]) -> bool {
        let mut bytes = text.iter();
        while let Some(first) = bytes.next() {
            if first.is_ascii() {
                continue;
            }
            let Some(second) = bytes.next() else {
                return false;
            };
            if is_in(self.disputed_codes, u16::from_be_bytes([*first, *second])) {
                return false;
            }
        }
        true
    }
}

fn is_in<T: PartialOrd>(ranges: &[(T, T)], value: T) -> bool {
    let mut ranges = ranges.iter();
    ranges.any(|(first, last)| *first <= value && value <= *last)
}

const fn wide(
    names: &'static [&'static str],
    table: &'static whatwg::Encoding,
    disputed: &'static [(char, char)],
) -> Charset {
    Charset {
        is_wide: true,
        disputed,
        ..narrow(names, table)
    }
}

const fn narrow(names: &'static [&'static str], table: &'static whatwg::Encoding) -> Charset {
    Charset {
        names,
        table,
        is_wide: false,
        disputed: &[],
        disputed_codes: &[],
    }
}

/// What `table` has more than ISO 8859-9, where the server reads control characters.
const OF_WINDOWS_1254: &[(char, char)] = &[
    ('\u{152}', '\u{153}'),
    ('\u{160}', '\u{161}'),
    ('\u{178}', '\u{178}'),
    ('\u{192}', '\u{192}'),
    ('\u{2c6}', '\u{2c6}'),
    ('\u{2dc}', '\u{2dc}'),
    ('\u{2013}', '\u{203a}'),
    ('\u{20ac}', '\u{20ac}'),
    ('\u{2122}', '\u{2122}'),
];

/// Versions of GB 18030 differ in these, some of which were for private use.
const OF_GB18030: &[(char, char)] = &[
    ('\u{1e3f}', '\u{1e3f}'),
    ('\u{3000}', '\u{3000}'),
    ('\u{9fb4}', '\u{9fbb}'),
    ('\u{e000}', '\u{f8ff}'),
    ('\u{fe10}', '\u{fe19}'),
];

/// The server's BIG5 is that of Unicode's BIG5.TXT and CP950, without the extensions of `table`.
const OF_BIG5: &[(u16, u16)] = &[
    (0xa145, 0xa145),
    (0xa14e, 0xa14e),
    (0xa15a, 0xa15a),
    (0xa1c2, 0xa1c3),
    (0xa1c5, 0xa1c5),
    (0xa1e3, 0xa1e3),
    (0xa1f2, 0xa1f3),
    (0xa1fe, 0xa242),
    (0xa244, 0xa244),
    (0xa246, 0xa247),
    (0xa2cc, 0xa2cc),
    (0xa2ce, 0xa2ce),
    (0xc6a1, 0xc7fc),
];

/// The tests compare every character with the server's own conversion.
const CHARSETS: &[Charset] = &[
    wide(
        &["sjis", "shiftjis", "mskanji", "win932", "windows932"],
        whatwg::SHIFT_JIS,
        &[],
    ),
    Charset {
        disputed_codes: OF_BIG5,
        ..wide(&["big5", "win950", "windows950"], whatwg::BIG5, &[])
    },
    wide(&["gbk", "win936", "windows936"], whatwg::GBK, &[]),
    wide(&["gb18030"], whatwg::GB18030, OF_GB18030),
    wide(&["uhc", "win949", "windows949"], whatwg::EUC_KR, &[]),
    wide(&["eucjp"], whatwg::EUC_JP, &[('\u{a6}', '\u{a6}')]),
    wide(&["euckr"], whatwg::EUC_KR, &[]),
    wide(
        &["euccn"],
        whatwg::GBK,
        &[('\u{b7}', '\u{b7}'), ('\u{2014}', '\u{2014}')],
    ),
    narrow(&["latin2", "iso88592"], whatwg::ISO_8859_2),
    narrow(&["latin3", "iso88593"], whatwg::ISO_8859_3),
    narrow(&["latin4", "iso88594"], whatwg::ISO_8859_4),
    Charset {
        disputed: OF_WINDOWS_1254,
        ..narrow(&["latin5", "iso88599"], whatwg::WINDOWS_1254)
    },
    narrow(&["latin6", "iso885910"], whatwg::ISO_8859_10),
    narrow(&["latin7", "iso885913"], whatwg::ISO_8859_13),
    narrow(&["latin8", "iso885914"], whatwg::ISO_8859_14),
    narrow(&["latin9", "iso885915"], whatwg::ISO_8859_15),
    narrow(&["latin10", "iso885916"], whatwg::ISO_8859_16),
    narrow(&["iso88595"], whatwg::ISO_8859_5),
    narrow(&["iso88596"], whatwg::ISO_8859_6),
    narrow(&["iso88597"], whatwg::ISO_8859_7),
    narrow(&["iso88598"], whatwg::ISO_8859_8),
    narrow(&["koi8r", "koi8"], whatwg::KOI8_R),
    Charset {
        disputed: &[('\u{40e}', '\u{40e}'), ('\u{45e}', '\u{45e}')],
        ..narrow(&["koi8u"], whatwg::KOI8_U)
    },
    narrow(&["win866", "windows866", "alt"], whatwg::IBM866),
    narrow(&["win874", "windows874"], whatwg::WINDOWS_874),
    narrow(&["win1250", "windows1250"], whatwg::WINDOWS_1250),
    narrow(&["win1251", "windows1251", "win"], whatwg::WINDOWS_1251),
    narrow(&["win1252", "windows1252"], whatwg::WINDOWS_1252),
    narrow(&["win1253", "windows1253"], whatwg::WINDOWS_1253),
    narrow(&["win1254", "windows1254"], whatwg::WINDOWS_1254),
    narrow(&["win1255", "windows1255"], whatwg::WINDOWS_1255),
    narrow(&["win1256", "windows1256"], whatwg::WINDOWS_1256),
    narrow(&["win1257", "windows1257"], whatwg::WINDOWS_1257),
    narrow(
        &["win1258", "windows1258", "abc", "tcvn", "tcvn5712", "vscii"],
        whatwg::WINDOWS_1258,
    ),
];
