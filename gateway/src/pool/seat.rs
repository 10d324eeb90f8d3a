//! A session's way to the server: a connection of its own, or a seat at a pool. To the relay both are one connection.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use gatewright_wire::FatalError;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::cancelling::Cancelling;
use super::connection::{Attachment, Startup};
use super::group::{Group, PoolError};
use super::lease::Lease;
use super::parameters::Parameters;
use super::{Owner, PoolMode};
use crate::upstream::UpstreamStream;

type Leasing = Pin<Box<dyn Future<Output = Result<Lease, PoolError>>>>;

/// A session's way to the server.
pub enum Seat {
    /// A connection that ends with the session.
    Own(UpstreamStream),
    Pooled(Box<Pooled>),
}

/// A seat at a pool.
pub struct Pooled {
    group: Arc<Group>,
    owner: Owner,
    startup: Startup,
    lease: Option<Lease>,
    leasing: Option<Leasing>,
    cancelling: Arc<Cancelling>,
}

/// What a session begins with.
pub struct Seated {
    pub seat: Seat,
    /// As the server reported them last to a session with the same startup parameters.
    pub parameters: Parameters,
    /// Where the session's cancel requests go.
    pub cancelling: Arc<Cancelling>,
    /// `None` in transaction mode, where the first transaction gets it.
    pub attachment: Option<Attachment>,
}

/// A seat for a session of this identity; in session mode with its connection.
///
/// # Errors
/// No connection is free in time, or none can be made.
pub async fn connect(
    group: Arc<Group>,
    owner: Owner,
    startup: Vec<(String, String)>,
) -> Result<Seated, PoolError> {
    let mut pooled = Pooled {
        group,
        owner,
        startup: Arc::new(startup),
        lease: None,
        leasing: None,
        cancelling: Arc::default(),
    };
    let shared = pooled.group.mode() == PoolMode::Transaction;
    let known = pooled.group.greeting(&pooled.startup).filter(|_| shared);
    let (parameters, attachment) = match known {
        Some(known) => (known, None),
        None => {
            let lease =
                Arc::clone(&pooled.group).lease(pooled.owner.clone(), Arc::clone(&pooled.startup));
            let attachment = pooled.take(lease.await?);
            let parameters = attachment.parameters.clone();
            if shared {
                // The session has sent nothing, so it is as it was.
                pooled.give_back(attachment);
                (parameters, None)
            } else {
                (parameters, Some(attachment))
            }
        }
    };
    let cancelling = Arc::clone(&pooled.cancelling);
    Ok(Seated {
        seat: Seat::Pooled(Box::new(pooled)),
        parameters,
        cancelling,
        attachment,
    })
}

impl Pooled {
    fn take(&mut self, mut lease: Lease) -> Attachment {
        let attachment = lease.connection.attach();
        let connection = &lease.connection;
        self.cancelling
            .begin(&self.group.target(), &connection.key, &connection.flights);
        self.lease = Some(lease);
        attachment
    }

    fn give_back(&mut self, given: Attachment) {
        // Before anybody else can have it.
        self.cancelling.end();
        if let Some(lease) = self.lease.take() {
            lease.give_back(given);
        }
    }

    fn poll_attach(&mut self, context: &mut Context<'_>) -> Poll<Result<Attachment, PoolError>> {
        if self.leasing.is_none()
            && let Some(lease) = self.group.lease_now(&self.owner, &self.startup)
        {
            return Poll::Ready(Ok(self.take(lease)));
        }
        let leasing = self.leasing.get_or_insert_with(|| {
            let group = Arc::clone(&self.group);
            Box::pin(group.lease(self.owner.clone(), Arc::clone(&self.startup)))
        });
        let lease = ready!(leasing.as_mut().poll(context));
        self.leasing = None;
        Poll::Ready(lease.map(|lease| self.take(lease)))
    }
}

impl Drop for Pooled {
    fn drop(&mut self) {
        self.cancelling.end();
        if let Some(lease) = self.lease.take() {
            lease.spoil();
        }
    }
}

impl Seat {
    /// True when the connection may outlive the session.
    pub fn outlives(&self) -> bool {
        matches!(self, Seat::Pooled(_))
    }

    /// A connection for the next transaction. Errors are the client's.
    pub fn poll_attach(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Result<Attachment, FatalError>> {
        match self {
            // It has one.
            Seat::Own(_) => Poll::Pending,
            Seat::Pooled(pooled) => {
                let attached = ready!(pooled.poll_attach(context));
                Poll::Ready(attached.map_err(|error| {
                    tracing::warn!(%error, database = %pooled.group.target().dbname, "a session got no server connection");
                    error.fatal_error()
                }))
            }
        }
    }

    /// The session does not want the connection any more that it was waiting for.
    pub fn stop_waiting(&mut self) {
        if let Seat::Pooled(pooled) = self {
            pooled.leasing = None;
        }
    }

    /// The session is done with its connection, on which nothing is outstanding and no transaction is open.
    pub fn give_back(&mut self, given: Attachment) {
        if let Seat::Pooled(pooled) = self {
            pooled.give_back(given);
        }
    }

    fn stream(&mut self) -> Option<Pin<&mut UpstreamStream>> {
        match self {
            Seat::Own(stream) => Some(Pin::new(stream)),
            Seat::Pooled(pooled) => {
                let lease = pooled.lease.as_mut()?;
                Some(Pin::new(&mut lease.connection.stream))
            }
        }
    }
}

impl Seated {
    /// The first bytes that a client gets of its login, apart from the key.
    pub fn greeting(&self) -> BytesMut {
        let mut greeting = BytesMut::new();
        self.parameters.encode(&mut greeting);
        greeting
    }
}

impl AsyncRead for Seat {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut().stream() {
            Some(stream) => stream.poll_read(context, buffer),
            // Nothing comes before the session asks.
            None => Poll::Pending,
        }
    }
}

impl AsyncWrite for Seat {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut().stream() {
            Some(stream) => stream.poll_write(context, bytes),
            None => Poll::Ready(Err(io::ErrorKind::NotConnected.into())),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut().stream() {
            Some(stream) => stream.poll_flush(context),
            None => Poll::Ready(Ok(())),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut().stream() {
            Some(stream) => stream.poll_shutdown(context),
            None => Poll::Ready(Ok(())),
        }
    }
}
