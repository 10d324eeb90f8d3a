//! Scans text with JSON escapes (`\u0040`, `\/`, `\n`): detects values in the unescaped text and reports them at their
//! offsets in the original.

use std::cmp::Reverse;

use gatewright_detectors::{Detectors, Match};

/// Appends the matches in the text as written and as unescaped, ordered by start. Matches of different kinds may overlap.
pub fn scan(detectors: &Detectors, text: &[u8], matches: &mut Vec<Match>) {
    let first = matches.len();
    detectors.scan(text, matches);
    let Some(unescaped) = Unescaped::new(text) else {
        return;
    };
    let mut more = Vec::new();
    detectors.scan(&unescaped.bytes, &mut more);
    for hit in &mut more {
        (hit.start, hit.end) = (unescaped.offset(hit.start), unescaped.offset(hit.end));
    }
    for hit in matches.iter_mut().skip(first) {
        unescaped.align(hit, &more);
    }
    matches.append(&mut more);
    merge(matches, first);
}

/// The unescaped text; `None` if it contains no escape.
pub fn unescape(text: &[u8]) -> Option<Vec<u8>> {
    Unescaped::new(text).map(|unescaped| unescaped.bytes)
}

/// Orders the matches from index `first` on and merges those of one kind that overlap.
fn merge(matches: &mut Vec<Match>, first: usize) {
    let mut found = matches.split_off(first);
    found.sort_by_key(|hit| (hit.start, Reverse(hit.end)));
    for hit in found {
        match matches.get_mut(first..).and_then(<[Match]>::last_mut) {
            Some(last) if hit.start < last.end && hit.kind == last.kind => {
                last.end = last.end.max(hit.end);
            }
            _ => matches.push(hit),
        }
    }
}

/// A text without its escapes, and the way back to the original.
struct Unescaped {
    bytes: Vec<u8>,
    /// The offset in the original of each byte, and the original's length.
    offsets: Vec<usize>,
}

impl Unescaped {
    fn new(text: &[u8]) -> Option<Self> {
        if !text.contains(&b'\\') {
            return None;
        }
        let mut unescaped = Self {
            bytes: Vec::with_capacity(text.len()),
            offsets: Vec::with_capacity(text.len() + 1),
        };
        let (mut at, mut escaped) = (0, false);
        while let Some(byte) = text.get(at) {
            if *byte != b'\\' {
                unescaped.push(&[*byte], at);
                at += 1;
                continue;
            }
            let after = at + slashes(text, at);
            if let Some((character, end)) = escape(text, after) {
                let mut utf8 = [0; 4];
                unescaped.push(character.encode_utf8(&mut utf8).as_bytes(), at);
                (at, escaped) = (end, true);
            } else {
                // Consume the run at once: a text of backslashes alone must not take quadratic time.
                for at in at..after {
                    unescaped.push(b"\\", at);
                }
                at = after;
            }
        }
        unescaped.offsets.push(text.len());
        escaped.then_some(unescaped)
    }

    fn push(&mut self, bytes: &[u8], offset: usize) {
        self.bytes.extend_from_slice(bytes);
        self.offsets.extend(bytes.iter().map(|_| offset));
    }

    fn offset(&self, at: usize) -> usize {
        let end = self.offsets.last().copied().unwrap_or(0);
        self.offsets.get(at).copied().unwrap_or(end)
    }

    /// Moves the ends of a match in the original text out of escapes: half an escape is not an escape. The `n` of `\n`
    /// counts as a letter of an address unless `unescaped`, the matches in the unescaped text, says otherwise.
    fn align(&self, hit: &mut Match, unescaped: &[Match]) {
        let next = self.offsets.partition_point(|offset| *offset < hit.start);
        let after = self.offset(next);
        if after != hit.start {
            let covered = unescaped
                .iter()
                .any(|other| other.start <= after && after < other.end);
            let escape = self.offset(next.saturating_sub(1));
            hit.start = if covered { after } else { escape };
        }
        let next = self.offsets.partition_point(|offset| *offset < hit.end);
        hit.end = self.offset(next);
    }
}

/// The length of the run of backslashes at `at`. In an array or a record each backslash is doubled.
fn slashes(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.iter().take_while(|byte| **byte == b'\\').count()
}

/// The character escaped by the backslashes that end at `after`, and the end of the escape (RFC 8259, section 7).
fn escape(text: &[u8], after: usize) -> Option<(char, usize)> {
    let character = match text.get(after)? {
        b'u' => return unicode(text, after + 1),
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        _ => return None,
    };
    Some((character, after + 1))
}

/// The character written as four hexadecimal digits at `at`, or as a surrogate pair of two such escapes.
fn unicode(text: &[u8], at: usize) -> Option<(char, usize)> {
    let high = unit(text, at)?;
    if let Some(character) = char::from_u32(u32::from(high)) {
        return Some((character, at + 4));
    }
    let more = slashes(text, at + 4);
    let low = at + 4 + more;
    (more > 0 && text.get(low) == Some(&b'u')).then_some(())?;
    let units = [high, unit(text, low + 1)?];
    let character = char::decode_utf16(units).next()?.ok()?;
    Some((character, low + 5))
}

fn unit(text: &[u8], at: usize) -> Option<u16> {
    let digits = std::str::from_utf8(text.get(at..at + 4)?).ok()?;
    let plain = digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    plain
        .then(|| u16::from_str_radix(digits, 16).ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    use super::*;
    use gatewright_detectors::{Country, Kind};

    fn found(text: &str) -> Vec<(Kind, &str)> {
        let mut matches = Vec::new();
        let detectors = Detectors::new(&Kind::ALL, &Country::ALL);
        scan(&detectors, text.as_bytes(), &mut matches);
        matches
            .iter()
            .map(|hit| (hit.kind, &text[hit.start..hit.end]))
            .collect()
    }

    #[test]
    fn escaped_values_are_reported_at_their_original_offsets() {
        for (text, written) in [
            (r#"{"a": "ada\u0040example.com"}"#, r"ada\u0040example.com"),
            (
                r#"{"a": "\u0061da@example\u002Ecom"}"#,
                r"\u0061da@example\u002Ecom",
            ),
            (
                r#"{"{\"a\": \"ada\\u0040example.com\"}"}"#,
                r"ada\\u0040example.com",
            ),
            (
                r#"["\ud83d\ude00ada@example.com"]"#,
                r"\ud83d\ude00ada@example.com",
            ),
        ] {
            assert_eq!(found(text), [(Kind::Email, written)], "{text}");
        }
        assert_eq!(
            found(r#"["4111\u00201111 1111 1111", "030\/901820"]"#),
            [
                (Kind::Card, r"4111\u00201111 1111 1111"),
                (Kind::Phone, r"030\/901820")
            ]
        );
    }

    #[test]
    fn letters_of_escapes_do_not_join_words() {
        for (text, kind, written) in [
            (
                r#"{"a": "to\n4111 1111 1111 1111"}"#,
                Kind::Card,
                "4111 1111 1111 1111",
            ),
            (
                r#"{"a": "to\tDE89370400440532013000"}"#,
                Kind::Iban,
                "DE89370400440532013000",
            ),
            (
                r#"{"{\"a\": \"to\\n4111111111111111\"}"}"#,
                Kind::Card,
                "4111111111111111",
            ),
            (
                r#"{"a": "to\nada@example.com\r\n"}"#,
                Kind::Email,
                "ada@example.com",
            ),
            (r"C:\n@example.com", Kind::Email, r"\n@example.com"),
        ] {
            assert_eq!(found(text), [(kind, written)], "{text}");
        }
    }

    #[test]
    fn runs_of_backslashes_are_consumed_once() {
        let text = vec![b'\\'; 1 << 20];
        assert!(unescape(&text).is_none());
    }

    #[test]
    fn invalid_escapes_are_ignored() {
        for text in [
            r"\",
            r"\u",
            r"\u004",
            r"\uzzzz",
            r"\ud800",
            r"\ud800\u0041",
            r"\n\\",
            r"C:\users\ada",
            "\\u00e",
        ] {
            assert_eq!(found(text), [], "{text}");
        }
        // The match begins inside what looks like an escape.
        assert_eq!(found(r"\u0040ada@example.com").len(), 1);
    }
}
