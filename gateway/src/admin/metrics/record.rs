//! What the recorder counts.

use super::Metrics;
use super::definitions::{
    RECORD_BACKLOG_BYTES, RECORD_BYTES_TOTAL, RECORD_CHECKPOINTS_TOTAL, RECORD_DELETED_TOTAL,
    RECORD_EVENTS_TOTAL, RECORD_FAILURES_TOTAL, RECORD_INDEX_BEHIND, RECORD_INDEX_FAILURES_TOTAL,
    RECORD_TRUNCATED_TOTAL, RECORD_UPLOADS_TOTAL, RECORD_WAIT_SECONDS,
};
use crate::library::IndexMetrics;
use crate::recording::RecordMetrics;

impl RecordMetrics for Metrics {
    fn written(&self, events: u64, bytes: u64) {
        RECORD_EVENTS_TOTAL.counter(&[]).increment(events);
        RECORD_BYTES_TOTAL.counter(&[]).increment(bytes);
    }

    fn waited(&self, seconds: f64) {
        self.histograms
            .of(&RECORD_WAIT_SECONDS, &[])
            .record(seconds);
    }

    fn failed(&self) {
        RECORD_FAILURES_TOTAL.counter(&[]).increment(1);
    }

    fn deleted(&self, sessions: u64) {
        RECORD_DELETED_TOTAL.counter(&[]).increment(sessions);
    }

    fn checkpoint(&self, is_kept: bool) {
        let outcome = match is_kept {
            true => "kept",
            false => "failed",
        };
        RECORD_CHECKPOINTS_TOTAL.counter(&[outcome]).increment(1);
    }

    fn uploaded(&self, is_done: bool) {
        let outcome = match is_done {
            true => "uploaded",
            false => "failed",
        };
        RECORD_UPLOADS_TOTAL.counter(&[outcome]).increment(1);
    }

    fn backlog(&self, bytes: u64) {
        RECORD_BACKLOG_BYTES.gauge(&[]).set(bytes as f64);
    }

    fn truncated(&self) {
        RECORD_TRUNCATED_TOTAL.counter(&[]).increment(1);
    }
}

impl IndexMetrics for Metrics {
    fn behind(&self, sessions: u64) {
        // More sessions than a float counts are none that a gateway has.
        RECORD_INDEX_BEHIND.gauge(&[]).set(sessions as f64);
    }

    fn failed(&self) {
        RECORD_INDEX_FAILURES_TOTAL.counter(&[]).increment(1);
    }
}
