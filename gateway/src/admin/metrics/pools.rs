//! What the pools of server connections count.

use std::sync::Arc;

use metrics::{Counter, Gauge};

use super::Metrics;
use super::definitions::{
    POOL_CLOSED_TOTAL, POOL_CONNECTIONS, POOL_HANDED_OUT_TOTAL, POOL_IDLE, POOL_TIMEOUTS_TOTAL,
    POOL_WAITING,
};
use crate::pool::{Closed, GroupMetrics, Handed, PoolMetrics};

/// Handles of the metrics of one database: one that is made from its labels costs more than counting.
struct PoolsOfDatabase {
    name: String,
    open: Gauge,
    idle: Gauge,
    waiting: Gauge,
    new: Counter,
    kept: Counter,
    reset: Counter,
}

impl PoolMetrics for Metrics {
    fn of_database(&self, name: &str) -> Arc<dyn GroupMetrics> {
        let handed = |how| POOL_HANDED_OUT_TOTAL.counter(&[name, how]);
        Arc::new(PoolsOfDatabase {
            open: POOL_CONNECTIONS.gauge(&[name]),
            idle: POOL_IDLE.gauge(&[name]),
            waiting: POOL_WAITING.gauge(&[name]),
            new: handed("new"),
            kept: handed("kept"),
            reset: handed("reset"),
            name: name.to_owned(),
        })
    }
}

impl GroupMetrics for PoolsOfDatabase {
    fn handed_out(&self, how: Handed) {
        match how {
            Handed::New => self.new.increment(1),
            Handed::Kept => self.kept.increment(1),
            Handed::Reset => self.reset.increment(1),
        }
    }

    fn closed(&self, why: Closed) {
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
        POOL_CLOSED_TOTAL
            .counter(&[self.name.as_str(), why])
            .increment(1);
    }

    fn open(&self, change: f64) {
        self.open.increment(change);
    }

    fn idle(&self, change: f64) {
        self.idle.increment(change);
    }

    fn waiting(&self, change: f64) {
        self.waiting.increment(change);
    }

    fn timed_out(&self) {
        POOL_TIMEOUTS_TOTAL
            .counter(&[self.name.as_str()])
            .increment(1);
    }
}
