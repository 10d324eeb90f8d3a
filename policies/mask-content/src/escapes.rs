//! Text in which characters are written as JSON's `\u0040`, `\/` or `\n`: what is found in it when it is read, in the places where it is written.

use std::cmp::Reverse;

use gatewright_detectors::{Detectors, Find};

/// Adds the finds of a text as it stands and as it reads, by where they begin. Finds of different kinds may overlap.
pub fn scan(detectors: &Detectors, text: &[u8], finds: &mut Vec<Find>) {
    let first = finds.len();
    detectors.scan(text, finds);
    let Some(read) = Read::of(text) else {
        return;
    };
    let mut more = Vec::new();
    detectors.scan(&read.bytes, &mut more);
    for find in &mut more {
        (find.start, find.end) = (read.place(find.start), read.place(find.end));
    }
    for find in finds.iter_mut().skip(first) {
        read.settle(find, &more);
    }
    finds.append(&mut more);
    merge(finds, first);
}

/// The text as it reads; nothing where no character of it is escaped.
pub fn read(text: &[u8]) -> Option<Vec<u8>> {
    Read::of(text).map(|read| read.bytes)
}

/// Orders the finds from `first` on, and makes one of those that overlap and are of one kind.
fn merge(finds: &mut Vec<Find>, first: usize) {
    let mut found = finds.split_off(first);
    found.sort_by_key(|find| (find.start, Reverse(find.end)));
    for find in found {
        match finds.get_mut(first..).and_then(<[Find]>::last_mut) {
            Some(last) if find.start < last.end && find.kind == last.kind => {
                last.end = last.end.max(find.end);
            }
            _ => finds.push(find),
        }
    }
}

/// A text without its escapes.
struct Read {
    bytes: Vec<u8>,
    /// Where each byte is written, and the end of the text.
    places: Vec<usize>,
}

impl Read {
    fn of(text: &[u8]) -> Option<Self> {
        if !text.contains(&b'\\') {
            return None;
        }
        let mut read = Self {
            bytes: Vec::with_capacity(text.len()),
            places: Vec::with_capacity(text.len() + 1),
        };
        let (mut at, mut escaped) = (0, false);
        while let Some(byte) = text.get(at) {
            if *byte != b'\\' {
                read.push(&[*byte], at);
                at += 1;
                continue;
            }
            let behind = at + slashes(text, at);
            if let Some((character, end)) = escape(text, behind) {
                let mut utf8 = [0; 4];
                read.push(character.encode_utf8(&mut utf8).as_bytes(), at);
                (at, escaped) = (end, true);
            } else {
                // All of them at once: a text may consist of nothing else.
                for at in at..behind {
                    read.push(b"\\", at);
                }
                at = behind;
            }
        }
        read.places.push(text.len());
        escaped.then_some(read)
    }

    fn push(&mut self, bytes: &[u8], place: usize) {
        self.bytes.extend_from_slice(bytes);
        self.places.extend(bytes.iter().map(|_| place));
    }

    fn place(&self, at: usize) -> usize {
        let end = self.places.last().copied().unwrap_or(0);
        self.places.get(at).copied().unwrap_or(end)
    }

    /// Moves the borders of a find in the text as it stands out of escapes: half an escape would be none. The `n` of `\n` is no letter of an
    /// address where `read`, the finds of the text as it reads, say so.
    fn settle(&self, find: &mut Find, read: &[Find]) {
        let next = self.places.partition_point(|place| *place < find.start);
        let behind = self.place(next);
        if behind != find.start {
            let covered = read
                .iter()
                .any(|other| other.start <= behind && behind < other.end);
            let escape = self.place(next.saturating_sub(1));
            find.start = if covered { behind } else { escape };
        }
        let next = self.places.partition_point(|place| *place < find.end);
        find.end = self.place(next);
    }
}

/// How many backslashes stand at `at`. In an array or a record each is doubled.
fn slashes(text: &[u8], at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    rest.iter().take_while(|byte| **byte == b'\\').count()
}

/// The character that is escaped by the backslashes before `behind`, and where its escape ends (RFC 8259, section 7).
fn escape(text: &[u8], behind: usize) -> Option<(char, usize)> {
    let character = match text.get(behind)? {
        b'u' => return unicode(text, behind + 1),
        b'/' => '/',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        _ => return None,
    };
    Some((character, behind + 1))
}

/// The character of four hexadecimal digits at `at`, or of two such escapes that are one character.
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
        let mut finds = Vec::new();
        let detectors = Detectors::new(&Kind::ALL, &Country::ALL);
        scan(&detectors, text.as_bytes(), &mut finds);
        finds
            .iter()
            .map(|find| (find.kind, &text[find.start..find.end]))
            .collect()
    }

    #[test]
    fn what_is_escaped_is_found_where_it_is_written() {
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
    fn letters_of_escapes_are_no_letters_of_words() {
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
    fn many_backslashes_are_read_once() {
        let text = vec![b'\\'; 1 << 20];
        assert!(read(&text).is_none());
    }

    #[test]
    fn what_is_no_escape_is_left_as_it_is() {
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
        // One that begins inside of what looks like an escape.
        assert_eq!(found(r"\u0040ada@example.com").len(), 1);
    }
}
