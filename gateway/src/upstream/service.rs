//! A small client for the gateway's own questions to a server: simple queries, values as text.

use std::time::Duration;

use bytes::BytesMut;
use gatewright_wire::backend::{DataRow, RowDescription};
use gatewright_wire::frontend::Subject;
use gatewright_wire::{DecodeError, build};
use tokio::io::{AsyncRead, AsyncWrite};

use super::startup::{Link, leave, server_error};
use super::{BackendKey, Target, UpstreamError, UpstreamStream, connect};

/// All values of one answer together, in bytes.
const MAX_ANSWER: usize = 256 << 20;

/// From the question to the end of its answer.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(60);

/// Rows of values as text; `None` is null.
pub type Rows = Vec<Vec<Option<String>>>;

/// A column that a statement would return (RowDescription).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    pub name: String,
    pub table_oid: u32,
    pub attribute: i16,
    pub type_oid: u32,
}

/// A connection that belongs to the gateway itself.
pub struct Service {
    link: Link<UpstreamStream>,
    key: BackendKey,
    target: Target,
}

impl Service {
    /// Logs in, with UTF-8 and without the search path that the role may have been given.
    pub async fn connect(target: &Target) -> Result<Self, UpstreamError> {
        Self::log_in(target, &[("search_path", "pg_catalog")]).await
    }

    /// Logs in as a client of the role would, with the settings that it has on the server.
    ///
    /// # Errors
    /// The connection cannot be made.
    pub async fn connect_as_client(target: &Target) -> Result<Self, UpstreamError> {
        Self::log_in(target, &[]).await
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
        })
    }

    /// The rows of a statement. After an error of the server the connection can be used further; after any other
    /// error it cannot.
    pub async fn query(&mut self, sql: &str) -> Result<Rows, UpstreamError> {
        match tokio::time::timeout(
            ANSWER_TIMEOUT,
            simple_query(&self.target, &mut self.link, sql),
        )
        .await
        {
            Ok(rows) => rows,
            Err(_) => {
                let endpoint = self.target.address_and_database();
                Err(UpstreamError::Timeout {
                    endpoint,
                    limit: ANSWER_TIMEOUT,
                })
            }
        }
    }

    /// The columns that a statement would return, without running it; none where it returns no rows.
    ///
    /// # Errors
    /// The server's own about the statement, after which the connection can be used further; any other ends it.
    pub async fn describe(&mut self, sql: &str) -> Result<Option<Vec<Described>>, UpstreamError> {
        let mut question = BytesMut::new();
        build::parse(&mut question, "", sql, &[])?;
        build::describe(&mut question, Subject::Statement(""))?;
        build::sync(&mut question);
        self.link.send(&question).await?;
        let (mut columns, mut error) = (None, None);
        loop {
            let received = match self.link.receive(MAX_ANSWER).await {
                Ok(received) => received,
                Err(broken) => return Err(error.unwrap_or(broken)),
            };
            match received.tag {
                b'T' => columns = Some(described(received.body())?),
                b'E' => error = Some(server_error(&self.target, received.body())),
                b'Z' => return error.map_or(Ok(columns), Err),
                b'1' | b't' | b'n' | b'N' | b'S' | b'A' => {}
                tag => return Err(UpstreamError::Unexpected { tag }),
            }
        }
    }

    /// What it takes to cancel a question from elsewhere.
    pub fn key(&self) -> &BackendKey {
        &self.key
    }

    /// Ends the connection in good order; dropping it ends it too.
    pub async fn close(self) {
        leave(self.link.stream).await;
    }
}

pub(super) async fn simple_query<S: AsyncRead + AsyncWrite + Unpin>(
    target: &Target,
    link: &mut Link<S>,
    sql: &str,
) -> Result<Rows, UpstreamError> {
    let mut question = BytesMut::new();
    build::query(&mut question, sql)?;
    link.send(&question).await?;
    let mut rows = Rows::new();
    let mut size = 0;
    let mut error = None;
    loop {
        let received = match link.receive(MAX_ANSWER).await {
            Ok(received) => received,
            // A FATAL error says more than the closed connection that follows it.
            Err(broken) => return Err(error.unwrap_or(broken)),
        };
        match received.tag {
            b'D' => {
                size += received.bytes.len();
                if size > MAX_ANSWER {
                    return Err(UpstreamError::TooLarge { limit: MAX_ANSWER });
                }
                rows.push(row(received.body())?);
            }
            b'E' => error = Some(server_error(target, received.body())),
            b'Z' => return error.map_or(Ok(rows), Err),
            b'T' | b'C' | b'I' | b'N' | b'S' | b'A' => {}
            tag => return Err(UpstreamError::Unexpected { tag }),
        }
    }
}

fn row(body: &[u8]) -> Result<Vec<Option<String>>, DecodeError> {
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
