//! A rehearsal in the record: an attempt that nobody but reviewers sees the effect of.

use std::time::Instant;

use gatewright_contract::Outcome;

use super::{Attempt, Completed, SessionRecord, now};

/// A rehearsal that is under way, whose end is recorded: as lost if it is dropped, or skipped if it was not sent.
#[derive(Default)]
pub struct RehearsalRecord {
    record: SessionRecord,
    /// `None`: statements are not recorded.
    attempt: Option<Attempt>,
    started: Option<Instant>,
}

impl RehearsalRecord {
    /// It is in the record.
    pub fn new(record: SessionRecord, attempt: Attempt) -> Self {
        RehearsalRecord {
            record,
            attempt: Some(attempt),
            started: None,
        }
    }

    /// It is sent now.
    pub fn sent(mut self) -> Self {
        self.started = Some(Instant::now());
        self
    }

    /// It is over. `sqlstate`: of the error with which it failed.
    pub fn end(mut self, sqlstate: Option<&str>, changed: Option<u64>) {
        match sqlstate {
            Some(sqlstate) => self.completed(Outcome::Failed, sqlstate, changed),
            None => self.completed(Outcome::Completed, "00000", changed),
        }
    }

    fn completed(&mut self, outcome: Outcome, sqlstate: &str, changed: Option<u64>) {
        let Some(attempt) = self.attempt.take() else {
            return;
        };
        let elapsed = self.started.map_or(0, |started| {
            u64::try_from(started.elapsed().as_micros()).unwrap_or(u64::MAX)
        });
        self.record.completed(Completed {
            execution: attempt.execution,
            at: now(),
            outcome,
            rows: 0,
            bytes: 0,
            masked_cells: 0,
            changed,
            sqlstate: sqlstate.to_owned(),
            elapsed_us: elapsed,
        });
    }
}

impl Drop for RehearsalRecord {
    fn drop(&mut self) {
        let is_sent = self.started.is_some();
        let outcome = self.record.outcome_if_dropped(is_sent, self.attempt);
        self.completed(outcome, "", None);
    }
}
