//! The gateway's own statements with parameters, and notifications.

use bytes::BytesMut;
use gatewright_wire::build;
use gatewright_wire::frontend::Subject;

use super::UpstreamError;
use super::service::{Described, MAX_RESULT, Rows, Service, described, row};
use super::startup::server_error;

/// The result of a statement.
#[derive(Debug, Default)]
pub struct Answer {
    /// Empty for a statement that returns no rows.
    pub columns: Vec<Described>,
    pub rows: Rows,
}

impl Service {
    /// Runs one statement with parameters in text form, whose types the server infers. The caller limits the time; after the
    /// limit the connection is not usable.
    ///
    /// # Errors
    /// As [`Service::query`].
    pub async fn query_with(
        &mut self,
        sql: &str,
        parameters: &[Option<&[u8]>],
    ) -> Result<Answer, UpstreamError> {
        let mut request = BytesMut::new();
        build::parse(&mut request, "", sql, &[])?;
        build::bind(&mut request, "", "", &[], parameters, &[])?;
        build::describe(&mut request, Subject::Portal(""))?;
        build::execute(&mut request, "", 0)?;
        build::sync(&mut request);
        self.link.send(&request).await?;
        let (mut answer, mut error, mut size) = (Answer::default(), None, 0);
        loop {
            let received = match self.link.receive(MAX_RESULT).await {
                Ok(received) => received,
                // After a FATAL error the connection closes; the FATAL error is the cause.
                Err(broken) => return Err(error.unwrap_or(broken)),
            };
            match received.tag {
                b'T' => answer.columns = described(received.body())?,
                b'D' => {
                    size += received.bytes.len();
                    if size > MAX_RESULT {
                        return Err(UpstreamError::TooLarge { limit: MAX_RESULT });
                    }
                    answer.rows.push(row(received.body())?);
                }
                b'E' => error = Some(server_error(&self.target, received.body())),
                b'Z' => return error.map_or(Ok(answer), Err),
                b'1' | b'2' | b'n' | b'C' | b'I' | b'N' | b'S' | b'A' => {}
                tag => return Err(UpstreamError::Unexpected { tag }),
            }
        }
    }

    /// Waits for the next notification of a channel that was subscribed to with LISTEN. Nothing is lost if the future is
    /// dropped before it is ready.
    ///
    /// # Errors
    /// The connection ended, or the server sent something else.
    pub async fn notified(&mut self) -> Result<(), UpstreamError> {
        loop {
            let received = self.link.receive(MAX_RESULT).await?;
            match received.tag {
                b'A' => return Ok(()),
                b'E' => return Err(server_error(&self.target, received.body())),
                b'N' | b'S' => {}
                tag => return Err(UpstreamError::Unexpected { tag }),
            }
        }
    }
}
