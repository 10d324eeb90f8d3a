//! What the pools of server connections count.

use super::Metrics;
use super::definitions::{
    POOL_CLOSED_TOTAL, POOL_CONNECTIONS, POOL_HANDED_OUT_TOTAL, POOL_IDLE, POOL_TIMEOUTS_TOTAL,
    POOL_WAITING,
};
use crate::pool::{Closed, Handed, PoolMetrics};

impl PoolMetrics for Metrics {
    fn handed_out(&self, database: &str, how: Handed) {
        let how = match how {
            Handed::New => "new",
            Handed::Kept => "kept",
            Handed::Reset => "reset",
        };
        POOL_HANDED_OUT_TOTAL.counter(&[database, how]).increment(1);
    }

    fn closed(&self, database: &str, why: Closed) {
        let why = match why {
            Closed::Idle => "idle",
            Closed::Age => "age",
            Closed::Evicted => "evicted",
            Closed::Unusable => "unusable",
            Closed::Reset => "reset",
            Closed::Traces => "traces",
            Closed::Stray => "stray",
            Closed::Retired => "retired",
        };
        POOL_CLOSED_TOTAL.counter(&[database, why]).increment(1);
    }

    fn open(&self, database: &str, change: f64) {
        POOL_CONNECTIONS.gauge(&[database]).increment(change);
    }

    fn idle(&self, database: &str, change: f64) {
        POOL_IDLE.gauge(&[database]).increment(change);
    }

    fn waiting(&self, database: &str, change: f64) {
        POOL_WAITING.gauge(&[database]).increment(change);
    }

    fn timed_out(&self, database: &str) {
        POOL_TIMEOUTS_TOTAL.counter(&[database]).increment(1);
    }
}
