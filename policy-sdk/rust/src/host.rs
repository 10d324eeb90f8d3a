//! The host's services: a clock, a log, metrics, and counters, sets and values that all instances of the policy share and that
//! outlive a reload. In tests they are those of [`crate::testing`].

use std::time::Duration;

use crate::answer::milliseconds;
use crate::{Level, Scope};

#[cfg(target_arch = "wasm32")]
use crate::bindings::gatewright::policy::host as services;
#[cfg(not(target_arch = "wasm32"))]
use crate::testing::services;

/// Writes to the gateway's log. Never values of protected columns.
pub fn log(level: Level, message: &str) {
    services::log(level, message);
}

/// Milliseconds since 1970.
pub fn now_ms() -> u64 {
    services::now_ms()
}

/// Adds to a counter, which starts at 0, and returns its new value. It is forgotten `ttl` after it was made; `Duration::ZERO`
/// means as late as the host allows. What belongs to a session goes with it.
pub fn counter_add(scope: Scope, key: &str, delta: i64, ttl: Duration) -> i64 {
    services::counter_add(scope, key, delta, milliseconds(ttl))
}

/// Adds to a set and returns how many different values it holds.
pub fn distinct_add(scope: Scope, key: &str, value: &str, ttl: Duration) -> u64 {
    services::distinct_add(scope, key, value, milliseconds(ttl))
}

/// A small value kept before, if it is still there.
pub fn value_get(scope: Scope, key: &str) -> Option<Vec<u8>> {
    services::value_get(scope, key)
}

/// Keeps a small value.
pub fn value_set(scope: Scope, key: &str, value: &[u8], ttl: Duration) {
    services::value_set(scope, key, value, milliseconds(ttl));
}

/// Adds to a metric of this policy.
pub fn metric_add(name: &str, value: f64) {
    services::metric_add(name, value);
}
