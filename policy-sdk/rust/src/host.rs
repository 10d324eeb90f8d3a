//! The host's services: a clock, a log, metrics, and counters, sets and values that all instances of the policy share
//! and that survive a reload. In tests, [`crate::testing`] provides them.

use std::time::Duration;

use crate::answer::milliseconds;
use crate::{Level, Scope};

#[cfg(target_arch = "wasm32")]
use crate::bindings::gatewright::policy::host as services;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::services;

/// Writes to the gateway's log. Never log values of protected columns.
pub fn log(level: Level, message: &str) {
    services::log(level, message);
}

/// Milliseconds since the Unix epoch.
pub fn now_ms() -> u64 {
    services::now_ms()
}

/// Adds to a counter, which starts at 0, and returns its new value. The counter expires `ttl` after its first addition;
/// `Duration::ZERO` requests the longest time that the host allows. State in session scope ends with the session.
pub fn counter_add(scope: Scope, key: &str, delta: i64, ttl: Duration) -> i64 {
    services::counter_add(scope, key, delta, milliseconds(ttl))
}

/// Adds to a set and returns the number of distinct values in it. The set expires like a counter.
pub fn distinct_add(scope: Scope, key: &str, value: &str, ttl: Duration) -> u64 {
    services::distinct_add(scope, key, value, milliseconds(ttl))
}

/// A value set before, unless it has expired or been evicted.
pub fn value_get(scope: Scope, key: &str) -> Option<Vec<u8>> {
    services::value_get(scope, key)
}

/// Sets a value, which expires after `ttl`.
pub fn value_set(scope: Scope, key: &str, value: &[u8], ttl: Duration) {
    services::value_set(scope, key, value, milliseconds(ttl));
}

/// Adds to a metric of this policy. Names consist of a-z, 0-9 and `_`.
pub fn metric_add(name: &str, value: f64) {
    services::metric_add(name, value);
}
