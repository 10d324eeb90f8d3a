//! COPY in CSV format: quoted fields may contain delimiters and newlines; every value is text (COPY documentation,
//! "CSV Format").

use bytes::BufMut;
use memchr::{memchr, memchr2};

use super::super::error::ResultError;
use super::super::shape::RowShape;
use super::{CsvOptions, Fields, ForceQuote, Unit, check_width, field_length};

pub(in super::super) struct CsvCopy {
    delimiter: u8,
    quote: u8,
    escape: u8,
    null: Vec<u8>,
    header: bool,
    /// For each column: whether every non-NULL value is quoted (FORCE_QUOTE).
    forced: Vec<bool>,
    /// How much of the pending unit has been scanned, and the state at that point.
    looked: usize,
    place: Place,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    Plain,
    Quoted,
}

impl CsvCopy {
    pub(super) fn new(options: CsvOptions, shape: &RowShape) -> Self {
        let forced = |name: &str| match &options.force_quote {
            ForceQuote::None => false,
            ForceQuote::All => true,
            ForceQuote::Columns(names) => names.iter().any(|forced| forced == name),
        };
        Self {
            forced: shape
                .columns
                .iter()
                .map(|column| forced(&column.name))
                .collect(),
            delimiter: options.delimiter,
            quote: options.quote,
            escape: options.escape,
            null: options.null.into_bytes(),
            header: options.header,
            looked: 0,
            place: Place::Plain,
        }
    }

    pub(super) fn null(&self) -> &[u8] {
        &self.null
    }

    /// A record ends at a newline outside quotes.
    pub(super) fn unit(&mut self, data: &[u8]) -> Option<Unit> {
        let length = loop {
            let rest = data.get(self.looked..).unwrap_or_default();
            match self.place {
                Place::Plain => {
                    match memchr2(b'\n', self.quote, rest).map(|offset| self.looked + offset) {
                        Some(place) if data[place] == b'\n' => break place + 1,
                        Some(place) => {
                            self.looked = place + 1;
                            self.place = Place::Quoted;
                        }
                        None => {
                            self.looked = data.len();
                            return None;
                        }
                    }
                }
                Place::Quoted => match self.leave_quotes(data, self.looked) {
                    Ok(place) => {
                        self.looked = place;
                        self.place = Place::Plain;
                    }
                    Err(looked) => {
                        self.looked = looked;
                        return None;
                    }
                },
            }
        };
        self.looked = 0;
        if std::mem::take(&mut self.header) || matches!(&data[..length], b"\\.\n" | b"\\.\r\n") {
            return Some(Unit::Other { length });
        }
        Some(Unit::Row { length, prefix: 0 })
    }

    /// From inside quotes at `at`: the offset after the closing quote, or how far the scan can go before more bytes arrive.
    fn leave_quotes(&self, data: &[u8], mut at: usize) -> Result<usize, usize> {
        loop {
            let found = data
                .get(at..)
                .and_then(|rest| memchr2(self.quote, self.escape, rest));
            let Some(place) = found.map(|offset| at + offset) else {
                return Err(data.len().max(at));
            };
            // The escape character before a quote or itself makes it literal; if it equals the quote, a doubled quote does.
            match data.get(place + 1) {
                Some(&next)
                    if data[place] == self.escape
                        && (next == self.quote || next == self.escape) =>
                {
                    at = place + 2
                }
                Some(_) if data[place] == self.quote => return Ok(place + 1),
                Some(_) => at = place + 1,
                None => return Err(place),
            }
        }
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
                .and_then(|rest| memchr2(self.delimiter, self.quote, rest));
            let end = match mark.map(|offset| at + offset) {
                Some(place) if line[place] == self.quote => {
                    at = match self.leave_quotes(line, place + 1) {
                        Ok(after) => after,
                        // A closing quote at the end of the line has no byte after it to look at.
                        Err(place) if line.get(place) == Some(&self.quote) => line.len(),
                        Err(_) => {
                            return Err(ResultError::Malformed(
                                "a quoted value has no closing quote",
                            ));
                        }
                    };
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

    /// NULL is the null string without quotes.
    fn length(&self, field: &[u8]) -> Result<i32, ResultError> {
        field_length(field, &self.null)
    }

    /// Whether an unquoted field is its value.
    pub(super) fn is_bare(&self, field: &[u8]) -> bool {
        memchr(self.quote, field).is_none()
    }

    /// Appends the value of a field.
    pub(super) fn unquote(&self, field: &[u8], out: &mut Vec<u8>) {
        let mut place = Place::Plain;
        let mut bytes = field.iter().copied().peekable();
        while let Some(byte) = bytes.next() {
            match place {
                Place::Plain if byte == self.quote => place = Place::Quoted,
                Place::Plain => out.push(byte),
                Place::Quoted => match bytes.peek() {
                    Some(&next)
                        if byte == self.escape && (next == self.quote || next == self.escape) =>
                    {
                        out.push(next);
                        bytes.next();
                    }
                    _ if byte == self.quote => place = Place::Plain,
                    _ => out.push(byte),
                },
            }
        }
    }

    /// Appends a cell as the server would write it.
    pub(super) fn write(&self, index: usize, text: Option<&[u8]>, out: &mut impl BufMut) {
        let Some(text) = text else {
            return out.put_slice(&self.null);
        };
        if !self.needs_quotes(index, text) {
            return out.put_slice(text);
        }
        out.put_u8(self.quote);
        for &byte in text {
            if byte == self.quote || byte == self.escape {
                out.put_u8(self.escape);
            }
            out.put_u8(byte);
        }
        out.put_u8(self.quote);
    }

    fn needs_quotes(&self, index: usize, text: &[u8]) -> bool {
        self.forced.get(index).copied().unwrap_or(false)
            || text == self.null.as_slice()
            // A line consisting of the end-of-data marker would end the data.
            || (self.forced.len() == 1 && text == b"\\.")
            || text.iter().fold(false, |found, &byte| {
                found
                    | (byte == self.delimiter)
                    | (byte == self.quote)
                    | (byte == b'\n')
                    | (byte == b'\r')
            })
    }
}
