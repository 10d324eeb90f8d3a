//! Failed logins by client address, and how long the next error for that address is delayed.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use quick_cache::unsync::Cache;
use tokio::time::Instant;

use crate::config::LoginBackoff;

/// Addresses that are remembered at one time; the least used make room for others.
const ADDRESSES: usize = 8192;

/// Errors of this many consecutive failures are not delayed: people mistype, and tokens expire.
const FREE: u32 = 3;

/// A failure, counted among the consecutive ones of its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    pub count: u32,
    /// How long its error is delayed.
    pub delay: Duration,
}

/// The failures that are remembered.
pub(super) struct Failures(Mutex<Cache<IpAddr, (u32, Instant)>>);

impl Default for Failures {
    fn default() -> Self {
        Failures(Mutex::new(Cache::new(ADDRESSES)))
    }
}

impl Failures {
    /// Counts a login that failed.
    pub fn failed(&self, address: IpAddr, login_backoff: &LoginBackoff, now: Instant) -> Failure {
        let network = network(address);
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = known
            .get(&network)
            .filter(|(_, last)| now.saturating_duration_since(*last) < login_backoff.memory);
        let count = before.map_or(0, |(count, _)| *count).saturating_add(1);
        known.insert(network, (count, now));
        Failure {
            count,
            delay: delay(count, login_backoff),
        }
    }

    /// A successful login resets the count of its address.
    pub fn succeeded(&self, address: IpAddr) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(&network(address));
    }
}

fn delay(count: u32, login_backoff: &LoginBackoff) -> Duration {
    let Some(doublings) = count.checked_sub(FREE + 1) else {
        return Duration::ZERO;
    };
    let factor = 1u32.checked_shl(doublings).unwrap_or(u32::MAX);
    login_backoff
        .first
        .saturating_mul(factor)
        .min(login_backoff.most)
}

/// What is counted as one address: a subscriber has a /64 of IPv6 addresses (RFC 6177), and would otherwise start over with each
/// of them.
pub(super) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(address) => IpAddr::V4(address),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BACKOFF: LoginBackoff = LoginBackoff {
        first: Duration::from_secs(1),
        most: Duration::from_secs(30),
        memory: Duration::from_secs(60),
    };

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// The delays of consecutive failures, in seconds.
    fn delays(failures: &Failures, from: &str, count: usize, now: Instant) -> Vec<u64> {
        (0..count)
            .map(|_| {
                failures
                    .failed(address(from), &BACKOFF, now)
                    .delay
                    .as_secs()
            })
            .collect()
    }

    #[test]
    fn delays_grow_to_a_limit() {
        let failures = Failures::default();
        let now = Instant::now();
        let first = delays(&failures, "192.0.2.1", 11, now);
        assert_eq!(first, [0, 0, 0, 1, 2, 4, 8, 16, 30, 30, 30]);
        for _ in 0..100 {
            assert_eq!(delays(&failures, "192.0.2.1", 1, now), [30]);
        }
        let off = LoginBackoff {
            first: Duration::ZERO,
            ..BACKOFF
        };
        let failure = failures.failed(address("192.0.2.1"), &off, now);
        assert_eq!((failure.count, failure.delay), (112, Duration::ZERO));
    }

    #[test]
    fn each_address_and_each_ipv6_subscriber_is_counted_apart() {
        let failures = Failures::default();
        let now = Instant::now();
        delays(&failures, "192.0.2.1", 10, now);
        assert_eq!(delays(&failures, "192.0.2.2", 1, now), [0]);
        assert_eq!(delays(&failures, "::ffff:192.0.2.1", 1, now), [30]);
        delays(&failures, "2001:db8:1:1::1", 10, now);
        assert_eq!(delays(&failures, "2001:db8:1:1:ffff::2", 1, now), [30]);
        assert_eq!(delays(&failures, "2001:db8:1:2::1", 1, now), [0]);
    }

    #[test]
    fn success_and_time_reset_the_count() {
        let failures = Failures::default();
        let now = Instant::now();
        delays(&failures, "192.0.2.1", 10, now);
        failures.succeeded(address("192.0.2.2"));
        assert_eq!(delays(&failures, "192.0.2.1", 1, now), [30]);
        failures.succeeded(address("192.0.2.1"));
        assert_eq!(delays(&failures, "192.0.2.1", 4, now), [0, 0, 0, 1]);
        let later = now + BACKOFF.memory - Duration::from_secs(1);
        assert_eq!(delays(&failures, "192.0.2.1", 1, later), [2]);
        assert_eq!(
            delays(&failures, "192.0.2.1", 1, later + BACKOFF.memory),
            [0]
        );
        // An instant before the last failure is harmless.
        assert_eq!(delays(&failures, "192.0.2.1", 1, now), [0]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let failures = Failures::default();
        let now = Instant::now();
        for n in 0..100_000u32 {
            failures.failed(IpAddr::V4(n.into()), &BACKOFF, now);
        }
        assert!(failures.0.lock().unwrap().len() <= ADDRESSES);
    }
}
