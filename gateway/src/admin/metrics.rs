//! Every metric the gateway exports, named in one place.

use std::cell::RefCell;
use std::time::Duration;

use gatewright_contract::Level;
use gatewright_policy_host::{Fault, Observer, ReloadEvent, ReloadOutcome};
use gatewright_sql::Verb;
use metrics::{
    Counter, Histogram, counter, describe_counter, describe_gauge, describe_histogram, gauge,
    histogram,
};
use metrics_exporter_prometheus::{BuildError, Matcher, PrometheusBuilder, PrometheusHandle};

use crate::gate::GateMetrics;
use crate::session::Completion;

/// Upper bounds of policy calls, in seconds: a call takes about a microsecond and may take a deadline.
const CALL_SECONDS: [f64; 12] = [
    1e-6, 2e-6, 5e-6, 1e-5, 2e-5, 5e-5, 1e-4, 5e-4, 1e-3, 5e-3, 0.02, 0.1,
];

/// Upper bounds of statements, in seconds.
const STATEMENT_SECONDS: [f64; 13] = [
    1e-4, 2.5e-4, 5e-4, 1e-3, 2.5e-3, 5e-3, 0.01, 0.05, 0.25, 1.0, 5.0, 30.0, 300.0,
];

/// The kinds of [`Fault`].
const FAULT_KINDS: [&str; 5] = ["trap", "deadline", "memory", "illegal-reply", "exhausted"];

thread_local! {
    static VERDICTS: RefCell<Handles<(Verb, &'static str), Counter>> = const { RefCell::new(Handles::new()) };
    static STATEMENTS: RefCell<Handles<Verb, Histogram>> = const { RefCell::new(Handles::new()) };
    static CALLS: RefCell<Handles<(Box<str>, &'static str), Histogram>> = const { RefCell::new(Handles::new()) };
}

/// Handles of metrics that every statement touches: making one out of its labels costs more than counting.
struct Handles<K, H>(Vec<(K, H)>);

impl<K, H> Handles<K, H> {
    const fn new() -> Self {
        Handles(Vec::new())
    }

    fn of(&mut self, is: impl Fn(&K) -> bool, make: impl FnOnce() -> (K, H)) -> &H {
        let index = self.0.iter().position(|(key, _)| is(key));
        let index = index.unwrap_or_else(|| {
            self.0.push(make());
            self.0.len() - 1
        });
        &self.0[index].1
    }
}

/// The metrics of the process.
#[derive(Clone)]
pub struct Metrics(PrometheusHandle);

impl Metrics {
    /// Installs the recorder. Once a process.
    ///
    /// # Errors
    /// Another recorder is installed already.
    pub fn install() -> Result<Self, BuildError> {
        let handle = PrometheusBuilder::new()
            .set_buckets_for_metric(
                Matcher::Full("gatewright_policy_call_seconds".into()),
                &CALL_SECONDS,
            )?
            .set_buckets_for_metric(
                Matcher::Full("gatewright_statement_seconds".into()),
                &STATEMENT_SECONDS,
            )?
            .install_recorder()?;
        describe_gauge!("gatewright_connections", "Client connections that are open");
        describe_counter!(
            "gatewright_connections_total",
            "Client connections by how they ended, or why they were refused"
        );
        describe_counter!(
            "gatewright_refusals_delayed_total",
            "Failed logins that were told so late, because their address fails repeatedly"
        );
        describe_counter!(
            "gatewright_statements_total",
            "Statements judged, by kind and verdict"
        );
        describe_histogram!(
            "gatewright_statement_seconds",
            "Time from leave to run to the end of the statement"
        );
        describe_counter!("gatewright_result_rows_total", "Rows delivered");
        describe_counter!(
            "gatewright_result_bytes_total",
            "Bytes of rows as the server sent them"
        );
        describe_counter!(
            "gatewright_masked_cells_total",
            "Values replaced before delivery"
        );
        describe_histogram!(
            "gatewright_policy_call_seconds",
            "Duration of policy calls, by policy and hook"
        );
        describe_counter!(
            "gatewright_policy_faults_total",
            "Policy calls without a usable answer, by policy and kind"
        );
        describe_counter!(
            "gatewright_policy_reloads_total",
            "Policy loads, by policy and outcome"
        );
        describe_gauge!(
            "gatewright_policy_generation",
            "Generation of the policies in force"
        );
        describe_counter!(
            "gatewright_policy_metric",
            "Values that policies count themselves"
        );
        Ok(Metrics(handle))
    }

    /// The metrics in Prometheus' text format.
    pub fn render(&self) -> String {
        self.0.run_upkeep();
        self.0.render()
    }
}

/// Counts one connection while it lives.
pub struct Connection(());

impl Connection {
    pub fn open() -> Self {
        gauge!("gatewright_connections").increment(1.0);
        Connection(())
    }

    /// A client is told late that it was turned away.
    pub fn delayed() {
        counter!("gatewright_refusals_delayed_total").increment(1);
    }

    /// The connection is over; `outcome` is a fixed word.
    pub fn ended(outcome: &'static str) {
        counter!("gatewright_connections_total", "outcome" => outcome).increment(1);
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        gauge!("gatewright_connections").decrement(1.0);
    }
}

impl GateMetrics for Metrics {
    fn verdict(&self, verb: Verb, verdict: &'static str) {
        VERDICTS.with_borrow_mut(|known| {
            known
                .of(
                    |(a, b)| *a == verb && *b == verdict,
                    || {
                        let handle = counter!("gatewright_statements_total", "kind" => verb.name(), "verdict" => verdict);
                        ((verb, verdict), handle)
                    },
                )
                .increment(1);
        });
    }

    fn completed(&self, verb: Verb, seconds: f64, done: &Completion) {
        STATEMENTS.with_borrow_mut(|known| {
            known
                .of(
                    |kept| *kept == verb,
                    || {
                        let handle =
                            histogram!("gatewright_statement_seconds", "kind" => verb.name());
                        (verb, handle)
                    },
                )
                .record(seconds);
        });
        if done.rows > 0 {
            counter!("gatewright_result_rows_total").increment(done.rows);
            counter!("gatewright_result_bytes_total").increment(done.bytes);
        }
        if done.masked_cells > 0 {
            counter!("gatewright_masked_cells_total").increment(done.masked_cells);
        }
    }
}

impl Observer for Metrics {
    fn call(&self, policy: &str, hook: &'static str, elapsed: Duration) {
        CALLS.with_borrow_mut(|known| {
            known
                .of(
                    |(name, of)| *of == hook && **name == *policy,
                    || {
                        let handle = histogram!("gatewright_policy_call_seconds", "policy" => policy.to_owned(), "hook" => hook);
                        ((policy.into(), hook), handle)
                    },
                )
                .record(elapsed.as_secs_f64());
        });
    }

    fn fault(&self, policy: &str, fault: &Fault) {
        counter!("gatewright_policy_faults_total", "policy" => policy.to_owned(), "kind" => fault.kind()).increment(1);
    }

    fn reload(&self, event: &ReloadEvent) {
        gauge!("gatewright_policy_generation").set(event.generation as f64);
        let policy = event.policy.as_str();
        let generation = event.generation;
        let outcome = match &event.outcome {
            ReloadOutcome::Loaded { digest, version } => {
                // Present from the start, so that an alert on their rate never waits for a first fault.
                for kind in FAULT_KINDS {
                    counter!("gatewright_policy_faults_total", "policy" => policy.to_owned(), "kind" => kind).increment(0);
                }
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
        counter!("gatewright_policy_reloads_total", "policy" => policy.to_owned(), "outcome" => outcome).increment(1);
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
        gauge!("gatewright_policy_metric", "policy" => policy.to_owned(), "name" => name.to_owned()).increment(value);
    }
}
