//! Messages of the server, decoded strictly and without copying. A body is what follows the length field.

use crate::body::Body;
use crate::{DecodeError, FormatCodes, Oids};

/// The columns of the rows to come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RowDescription<'a> {
    count: usize,
    fields: &'a [u8],
}

/// One column of a RowDescription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// In the client's encoding.
    pub name: &'a [u8],
    /// `pg_class.oid` of the table, or 0.
    pub table_oid: u32,
    /// `pg_attribute.attnum` in that table, or 0.
    pub attribute: i16,
    pub type_oid: u32,
    pub type_size: i16,
    pub type_modifier: i32,
    /// 0 text, 1 binary. A Describe of a statement always says 0.
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

    pub fn len(&self) -> usize {
        self.count
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    pub fn fields(&self) -> impl Iterator<Item = Field<'a>> + use<'a> {
        let mut body = Body::new("RowDescription", self.fields);
        // Walked once in `decode`, so no read below can fail.
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

/// One row. Decoding looks at the number of cells only; the cells are checked as they are read.
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

    pub fn len(&self) -> usize {
        usize::from(self.count)
    }

    pub fn is_empty(&self) -> bool {
        self.count == 0
    }

    /// The cells; `None` is null. The last item is an error if the row is malformed, bytes after the last cell included.
    pub fn cells(&self) -> Cells<'a> {
        Cells {
            left: self.count,
            body: Some(Body::new("DataRow", self.cells)),
        }
    }
}

/// Iterator of [`DataRow::cells`].
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

/// The end of a statement that succeeded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CommandComplete<'a> {
    pub tag: &'a str,
}

impl<'a> CommandComplete<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("CommandComplete", body);
        let tag = body.cstr()?;
        body.end()?;
        Ok(Self { tag })
    }

    /// The number of rows the tag ends with (`SELECT 3`, `INSERT 0 1`, `COPY 7`).
    pub fn rows(&self) -> Option<u64> {
        self.tag
            .rsplit_once(' ')
            .and_then(|(_, count)| count.parse().ok())
    }
}

/// Where the server stands between statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TransactionStatus {
    /// `I`: in no transaction block.
    Idle,
    /// `T`: in a transaction block.
    InTransaction,
    /// `E`: in a failed one; all but its end is refused.
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

/// The server is ready for the next cycle.
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

/// The start of a COPY: CopyInResponse, CopyOutResponse or CopyBothResponse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyResponse<'a> {
    /// The whole copy is binary.
    pub binary: bool,
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

/// A setting that the server reports, at startup and whenever it changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterStatus<'a> {
    pub name: &'a str,
    /// In the client's encoding.
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

/// What a CancelRequest for this connection must hold.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct BackendKeyData<'a> {
    pub pid: i32,
    /// 4 bytes in protocol 3.0, 4 to 256 in 3.2.
    pub key: &'a [u8],
}

// The key is a secret.
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

/// The parameter types of a prepared statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ParameterDescription<'a> {
    pub types: Oids<'a>,
}

impl<'a> ParameterDescription<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("ParameterDescription", body);
        let types = body.oids()?;
        body.end()?;
        Ok(Self { types })
    }
}

/// A step of authentication, as the server asks for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Authentication<'a> {
    Ok,
    CleartextPassword,
    Md5Password {
        salt: [u8; 4],
    },
    /// Mechanisms in the server's order of preference.
    Sasl {
        mechanisms: Vec<&'a str>,
    },
    SaslContinue(&'a [u8]),
    SaslFinal(&'a [u8]),
    /// Kerberos, GSSAPI, SSPI or something newer, by its code.
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

/// A NOTIFY that this connection listens to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NotificationResponse<'a> {
    pub pid: i32,
    pub channel: &'a str,
    pub payload: &'a str,
}

impl<'a> NotificationResponse<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("NotificationResponse", body);
        let pid = body.i32()?;
        let channel = body.cstr()?;
        let payload = body.cstr()?;
        body.end()?;
        Ok(Self {
            pid,
            channel,
            payload,
        })
    }
}

/// The result of a FunctionCall; `None` is null.
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

/// The server speaks an older minor version or does not know some `_pq_.` options.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NegotiateProtocolVersion<'a> {
    /// As sent. PostgreSQL sends the whole version number (`3 << 16 | minor`).
    pub version: u32,
    pub unsupported: Vec<&'a str>,
}

impl<'a> NegotiateProtocolVersion<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("NegotiateProtocolVersion", body);
        let version = body.u32()?;
        let count = body.u32()?;
        let mut unsupported = Vec::new();
        for _ in 0..count {
            // A count that is too large ends here: each name takes at least its terminator.
            unsupported.push(body.cstr()?);
        }
        body.end()?;
        Ok(Self {
            version,
            unsupported,
        })
    }
}
