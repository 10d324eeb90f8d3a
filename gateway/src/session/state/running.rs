//! The rows of the statement that runs now, and whose turn it is on the server.

use std::cell::Cell;
use std::rc::Rc;

use crate::results::ResultEditor;
use crate::session::effect::DigestOfRows;
use crate::session::judge::{Limit, Limits, Ticket};
use crate::session::refusal::Refusal;

/// The message that has its turn on the server, and what becomes of its result.
#[derive(Default)]
pub(in crate::session) struct Turn {
    pub running: Option<Running>,
    /// Forwarded statements whose result may yet be stopped.
    pub stoppable: usize,
    /// Counts the messages that had their turn.
    pub count: u64,
    /// What the client is told when the server heeds the cancel of a statement that took too long.
    pub overdue: Option<Refusal>,
    /// The statement returns its rows to the gateway alone, which compares them.
    pub compared: Option<DigestOfRows>,
}

impl Turn {
    /// ReadyForQuery.
    pub fn over(&mut self) {
        self.running = None;
        self.count += 1;
        self.overdue = None;
        self.compared = None;
    }
}

/// How far a portal or cursor was read.
#[derive(Debug, Default)]
pub(in crate::session) struct Position {
    /// Rows and bytes so far.
    read: Cell<(u64, u64)>,
    started: Cell<bool>,
}

/// The position, which belongs to everything that reads on from it.
pub(in crate::session) type Passed = Rc<Position>;

impl Position {
    pub fn read(&self) -> (u64, u64) {
        self.read.get()
    }

    /// An Execute of the portal was sent.
    pub fn start(&self) {
        self.started.set(true);
    }

    /// True once an Execute of the portal was sent. From then on it runs under its permit to its end.
    pub fn has_started(&self) -> bool {
        self.started.get()
    }
}

/// A result on its way from the server to the client.
pub(in crate::session) struct Running {
    /// `None`: bytes pass untouched.
    pub editor: Option<ResultEditor>,
    pub limits: Limits,
    /// Rows that the server sent, which limits count.
    pub rows: u64,
    /// Bytes of those rows' messages.
    pub bytes: u64,
    /// What was read of the same portal or cursor before; it counts as well.
    pub passed: Option<Passed>,
    /// A batch that the judge is looking at.
    pub batch: Option<Ticket>,
    /// The client will get this error in place of the result's end; rows are no longer passed on.
    pub stopping: Option<Refusal>,
    /// That is because its effect was not the one that was admitted.
    pub differs: bool,
}

impl Running {
    pub fn plain(limits: Limits) -> Self {
        Running {
            editor: None,
            limits,
            rows: 0,
            bytes: 0,
            passed: None,
            batch: None,
            stopping: None,
            differs: false,
        }
    }

    /// A further part of what was read before.
    pub fn going_on(mut self, passed: Option<Passed>) -> Self {
        (self.rows, self.bytes) = passed.as_ref().map_or((0, 0), |passed| passed.read());
        self.passed = passed;
        self
    }

    /// The part is over.
    pub fn note_passed(&self) {
        if let Some(passed) = &self.passed {
            passed.read.set((self.rows, self.bytes));
        }
    }

    /// True when whole runs of rows may be passed on without a look at each.
    pub fn is_plain(&self) -> bool {
        self.editor.is_none() && self.stopping.is_none()
    }

    /// How many more rows of `bytes` in total fit.
    pub fn admits(&self, rows: u64, bytes: u64) -> bool {
        self.limits
            .rows
            .is_none_or(|limit| self.rows + rows <= limit)
            && self
                .limits
                .bytes
                .is_none_or(|limit| self.bytes + bytes <= limit)
    }

    /// The limit that the next row would exceed.
    pub fn reached(&self) -> Limit {
        match self.limits.rows {
            Some(rows) if self.rows >= rows => Limit::Rows(rows),
            _ => Limit::Bytes(self.limits.bytes.unwrap_or_default()),
        }
    }
}
