//! Logins that failed, by the address they came from, and how long the next refusal keeps that address waiting.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use quick_cache::unsync::Cache;
use tokio::time::Instant;

/// Addresses that are remembered at one time; those seen least make room for others.
const ADDRESSES: usize = 8192;

/// So many failures in a row are told at once: people mistype, and tokens expire.
const FREE: u32 = 3;

/// How repeated failures are slowed down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LoginBackoff {
    /// Of the first refusal that is told late; it doubles with each further one. Zero slows nobody down.
    pub first: Duration,
    /// The longest that a refusal is held back.
    pub most: Duration,
    /// An address without a failure for so long begins anew.
    pub memory: Duration,
}

impl Default for LoginBackoff {
    fn default() -> Self {
        LoginBackoff {
            first: Duration::from_millis(250),
            most: Duration::from_secs(5),
            memory: Duration::from_secs(600),
        }
    }
}

/// A failure in the row of its address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Failure {
    pub count: u32,
    /// How long its refusal is held back.
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

    /// A login that succeeded ends the row of its address.
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

/// A subscriber has a /64 of IPv6 addresses (RFC 6177), and would otherwise begin anew with each of them.
fn network(address: IpAddr) -> IpAddr {
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

    const SLOWING: LoginBackoff = LoginBackoff {
        first: Duration::from_secs(1),
        most: Duration::from_secs(30),
        memory: Duration::from_secs(60),
    };

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    /// The delays of so many failures, in seconds, a moment apart.
    fn row(failures: &Failures, from: &str, count: usize, now: Instant) -> Vec<u64> {
        (0..count)
            .map(|_| {
                failures
                    .failed(address(from), &SLOWING, now)
                    .delay
                    .as_secs()
            })
            .collect()
    }

    #[test]
    fn delays_grow_to_a_limit() {
        let failures = Failures::default();
        let now = Instant::now();
        let delays = row(&failures, "192.0.2.1", 11, now);
        assert_eq!(delays, [0, 0, 0, 1, 2, 4, 8, 16, 30, 30, 30]);
        for _ in 0..100 {
            assert_eq!(row(&failures, "192.0.2.1", 1, now), [30]);
        }
        let off = LoginBackoff {
            first: Duration::ZERO,
            ..SLOWING
        };
        let failure = failures.failed(address("192.0.2.1"), &off, now);
        assert_eq!((failure.count, failure.delay), (112, Duration::ZERO));
    }

    #[test]
    fn each_address_has_its_own_row_and_each_ipv6_subscriber_too() {
        let failures = Failures::default();
        let now = Instant::now();
        row(&failures, "192.0.2.1", 10, now);
        assert_eq!(row(&failures, "192.0.2.2", 1, now), [0]);
        assert_eq!(row(&failures, "::ffff:192.0.2.1", 1, now), [30]);
        row(&failures, "2001:db8:1:1::1", 10, now);
        assert_eq!(row(&failures, "2001:db8:1:1:ffff::2", 1, now), [30]);
        assert_eq!(row(&failures, "2001:db8:1:2::1", 1, now), [0]);
    }

    #[test]
    fn success_and_time_are_forgiving() {
        let failures = Failures::default();
        let now = Instant::now();
        row(&failures, "192.0.2.1", 10, now);
        failures.succeeded(address("192.0.2.2"));
        assert_eq!(row(&failures, "192.0.2.1", 1, now), [30]);
        failures.succeeded(address("192.0.2.1"));
        assert_eq!(row(&failures, "192.0.2.1", 4, now), [0, 0, 0, 1]);
        let later = now + SLOWING.memory - Duration::from_secs(1);
        assert_eq!(row(&failures, "192.0.2.1", 1, later), [2]);
        assert_eq!(row(&failures, "192.0.2.1", 1, later + SLOWING.memory), [0]);
        // A clock that is read late does not harm.
        assert_eq!(row(&failures, "192.0.2.1", 1, now), [0]);
    }

    #[test]
    fn what_is_remembered_is_bounded() {
        let failures = Failures::default();
        let now = Instant::now();
        for n in 0..100_000u32 {
            failures.failed(IpAddr::V4(n.into()), &SLOWING, now);
        }
        assert!(failures.0.lock().unwrap().len() <= ADDRESSES);
    }
}
