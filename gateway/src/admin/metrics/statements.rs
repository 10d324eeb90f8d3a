//! What the gate counts: verdicts on statements, and their ends.

use std::cell::RefCell;

use gatewright_sql::Verb;
use metrics::{Counter, Histogram};

use super::Metrics;
use super::definitions::{
    MASKED_CELLS_TOTAL, RESULT_BYTES_TOTAL, RESULT_ROWS_TOTAL, STATEMENT_ENDS_TOTAL,
    STATEMENT_SECONDS, STATEMENTS_TOTAL,
};
use super::handles::Handles;
use crate::gate::GateMetrics;
use crate::session::{Completion, Outcome};

thread_local! {
    static VERDICTS: RefCell<Handles<(Verb, &'static str), Counter>> = const { RefCell::new(Handles::new()) };
    static ENDS: RefCell<Handles<(Verb, Outcome), Counter>> = const { RefCell::new(Handles::new()) };
    static SECONDS: RefCell<Handles<Verb, Histogram>> = const { RefCell::new(Handles::new()) };
}

impl GateMetrics for Metrics {
    fn verdict(&self, verb: Verb, verdict: &'static str) {
        VERDICTS.with_borrow_mut(|known| {
            known
                .of(
                    |key| *key == (verb, verdict),
                    || {
                        let handle = STATEMENTS_TOTAL.counter(&[word(verb), verdict]);
                        ((verb, verdict), handle)
                    },
                )
                .increment(1);
        });
    }

    fn completed(&self, verb: Verb, seconds: f64, done: &Completion) {
        SECONDS.with_borrow_mut(|known| {
            known
                .of(
                    |key| *key == verb,
                    || (verb, STATEMENT_SECONDS.histogram(&[word(verb)])),
                )
                .record(seconds);
        });
        ENDS.with_borrow_mut(|known| {
            let key = (verb, done.outcome);
            known
                .of(
                    |other| *other == key,
                    || {
                        let outcome = outcome(done.outcome);
                        let handle = STATEMENT_ENDS_TOTAL.counter(&[word(verb), outcome]);
                        (key, handle)
                    },
                )
                .increment(1);
        });
        if done.rows > 0 {
            RESULT_ROWS_TOTAL.counter(&[]).increment(done.rows);
            RESULT_BYTES_TOTAL.counter(&[]).increment(done.bytes);
        }
        if done.masked_cells > 0 {
            MASKED_CELLS_TOTAL.counter(&[]).increment(done.masked_cells);
        }
    }
}

fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Completed => "completed",
        Outcome::Suspended => "suspended",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
        Outcome::Lost => "lost",
    }
}

/// The value of the label `kind`.
fn word(verb: Verb) -> &'static str {
    match verb {
        Verb::Select => "select",
        Verb::Insert => "insert",
        Verb::Update => "update",
        Verb::Delete => "delete",
        Verb::Merge => "merge",
        Verb::Truncate => "truncate",
        Verb::CopyIn => "copy-in",
        Verb::CopyOut => "copy-out",
        Verb::Call => "call",
        Verb::DoBlock => "do-block",
        Verb::Ddl => "ddl",
        Verb::Grant => "grant",
        Verb::Transaction => "transaction",
        Verb::Set => "set",
        Verb::Explain => "explain",
        Verb::Cursor => "cursor",
        Verb::Prepare => "prepare",
        Verb::Listen => "listen",
        Verb::Lock => "lock",
        Verb::Maintenance => "maintenance",
        Verb::Utility => "utility",
        Verb::Unknown => "unknown",
    }
}
