//! Messages of the client, decoded strictly and without copying. A body is what follows the length field.

use crate::body::Body;
use crate::{DecodeError, FormatCodes, Oids, Values};

/// Any tagged message of the client.
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
    /// PasswordMessage, SASLInitialResponse, SASLResponse or GSSResponse: which one, only the exchange under way knows.
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

/// A simple query: any number of statements in one text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query<'a> {
    /// In the client's encoding.
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

/// A statement to prepare. The empty name is the unnamed statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Parse<'a> {
    pub name: &'a str,
    /// In the client's encoding.
    pub text: &'a [u8],
    /// Parameter types the client prescribes; may be fewer than there are parameters.
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

/// A portal to open from a prepared statement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Bind<'a> {
    pub portal: &'a str,
    pub statement: &'a str,
    /// As sent; see [`FormatCodes::of`]. A number that does not fit the parameters is the server's to refuse.
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

/// What Describe and Close speak of.
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

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Execute<'a> {
    pub portal: &'a str,
    /// Rows to return before the portal is suspended; zero or less is no limit.
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

/// The legacy fast-path call of a function by its object id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FunctionCall<'a> {
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

/// The client gives up a COPY FROM STDIN and says why.
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

/// The password of a PasswordMessage, without its terminator: `None` unless the body is exactly one string.
pub fn password(body: &[u8]) -> Option<&[u8]> {
    let mut body = Body::new("PasswordMessage", body);
    let password = body.raw_cstr().ok()?;
    body.end().ok()?;
    Some(password)
}

/// The mechanism and the data of a SASLInitialResponse; `None` where there is no initial response.
pub fn sasl_initial_response(body: &[u8]) -> Result<(&str, Option<&[u8]>), DecodeError> {
    let mut body = Body::new("SASLInitialResponse", body);
    let mechanism = body.cstr()?;
    let data = body.value()?;
    body.end()?;
    Ok((mechanism, data))
}
