//! How long a gateway may go by what it knows of access grants: it counts from the last time that the store answered.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// A gateway that has not reached its store for this long takes no access grant into account: one may have been revoked.
pub(super) const LEASE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Lease {
    start: Instant,
    /// In milliseconds since `start`.
    until: AtomicU64,
}

impl Lease {
    /// One that has never begun.
    pub fn new() -> Self {
        Lease {
            start: Instant::now(),
            until: AtomicU64::new(0),
        }
    }

    /// What was asked of the store at this time was answered. Returns whether the lease had run out.
    pub fn renew(&self, asked: Instant) -> bool {
        let had_ended = !self.lasts(Instant::now());
        let until = self.millis(asked + LEASE);
        self.until.fetch_max(until, Ordering::AcqRel);
        had_ended
    }

    pub fn lasts(&self, now: Instant) -> bool {
        self.millis(now) < self.until.load(Ordering::Acquire)
    }

    fn millis(&self, at: Instant) -> u64 {
        let since = at.saturating_duration_since(self.start);
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_counts_from_the_question() {
        let lease = Lease::new();
        let now = Instant::now();
        assert!(!lease.lasts(now));
        assert!(lease.renew(now));
        assert!(lease.lasts(now) && !lease.renew(now));
        assert!(!lease.lasts(now + LEASE));
        // An answer that comes late does not shorten it.
        lease.renew(now + Duration::from_secs(2));
        lease.renew(now);
        assert!(lease.lasts(now + LEASE));
    }
}
