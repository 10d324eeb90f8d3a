//! The gateway's own statements with parameters, and notifications.

use bytes::BytesMut;
use gatewright_wire::build;
use gatewright_wire::frontend::Subject;

use super::UpstreamError;
use super::service::{Answer, MAX_RESULT, Service, answer};
use super::startup::server_error;

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
        answer(&self.target, &mut self.link, b"12nCI").await
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
