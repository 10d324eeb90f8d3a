use crate::DecodeError;

/// A cursor over the body of one message; every read is checked.
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

    /// A zero-terminated string, as bytes.
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

    /// A zero-terminated string of UTF-8.
    pub(crate) fn cstr(&mut self) -> Result<&'a str, DecodeError> {
        let message = self.message;
        std::str::from_utf8(self.raw_cstr()?).map_err(|_| DecodeError::NotUtf8 { message })
    }

    /// `Int32` length and that many bytes; length -1 is null.
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

    /// `Int16` count and that many format codes.
    pub(crate) fn formats(&mut self) -> Result<FormatCodes<'a>, DecodeError> {
        let count = usize::from(self.u16()?);
        self.bytes(count * 2).map(|codes| FormatCodes { codes })
    }

    /// `Int16` count and that many object ids.
    pub(crate) fn oids(&mut self) -> Result<Oids<'a>, DecodeError> {
        let count = usize::from(self.u16()?);
        self.bytes(count * 4).map(|oids| Oids { oids })
    }

    /// `Int16` count and that many values, all of them checked here so that iteration cannot fail.
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

    /// The end of the message: nothing may be left.
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

/// Format codes as sent: 0 is text, 1 is binary, others are for the server to refuse.
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

    /// The code that holds for the value at `index`, by the rule of Bind: none given means text for all, one
    /// holds for all, otherwise there is one each. `None` when the list is too short for `index`.
    pub fn of(&self, index: usize) -> Option<i16> {
        match self.len() {
            0 => Some(0),
            1 => self.iter().next(),
            _ => self.iter().nth(index),
        }
    }
}

/// Object ids as sent; 0 leaves the type to the server.
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

/// A checked list of values; `None` is null.
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
        // The list was walked once when it was decoded, so no read below can fail.
        (0..self.count).map_while(move |_| body.value().ok())
    }
}
