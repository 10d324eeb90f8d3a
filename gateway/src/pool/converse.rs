//! What the pool says to a server between two sessions: the reset, and what names mean.

use std::time::Duration;

use bytes::BytesMut;
use gatewright_wire::backend::{ParameterStatus, ReadyForQuery, TransactionStatus};
use gatewright_wire::build::BuildError;
use gatewright_wire::{DecodeError, ErrorFields, build};
use thiserror::Error;
use tokio::time::timeout;

use super::connection::Connection;
use super::names::NamesAtStart;
use crate::upstream::service::{Rows, row};
use crate::upstream::{Link, UpstreamError};

/// Goes back to the state in which the session began, or fails (PostgreSQL: DISCARD).
const RESET: &str = "DISCARD ALL";

/// How long the server may take for either.
const PATIENCE: Duration = Duration::from_secs(30);

/// Longest message that is read, in bytes.
const MAX_MESSAGE: usize = 1 << 20;

/// A connection could not be brought into a known state.
#[derive(Debug, Error)]
pub(super) enum ConverseError {
    #[error(transparent)]
    Link(#[from] UpstreamError),
    #[error("the server reported {sqlstate}: {message}")]
    Server { sqlstate: String, message: String },
    #[error("the server sent an unexpected message of type {0}")]
    Unexpected(u8),
    #[error("the server sent something that nobody asked for")]
    Stray,
    #[error("a transaction is open")]
    Transaction,
    #[error("the server did not say what names mean")]
    Names,
    #[error("the roles are not those of the login")]
    Roles,
    #[error("a cancel request may still arrive")]
    Cancel,
    #[error("the server took longer than {PATIENCE:?}")]
    Timeout,
    #[error("the client has waited for as long as it may")]
    Late,
    #[error("a malformed message: {0}")]
    Decode(#[from] DecodeError),
    #[error("a message could not be built: {0}")]
    Build(#[from] BuildError),
}

/// Asks a connection that was just made what names mean on it.
pub(super) async fn ask_names(connection: &mut Connection) -> Result<(), ConverseError> {
    let rows = within(converse(connection, &[NamesAtStart::QUERY])).await?;
    connection.names = Some(names(connection, rows)?);
    Ok(())
}

/// Brings a connection back to the state in which its session began. It has been seen to succeed when this returns.
pub(super) async fn reset(connection: &mut Connection) -> Result<(), ConverseError> {
    settle(connection).await?;
    let rows = within(converse(connection, &[RESET, NamesAtStart::QUERY])).await?;
    let now = names(connection, rows)?;
    let before = connection.names.as_ref().ok_or(ConverseError::Names)?;
    if before.roles != now.roles {
        return Err(ConverseError::Roles);
    }
    connection.names = Some(now);
    connection.statements.clear();
    Ok(())
}

/// Waits until the server has processed all cancel requests.
pub(super) async fn settle(connection: &Connection) -> Result<(), ConverseError> {
    match connection.flights.settle().await {
        true => Ok(()),
        false => Err(ConverseError::Cancel),
    }
}

async fn within<T>(
    work: impl Future<Output = Result<T, ConverseError>>,
) -> Result<T, ConverseError> {
    let outcome = timeout(PATIENCE, work).await;
    outcome.unwrap_or(Err(ConverseError::Timeout))
}

fn names(connection: &Connection, rows: Rows) -> Result<NamesAtStart, ConverseError> {
    let reported = connection.parameters.value("search_path").is_some();
    let row = rows.into_iter().next();
    row.and_then(|row| NamesAtStart::of_row(row, reported))
        .ok_or(ConverseError::Names)
}

/// Sends queries and returns the rows of all. Any error, and anything besides their answers, is an error.
async fn converse(connection: &mut Connection, queries: &[&str]) -> Result<Rows, ConverseError> {
    let mut request = BytesMut::new();
    for query in queries {
        build::query(&mut request, query)?;
    }
    let mut link = Link::new(&mut connection.stream);
    link.send(&request).await?;
    let mut rows = Rows::new();
    let mut answered = 0;
    while answered < queries.len() {
        let received = link.receive(MAX_MESSAGE).await?;
        let body = received.body();
        match received.tag {
            b'D' => rows.push(row(body)?),
            b'S' => {
                let status = ParameterStatus::decode(body)?;
                connection.parameters.set(status.name, status.value);
            }
            b'E' => {
                let fields = ErrorFields::decode(body)?;
                return Err(ConverseError::Server {
                    sqlstate: fields.sqlstate().to_owned(),
                    message: fields.message().to_owned(),
                });
            }
            b'Z' if ReadyForQuery::decode(body)?.status == TransactionStatus::Idle => answered += 1,
            b'Z' => return Err(ConverseError::Transaction),
            // A notification was for the session that listened.
            b'T' | b'C' | b'N' | b'A' => {}
            tag => return Err(ConverseError::Unexpected(tag)),
        }
    }
    match link.is_empty() {
        true => Ok(rows),
        false => Err(ConverseError::Stray),
    }
}
