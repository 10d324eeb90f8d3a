//! Text in which characters are written as JSON's `\u0040` or `\/`: what is found in it when it is read, in the places where it is written.

use gatewright_detectors::{Detectors, Find};

/// Adds the finds of a text as it stands and as it reads, in order and without overlap.
pub fn scan(detectors: &Detectors, text: &[u8], finds: &mut Vec<Find>) {
    let first = finds.len();
    detectors.scan(text, finds);
    let Some(read) = Read::of(text) else {
        return;
    };
    let mut more = Vec::new();
    detectors.scan(&read.bytes, &mut more);
    finds.extend(more.into_iter().map(|find| Find {
        start: read.place(find.start),
        end: read.place(find.end),
        ..find
    }));
    merge(finds, first);
}

/// The text as it reads; nothing where no character of it is escaped.
pub fn read(text: &[u8]) -> Option<Vec<u8>> {
    Read::of(text).map(|read| read.bytes)
}

/// Makes one of finds that overlap, from `first` on.
fn merge(finds: &mut Vec<Find>, first: usize) {
    let mut found = finds.split_off(first);
    found.sort_by_key(|find| (find.start, find.end));
    for find in found {
        match finds.get_mut(first..).and_then(<[Find]>::last_mut) {
            Some(last) if find.start < last.end => last.end = last.end.max(find.end),
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
            let escape = (*byte == b'\\').then(|| escape(text, at)).flatten();
            if let Some((character, end)) = escape {
                let mut utf8 = [0; 4];
                read.push(character.encode_utf8(&mut utf8).as_bytes(), at);
                (at, escaped) = (end, true);
            } else {
                read.push(&[*byte], at);
                at += 1;
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
}

/// The character that is escaped at `at`, and where its escape ends (RFC 8259, section 7). In an array or a record the backslash is doubled.
fn escape(text: &[u8], at: usize) -> Option<(char, usize)> {
    let rest = text.get(at..)?;
    let slashes = rest.iter().take_while(|byte| **byte == b'\\').count();
    let behind = at + slashes;
    match text.get(behind)? {
        b'/' => Some(('/', behind + 1)),
        b'u' => {
            let high = unit(text, behind + 1)?;
            if let Some(character) = char::from_u32(u32::from(high)) {
                return Some((character, behind + 5));
            }
            let next = text.get(behind + 5..)?;
            let more = next.iter().take_while(|byte| **byte == b'\\').count();
            let low = behind + 5 + more;
            (more > 0 && text.get(low) == Some(&b'u')).then_some(())?;
            let units = [high, unit(text, low + 1)?];
            let character = char::decode_utf16(units).next()?.ok()?;
            Some((character, low + 5))
        }
        _ => None,
    }
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
