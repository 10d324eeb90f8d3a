//! A connection in use, and how it comes back.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use gatewright_wire::build;
use tokio::io::AsyncWriteExt;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::timeout;

use super::connection::{Attachment, Connection};
use super::group::Group;
use super::{Closed, PoolMode};
use crate::upstream::UpstreamStream;

/// How long the end of a connection may take.
const GOODBYE: Duration = Duration::from_secs(2);

/// A connection in use. Dropped, it is closed. The connection comes before the permit, which makes room for another.
pub(super) struct Lease {
    pub connection: Connection,
    permit: OwnedSemaphorePermit,
    group: Arc<Group>,
}

impl Lease {
    pub fn new(connection: Connection, permit: OwnedSemaphorePermit, group: Arc<Group>) -> Self {
        Lease {
            connection,
            permit,
            group,
        }
    }

    /// The session is done with it. What it left is removed before anybody else has it. Must be called on a session's thread.
    pub fn give_back(mut self, given: Attachment) {
        let resets = self.group.mode() == PoolMode::Session;
        self.connection.take_back(given, resets);
        if self.connection.must_be_reset() || !self.connection.flights.are_over() {
            tokio::task::spawn_local(self.clean());
        } else {
            self.park();
        }
    }

    async fn clean(mut self) {
        match self.connection.reset().await {
            Ok(()) => {
                self.group.remember_greeting(&self.connection);
                self.park();
            }
            Err(error) => {
                tracing::warn!(%error, "a server connection could not be reset and is closed");
                self.group.discard(self.connection, Closed::Reset);
            }
        }
    }

    fn park(mut self) {
        match self.connection.fault(self.group.settings.max_age) {
            Some(why) => self.group.discard(self.connection, why),
            None => self.group.park(self.connection),
        }
        drop(self.permit);
    }

    /// The session ended in a state that is not known.
    pub fn spoil(self) {
        self.group.discard(self.connection, Closed::Unusable);
    }
}

/// Ends idle connections politely.
pub(super) async fn close_all(connections: Vec<Connection>) {
    for mut connection in connections {
        if connection.adopt().is_ok() {
            close(connection.stream).await;
        }
    }
}

/// Sends Terminate and closes the connection.
pub(super) async fn close(mut stream: UpstreamStream) {
    let mut terminate = BytesMut::new();
    build::terminate(&mut terminate);
    let _ = timeout(GOODBYE, async {
        stream.write_all(&terminate).await?;
        stream.shutdown().await
    })
    .await;
}
