//! Strict zero-copy decoders for messages from the server. `body` is the part of a message after the length field.
//!
//! Every `decode` fails if the body is truncated, malformed or has trailing bytes.

use crate::body::Body;
use crate::{DecodeError, FormatCodes, Oids};

/// RowDescription: the columns of a result set.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowDescription<'a> {
    count: usize,
    fields: &'a [u8],
}

/// One column of a RowDescription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// The column name in `client_encoding`.
    pub name: &'a [u8],
    /// `pg_class.oid` of the table that the column comes from, or 0.
    pub table_oid: u32,
    /// `pg_attribute.attnum` of the column in that table, or 0.
    pub attribute: i16,
    /// `pg_type.oid`.
    pub type_oid: u32,
    /// `pg_type.typlen`; negative for variable-width types.
    pub type_size: i16,
    /// `pg_attribute.atttypmod`; -1 if there is none.
    pub type_modifier: i32,
    /// 0 for text, 1 for binary. Always 0 in the reply to Describe of a statement.
    pub format: i16,
}

impl<'a> RowDescription<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("RowDescription", body);
        let count = usize::from(body.u16()?);
        let fields = body.take_rest();
        let mut walk = Body::new("RowDescription", fields);
        for _ in 0..count {
            Field::decode(&mut walk)?;
        }
        walk.end()?;
        Ok(Self { count, fields })
    }

    /// The number of columns.
    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let mut body = Body::new("RowDescription", self.fields);
        // `decode` has validated every field, so decoding cannot fail here.
        (0..self.count).map_while(move |_| Field::decode(&mut body).ok())
    }
}

impl<'a> Field<'a> {
    fn decode(body: &mut Body<'a>) -> Result<Self, DecodeError> {
        Ok(Self {
            name: body.raw_cstr()?,
            table_oid: body.u32()?,
            attribute: body.i16()?,
            type_oid: body.u32()?,
            type_size: body.i16()?,
            type_modifier: body.i32()?,
            format: body.i16()?,
        })
    }
}

/// DataRow: one row of a result set. `decode` reads only the number of values; the values are validated while
/// iterating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DataRow<'a> {
    count: u16,
    cells: &'a [u8],
}

impl<'a> DataRow<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("DataRow", body);
        let count = body.u16()?;
        Ok(Self {
            count,
            cells: body.take_rest(),
        })
    }

    /// The number of values.
    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The values; `None` is NULL. If the row is malformed or has trailing bytes, the last item is an error.
    pub fn cells(&self) -> Cells<'a> {
        Cells {
            left: self.count,
            body: Some(Body::new("DataRow", self.cells)),
        }
    }
}

/// Iterator returned by [`DataRow::cells`].
pub struct Cells<'a> {
    left: u16,
    body: Option<Body<'a>>,
}

impl<'a> Iterator for Cells<'a> {
    type Item = Result<Option<&'a [u8]>, DecodeError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.left == 0 {
            return self.body.take()?.end().err().map(Err);
        }
        self.left -= 1;
        let cell = self.body.as_mut()?.value();
        if cell.is_err() {
            self.left = 0;
            self.body = None;
        }
        Some(cell)
    }
}

/// CommandComplete: a statement completed successfully.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandComplete<'a> {
    /// The command tag, such as `SELECT 3`.
    pub tag: &'a str,
}

impl<'a> CommandComplete<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("CommandComplete", body);
        let tag = body.cstr()?;
        body.end()?;
        Ok(Self { tag })
    }

    /// The row count at the end of the command tag (`SELECT 3`, `INSERT 0 1`, `COPY 7`).
    pub fn rows(&self) -> Option<u64> {
        self.tag
            .rsplit_once(' ')
            .and_then(|(_, count)| count.parse().ok())
    }
}

/// The transaction status in ReadyForQuery.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionStatus {
    /// `I`: idle, not in a transaction block.
    Idle,
    /// `T`: in a transaction block.
    InTransaction,
    /// `E`: in a failed transaction block; statements are rejected until the block ends.
    Failed,
}

impl TransactionStatus {
    pub fn from_byte(byte: u8) -> Option<Self> {
        match byte {
            b'I' => Some(Self::Idle),
            b'T' => Some(Self::InTransaction),
            b'E' => Some(Self::Failed),
            _ => None,
        }
    }

    pub fn byte(self) -> u8 {
        match self {
            Self::Idle => b'I',
            Self::InTransaction => b'T',
            Self::Failed => b'E',
        }
    }
}

/// ReadyForQuery: the server is ready for a new query cycle.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadyForQuery {
    pub status: TransactionStatus,
}

impl ReadyForQuery {
    pub fn decode(body: &[u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("ReadyForQuery", body);
        let byte = body.u8()?;
        let status = TransactionStatus::from_byte(byte).ok_or_else(|| body.undefined("status"))?;
        body.end()?;
        Ok(Self { status })
    }
}

/// CopyInResponse, CopyOutResponse or CopyBothResponse: a COPY operation starts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyResponse<'a> {
    /// The overall format: binary, or text and CSV.
    pub binary: bool,
    /// The format code of each column.
    pub formats: FormatCodes<'a>,
}

impl<'a> CopyResponse<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("CopyResponse", body);
        let binary = match body.u8()? {
            0 => false,
            1 => true,
            _ => return Err(body.undefined("format")),
        };
        let formats = body.formats()?;
        body.end()?;
        Ok(Self { binary, formats })
    }
}

/// ParameterStatus: a run-time parameter that the server reports at start-up and whenever it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterStatus<'a> {
    pub name: &'a str,
    /// In `client_encoding`.
    pub value: &'a [u8],
}

impl<'a> ParameterStatus<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("ParameterStatus", body);
        let name = body.cstr()?;
        let value = body.raw_cstr()?;
        body.end()?;
        Ok(Self { name, value })
    }
}

/// BackendKeyData: the process ID and secret key that a CancelRequest for this connection must contain.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BackendKeyData<'a> {
    pub pid: i32,
    /// 4 bytes in protocol 3.0, 4 to 256 bytes in protocol 3.2.
    pub key: &'a [u8],
}

// Omits the secret key.
impl std::fmt::Debug for BackendKeyData<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("BackendKeyData")
            .field("pid", &self.pid)
            .finish_non_exhaustive()
    }
}

impl<'a> BackendKeyData<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("BackendKeyData", body);
        let pid = body.i32()?;
        let key = body.take_rest();
        match crate::startup::CANCEL_KEY_BYTES.contains(&key.len()) {
            true => Ok(Self { pid, key }),
            false => Err(body.undefined("key")),
        }
    }
}

/// ParameterDescription: the parameter types of a prepared statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterDescription<'a> {
    pub types: Oids<'a>,
}

impl<'a> ParameterDescription<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("ParameterDescription", body);
        let types = body.oids_to_end()?;
        body.end()?;
        Ok(Self { types })
    }
}

/// The authentication messages (`R`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication<'a> {
    Ok,
    CleartextPassword,
    Md5Password {
        salt: [u8; 4],
    },
    /// The SASL mechanisms in the server's order of preference.
    Sasl {
        mechanisms: Vec<&'a str>,
    },
    SaslContinue(&'a [u8]),
    SaslFinal(&'a [u8]),
    /// A method that the gateway does not implement (Kerberos, GSSAPI, SSPI, …), by its code.
    Other(u32),
}

impl<'a> Authentication<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("Authentication", body);
        let request = match body.u32()? {
            0 => Self::Ok,
            3 => Self::CleartextPassword,
            5 => Self::Md5Password {
                salt: body.u32()?.to_be_bytes(),
            },
            10 => {
                let mut mechanisms = Vec::new();
                loop {
                    match body.cstr()? {
                        "" => break,
                        mechanism => mechanisms.push(mechanism),
                    }
                }
                Self::Sasl { mechanisms }
            }
            11 => Self::SaslContinue(body.take_rest()),
            12 => Self::SaslFinal(body.take_rest()),
            code => {
                body.take_rest();
                Self::Other(code)
            }
        };
        body.end()?;
        Ok(request)
    }
}

/// NotificationResponse: a notification on a channel that the session listens on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotificationResponse<'a> {
    /// Process ID of the notifying backend.
    pub pid: i32,
    /// In `client_encoding`, as is the payload.
    pub channel: &'a [u8],
    pub payload: &'a [u8],
}

impl<'a> NotificationResponse<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("NotificationResponse", body);
        let pid = body.i32()?;
        let channel = body.raw_cstr()?;
        let payload = body.raw_cstr()?;
        body.end()?;
        Ok(Self {
            pid,
            channel,
            payload,
        })
    }
}

/// FunctionCallResponse: the result of a FunctionCall; `None` is NULL.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionCallResponse<'a> {
    pub value: Option<&'a [u8]>,
}

impl<'a> FunctionCallResponse<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("FunctionCallResponse", body);
        let value = body.value()?;
        body.end()?;
        Ok(Self { value })
    }
}

/// NegotiateProtocolVersion: the server does not support the requested minor version or some `_pq_.` options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NegotiateProtocolVersion<'a> {
    /// The newest supported version as sent. PostgreSQL sends the complete version number, `3 << 16 | minor`.
    pub version: u32,
    /// The `_pq_.` options that the server does not recognize.
    pub unsupported: Vec<&'a str>,
}

impl<'a> NegotiateProtocolVersion<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("NegotiateProtocolVersion", body);
        let version = body.u32()?;
        let count = body.u32()?;
        let mut unsupported = Vec::new();
        for _ in 0..count {
            // Each name takes at least one byte, so an inflated count fails here instead of allocating memory.
            unsupported.push(body.cstr()?);
        }
        body.end()?;
        Ok(Self {
            version,
            unsupported,
        })
    }
}
