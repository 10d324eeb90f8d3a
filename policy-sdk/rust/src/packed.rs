//! Typed access to packed columns, and a builder.

use crate::PackedColumn;

impl PackedColumn {
    /// The number of rows.
    pub fn rows(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// The value of a row in PostgreSQL's text format; `None` for NULL and for rows out of range.
    pub fn cell(&self, row: usize) -> Option<&[u8]> {
        let valid = self.validity.get(row / 8)? >> (row % 8) & 1 == 1;
        let (start, end) = (*self.offsets.get(row)?, *self.offsets.get(row + 1)?);
        if valid {
            self.values.get(start as usize..end as usize)
        } else {
            None
        }
    }

    /// All values in row order; `None` for NULL.
    pub fn cells(&self) -> impl ExactSizeIterator<Item = Option<&[u8]>> {
        (0..self.rows()).map(|row| self.cell(row))
    }

    /// All values in row order as text, with invalid UTF-8 replaced.
    pub fn texts(&self) -> impl ExactSizeIterator<Item = Option<std::borrow::Cow<'_, str>>> {
        self.cells().map(|cell| cell.map(String::from_utf8_lossy))
    }
}

impl<T: AsRef<[u8]>> FromIterator<Option<T>> for PackedColumn {
    fn from_iter<I: IntoIterator<Item = Option<T>>>(cells: I) -> Self {
        let cells = cells.into_iter();
        let mut builder = Builder::with_capacity(cells.size_hint().0, 0);
        for cell in cells {
            builder.push(cell.as_ref().map(AsRef::as_ref));
        }
        builder.finish()
    }
}

/// Builds a packed column value by value.
#[derive(Debug)]
pub struct Builder {
    offsets: Vec<u32>,
    validity: Vec<u8>,
    values: Vec<u8>,
}

impl Builder {
    /// Creates a builder with capacity for `rows` values of `bytes` bytes in total.
    pub fn with_capacity(rows: usize, bytes: usize) -> Self {
        let mut offsets = Vec::with_capacity(rows + 1);
        offsets.push(0);
        Self {
            offsets,
            validity: Vec::with_capacity(rows.div_ceil(8)),
            values: Vec::with_capacity(bytes),
        }
    }

    /// Appends a value, or NULL.
    pub fn push(&mut self, value: Option<&[u8]>) {
        self.values.extend_from_slice(value.unwrap_or_default());
        self.close(value.is_some());
    }

    /// Appends a value concatenated from pieces.
    pub fn push_pieces(&mut self, pieces: &[&[u8]]) {
        for piece in pieces {
            self.values.extend_from_slice(piece);
        }
        self.close(true);
    }

    /// Returns the column.
    pub fn finish(self) -> PackedColumn {
        PackedColumn {
            offsets: self.offsets,
            validity: self.validity,
            values: self.values,
        }
    }

    fn close(&mut self, valid: bool) {
        let row = self.offsets.len() - 1;
        if row.is_multiple_of(8) {
            self.validity.push(0);
        }
        if let Some(last) = self.validity.last_mut() {
            *last |= u8::from(valid) << (row % 8);
        }
        // A batch holds at most 256 KiB; a policy reaches its memory limit long before 4 GiB.
        self.offsets.push(self.values.len() as u32);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packed_values_round_trip() {
        let cells: Vec<Option<String>> = (0..21)
            .map(|row| (row % 3 != 0).then(|| "x".repeat(row)))
            .collect();
        let packed: PackedColumn = cells.iter().cloned().collect();
        assert_eq!(
            (packed.rows(), packed.offsets.len(), packed.validity.len()),
            (21, 22, 3)
        );
        let back: Vec<Option<String>> = packed
            .texts()
            .map(|text| text.map(|text| text.into_owned()))
            .collect();
        assert_eq!(back, cells);
    }

    #[test]
    fn an_empty_value_is_not_null() {
        let packed: PackedColumn = [Some(""), None].into_iter().collect();
        assert_eq!(packed.cell(0), Some(b"".as_slice()));
        assert_eq!((packed.cell(1), packed.cell(2)), (None, None));
    }

    #[test]
    fn offsets_beyond_the_values_do_not_panic() {
        let packed = PackedColumn {
            offsets: vec![0, 9, 3],
            validity: vec![3],
            values: vec![1, 2],
        };
        assert_eq!((packed.cell(0), packed.cell(1)), (None, None));
    }
}
