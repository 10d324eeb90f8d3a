//! When something may have changed in the store: after a commit of this process, after a notification of another gateway,
//! and now and then anyway, since a notification can be lost with its connection.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::{Instant, timeout};

use super::postgres::CHANNEL;
use crate::upstream::Target;
use crate::upstream::service::Service;

/// The longest time between two wakes.
const POLL: Duration = Duration::from_secs(1);

/// What connecting may take, and the pause after it failed.
const CONNECT_LIMIT: Duration = Duration::from_secs(3);
const PAUSE: Duration = Duration::from_secs(1);

/// A sequence of wakes.
pub struct Wakes {
    own: watch::Receiver<u64>,
    listen: Option<Target>,
    pub(super) connection: Option<Service>,
    connect_at: Instant,
}

impl Wakes {
    pub(super) fn new(own: watch::Receiver<u64>, listen: Option<Target>) -> Self {
        Wakes {
            own,
            listen,
            connection: None,
            connect_at: Instant::now(),
        }
    }

    /// Completes when something may have changed since the last time.
    pub async fn next(&mut self) {
        if self.connect().await {
            // What happened before it listened was not heard.
            return;
        }
        let notified = async {
            match &mut self.connection {
                Some(connection) => connection.notified().await,
                None => std::future::pending().await,
            }
        };
        let lost = tokio::select! {
            // The sender is in the store; once that is gone, the poll is left.
            Ok(()) = self.own.changed() => false,
            heard = notified => heard.is_err(),
            () = tokio::time::sleep(POLL) => false,
        };
        if lost {
            self.connection = None;
        }
    }

    /// Whether it has just begun to listen.
    async fn connect(&mut self) -> bool {
        let Some(target) = &self.listen else {
            return false;
        };
        if self.connection.is_some() || Instant::now() < self.connect_at {
            return false;
        }
        let listening = async {
            let mut service = Service::connect_with(target, &[]).await?;
            service.query(&format!("LISTEN {CHANNEL}")).await?;
            Ok::<_, crate::upstream::UpstreamError>(service)
        };
        match timeout(CONNECT_LIMIT, listening).await {
            Ok(Ok(service)) => self.connection = Some(service),
            Ok(Err(error)) => {
                tracing::warn!(%error, "the store cannot be listened to; it is polled");
            }
            Err(_) => tracing::warn!("the store cannot be listened to in time; it is polled"),
        }
        self.connect_at = Instant::now() + PAUSE;
        self.connection.is_some()
    }
}
