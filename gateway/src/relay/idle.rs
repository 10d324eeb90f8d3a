//! The idle timeout of a session.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use super::Ending;

/// Measures how long nothing was sent or received. The session has one timer, which is moved forward only when it fires.
pub(super) struct IdleWatch {
    limit: Duration,
    last: Instant,
    alarm: Pin<Box<Sleep>>,
}

impl IdleWatch {
    pub fn new(limit: Duration) -> Self {
        IdleWatch {
            limit,
            last: Instant::now(),
            alarm: Box::pin(sleep(limit)),
        }
    }

    /// Something was sent or received.
    pub fn touch(&mut self) {
        self.last = Instant::now();
    }

    /// Ready when the session has been idle for the whole time. `idle`: whether it is idle at this moment.
    pub fn poll(&mut self, idle: bool, context: &mut Context<'_>) -> Poll<Ending> {
        loop {
            ready!(self.alarm.as_mut().poll(context));
            let now = Instant::now();
            let due = if idle {
                self.last + self.limit
            } else {
                now + self.limit
            };
            if due <= now {
                return Poll::Ready(Ending::Idle(self.limit));
            }
            self.alarm.as_mut().reset(due);
        }
    }
}
