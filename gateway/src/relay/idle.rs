//! Watches for sessions that nobody uses.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use super::Ending;

/// How long nothing has moved. One timer for the session's life: it is put forward only when it goes off.
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

    /// A message came or went.
    pub fn touch(&mut self) {
        self.last = Instant::now();
    }

    /// Ready when the session has been idle for the whole time. `idle`: it is, at this moment.
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
