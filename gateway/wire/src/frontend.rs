//! Strict zero-copy decoders for messages from the client. `body` is the part of a message after the length field.
//!
//! Every `decode` fails if the body is truncated, malformed or has trailing bytes.

use crate::body::Body;
use crate::{DecodeError, FormatCodes, Oids, Values};

/// A message from the client, except the untagged ones in [`crate::startup`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Message<'a> {
    Query(Query<'a>),
    Parse(Parse<'a>),
    Bind(Bind<'a>),
    Describe(Describe<'a>),
    Execute(Execute<'a>),
    Close(Close<'a>),
    FunctionCall(FunctionCall<'a>),
    CopyData(&'a [u8]),
    CopyDone,
    CopyFail(CopyFail<'a>),
    Flush,
    Sync,
    Terminate,
    /// PasswordMessage, SASLInitialResponse, SASLResponse or GSSResponse. They share a tag; the state of the
    /// authentication exchange tells them apart.
    Password(&'a [u8]),
}

impl<'a> Message<'a> {
    pub fn decode(tag: u8, body: &'a [u8]) -> Result<Self, DecodeError> {
        Ok(match tag {
            b'Q' => Self::Query(Query::decode(body)?),
            b'P' => Self::Parse(Parse::decode(body)?),
            b'B' => Self::Bind(Bind::decode(body)?),
            b'D' => Self::Describe(Describe::decode(body)?),
            b'E' => Self::Execute(Execute::decode(body)?),
            b'C' => Self::Close(Close::decode(body)?),
            b'F' => Self::FunctionCall(FunctionCall::decode(body)?),
            b'd' => Self::CopyData(body),
            b'c' => bare("CopyDone", body, Self::CopyDone)?,
            b'f' => Self::CopyFail(CopyFail::decode(body)?),
            b'H' => bare("Flush", body, Self::Flush)?,
            b'S' => bare("Sync", body, Self::Sync)?,
            b'X' => bare("Terminate", body, Self::Terminate)?,
            b'p' => Self::Password(body),
            tag => return Err(DecodeError::UnknownTag { tag }),
        })
    }
}

fn bare<'a>(
    name: &'static str,
    body: &[u8],
    message: Message<'a>,
) -> Result<Message<'a>, DecodeError> {
    Body::new(name, body).end().map(|()| message)
}

/// Query: a query string with any number of statements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<'a> {
    /// The query string in `client_encoding`.
    pub text: &'a [u8],
}

impl<'a> Query<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("Query", body);
        let text = body.raw_cstr()?;
        body.end()?;
        Ok(Self { text })
    }
}

/// Parse: prepares a statement. The empty name is the unnamed statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parse<'a> {
    pub name: &'a str,
    /// The query string in `client_encoding`.
    pub text: &'a [u8],
    /// The parameter types that the client specifies; possibly fewer than the statement has parameters.
    pub types: Oids<'a>,
}

impl<'a> Parse<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("Parse", body);
        let name = body.cstr()?;
        let text = body.raw_cstr()?;
        let types = body.oids()?;
        body.end()?;
        Ok(Self { name, text, types })
    }
}

/// Bind: creates a portal from a prepared statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bind<'a> {
    pub portal: &'a str,
    pub statement: &'a str,
    /// Parameter format codes as sent, see [`FormatCodes::of`]. The server rejects a list whose length does not match.
    pub formats: FormatCodes<'a>,
    pub parameters: Values<'a>,
    pub result_formats: FormatCodes<'a>,
}

impl<'a> Bind<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("Bind", body);
        let portal = body.cstr()?;
        let statement = body.cstr()?;
        let formats = body.formats()?;
        let parameters = body.values()?;
        let result_formats = body.formats()?;
        body.end()?;
        Ok(Self {
            portal,
            statement,
            formats,
            parameters,
            result_formats,
        })
    }
}

/// The target of Describe or Close.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Subject<'a> {
    Statement(&'a str),
    Portal(&'a str),
}

impl<'a> Subject<'a> {
    pub fn name(&self) -> &'a str {
        match self {
            Self::Statement(name) | Self::Portal(name) => name,
        }
    }

    fn decode(mut body: Body<'a>) -> Result<Self, DecodeError> {
        let kind = body.u8()?;
        let name = body.cstr()?;
        let subject = match kind {
            b'S' => Self::Statement(name),
            b'P' => Self::Portal(name),
            _ => return Err(body.undefined("kind")),
        };
        body.end()?;
        Ok(subject)
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Describe<'a> {
    pub subject: Subject<'a>,
}

impl<'a> Describe<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        Subject::decode(Body::new("Describe", body)).map(|subject| Self { subject })
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Close<'a> {
    pub subject: Subject<'a>,
}

impl<'a> Close<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        Subject::decode(Body::new("Close", body)).map(|subject| Self { subject })
    }
}

/// Execute: runs a portal.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Execute<'a> {
    pub portal: &'a str,
    /// Maximum number of rows to return before the portal is suspended; no limit if not positive.
    pub max_rows: i32,
}

impl<'a> Execute<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("Execute", body);
        let portal = body.cstr()?;
        let max_rows = body.i32()?;
        body.end()?;
        Ok(Self { portal, max_rows })
    }
}

/// FunctionCall: the legacy fast-path call of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionCall<'a> {
    /// `pg_proc.oid` of the function.
    pub function: u32,
    pub formats: FormatCodes<'a>,
    pub arguments: Values<'a>,
    pub result_format: i16,
}

impl<'a> FunctionCall<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("FunctionCall", body);
        let function = body.u32()?;
        let formats = body.formats()?;
        let arguments = body.values()?;
        let result_format = body.i16()?;
        body.end()?;
        Ok(Self {
            function,
            formats,
            arguments,
            result_format,
        })
    }
}

/// CopyFail: the client aborts COPY FROM STDIN.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CopyFail<'a> {
    pub reason: &'a str,
}

impl<'a> CopyFail<'a> {
    pub fn decode(body: &'a [u8]) -> Result<Self, DecodeError> {
        let mut body = Body::new("CopyFail", body);
        let reason = body.cstr()?;
        body.end()?;
        Ok(Self { reason })
    }
}

/// The password in a PasswordMessage, without the terminator. `None` unless the body is exactly one string.
pub fn password(body: &[u8]) -> Option<&[u8]> {
    let mut body = Body::new("PasswordMessage", body);
    let password = body.raw_cstr().ok()?;
    body.end().ok()?;
    Some(password)
}

/// The mechanism and data of a SASLInitialResponse. The data is `None` if the client sent no initial response.
pub fn sasl_initial_response(body: &[u8]) -> Result<(&str, Option<&[u8]>), DecodeError> {
    let mut body = Body::new("SASLInitialResponse", body);
    let mechanism = body.cstr()?;
    let data = body.value()?;
    body.end()?;
    Ok((mechanism, data))
}
