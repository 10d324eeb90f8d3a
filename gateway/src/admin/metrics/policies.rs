//! What the policy host reports: calls, faults, loads, and the policies' own logs and metrics.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use gatewright_contract::Level;
use gatewright_policy_host::{Fault, Observer, ReloadEvent, ReloadOutcome};

use super::Metrics;
use super::definitions::{
    FAULT_KINDS, POLICY_CALL_SECONDS, POLICY_FAULTS_TOTAL, POLICY_GENERATION,
    POLICY_LONG_CALLS_TOTAL, POLICY_RELOADS_TOTAL,
};
use super::handles::Handles;
use super::histograms::Histogram;

thread_local! {
    static CALLS: RefCell<Handles<Hook, Arc<Histogram>>> = const { RefCell::new(Handles::new()) };
}

/// The name of a policy, and of one of its hooks.
type Hook = (Box<str>, &'static str);

impl Observer for Metrics {
    fn call(&self, policy: &str, hook: &'static str, elapsed: Duration) {
        CALLS.with_borrow_mut(|known| {
            known
                .of(
                    |(name, of)| *of == hook && **name == *policy,
                    || {
                        let handle = self.histograms.of(&POLICY_CALL_SECONDS, &[policy, hook]);
                        ((policy.into(), hook), handle)
                    },
                )
                .record(elapsed.as_secs_f64());
        });
    }

    fn handed_over(&self, policy: &str) {
        POLICY_LONG_CALLS_TOTAL.counter(&[policy]).increment(1);
    }

    fn fault(&self, policy: &str, fault: &Fault) {
        POLICY_FAULTS_TOTAL
            .counter(&[policy, fault.kind()])
            .increment(1);
    }

    fn reload(&self, event: &ReloadEvent) {
        POLICY_GENERATION.gauge(&[]).set(event.generation as f64);
        self.loads.note(event);
        let policy = event.policy.as_str();
        let generation = event.generation;
        let outcome = match &event.outcome {
            ReloadOutcome::Loaded { digest, version } => {
                // Present from the start, so that an alert on their rate sees the first fault.
                for kind in FAULT_KINDS {
                    POLICY_FAULTS_TOTAL.counter(&[policy, kind]).increment(0);
                }
                POLICY_LONG_CALLS_TOTAL.counter(&[policy]).increment(0);
                tracing::info!(policy, %version, %digest, generation, "policy in force");
                "loaded"
            }
            ReloadOutcome::Failed { reason, kept } => {
                tracing::error!(policy, %reason, kept, generation, "policy not loaded");
                "failed"
            }
            ReloadOutcome::Removed => {
                tracing::info!(policy, generation, "policy removed");
                "removed"
            }
            ReloadOutcome::Missing { reason } => {
                tracing::error!(policy, %reason, generation, "a required policy is missing: every statement is refused");
                "missing"
            }
        };
        POLICY_RELOADS_TOTAL
            .counter(&[policy, outcome])
            .increment(1);
    }

    fn log(&self, policy: &str, level: Level, message: &str) {
        match level {
            Level::Trace => tracing::trace!(policy, "{message}"),
            Level::Debug => tracing::debug!(policy, "{message}"),
            Level::Info => tracing::info!(policy, "{message}"),
            Level::Warn => tracing::warn!(policy, "{message}"),
            Level::Error => tracing::error!(policy, "{message}"),
        }
    }

    fn metric(&self, policy: &str, name: &str, value: f64) {
        self.policy_counters.add(policy, name, value);
    }
}
