//! The counters that policies add to. Their values are fractional, which the recorder's counters cannot be.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Mutex, PoisonError};

use super::definitions::POLICY_METRIC_TOTAL;

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
        // Writing to a String cannot fail.
        let _ = writeln!(out, "# HELP {} {}", definition.name, definition.help);
        let _ = writeln!(out, "# TYPE {} counter", definition.name);
        for ((policy, name), counter) in &*counters {
            let _ = writeln!(
                out,
                "{}{{{}=\"{}\",{}=\"{}\"}} {}",
                definition.name,
                policy_label.name,
                escaped(policy),
                name_label.name,
                escaped(name),
                counter.sum
            );
        }
        out.push('\n');
    }
}

/// A label's value as the text format requires it.
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}
