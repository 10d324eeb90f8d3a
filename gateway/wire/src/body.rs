//! Bounds-checked reader for message bodies, and the lists that several messages share.

use crate::DecodeError;

/// A bounds-checked reader over the body of one message. `message` is the protocol's name for it, for errors.
pub(crate) struct Body<'a> {
    rest: &'a [u8],
    message: &'static str,
}

impl<'a> Body<'a> {
    pub(crate) fn new(message: &'static str, body: &'a [u8]) -> Self {
        Self {
            rest: body,
            message,
        }
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Result<&'a [u8], DecodeError> {
        match self.rest.split_at_checked(count) {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(taken)
            }
            None => Err(DecodeError::Truncated {
                message: self.message,
            }),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], DecodeError> {
        match self.rest.split_first_chunk::<N>() {
            Some((taken, rest)) => {
                self.rest = rest;
                Ok(*taken)
            }
            None => Err(DecodeError::Truncated {
                message: self.message,
            }),
        }
    }

    pub(crate) fn u8(&mut self) -> Result<u8, DecodeError> {
        self.array::<1>().map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, DecodeError> {
        self.array().map(u16::from_be_bytes)
    }

    pub(crate) fn i16(&mut self) -> Result<i16, DecodeError> {
        self.array().map(i16::from_be_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, DecodeError> {
        self.array().map(u32::from_be_bytes)
    }

    pub(crate) fn i32(&mut self) -> Result<i32, DecodeError> {
        self.array().map(i32::from_be_bytes)
    }

    /// A null-terminated string in any encoding.
    pub(crate) fn raw_cstr(&mut self) -> Result<&'a [u8], DecodeError> {
        let end =
            self.rest
                .iter()
                .position(|&byte| byte == 0)
                .ok_or(DecodeError::Unterminated {
                    message: self.message,
                })?;
        let text = self.bytes(end)?;
        self.u8()?;
        Ok(text)
    }

    /// A null-terminated UTF-8 string.
    pub(crate) fn cstr(&mut self) -> Result<&'a str, DecodeError> {
        let message = self.message;
        std::str::from_utf8(self.raw_cstr()?).map_err(|_| DecodeError::NotUtf8 { message })
    }

    /// `Int32` length followed by that many bytes; length -1 is NULL.
    pub(crate) fn value(&mut self) -> Result<Option<&'a [u8]>, DecodeError> {
        match self.i32()? {
            -1 => Ok(None),
            length => match usize::try_from(length) {
                Ok(length) => self.bytes(length).map(Some),
                Err(_) => Err(DecodeError::NegativeLength {
                    message: self.message,
                }),
            },
        }
    }

    /// `Int16` count followed by that many format codes.
    pub(crate) fn formats(&mut self) -> Result<FormatCodes<'a>, DecodeError> {
        let count = usize::from(self.u16()?);
        self.bytes(count * 2).map(|codes| FormatCodes { codes })
    }

    /// `Int16` count followed by that many OIDs.
    pub(crate) fn oids(&mut self) -> Result<Oids<'a>, DecodeError> {
        let count = usize::from(self.u16()?);
        self.bytes(count * 4).map(|oids| Oids { oids })
    }

    /// `Int16` count followed by OIDs up to the end. PostgreSQL sends all OIDs, and the count without what does not fit into it.
    pub(crate) fn oids_to_end(&mut self) -> Result<Oids<'a>, DecodeError> {
        let count = self.u16()?;
        let oids = self.rest;
        if !oids.len().is_multiple_of(4) || (oids.len() / 4) % (1 << 16) != usize::from(count) {
            // The error of a list that is not as long as it says.
            let oids = self.bytes(usize::from(count) * 4)?;
            return Ok(Oids { oids });
        }
        self.rest = &[];
        Ok(Oids { oids })
    }

    /// `Int16` count followed by that many values. All are validated here, so that iteration cannot fail.
    pub(crate) fn values(&mut self) -> Result<Values<'a>, DecodeError> {
        let count = usize::from(self.u16()?);
        let start = self.rest;
        for _ in 0..count {
            self.value()?;
        }
        let used = start.len() - self.rest.len();
        Ok(Values {
            count,
            bytes: start.get(..used).unwrap_or_default(),
        })
    }

    pub(crate) fn take_rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    /// Fails if any bytes are left.
    pub(crate) fn end(self) -> Result<(), DecodeError> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(DecodeError::Trailing {
                message: self.message,
            })
        }
    }

    pub(crate) fn undefined(&self, field: &'static str) -> DecodeError {
        DecodeError::UndefinedValue {
            message: self.message,
            field,
        }
    }
}

/// Format codes as sent: 0 is text, 1 is binary. Other codes are left for the server to reject.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct FormatCodes<'a> {
    codes: &'a [u8],
}

impl<'a> FormatCodes<'a> {
    pub fn len(&self) -> usize {
        self.codes.len() / 2
    }

    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = i16> + use<'a> {
        self.codes
            .chunks_exact(2)
            .map(|code| code.try_into().map_or(0, i16::from_be_bytes))
    }

    /// The format code of the value at `index`. As in Bind, an empty list means text for all values, a single code
    /// applies to all values, and otherwise each value has its own code. `None` if the list is too short.
    pub fn of(&self, index: usize) -> Option<i16> {
        match self.len() {
            0 => Some(0),
            1 => self.iter().next(),
            _ => self.iter().nth(index),
        }
    }
}

/// Type OIDs as sent; 0 leaves the type unspecified.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Oids<'a> {
    oids: &'a [u8],
}

impl<'a> Oids<'a> {
    pub fn len(&self) -> usize {
        self.oids.len() / 4
    }

    pub fn is_empty(&self) -> bool {
        self.oids.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = u32> + use<'a> {
        self.oids
            .chunks_exact(4)
            .map(|oid| oid.try_into().map_or(0, u32::from_be_bytes))
    }
}

/// A validated list of values; `None` is NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Values<'a> {
    count: usize,
    bytes: &'a [u8],
}

impl<'a> Values<'a> {
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn iter(&self) -> impl Iterator<Item = Option<&'a [u8]>> + use<'a> {
        let mut body = Body::new("", self.bytes);
        // The list was validated when it was decoded, so decoding cannot fail here.
        (0..self.count).map_while(move |_| body.value().ok())
    }
}
