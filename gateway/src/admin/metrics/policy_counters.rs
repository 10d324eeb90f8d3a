//! The counters that policies add to. Their values are fractional, which the recorder's counters cannot be.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::definitions::POLICY_METRIC_TOTAL;
use super::text;

/// Sums by policy and name. The policy host bounds the number and the length of the names.
#[derive(Default)]
pub(super) struct PolicyCounters(Mutex<BTreeMap<(String, String), PolicyCounter>>);

#[derive(Default)]
struct PolicyCounter {
    sum: f64,
    warned: bool,
}

impl PolicyCounters {
    /// Adds a finite value that is not negative; a counter that falls would be taken for a restart. Any other value is
    /// ignored, and logged once for each counter.
    pub fn add(&self, policy: &str, name: &str, value: f64) {
        let mut counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let counter = counters
            .entry((policy.to_owned(), name.to_owned()))
            .or_default();
        let sum = counter.sum + value;
        if value >= 0.0 && sum.is_finite() {
            counter.sum = sum;
            return;
        }
        let warned_before = std::mem::replace(&mut counter.warned, true);
        drop(counters);
        if !warned_before {
            tracing::warn!(
                policy,
                metric = name,
                value,
                "a policy passed a value to metric-add that a counter cannot take; negative and non-finite values are ignored"
            );
        }
    }

    /// Appends the counters in Prometheus' text format.
    pub fn render(&self, out: &mut String) {
        let counters = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if counters.is_empty() {
            return;
        }
        let definition = &POLICY_METRIC_TOTAL;
        let [policy_label, name_label] = definition.labels else {
            return;
        };
        text::header(out, definition, "counter");
        for ((policy, name), counter) in &*counters {
            let labels = [
                (policy_label.name, policy.as_str()),
                (name_label.name, name.as_str()),
            ];
            text::sample(out, definition.name, "", &labels, counter.sum);
        }
        out.push('\n');
    }
}
