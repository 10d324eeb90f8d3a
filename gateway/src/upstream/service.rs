//! A minimal client for the gateway's own queries, with the simple query protocol and values as text.

use std::time::Duration;

use bytes::BytesMut;
use gatewright_wire::backend::{DataRow, RowDescription};
use gatewright_wire::frontend::Subject;
use gatewright_wire::{DecodeError, build};
use tokio::io::{AsyncRead, AsyncWrite};

use super::startup::{Link, server_error, terminate};
use super::{BackendKey, Target, UpstreamError, UpstreamStream, connect};

/// Maximum size of a result set in bytes.
pub(super) const MAX_RESULT: usize = 256 << 20;

/// Time limit for a query, until its last row has arrived.
const QUERY_TIMEOUT: Duration = Duration::from_secs(60);

/// Rows of values as text; `None` is NULL.
pub type Rows = Vec<Vec<Option<String>>>;

/// The result of a statement.
#[derive(Debug, Default)]
pub struct Answer {
    /// `None` for a statement that returns no rows.
    pub columns: Option<Vec<Described>>,
    pub rows: Rows,
}

/// A column in the RowDescription of a statement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    pub name: String,
    /// `pg_class.oid` of the table that the column comes from, or 0.
    pub table_oid: u32,
    /// `pg_attribute.attnum` of the column in that table, or 0.
    pub attribute: i16,
    pub type_oid: u32,
}

/// A connection for the gateway's own queries.
pub struct Service {
    pub(super) link: Link<UpstreamStream>,
    key: BackendKey,
    pub(super) target: Target,
    /// How many rows queries have returned.
    rows: u64,
}

impl Service {
    /// Logs in with `client_encoding` UTF8, and with pg_catalog as the search path whatever the role's setting.
    pub async fn connect(target: &Target) -> Result<Self, UpstreamError> {
        Self::log_in(target, &[("search_path", "pg_catalog")]).await
    }

    /// Logs in as a client would, so that the role's settings on the server apply.
    pub async fn connect_as_client(target: &Target) -> Result<Self, UpstreamError> {
        Self::log_in(target, &[]).await
    }

    /// Logs in with `client_encoding` UTF8 and these startup parameters.
    pub async fn connect_with(
        target: &Target,
        parameters: &[(&str, &str)],
    ) -> Result<Self, UpstreamError> {
        Self::log_in(target, parameters).await
    }

    async fn log_in(target: &Target, more: &[(&str, &str)]) -> Result<Self, UpstreamError> {
        let own = [
            ("application_name", "gatewright"),
            ("client_encoding", "UTF8"),
        ];
        let parameters: Vec<(String, String)> = own
            .iter()
            .chain(more)
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect();
        let connected = connect(target, &parameters).await?;
        let link = Link {
            stream: connected.stream,
            buffer: connected.leftover,
        };
        Ok(Self {
            link,
            key: connected.key,
            target: target.clone(),
            rows: 0,
        })
    }

    /// Runs a query string and returns its rows.
    ///
    /// # Errors
    /// After [`UpstreamError::Server`] the connection remains usable, unless the error was FATAL. After any other error
    /// it does not.
    pub async fn query(&mut self, sql: &str) -> Result<Rows, UpstreamError> {
        match tokio::time::timeout(
            QUERY_TIMEOUT,
            simple_query(&self.target, &mut self.link, sql),
        )
        .await
        {
            Ok(rows) => {
                let returned = rows.as_ref().map_or(0, Vec::len);
                self.rows += returned as u64;
                rows
            }
            Err(_) => {
                let endpoint = self.target.address_and_database();
                Err(UpstreamError::Timeout {
                    endpoint,
                    limit: QUERY_TIMEOUT,
                })
            }
        }
    }

    /// The result columns of a statement, which is not executed. `None` if it returns no rows.
    ///
    /// # Errors
    /// As [`Service::query`].
    pub async fn describe(&mut self, sql: &str) -> Result<Option<Vec<Described>>, UpstreamError> {
        let mut request = BytesMut::new();
        build::parse(&mut request, "", sql, &[])?;
        build::describe(&mut request, Subject::Statement(""))?;
        build::sync(&mut request);
        self.link.send(&request).await?;
        let answer = answer(&self.target, &mut self.link, b"1tn").await?;
        Ok(answer.columns)
    }

    /// How many rows all queries have returned.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The key for cancelling a query of this connection.
    pub fn key(&self) -> &BackendKey {
        &self.key
    }

    /// Terminates the connection gracefully.
    pub async fn close(self) {
        terminate(self.link.stream).await;
    }
}

pub(super) async fn simple_query<S: AsyncRead + AsyncWrite + Unpin>(
    target: &Target,
    link: &mut Link<S>,
    sql: &str,
) -> Result<Rows, UpstreamError> {
    let mut request = BytesMut::new();
    build::query(&mut request, sql)?;
    link.send(&request).await?;
    Ok(answer(target, link, b"CI").await?.rows)
}

/// The server's answer up to ReadyForQuery. `besides`: the types of messages that may come and say nothing of interest.
pub(super) async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    target: &Target,
    link: &mut Link<S>,
    besides: &[u8],
) -> Result<Answer, UpstreamError> {
    let (mut answer, mut error, mut size) = (Answer::default(), None, 0);
    loop {
        let received = match link.receive(MAX_RESULT).await {
            Ok(received) => received,
            // After a FATAL error the connection closes; the FATAL error is the cause.
            Err(broken) => return Err(error.unwrap_or(broken)),
        };
        match received.tag {
            b'T' => answer.columns = Some(described(received.body())?),
            b'D' => {
                size += received.bytes.len();
                if size > MAX_RESULT {
                    return Err(UpstreamError::TooLarge { limit: MAX_RESULT });
                }
                answer.rows.push(row(received.body())?);
            }
            b'E' => error = Some(server_error(target, received.body())),
            b'Z' => return error.map_or(Ok(answer), Err),
            b'N' | b'S' | b'A' => {}
            tag if besides.contains(&tag) => {}
            tag => return Err(UpstreamError::Unexpected { tag }),
        }
    }
}

/// The values of a DataRow.
///
/// # Errors
/// It is malformed.
pub fn row(body: &[u8]) -> Result<Vec<Option<String>>, DecodeError> {
    let text = |value: &[u8]| String::from_utf8_lossy(value).into_owned();
    DataRow::decode(body)?
        .cells()
        .map(|cell| Ok(cell?.map(text)))
        .collect()
}

fn described(body: &[u8]) -> Result<Vec<Described>, DecodeError> {
    let fields = RowDescription::decode(body)?.fields();
    Ok(fields
        .map(|field| Described {
            name: String::from_utf8_lossy(field.name).into_owned(),
            table_oid: field.table_oid,
            attribute: field.attribute,
            type_oid: field.type_oid,
        })
        .collect())
}
