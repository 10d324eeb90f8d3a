//! The character sets of clients that the gateway can read, by the names under which the server looks them up, and where its
//! tables differ from the server's.

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
}

impl Charset {
    pub fn named(name: &str) -> Option<&'static Self> {
        CHARSETS.iter().find(|set| set.names.contains(&name))
    }

    #[cfg(test)]
    pub fn all() -> &'static [Self] {
        CHARSETS
    }

    /// True when the server has the same character where the table has this one.
    pub fn is_undisputed(&self, character: char) -> bool {
        let mut disputed = self.disputed.iter();
        !disputed.any(|(first, last)| (*first..=*last).contains(&character))
    }
}

const fn wide(
    names: &'static [&'static str],
    table: &'static whatwg::Encoding,
    disputed: &'static [(char, char)],
) -> Charset {
    Charset {
        names,
        table,
        is_wide: true,
        disputed,
    }
}

const fn narrow(names: &'static [&'static str], table: &'static whatwg::Encoding) -> Charset {
    Charset {
        names,
        table,
        is_wide: false,
        disputed: &[],
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
const OF_BIG5: &[(char, char)] = &[
    ('\u{a8}', '\u{a8}'),
    ('\u{af}', '\u{af}'),
    ('\u{2c6}', '\u{2c6}'),
    ('\u{2cd}', '\u{2cd}'),
    ('\u{401}', '\u{401}'),
    ('\u{410}', '\u{418}'),
    ('\u{2027}', '\u{2027}'),
    ('\u{2170}', '\u{2179}'),
    ('\u{2215}', '\u{2215}'),
    ('\u{2295}', '\u{2295}'),
    ('\u{2299}', '\u{2299}'),
    ('\u{2460}', '\u{2469}'),
    ('\u{2474}', '\u{247d}'),
    ('\u{2574}', '\u{2574}'),
    ('\u{273d}', '\u{273d}'),
    ('\u{2f33}', '\u{2f33}'),
    ('\u{3003}', '\u{3003}'),
    ('\u{3005}', '\u{3007}'),
    ('\u{3041}', '\u{3093}'),
    ('\u{309d}', '\u{309e}'),
    ('\u{30a1}', '\u{30f6}'),
    ('\u{30fc}', '\u{30fe}'),
    ('\u{4e36}', '\u{4e36}'),
    ('\u{4e3f}', '\u{4e3f}'),
    ('\u{4e85}', '\u{4e85}'),
    ('\u{4ea0}', '\u{4ea0}'),
    ('\u{4edd}', '\u{4edd}'),
    ('\u{5182}', '\u{5182}'),
    ('\u{5196}', '\u{5196}'),
    ('\u{51ab}', '\u{51ab}'),
    ('\u{52f9}', '\u{52f9}'),
    ('\u{5338}', '\u{5338}'),
    ('\u{5341}', '\u{5341}'),
    ('\u{5345}', '\u{5345}'),
    ('\u{5369}', '\u{5369}'),
    ('\u{53b6}', '\u{53b6}'),
    ('\u{590a}', '\u{590a}'),
    ('\u{5b80}', '\u{5b80}'),
    ('\u{5ddb}', '\u{5ddb}'),
    ('\u{5e7f}', '\u{5e7f}'),
    ('\u{5ef4}', '\u{5ef4}'),
    ('\u{5f50}', '\u{5f50}'),
    ('\u{5f61}', '\u{5f61}'),
    ('\u{6534}', '\u{6534}'),
    ('\u{65e0}', '\u{65e0}'),
    ('\u{7592}', '\u{7592}'),
    ('\u{7676}', '\u{7676}'),
    ('\u{8fb5}', '\u{8fb5}'),
    ('\u{96b6}', '\u{96b6}'),
    ('\u{fe51}', '\u{fe51}'),
    ('\u{fe68}', '\u{fe68}'),
    ('\u{ff0f}', '\u{ff0f}'),
    ('\u{ff3b}', '\u{ff3d}'),
    ('\u{ff5e}', '\u{ff5e}'),
    ('\u{ffe0}', '\u{ffe1}'),
    ('\u{ffe3}', '\u{ffe3}'),
    ('\u{ffe5}', '\u{ffe5}'),
];

/// The tests compare every character with the server's own conversion.
const CHARSETS: &[Charset] = &[
    wide(
        &["sjis", "shiftjis", "mskanji", "win932", "windows932"],
        whatwg::SHIFT_JIS,
        &[],
    ),
    wide(&["big5", "win950", "windows950"], whatwg::BIG5, OF_BIG5),
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
