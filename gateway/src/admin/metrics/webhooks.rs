//! What webhooks count.

use super::Metrics;
use super::definitions::{WEBHOOK_ATTEMPTS_TOTAL, WEBHOOK_PENDING};
use crate::webhooks::{Outcome, WebhookMetrics};

impl WebhookMetrics for Metrics {
    fn attempted(&self, webhook: &str, outcome: Outcome) {
        let outcome = match outcome {
            Outcome::Delivered => "delivered",
            Outcome::Failed => "failed",
            Outcome::GivenUp => "given_up",
        };
        let counter = WEBHOOK_ATTEMPTS_TOTAL.counter(&[webhook, outcome]);
        counter.increment(1);
    }

    fn pending(&self, webhook: &str, count: i64) {
        // Counts stay far below what a float holds exactly.
        let count = i32::try_from(count).unwrap_or(i32::MAX);
        WEBHOOK_PENDING.gauge(&[webhook]).set(f64::from(count));
    }
}
