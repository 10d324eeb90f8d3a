//! COPY in binary format: signature, header, tuples and trailer (COPY documentation, "Binary Format").

use super::super::error::ResultError;
use super::Unit;

const SIGNATURE: &[u8; 11] = b"PGCOPY\n\xff\r\n\0";
/// Signature, flags, length of the header extension.
const FIXED_HEADER: usize = 19;
/// Critical flags: a reader must reject the ones that it does not know.
const CRITICAL_FLAGS: u32 = 0xffff_0000;

#[derive(Default)]
pub(in super::super) struct BinaryCopy {
    place: Place,
    /// The number of bytes below which no unit can be complete.
    needed: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum Place {
    #[default]
    Header,
    Tuples,
    Ended,
}

impl BinaryCopy {
    pub(super) fn unit(&mut self, data: &[u8]) -> Result<Option<Unit>, ResultError> {
        if data.len() < self.needed {
            return Ok(None);
        }
        let prefix = match self.place {
            Place::Header => match header(data)? {
                Found::Whole(length) => length,
                Found::Needs(bytes) => return Ok(self.wait(bytes)),
            },
            Place::Tuples => 0,
            Place::Ended => return Err(ResultError::AfterEnd),
        };
        let rest = data.get(prefix..).unwrap_or_default();
        let found = if rest.is_empty() {
            Found::Needs(2)
        } else {
            tuple(rest)?
        };
        let unit = match found {
            // The server sends the header in one message with the first tuple; they stay together.
            Found::Whole(2) if rest.starts_with(&[0xff, 0xff]) => {
                self.place = Place::Ended;
                Unit::Other { length: prefix + 2 }
            }
            Found::Whole(length) => {
                self.place = Place::Tuples;
                Unit::Row {
                    length: prefix + length,
                    prefix,
                }
            }
            Found::Needs(_) if prefix > 0 => {
                self.place = Place::Tuples;
                Unit::Other { length: prefix }
            }
            Found::Needs(bytes) => return Ok(self.wait(bytes)),
        };
        self.needed = 0;
        Ok(Some(unit))
    }

    fn wait(&mut self, bytes: usize) -> Option<Unit> {
        self.needed = bytes;
        None
    }
}

/// The length of an element, or the number of bytes needed to determine it.
enum Found {
    Whole(usize),
    Needs(usize),
}

fn header(data: &[u8]) -> Result<Found, ResultError> {
    let seen = data.len().min(SIGNATURE.len());
    if data.get(..seen) != SIGNATURE.get(..seen) {
        return Err(ResultError::Malformed(
            "binary COPY data does not begin with its signature",
        ));
    }
    let (Some(flags), Some(extension)) = (word(data, 11), word(data, 15)) else {
        return Ok(Found::Needs(FIXED_HEADER));
    };
    if flags & CRITICAL_FLAGS != 0 {
        return Err(ResultError::Malformed(
            "binary COPY data has an unknown critical flag",
        ));
    }
    if i32::try_from(extension).is_err() {
        return Err(ResultError::Malformed(
            "the length of the header extension is negative",
        ));
    }
    let length = FIXED_HEADER + extension as usize;
    Ok(if data.len() < length {
        Found::Needs(length)
    } else {
        Found::Whole(length)
    })
}

/// The length of a tuple; the trailer has length 2.
fn tuple(data: &[u8]) -> Result<Found, ResultError> {
    let Some((count, _)) = data.split_first_chunk::<2>() else {
        return Ok(Found::Needs(2));
    };
    let count = i16::from_be_bytes(*count);
    if count < -1 {
        return Err(ResultError::Malformed("a column count is negative"));
    }
    let mut at = 2;
    for _ in 0..count.max(0) {
        let Some(length) = word(data, at) else {
            return Ok(Found::Needs(at + 4));
        };
        at += 4;
        match i32::try_from(length) {
            Ok(length) => at += length as usize,
            Err(_) if length == u32::MAX => {}
            Err(_) => return Err(ResultError::Malformed("a value's length is negative")),
        }
    }
    Ok(if data.len() < at {
        Found::Needs(at)
    } else {
        Found::Whole(at)
    })
}

fn word(data: &[u8], at: usize) -> Option<u32> {
    data.get(at..)?
        .first_chunk::<4>()
        .map(|bytes| u32::from_be_bytes(*bytes))
}
