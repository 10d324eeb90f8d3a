//! What is counted by database. The names are those of the configuration, so that clients cannot add to them.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use metrics::{Counter, Gauge};

use super::definitions::{
    DATABASE_HELD, DATABASE_MASKED_CELLS_TOTAL, DATABASE_ROWS_TOTAL, DATABASE_SESSIONS,
    DATABASE_STATEMENTS_TOTAL, VERDICTS,
};
use crate::gate::DatabaseMetrics;
use crate::session::Completion;

/// The counters of each database that has had a session.
#[derive(Default)]
pub(super) struct Databases(Mutex<BTreeMap<String, Arc<OfDatabase>>>);

/// Handles of the metrics of one database: making one from its labels costs more than counting.
pub(super) struct OfDatabase {
    sessions: Gauge,
    held: Gauge,
    verdicts: [Counter; VERDICTS.len()],
    rows: Counter,
    masked_cells: Counter,
}

impl Databases {
    pub fn of(&self, name: &str) -> Arc<OfDatabase> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(database) = known.get(name) {
            return Arc::clone(database);
        }
        let database = Arc::new(OfDatabase {
            sessions: DATABASE_SESSIONS.gauge(&[name]),
            held: DATABASE_HELD.gauge(&[name]),
            verdicts: VERDICTS.map(|verdict| DATABASE_STATEMENTS_TOTAL.counter(&[name, verdict])),
            rows: DATABASE_ROWS_TOTAL.counter(&[name]),
            masked_cells: DATABASE_MASKED_CELLS_TOTAL.counter(&[name]),
        });
        known.insert(name.to_owned(), Arc::clone(&database));
        database
    }
}

impl DatabaseMetrics for OfDatabase {
    fn session(&self, is_open: bool) {
        step(&self.sessions, is_open);
    }

    fn verdict(&self, verdict: &'static str) {
        let known = VERDICTS.iter().position(|known| *known == verdict);
        debug_assert!(known.is_some(), "{verdict} is no verdict");
        if let Some(counter) = known.and_then(|index| self.verdicts.get(index)) {
            counter.increment(1);
        }
    }

    fn delivered(&self, done: &Completion) {
        if done.rows > 0 {
            self.rows.increment(done.rows);
            self.masked_cells.increment(done.masked_cells);
        }
    }

    fn held(&self, is_held: bool) {
        step(&self.held, is_held);
    }
}

/// One more, or one less.
pub(super) fn step(gauge: &Gauge, is_more: bool) {
    match is_more {
        true => gauge.increment(1.0),
        false => gauge.decrement(1.0),
    }
}
