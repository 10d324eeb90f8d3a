//! Cancel requests of sessions whose server connection may become another's: one that is under way when a session gives its
//! connection back could cancel the next one's statement, so the connection waits for it.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::timeout;

use crate::upstream::{self, BackendKey, Target, UpstreamError};

/// How long a connection waits for cancel requests that are under way.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where the cancel requests of one session go now.
#[derive(Default)]
pub struct Cancelling(Mutex<Option<Line>>);

#[derive(Clone)]
struct Line {
    target: Arc<Target>,
    key: BackendKey,
    flights: Arc<Flights>,
}

/// The cancel requests for one server connection that are under way.
#[derive(Default)]
pub(super) struct Flights {
    under_way: AtomicUsize,
    /// One was given up, so that nobody knows when it arrives.
    lost: AtomicBool,
    landed: Notify,
}

/// A cancel request to be sent. Dropped before its end it counts as lost.
pub struct CancelFlight {
    line: Line,
    landed: bool,
}

impl Cancelling {
    /// For a connection that is never another's.
    pub fn of(target: Target, key: BackendKey) -> Self {
        let line = Line {
            target: Arc::new(target),
            key,
            flights: Arc::default(),
        };
        Cancelling(Mutex::new(Some(line)))
    }

    pub(super) fn begin(&self, target: &Arc<Target>, key: &BackendKey, flights: &Arc<Flights>) {
        *self.line() = Some(Line {
            target: Arc::clone(target),
            key: key.clone(),
            flights: Arc::clone(flights),
        });
    }

    /// From now on, requests of the session reach no server.
    pub(super) fn end(&self) {
        *self.line() = None;
    }

    /// A request for what the session runs now; `None` if that is nothing.
    pub fn request(&self) -> Option<CancelFlight> {
        // Counted under the lock: a connection that was taken away from the session has no request to wait for that is not counted.
        let line = self.line();
        let line = line.as_ref()?.clone();
        line.flights.under_way.fetch_add(1, Ordering::AcqRel);
        Some(CancelFlight {
            line,
            landed: false,
        })
    }

    fn line(&self) -> MutexGuard<'_, Option<Line>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl CancelFlight {
    /// Completes when the server has processed it.
    ///
    /// # Errors
    /// It could not be sent, or nobody knows whether it was processed.
    pub async fn send(mut self) -> Result<(), UpstreamError> {
        upstream::cancel(&self.line.target, &self.line.key).await?;
        self.landed = true;
        Ok(())
    }
}

impl Drop for CancelFlight {
    fn drop(&mut self) {
        let flights = &self.line.flights;
        if !self.landed {
            flights.lost.store(true, Ordering::Release);
        }
        flights.under_way.fetch_sub(1, Ordering::AcqRel);
        flights.landed.notify_waiters();
    }
}

impl Flights {
    /// True when none is under way and none was lost.
    pub fn are_over(&self) -> bool {
        self.under_way.load(Ordering::Acquire) == 0 && !self.lost.load(Ordering::Acquire)
    }

    /// Waits for those under way. False: one may still arrive.
    pub async fn settle(&self) -> bool {
        let over = async {
            loop {
                let mut landed = std::pin::pin!(self.landed.notified());
                landed.as_mut().enable();
                if self.under_way.load(Ordering::Acquire) == 0 {
                    return;
                }
                landed.await;
            }
        };
        timeout(PATIENCE, over).await.is_ok() && self.are_over()
    }
}
