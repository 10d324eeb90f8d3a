//! Rows with counted values: the body of DataRow, and a tuple of binary COPY, which differs only in where it ends
//! (protocol documentation, "Message Formats", DataRow; COPY, "Binary Format").

use bytes::BufMut;

use super::super::error::ResultError;
use super::super::shape::Format;
use super::super::types::Kind;
use super::Fields;

/// A length of -1.
pub(super) const NULL: [u8; 4] = [0xff; 4];

/// Finds the cells of a row, which must be exactly as long as its lengths add up to.
pub(super) fn fields(row: &[u8], width: usize, mut fields: Fields<'_>) -> Result<(), ResultError> {
    let Some((count, _)) = row.split_first_chunk::<2>() else {
        return Err(ResultError::Malformed("no column count"));
    };
    let found = usize::from(u16::from_be_bytes(*count));
    if found != width {
        return Err(ResultError::ColumnCount {
            expected: width,
            found,
        });
    }
    let mut at = 2;
    for index in 0..width {
        let Some((length, rest)) = row.get(at..).and_then(|rest| rest.split_first_chunk::<4>())
        else {
            return Err(ResultError::Malformed("a value's length is missing"));
        };
        let length = i32::from_be_bytes(*length);
        at += 4;
        fields.field(index, at, length);
        if length >= 0 {
            let length = length as usize;
            if rest.len() < length {
                return Err(ResultError::Malformed("a value is longer than its row"));
            }
            at += length;
        } else if length != -1 {
            return Err(ResultError::Malformed("a value's length is negative"));
        }
    }
    if at != row.len() {
        return Err(ResultError::Malformed("bytes follow the last value"));
    }
    Ok(())
}

/// Appends a cell: its length and its value.
pub(super) fn write(
    kind: Kind,
    format: Format,
    text: Option<&[u8]>,
    scratch: &mut Vec<u8>,
    out: &mut impl BufMut,
) {
    let Some(text) = text else {
        return out.put_slice(&NULL);
    };
    if format == Format::Text || kind.is_text() {
        return counted(text, out);
    }
    scratch.clear();
    let legal = std::str::from_utf8(text).is_ok_and(|text| kind.encode(text, scratch));
    if legal {
        counted(scratch, out)
    } else {
        out.put_slice(&NULL)
    }
}

#[inline]
fn counted(value: &[u8], out: &mut impl BufMut) {
    match i32::try_from(value.len()) {
        Ok(length) => {
            out.put_slice(&length.to_be_bytes());
            out.put_slice(value);
        }
        Err(_) => out.put_slice(&NULL),
    }
}
