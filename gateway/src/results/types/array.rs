//! Arrays of known elements: dimensions, bounds, NULLs, and their text form (documentation, "Array Input and Output
//! Syntax"; `array_send`). Arrays must be rectangular, as in PostgreSQL.

use std::io::Write;

use super::LONGEST_TEXT;
use super::scalar::Scalar;

const MAXIMUM_DIMENSIONS: usize = 6;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Dimension {
    length: i32,
    lower: i32,
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn word(&mut self) -> Option<i32> {
        let (word, rest) = self.rest.split_first_chunk::<4>()?;
        self.rest = rest;
        Some(i32::from_be_bytes(*word))
    }

    fn bytes(&mut self, length: usize) -> Option<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(length)?;
        self.rest = rest;
        Some(bytes)
    }
}

/// Appends the text of a binary array.
pub(super) fn read(element: Scalar, oid: u32, value: &[u8], out: &mut Vec<u8>) -> Option<()> {
    let mut reader = Reader { rest: value };
    let count = usize::try_from(reader.word()?)
        .ok()
        .filter(|count| *count <= MAXIMUM_DIMENSIONS)?;
    let (_has_nulls, type_oid) = (reader.word()?, reader.word()?);
    if type_oid as u32 != oid {
        return None;
    }
    let mut dimensions = Vec::with_capacity(count);
    for _ in 0..count {
        let (length, lower) = (reader.word()?, reader.word()?);
        lower.checked_add(length)?;
        dimensions.push(Dimension { length, lower });
    }
    if dimensions.is_empty() {
        out.extend_from_slice(b"{}");
        return reader.rest.is_empty().then_some(());
    }
    // Every element takes at least four bytes, so a wrong count is detected before anything is written.
    let elements = dimensions.iter().try_fold(1usize, |product, dimension| {
        product.checked_mul(
            usize::try_from(dimension.length)
                .ok()
                .filter(|length| *length > 0)?,
        )
    })?;
    if elements > reader.rest.len() / 4 {
        return None;
    }
    if dimensions.iter().any(|dimension| dimension.lower != 1) {
        for Dimension { length, lower } in &dimensions {
            write!(out, "[{lower}:{}]", lower + length - 1).ok()?;
        }
        out.push(b'=');
    }
    let mut scratch = Vec::new();
    level(element, &dimensions, &mut reader, &mut scratch, out)?;
    reader.rest.is_empty().then_some(())
}

fn level(
    element: Scalar,
    dimensions: &[Dimension],
    reader: &mut Reader<'_>,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Option<()> {
    let Some((dimension, inner)) = dimensions.split_first() else {
        return item(element, reader, scratch, out);
    };
    out.push(b'{');
    for at in 0..dimension.length {
        if at > 0 {
            out.push(b',');
        }
        level(element, inner, reader, scratch, out)?;
    }
    out.push(b'}');
    Some(())
}

fn item(
    element: Scalar,
    reader: &mut Reader<'_>,
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> Option<()> {
    let length = reader.word()?;
    if length == -1 {
        out.extend_from_slice(b"NULL");
        return Some(());
    }
    let value = reader.bytes(usize::try_from(length).ok()?)?;
    scratch.clear();
    element.read(value, scratch)?;
    quote(scratch, out);
    (out.len() <= LONGEST_TEXT).then_some(())
}

fn quote(text: &[u8], out: &mut Vec<u8>) {
    let special = |byte: &u8| matches!(byte, b'"' | b'\\' | b'{' | b'}' | b',') || is_space(*byte);
    if !text.is_empty() && !text.iter().any(special) && !text.eq_ignore_ascii_case(b"NULL") {
        return out.extend_from_slice(text);
    }
    out.push(b'"');
    for &byte in text {
        if matches!(byte, b'"' | b'\\') {
            out.push(b'\\');
        }
        out.push(byte);
    }
    out.push(b'"');
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Appends the binary form of an array's text.
pub(super) fn encode(element: Scalar, oid: u32, text: &str, out: &mut Vec<u8>) -> Option<()> {
    let (bounds, body) = match text.split_once('=') {
        Some((bounds, body)) if text.starts_with('[') => (Some(parse_bounds(bounds)?), body),
        _ => (None, text),
    };
    let mut parser = Parser {
        rest: body.as_bytes(),
        element,
        lengths: Vec::new(),
        has_nulls: false,
        items: Vec::new(),
    };
    parser.braces(0)?;
    let Parser {
        rest,
        lengths,
        has_nulls,
        items,
        ..
    } = parser;
    rest.is_empty().then_some(())?;
    let mut dimensions = Vec::new();
    for length in lengths {
        dimensions.push(Dimension {
            length: i32::try_from(length?).ok()?,
            lower: 1,
        });
    }
    if dimensions
        .first()
        .is_some_and(|dimension| dimension.length == 0)
    {
        dimensions.clear();
    }
    if let Some(bounds) = bounds {
        let fits = bounds
            .iter()
            .map(|bound| bound.length)
            .eq(dimensions.iter().map(|dimension| dimension.length));
        dimensions = fits.then_some(bounds)?;
    }
    out.extend_from_slice(&i32::try_from(dimensions.len()).ok()?.to_be_bytes());
    out.extend_from_slice(&i32::from(has_nulls).to_be_bytes());
    out.extend_from_slice(&oid.to_be_bytes());
    for Dimension { length, lower } in dimensions {
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(&lower.to_be_bytes());
    }
    out.extend_from_slice(&items);
    Some(())
}

/// Reads `[lower:upper]` for each dimension.
fn parse_bounds(text: &str) -> Option<Vec<Dimension>> {
    let mut bounds = Vec::new();
    for bound in text.strip_prefix('[')?.strip_suffix(']')?.split("][") {
        let (lower, upper) = bound.split_once(':')?;
        let (lower, upper) = (lower.parse::<i32>().ok()?, upper.parse::<i32>().ok()?);
        bounds.push(Dimension {
            length: upper.checked_sub(lower)?.checked_add(1)?,
            lower,
        });
    }
    (bounds.len() <= MAXIMUM_DIMENSIONS).then_some(bounds)
}

struct Parser<'a> {
    rest: &'a [u8],
    element: Scalar,
    /// The length of each dimension, known after its first list has ended.
    lengths: Vec<Option<usize>>,
    has_nulls: bool,
    items: Vec<u8>,
}

impl<'a> Parser<'a> {
    fn skip_spaces(&mut self) {
        while let [first, rest @ ..] = self.rest
            && is_space(*first)
        {
            self.rest = rest;
        }
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.skip_spaces();
        match self.rest {
            [first, rest @ ..] if *first == byte => {
                self.rest = rest;
                true
            }
            _ => false,
        }
    }

    /// One list at `depth`. All lists of a depth have the same length, and only the deepest contain items.
    fn braces(&mut self, depth: usize) -> Option<()> {
        (self.eat(b'{') && depth < MAXIMUM_DIMENSIONS).then_some(())?;
        if depth == self.lengths.len() {
            // Dimensions open on the way to the first item, and never after it.
            (self.items.is_empty()).then_some(())?;
            self.lengths.push(None);
        }
        let mut length = 0;
        if !self.eat(b'}') {
            loop {
                self.skip_spaces();
                if self.rest.first() == Some(&b'{') {
                    self.braces(depth + 1)?;
                } else {
                    (depth + 1 == self.lengths.len()).then_some(())?;
                    self.item()?;
                }
                length += 1;
                if self.eat(b'}') {
                    break;
                }
                self.eat(b',').then_some(())?;
            }
        } else if depth > 0 {
            return None;
        }
        let expected = self.lengths.get_mut(depth)?;
        (*expected.get_or_insert(length) == length).then_some(())
    }

    fn item(&mut self) -> Option<()> {
        let quoted = self.rest.first() == Some(&b'"');
        let text = if quoted { self.quoted()? } else { self.bare()? };
        if !quoted && text.eq_ignore_ascii_case(b"NULL") {
            self.has_nulls = true;
            self.items.extend_from_slice(&(-1i32).to_be_bytes());
            return Some(());
        }
        let text = String::from_utf8(text).ok()?;
        let mut value = Vec::new();
        self.element.encode(&text, &mut value)?;
        self.items
            .extend_from_slice(&i32::try_from(value.len()).ok()?.to_be_bytes());
        self.items.append(&mut value);
        Some(())
    }

    fn quoted(&mut self) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        let mut bytes = self.rest.get(1..)?;
        loop {
            match bytes {
                [b'"', rest @ ..] => {
                    self.rest = rest;
                    return Some(text);
                }
                [b'\\', byte, rest @ ..] | [byte, rest @ ..] => {
                    text.push(*byte);
                    bytes = rest;
                }
                [] => return None,
            }
        }
    }

    /// Spaces around an unquoted item do not belong to it.
    fn bare(&mut self) -> Option<Vec<u8>> {
        let mut text = Vec::new();
        let mut meant = 0;
        loop {
            match self.rest {
                [b',' | b'}', ..] => break,
                [b'{' | b'"', ..] | [] => return None,
                [b'\\', byte, rest @ ..] => {
                    text.push(*byte);
                    meant = text.len();
                    self.rest = rest;
                }
                [byte, rest @ ..] => {
                    text.push(*byte);
                    if !is_space(*byte) {
                        meant = text.len();
                    }
                    self.rest = rest;
                }
            }
        }
        text.truncate(meant);
        (!text.is_empty()).then_some(text)
    }
}
