//! Row codecs: where a row ends, where its cells are, what a cell is as text, and how a cell is written. `editor` drives
//! a codec, `emission` writes with it.

mod copy_binary;
mod copy_csv;
mod copy_text;
mod data_row;
#[cfg(test)]
mod tests;

use bytes::BufMut;
use memchr::memchr;

use super::column::Column;
use super::error::ResultError;
use super::shape::{Format, RowShape};
use super::types::Kind;
use copy_binary::BinaryCopy;
use copy_csv::CsvCopy;
use copy_text::TextCopy;

/// The wire format of a result's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RowCodec {
    /// DataRow messages; each column in the format of its description.
    DataRow,
    CopyText(TextOptions),
    CopyCsv(CsvOptions),
    CopyBinary,
}

/// The options of `COPY ... TO STDOUT (FORMAT text)` that affect bytes. The data must be UTF-8: a COPY with another
/// `ENCODING` must not reach the editor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TextOptions {
    pub delimiter: u8,
    pub null: String,
    pub header: bool,
}

impl Default for TextOptions {
    fn default() -> Self {
        Self {
            delimiter: b'\t',
            null: "\\N".to_owned(),
            header: false,
        }
    }
}

/// The options of `COPY ... TO STDOUT (FORMAT csv)`; the data must be UTF-8, too.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CsvOptions {
    pub delimiter: u8,
    pub quote: u8,
    pub escape: u8,
    pub null: String,
    pub header: bool,
    pub force_quote: ForceQuote,
}

impl Default for CsvOptions {
    fn default() -> Self {
        Self {
            delimiter: b',',
            quote: b'"',
            escape: b'"',
            null: String::new(),
            header: false,
            force_quote: ForceQuote::None,
        }
    }
}

/// `FORCE_QUOTE`: the columns whose non-NULL values are always quoted.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum ForceQuote {
    #[default]
    None,
    All,
    Columns(Vec<String>),
}

/// The position of a cell's value in the editor's buffer; a length of -1 is NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Cell {
    pub(super) start: u32,
    pub(super) length: i32,
}

impl Cell {
    pub(super) fn is_null(self) -> bool {
        self.length < 0
    }

    /// The value's bytes on the wire; empty for NULL.
    pub(super) fn value(self, raw: &[u8]) -> &[u8] {
        let start = self.start as usize;
        let length = usize::try_from(self.length).unwrap_or(0);
        raw.get(start..start + length).unwrap_or_default()
    }
}

/// The length of a COPY field on the wire; -1 if it is the null string.
fn field_length(field: &[u8], null: &[u8]) -> Result<i32, ResultError> {
    if field == null {
        return Ok(-1);
    }
    i32::try_from(field.len())
        .map_err(|_| ResultError::Malformed("a value is longer than PostgreSQL allows"))
}

/// A line of COPY data must have the described number of columns. A line without columns is empty.
fn check_width(line: &[u8], found: usize, width: usize) -> Result<(), ResultError> {
    if found == width || (width == 0 && line.is_empty()) {
        return Ok(());
    }
    Err(ResultError::ColumnCount {
        expected: width,
        found,
    })
}

/// Receives the fields of one row in order and keeps those of the columns in use.
pub(super) struct Fields<'a> {
    columns: std::slice::IterMut<'a, Column>,
    wanted: Option<&'a mut Column>,
    /// The offset of the row in the editor's buffer.
    base: usize,
}

impl<'a> Fields<'a> {
    pub(super) fn new(columns: &'a mut [Column], base: usize) -> Self {
        let mut columns = columns.iter_mut();
        let wanted = columns.next();
        Self {
            columns,
            wanted,
            base,
        }
    }

    /// `start` counts from the row's first byte; a length of -1 is NULL.
    #[inline]
    fn field(&mut self, index: usize, start: usize, length: i32) {
        if let Some(column) = &mut self.wanted
            && column.index == index
        {
            // The editor does not hold 4 GiB, so the offset fits.
            column.cells.push(Cell {
                start: (self.base + start) as u32,
                length,
            });
            self.wanted = self.columns.next();
        }
    }

    /// Whether the field's column is in use, for codecs where detecting NULL is expensive.
    #[inline]
    fn wants(&self, index: usize) -> bool {
        self.wanted
            .as_ref()
            .is_some_and(|column| column.index == index)
    }
}

/// A part of COPY data after which a message may end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Unit {
    /// A row of `length` bytes. The first `prefix` bytes stay even if the row is dropped.
    Row { length: usize, prefix: usize },
    /// Header, end marker or trailer: passed unchanged.
    Other { length: usize },
}

/// A codec with its options resolved for one result, and its position in the stream.
pub(super) enum Codec {
    DataRow,
    Text(TextCopy),
    Csv(CsvCopy),
    Binary(BinaryCopy),
}

impl Codec {
    pub(super) fn new(codec: RowCodec, shape: &RowShape) -> Self {
        match codec {
            RowCodec::DataRow => Self::DataRow,
            RowCodec::CopyText(options) => Self::Text(TextCopy::new(options)),
            RowCodec::CopyCsv(options) => Self::Csv(CsvCopy::new(options, shape)),
            RowCodec::CopyBinary => Self::Binary(BinaryCopy::default()),
        }
    }

    /// The type byte of the messages that carry rows.
    pub(super) fn tag(&self) -> u8 {
        match self {
            Self::DataRow => b'D',
            Self::Text(_) | Self::Csv(_) | Self::Binary(_) => b'd',
        }
    }

    pub(super) fn format(&self, described: Format) -> Format {
        match self {
            Self::DataRow => described,
            Self::Text(_) | Self::Csv(_) => Format::Text,
            Self::Binary(_) => Format::Binary,
        }
    }

    /// Finds the next unit at the start of COPY data, which may be incomplete. The codec remembers how far it scanned: the
    /// next call must pass the same bytes and more.
    pub(super) fn unit(&mut self, data: &[u8]) -> Result<Option<Unit>, ResultError> {
        match self {
            Self::DataRow => Ok((!data.is_empty()).then_some(Unit::Row {
                length: data.len(),
                prefix: 0,
            })),
            Self::Text(copy) => Ok(copy.unit(data)),
            Self::Csv(copy) => Ok(copy.unit(data)),
            Self::Binary(copy) => copy.unit(data),
        }
    }

    /// The rest when the stream has ended: a last row may lack its newline.
    pub(super) fn last_unit(&mut self, data: &[u8]) -> Result<Unit, ResultError> {
        match self {
            Self::Text(_) | Self::Csv(_) => Ok(Unit::Row {
                length: data.len(),
                prefix: 0,
            }),
            Self::DataRow | Self::Binary(_) => Err(ResultError::Truncated),
        }
    }

    /// Finds the cells of one complete row.
    pub(super) fn fields(
        &self,
        row: &[u8],
        width: usize,
        fields: Fields<'_>,
    ) -> Result<(), ResultError> {
        match self {
            Self::DataRow => data_row::fields(row, width, fields),
            Self::Text(copy) => copy.fields(row, width, fields),
            Self::Csv(copy) => copy.fields(row, width, fields),
            Self::Binary(_) => data_row::fields(row, width, fields),
        }
    }

    /// The text of a non-NULL cell: its own bytes, or what they decode to in `buffer`. `None` if they are not a value of
    /// the type.
    pub(super) fn text<'a>(
        &self,
        kind: Kind,
        format: Format,
        value: &'a [u8],
        buffer: &'a mut Vec<u8>,
    ) -> Option<&'a [u8]> {
        let verbatim = match self {
            Self::DataRow | Self::Binary(_) => format == Format::Text || kind.is_text(),
            Self::Text(_) => memchr(b'\\', value).is_none(),
            Self::Csv(copy) => copy.is_bare(value),
        };
        if verbatim {
            return Some(value);
        }
        buffer.clear();
        self.read(kind, format, value, buffer)
            .then_some(buffer.as_slice())
    }

    /// Appends the text of a non-NULL cell, which need not be UTF-8. False if the bytes are not a value of the type.
    pub(super) fn read(&self, kind: Kind, format: Format, value: &[u8], out: &mut Vec<u8>) -> bool {
        match self {
            Self::DataRow | Self::Binary(_) => kind.read(format, value, out),
            Self::Text(_) => {
                copy_text::unescape(value, out);
                true
            }
            Self::Csv(copy) => {
                copy.unquote(value, out);
                true
            }
        }
    }

    /// Appends a complete cell without separators to its neighbours. `None` is NULL, and so is a text that is not a value of
    /// the type.
    pub(super) fn write(
        &self,
        column: &Column,
        text: Option<&[u8]>,
        scratch: &mut Vec<u8>,
        out: &mut impl BufMut,
    ) {
        match self {
            Self::DataRow | Self::Binary(_) => {
                data_row::write(column.kind, column.format, text, scratch, out)
            }
            Self::Text(copy) => copy.write(text, out),
            Self::Csv(copy) => copy.write(column.index, text, out),
        }
    }

    /// The bytes of NULL.
    pub(super) fn null(&self) -> &[u8] {
        match self {
            Self::DataRow | Self::Binary(_) => &data_row::NULL,
            Self::Text(copy) => copy.null(),
            Self::Csv(copy) => copy.null(),
        }
    }

    /// The range of the buffer that a replacement of this cell covers.
    #[inline]
    pub(super) fn span(&self, cell: Cell) -> (usize, usize) {
        let start = cell.start as usize;
        let length = usize::try_from(cell.length);
        match self {
            Self::DataRow | Self::Binary(_) => (start - 4, start + length.unwrap_or(0)),
            Self::Text(_) | Self::Csv(_) => (start, start + length.unwrap_or(self.null().len())),
        }
    }
}
