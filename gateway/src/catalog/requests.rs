//! Requests that many wait for and one serves: whoever asks waits for work that begins after it has asked.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

/// Numbered requests, and which of them were served.
pub(super) struct Requests {
    /// The number of the last request.
    asked: watch::Sender<u64>,
    done: watch::Sender<Served>,
}

#[derive(Clone, Copy, Default)]
struct Served {
    /// The last request that was dealt with, successfully or not.
    last: u64,
    /// The last that was dealt with successfully.
    succeeded: u64,
}

impl Default for Requests {
    fn default() -> Self {
        Requests {
            asked: watch::Sender::new(0),
            done: watch::Sender::new(Served::default()),
        }
    }
}

impl Requests {
    /// Waits until there is a request that is not dealt with, whenever it was made.
    pub async fn waiting(&self) {
        let last = self.done.borrow().last;
        // The sender lives as long as this.
        let _ = self.asked.subscribe().wait_for(|asked| *asked > last).await;
    }

    /// The last request that was dealt with.
    #[cfg(test)]
    pub fn last_done(&self) -> u64 {
        self.done.borrow().last
    }

    /// The request that work which begins now will serve, with all before it.
    pub fn newest(&self) -> u64 {
        *self.asked.borrow()
    }

    pub fn done(&self, request: u64, success: bool) {
        self.done.send_modify(|served| {
            served.last = served.last.max(request);
            if success {
                served.succeeded = served.succeeded.max(request);
            }
        });
    }

    /// Makes a request for which nobody waits, unless one is waiting already.
    pub fn ask_unless_asked(&self) {
        let last = self.done.borrow().last;
        self.asked.send_if_modified(|asked| {
            let idle = *asked <= last;
            *asked += u64::from(idle);
            idle
        });
    }

    /// Makes a request and waits for it. Returns whether it was served successfully within the limit.
    pub async fn served(&self, limit: Duration) -> bool {
        let mut request = 0;
        self.asked.send_modify(|asked| {
            *asked += 1;
            request = *asked;
        });
        let mut done = self.done.subscribe();
        let finished = timeout(limit, done.wait_for(|served| served.last >= request)).await;
        finished.is_ok_and(|served| served.is_ok_and(|served| served.succeeded >= request))
    }
}
