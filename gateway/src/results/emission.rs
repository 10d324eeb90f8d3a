//! Writes the messages of one batch: the original bytes, except for replaced cells and dropped rows.

use bytes::{BufMut, BytesMut};

use super::codec::{Cell, Codec};
use super::column::{Column, State, Task};
use super::error::ResultError;
use super::mask::Mask;

/// Message type and length.
pub(super) const HEADER: usize = 5;

/// One row's message in the editor's buffer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) start: u32,
    pub(super) end: u32,
}

/// A removed row; the first `prefix` bytes of its body stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Removed {
    pub(super) row: Row,
    pub(super) prefix: u32,
}

pub(super) struct Emission<'a> {
    pub(super) raw: &'a [u8],
    pub(super) codec: &'a Codec,
    pub(super) columns: &'a [Column],
    pub(super) rows: &'a [Row],
    /// In stream order.
    pub(super) removed: &'a [Removed],
}

impl Emission<'_> {
    /// Appends the messages to `out` and returns how many cells differ from what the server sent.
    ///
    /// The bytes between two replaced cells are copied at once, across message boundaries, and the length of a message is
    /// corrected when its row is complete. A row that exceeds the maximum message length is an error; `out` then contains a
    /// part of the batch.
    pub(super) fn write(&self, out: &mut BytesMut) -> Result<u64, ResultError> {
        let edited: Vec<&Column> = self
            .columns
            .iter()
            .filter(|column| is_edited(column))
            .collect();
        out.reserve(
            self.raw.len()
                + edited
                    .iter()
                    .map(|column| self.growth(column))
                    .sum::<usize>(),
        );
        let mut removed = self.removed.iter().peekable();
        let mut cursor = 0;
        let mut masked = 0;
        let mut scratch = Vec::new();
        if edited.is_empty() && self.removed.is_empty() {
            out.extend_from_slice(self.raw);
            return Ok(0);
        }
        for (at, row) in self.rows.iter().enumerate() {
            while let Some(gone) = removed.next_if(|gone| gone.row.start < row.start) {
                cursor = self.skip_removed(gone, cursor, out);
            }
            let start = row.start as usize;
            let message = out.len() + (start - cursor);
            let mut edits = 0;
            for column in &edited {
                let Some(cell) = column.cells.get(at).copied() else {
                    continue;
                };
                if !is_changed(column, at, cell) {
                    continue;
                }
                let (from, to) = self.codec.span(cell);
                out.extend_from_slice(self.raw.get(cursor..from).unwrap_or_default());
                self.replacement(column, at, &mut scratch, out);
                cursor = to;
                edits += 1;
            }
            if edits > 0 {
                let end = row.end as usize;
                let length = out.len() - message + (end - cursor) - 1;
                set_length(out, message, length)?;
                masked += edits;
            }
        }
        for gone in removed {
            cursor = self.skip_removed(gone, cursor, out);
        }
        out.extend_from_slice(self.raw.get(cursor..).unwrap_or_default());
        Ok(masked)
    }

    /// An estimate of the growth, for one allocation; it may be too low.
    fn growth(&self, column: &Column) -> usize {
        column.text.values.len() + column.cells.len() * 4
    }

    fn replacement(&self, column: &Column, row: usize, scratch: &mut Vec<u8>, out: &mut BytesMut) {
        match column.state {
            State::Original | State::Nullified => out.extend_from_slice(self.codec.null()),
            State::Constant(task) => match column.tasks.get(task) {
                Some(Task {
                    mask: Mask::Fixed { wire, .. },
                    ..
                }) => out.extend_from_slice(wire),
                _ => out.extend_from_slice(self.codec.null()),
            },
            State::Text => self
                .codec
                .write(column, column.text.value(row), scratch, out),
        }
    }

    /// Copies up to a removed row and skips it.
    fn skip_removed(&self, gone: &Removed, cursor: usize, out: &mut BytesMut) -> usize {
        let (start, end) = (gone.row.start as usize, gone.row.end as usize);
        out.extend_from_slice(self.raw.get(cursor..start).unwrap_or_default());
        if gone.prefix > 0 {
            let body = start + HEADER;
            out.put_u8(self.codec.tag());
            out.put_u32(gone.prefix + 4);
            out.extend_from_slice(
                self.raw
                    .get(body..body + gone.prefix as usize)
                    .unwrap_or_default(),
            );
        }
        end
    }
}

/// Writes the length of the message at `message`; the length includes itself but not the type byte.
#[inline]
fn set_length(out: &mut BytesMut, message: usize, length: usize) -> Result<(), ResultError> {
    let Ok(length) = i32::try_from(length) else {
        return Err(ResultError::RowTooLong {
            limit: i32::MAX as usize,
        });
    };
    if let Some(place) = out.get_mut(message + 1..message + HEADER) {
        place.copy_from_slice(&length.to_be_bytes());
    }
    Ok(())
}

fn is_edited(column: &Column) -> bool {
    match column.state {
        State::Original => false,
        State::Nullified | State::Constant(_) => true,
        State::Text => column.changed.contains(&true),
    }
}

#[inline]
fn is_changed(column: &Column, row: usize, cell: Cell) -> bool {
    match column.state {
        State::Original => false,
        State::Nullified | State::Constant(_) => !cell.is_null(),
        State::Text => column.changed.get(row).copied().unwrap_or(false),
    }
}
