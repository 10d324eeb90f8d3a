//! What the gate counts: verdicts on statements, and their ends.

use std::cell::{OnceCell, RefCell};
use std::sync::Arc;

use gatewright_sql::Verb;
use metrics::Counter;

use super::Metrics;
use super::databases::step;
use super::definitions::{
    APPROVALS_HELD, APPROVALS_TOTAL, MASKED_CELLS_TOTAL, POLICY_SHADOW_VERDICTS_TOTAL,
    RESULT_BYTES_TOTAL, RESULT_ROWS_TOTAL, STATEMENT_ENDS_TOTAL, STATEMENT_SECONDS,
    STATEMENTS_TOTAL,
};
use super::handles::Handles;
use super::histograms::Histogram;
use crate::gate::{DatabaseMetrics, GateMetrics};
use crate::session::{Completion, Outcome};

thread_local! {
    static VERDICTS: RefCell<Handles<(Verb, &'static str), Counter>> = const { RefCell::new(Handles::new()) };
    static ENDS: RefCell<Handles<(Verb, Outcome), Counter>> = const { RefCell::new(Handles::new()) };
    static SECONDS: RefCell<Handles<Verb, Arc<Histogram>>> = const { RefCell::new(Handles::new()) };
    static DELIVERED: OnceCell<Delivered> = const { OnceCell::new() };
}

/// Counters of what was delivered.
struct Delivered {
    rows: Counter,
    bytes: Counter,
    masked_cells: Counter,
}

impl Delivered {
    fn new() -> Self {
        Delivered {
            rows: RESULT_ROWS_TOTAL.counter(&[]),
            bytes: RESULT_BYTES_TOTAL.counter(&[]),
            masked_cells: MASKED_CELLS_TOTAL.counter(&[]),
        }
    }
}

impl GateMetrics for Metrics {
    fn verdict(&self, verb: Verb, verdict: &'static str) {
        VERDICTS.with_borrow_mut(|known| {
            known
                .of(
                    |key| *key == (verb, verdict),
                    || {
                        let handle = STATEMENTS_TOTAL.counter(&[verb.name(), verdict]);
                        ((verb, verdict), handle)
                    },
                )
                .increment(1);
        });
    }

    fn shadow(&self, policy: &str, verdict: &'static str) {
        POLICY_SHADOW_VERDICTS_TOTAL
            .counter(&[policy, verdict])
            .increment(1);
    }

    fn completed(&self, verb: Verb, seconds: f64, done: &Completion) {
        SECONDS.with_borrow_mut(|known| {
            known
                .of(
                    |key| *key == verb,
                    || (verb, self.histograms.of(&STATEMENT_SECONDS, &[verb.name()])),
                )
                .record(seconds);
        });
        ENDS.with_borrow_mut(|known| {
            let key = (verb, done.outcome);
            known
                .of(
                    |other| *other == key,
                    || {
                        let outcome = done.outcome.name();
                        let handle = STATEMENT_ENDS_TOTAL.counter(&[verb.name(), outcome]);
                        (key, handle)
                    },
                )
                .increment(1);
        });
        if done.rows > 0 {
            DELIVERED.with(|delivered| {
                let delivered = delivered.get_or_init(Delivered::new);
                delivered.rows.increment(done.rows);
                delivered.bytes.increment(done.bytes);
                delivered.masked_cells.increment(done.masked_cells);
            });
        }
    }

    fn held(&self, is_held: bool) {
        step(&APPROVALS_HELD.gauge(&[]), is_held);
    }

    fn decided(&self, outcome: &'static str) {
        APPROVALS_TOTAL.counter(&[outcome]).increment(1);
    }

    fn database(&self, name: &str) -> Option<Arc<dyn DatabaseMetrics>> {
        Some(self.databases.of(name))
    }
}
