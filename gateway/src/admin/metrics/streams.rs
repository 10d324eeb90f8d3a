//! What streams and traces count.

use super::Metrics;
use super::definitions::{
    STREAM_EVENTS_TOTAL, STREAM_FAILURES_TOTAL, STREAM_LOST_TOTAL, STREAM_PENDING_BYTES,
    TRACE_SPANS_TOTAL,
};
use crate::streams::StreamMetrics;
use crate::traces::TraceMetrics;

impl StreamMetrics for Metrics {
    fn delivered(&self, stream: &str, events: u64) {
        STREAM_EVENTS_TOTAL.counter(&[stream]).increment(events);
    }

    fn failed(&self, stream: &str) {
        STREAM_FAILURES_TOTAL.counter(&[stream]).increment(1);
    }

    fn pending(&self, stream: &str, bytes: u64) {
        STREAM_PENDING_BYTES.gauge(&[stream]).set(bytes as f64);
    }

    fn lost(&self) {
        STREAM_LOST_TOTAL.counter(&[]).increment(1);
    }
}

impl TraceMetrics for Metrics {
    fn exported(&self, spans: u64) {
        TRACE_SPANS_TOTAL.counter(&["exported"]).increment(spans);
    }

    fn dropped(&self, spans: u64) {
        TRACE_SPANS_TOTAL.counter(&["dropped"]).increment(spans);
    }
}
