//! COPY in text format: lines of delimited fields with backslash escapes; every value is text (COPY documentation,
//! "Text Format").

use bytes::BufMut;
use memchr::{memchr, memchr2};

use super::super::error::ResultError;
use super::{Fields, TextOptions, Unit, check_width, field_length};

pub(in super::super) struct TextCopy {
    delimiter: u8,
    null: Vec<u8>,
    header: bool,
    /// How much of the pending unit has been scanned.
    looked: usize,
}

impl TextCopy {
    pub(super) fn new(options: TextOptions) -> Self {
        Self {
            delimiter: options.delimiter,
            null: options.null.into_bytes(),
            header: options.header,
            looked: 0,
        }
    }

    pub(super) fn null(&self) -> &[u8] {
        &self.null
    }

    /// A line ends at a newline not preceded by a backslash. In COPY messages the server ends lines with a newline only.
    pub(super) fn unit(&mut self, data: &[u8]) -> Option<Unit> {
        let mut at = self.looked;
        let length = loop {
            let found = data.get(at..).and_then(|rest| memchr2(b'\n', b'\\', rest));
            match found.map(|offset| at + offset) {
                Some(place) if data[place] == b'\n' => break place + 1,
                // The byte after a backslash never ends the line. If it has not arrived, scan the backslash again.
                Some(place) if place + 1 < data.len() => at = place + 2,
                Some(place) => {
                    self.looked = place;
                    return None;
                }
                None => {
                    self.looked = data.len();
                    return None;
                }
            }
        };
        self.looked = 0;
        if std::mem::take(&mut self.header) || matches!(&data[..length], b"\\.\n" | b"\\.\r\n") {
            return Some(Unit::Other { length });
        }
        Some(Unit::Row { length, prefix: 0 })
    }

    pub(super) fn fields(
        &self,
        row: &[u8],
        width: usize,
        mut fields: Fields<'_>,
    ) -> Result<(), ResultError> {
        let line = row.strip_suffix(b"\n").unwrap_or(row);
        let mut found = 0;
        let mut start = 0;
        let mut at = 0;
        loop {
            let mark = line
                .get(at..)
                .and_then(|rest| memchr2(self.delimiter, b'\\', rest));
            let end = match mark.map(|offset| at + offset) {
                Some(place) if line[place] == b'\\' && self.delimiter != b'\\' => {
                    at = place + 2;
                    continue;
                }
                Some(place) => place,
                None => line.len(),
            };
            if found < width && fields.wants(found) {
                fields.field(found, start, self.length(&line[start..end])?);
            }
            found += 1;
            if mark.is_none() {
                break;
            }
            start = end + 1;
            at = start;
        }
        check_width(line, found, width)
    }

    /// NULL is recognised before escapes are removed.
    fn length(&self, field: &[u8]) -> Result<i32, ResultError> {
        field_length(field, &self.null)
    }

    /// Appends a cell as the server would write it.
    pub(super) fn write(&self, text: Option<&[u8]>, out: &mut impl BufMut) {
        let Some(text) = text else {
            return out.put_slice(&self.null);
        };
        // No short-circuit, so that the compiler can vectorise the loop.
        let special = text.iter().fold(false, |found, &byte| {
            found | (byte < 0x20) | (byte == b'\\') | (byte == self.delimiter)
        });
        if !special {
            return out.put_slice(text);
        }
        for &byte in text {
            let escaped = match byte {
                0x08 => b'b',
                0x0c => b'f',
                b'\n' => b'n',
                b'\r' => b'r',
                b'\t' => b't',
                0x0b => b'v',
                b'\\' => b'\\',
                other if other == self.delimiter => other,
                other => {
                    out.put_u8(other);
                    continue;
                }
            };
            out.put_slice(&[b'\\', escaped]);
        }
    }
}

/// Appends the value of an escaped field.
pub(super) fn unescape(field: &[u8], out: &mut Vec<u8>) {
    let mut rest = field;
    while let Some(place) = memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..place]);
        let Some((&code, after)) = rest.get(place + 1..).and_then(<[u8]>::split_first) else {
            out.push(b'\\');
            return;
        };
        rest = after;
        match code {
            b'b' => out.push(0x08),
            b'f' => out.push(0x0c),
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'v' => out.push(0x0b),
            b'0'..=b'7' => rest = octal(code, rest, out),
            b'x' => rest = hexadecimal(rest, out),
            other => out.push(other),
        }
    }
    out.extend_from_slice(rest);
}

/// One to three octal digits give a byte; bits beyond the eighth are dropped.
fn octal<'a>(first: u8, mut rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let mut value = u16::from(first - b'0');
    for _ in 0..2 {
        match rest.split_first() {
            Some((&digit @ b'0'..=b'7', after)) => {
                value = value * 8 + u16::from(digit - b'0');
                rest = after;
            }
            _ => break,
        }
    }
    out.push((value & 0xff) as u8);
    rest
}

/// One or two hexadecimal digits give a byte; without any, the x stands for itself.
fn hexadecimal<'a>(mut rest: &'a [u8], out: &mut Vec<u8>) -> &'a [u8] {
    let mut value = None;
    for _ in 0..2 {
        let Some((&first, after)) = rest.split_first() else {
            break;
        };
        let Some(digit) = char::from(first).to_digit(16) else {
            break;
        };
        value = Some(value.unwrap_or(0) * 16 + digit as u8);
        rest = after;
    }
    out.push(value.unwrap_or(b'x'));
    rest
}
