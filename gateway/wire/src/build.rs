//! Encoders for the messages that the gateway itself sends. Each function appends one message to `out`, mostly
//! through pgwire's encoders.

use bytes::{BufMut, Bytes, BytesMut};
use pgwire::messages::Message;
use pgwire::messages::copy::{CopyData, CopyDone, CopyFail};
use pgwire::messages::data::{FieldDescription, RowDescription};
use pgwire::messages::extendedquery::{
    Bind, BindComplete, Close, CloseComplete, Describe, Execute, Flush, ParseComplete, Sync,
};
use pgwire::messages::response::{CommandComplete, EmptyQueryResponse, ReadyForQuery};
use pgwire::messages::startup::{
    Authentication, BackendKeyData, NegotiateProtocolVersion, ParameterStatus, SASLInitialResponse,
    SASLResponse, SecretKey,
};
use pgwire::messages::terminate::Terminate;

use crate::ErrorFields;
use crate::backend::TransactionStatus;
use crate::frontend::Subject;

/// The message cannot be encoded. The buffer is unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BuildError {
    /// A zero byte would terminate the string early, and the peer would parse the rest as other fields.
    #[error("a string in a {message} message contains a zero byte")]
    ZeroByte { message: &'static str },
    #[error("the message exceeds the maximum length of the protocol")]
    TooLong,
}

/// Appends one pgwire message, or nothing if encoding fails.
pub(crate) fn append(out: &mut BytesMut, message: &impl Message) -> Result<(), BuildError> {
    let start = out.len();
    message.encode(out).map_err(|_| {
        // pgwire writes the tag before it checks the length.
        out.truncate(start);
        BuildError::TooLong
    })
}

/// For messages of a fixed size, which cannot exceed a limit.
fn append_fixed(out: &mut BytesMut, message: &impl Message) {
    let sent = append(out, message);
    debug_assert!(sent.is_ok(), "a fixed-size message is within every limit");
}

fn text(message: &'static str, text: &str) -> Result<String, BuildError> {
    if text.as_bytes().contains(&0) {
        Err(BuildError::ZeroByte { message })
    } else {
        Ok(text.to_owned())
    }
}

fn name(message: &'static str, name: &str) -> Result<Option<String>, BuildError> {
    text(message, name).map(Some)
}

/// `sql` is in the encoding of the connection.
pub fn query(out: &mut BytesMut, sql: impl AsRef<[u8]>) -> Result<(), BuildError> {
    append_parts(out, b'Q', &[string("Query", sql.as_ref())?, &[0]])
}

/// `types` are the OIDs of the leading parameters; 0 leaves a type unspecified. `sql` is in the encoding of the connection.
pub fn parse(
    out: &mut BytesMut,
    statement: &str,
    sql: impl AsRef<[u8]>,
    types: &[u32],
) -> Result<(), BuildError> {
    let count = counted(types.len())?.to_be_bytes();
    let types: Vec<u8> = types.iter().flat_map(|oid| oid.to_be_bytes()).collect();
    let name = string("Parse", statement.as_bytes())?;
    let sql = string("Parse", sql.as_ref())?;
    append_parts(out, b'P', &[name, &[0], sql, &[0], &count, &types])
}

/// Appends a message with texts that need not be UTF-8, which pgwire cannot encode.
fn append_parts(out: &mut BytesMut, tag: u8, parts: &[&[u8]]) -> Result<(), BuildError> {
    let length = 4 + parts.iter().map(|part| part.len()).sum::<usize>();
    let length = i32::try_from(length).map_err(|_| BuildError::TooLong)?;
    out.put_u8(tag);
    out.put_i32(length);
    for part in parts {
        out.put_slice(part);
    }
    Ok(())
}

fn string<'t>(message: &'static str, text: &'t [u8]) -> Result<&'t [u8], BuildError> {
    if text.contains(&0) {
        return Err(BuildError::ZeroByte { message });
    }
    Ok(text)
}

/// Parameter values are sent as given; `None` is NULL. Format codes are 0 for text and 1 for binary; an empty list
/// means text for all values.
pub fn bind(
    out: &mut BytesMut,
    portal: &str,
    statement: &str,
    formats: &[i16],
    parameters: &[Option<&[u8]>],
    result_formats: &[i16],
) -> Result<(), BuildError> {
    counted(
        formats
            .len()
            .max(parameters.len())
            .max(result_formats.len()),
    )?;
    let values = parameters
        .iter()
        .map(|value| value.map(Bytes::copy_from_slice))
        .collect();
    let (portal, statement) = (name("Bind", portal)?, name("Bind", statement)?);
    append(
        out,
        &Bind::new(
            portal,
            statement,
            formats.to_vec(),
            values,
            result_formats.to_vec(),
        ),
    )
}

pub fn describe(out: &mut BytesMut, subject: Subject<'_>) -> Result<(), BuildError> {
    append(
        out,
        &Describe::new(subject_kind(subject), name("Describe", subject.name())?),
    )
}

pub fn close(out: &mut BytesMut, subject: Subject<'_>) -> Result<(), BuildError> {
    append(
        out,
        &Close::new(subject_kind(subject), name("Close", subject.name())?),
    )
}

/// `max_rows` 0 means no limit.
pub fn execute(out: &mut BytesMut, portal: &str, max_rows: i32) -> Result<(), BuildError> {
    append(out, &Execute::new(name("Execute", portal)?, max_rows))
}

pub fn sync(out: &mut BytesMut) {
    append_fixed(out, &Sync::new());
}

pub fn flush(out: &mut BytesMut) {
    append_fixed(out, &Flush::new());
}

pub fn terminate(out: &mut BytesMut) {
    append_fixed(out, &Terminate::new());
}

/// A message with this tag and an empty body.
pub fn empty(out: &mut BytesMut, tag: u8) {
    out.extend_from_slice(&[tag, 0, 0, 0, 4]);
}

pub fn copy_data(out: &mut BytesMut, data: &[u8]) -> Result<(), BuildError> {
    append(out, &CopyData::new(Bytes::copy_from_slice(data)))
}

pub fn copy_done(out: &mut BytesMut) {
    append_fixed(out, &CopyDone::new());
}

pub fn copy_fail(out: &mut BytesMut, reason: &str) -> Result<(), BuildError> {
    append(out, &CopyFail::new(text("CopyFail", reason)?))
}

/// PasswordMessage: a cleartext password, or the response to AuthenticationMD5Password.
pub fn password(out: &mut BytesMut, password: &[u8]) -> Result<(), BuildError> {
    if password.contains(&0) {
        return Err(BuildError::ZeroByte {
            message: "PasswordMessage",
        });
    }
    // Not encoded by pgwire, which accepts only UTF-8 and limits passwords to less than cloud providers' tokens need.
    let length = u32::try_from(password.len() + 5).map_err(|_| BuildError::TooLong)?;
    if length as usize > crate::frame::PASSWORD_MESSAGE_LIMIT {
        return Err(BuildError::TooLong);
    }
    out.put_u8(b'p');
    out.put_u32(length);
    out.put_slice(password);
    out.put_u8(0);
    Ok(())
}

pub fn sasl_initial_response(
    out: &mut BytesMut,
    mechanism: &str,
    data: &[u8],
) -> Result<(), BuildError> {
    let mechanism = text("SASLInitialResponse", mechanism)?;
    append(
        out,
        &SASLInitialResponse::new(mechanism, Some(Bytes::copy_from_slice(data))),
    )
}

pub fn sasl_response(out: &mut BytesMut, data: &[u8]) -> Result<(), BuildError> {
    append(out, &SASLResponse::new(Bytes::copy_from_slice(data)))
}

/// ErrorResponse. Zero bytes in fields become spaces, and each field is truncated to 1 MiB.
pub fn error_response(out: &mut BytesMut, fields: &ErrorFields) {
    fields.encode_error(out);
}

/// NoticeResponse. Zero bytes in fields become spaces, and each field is truncated to 1 MiB.
pub fn notice_response(out: &mut BytesMut, fields: &ErrorFields) {
    fields.encode_notice(out);
}

pub fn ready_for_query(out: &mut BytesMut, status: TransactionStatus) {
    use pgwire::messages::response::TransactionStatus as Sent;
    let status = match status {
        TransactionStatus::Idle => Sent::Idle,
        TransactionStatus::InTransaction => Sent::Transaction,
        TransactionStatus::Failed => Sent::Error,
    };
    append_fixed(out, &ReadyForQuery::new(status));
}

pub fn command_complete(out: &mut BytesMut, tag: &str) -> Result<(), BuildError> {
    append(out, &CommandComplete::new(text("CommandComplete", tag)?))
}

pub fn empty_query_response(out: &mut BytesMut) {
    append_fixed(out, &EmptyQueryResponse::new());
}

pub fn parse_complete(out: &mut BytesMut) {
    append_fixed(out, &ParseComplete::new());
}

pub fn bind_complete(out: &mut BytesMut) {
    append_fixed(out, &BindComplete::new());
}

pub fn close_complete(out: &mut BytesMut) {
    append_fixed(out, &CloseComplete::new());
}

/// One column of [`row_description`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column<'a> {
    pub name: &'a str,
    pub type_oid: u32,
    /// `pg_type.typlen`; -1 for variable-width types.
    pub type_size: i16,
    /// 0 for text, 1 for binary.
    pub format: i16,
}

/// RowDescription for columns that are not table columns.
pub fn row_description(out: &mut BytesMut, columns: &[Column<'_>]) -> Result<(), BuildError> {
    counted(columns.len())?;
    let mut fields = Vec::with_capacity(columns.len());
    for column in columns {
        let name = text("RowDescription", column.name)?;
        fields.push(FieldDescription::new(
            name,
            0,
            0,
            column.type_oid,
            column.type_size,
            -1,
            column.format,
        ));
    }
    append(out, &RowDescription::new(fields))
}

/// DataRow; `None` is NULL.
pub fn data_row(out: &mut BytesMut, cells: &[Option<&[u8]>]) -> Result<(), BuildError> {
    let count = counted(cells.len())?;
    let mut length = 6_usize;
    for cell in cells {
        length += 4 + cell.map_or(0, <[u8]>::len);
    }
    // Not encoded by pgwire: its DataRow takes the values already encoded.
    let length = i32::try_from(length).map_err(|_| BuildError::TooLong)?;
    out.put_u8(b'D');
    out.put_i32(length);
    out.put_u16(count);
    for cell in cells {
        match cell {
            // Cannot overflow: the total length fits in an i32.
            Some(bytes) => {
                out.put_u32(bytes.len() as u32);
                out.put_slice(bytes);
            }
            None => out.put_i32(-1),
        }
    }
    Ok(())
}

pub fn parameter_status(
    out: &mut BytesMut,
    parameter: &str,
    value: &str,
) -> Result<(), BuildError> {
    let message = "ParameterStatus";
    append(
        out,
        &ParameterStatus::new(text(message, parameter)?, text(message, value)?),
    )
}

/// `key` has 4 to 256 bytes; clients of protocol 3.0 require exactly 4.
pub fn backend_key_data(out: &mut BytesMut, pid: i32, key: &[u8]) -> Result<(), BuildError> {
    append(
        out,
        &BackendKeyData::new(pid, SecretKey::Bytes(Bytes::copy_from_slice(key))),
    )
}

pub fn authentication_ok(out: &mut BytesMut) {
    append_fixed(out, &Authentication::Ok);
}

pub fn authentication_cleartext_password(out: &mut BytesMut) {
    append_fixed(out, &Authentication::CleartextPassword);
}

/// AuthenticationSASL with a single mechanism.
pub fn authentication_sasl(out: &mut BytesMut, mechanism: &str) {
    append_fixed(out, &Authentication::SASL(vec![mechanism.to_owned()]));
}

pub fn authentication_sasl_continue(out: &mut BytesMut, data: &[u8]) {
    let data = Bytes::copy_from_slice(data);
    append_fixed(out, &Authentication::SASLContinue(data));
}

/// `version` is the newest version that the gateway supports below the requested one. `unsupported` lists the `_pq_.`
/// options that it does not recognize.
pub fn negotiate_protocol_version(
    out: &mut BytesMut,
    version: (u16, u16),
    unsupported: &[String],
) -> Result<(), BuildError> {
    let options = unsupported
        .iter()
        .map(|option| text("NegotiateProtocolVersion", option))
        .collect::<Result<Vec<_>, _>>()?;
    // PostgreSQL sends the complete version number, although its documentation says the minor version.
    let version = i32::from(version.0) << 16 | i32::from(version.1);
    append(out, &NegotiateProtocolVersion::new(version, options))
}

fn subject_kind(subject: Subject<'_>) -> u8 {
    match subject {
        Subject::Statement(_) => b'S',
        Subject::Portal(_) => b'P',
    }
}

fn counted(count: usize) -> Result<u16, BuildError> {
    u16::try_from(count).map_err(|_| BuildError::TooLong)
}
