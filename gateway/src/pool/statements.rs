//! The prepared statements that the gateway has made on a shared connection, under names of its own.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many a connection keeps; the one that was not used for longest makes room.
const MOST: usize = 500;

/// Closes that the server skipped; beyond this the connection is reset.
const MOST_LEFT: usize = 64;

/// Of a prepared statement of a client, or of one that was made on a server; each is given once in a process.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Serial(u64);

impl Serial {
    pub fn next() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        Serial(NEXT.fetch_add(1, Ordering::Relaxed))
    }

    /// The statement's name on the server.
    pub fn name(self) -> String {
        format!("gatewright_{}", self.0)
    }
}

/// Which statements a connection has. One that is missing here is made again under a new name, so that only what is here must
/// be there.
#[derive(Debug, Default)]
pub struct Statements {
    made: HashMap<Serial, Made>,
    /// Whose the unnamed statement is.
    unnamed: Option<(Serial, bool)>,
    uses: u64,
    /// How many are on the server that are not here.
    left: usize,
}

#[derive(Debug)]
struct Made {
    on_server: Serial,
    used: u64,
    /// The server has told of its parameters and columns.
    described: bool,
}

/// Where a statement is on the server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Found {
    pub on_server: Serial,
    /// The server has told of its parameters and columns there.
    pub described: bool,
}

impl Statements {
    /// Where the statement is on the server.
    pub fn find(&mut self, statement: Serial) -> Option<Found> {
        self.uses += 1;
        let made = self.made.get_mut(&statement)?;
        made.used = self.uses;
        Some(Found {
            on_server: made.on_server,
            described: made.described,
        })
    }

    /// The server has told of its parameters and columns.
    pub fn described(&mut self, statement: Serial) {
        if let Some(made) = self.made.get_mut(&statement) {
            made.described = true;
        }
        if let Some((unnamed, described)) = &mut self.unnamed
            && *unnamed == statement
        {
            *described = true;
        }
    }

    /// It is about to be made. Returns its place, and that of one to be closed for it.
    pub fn make(&mut self, statement: Serial) -> (Serial, Option<Serial>) {
        self.uses += 1;
        let on_server = Serial::next();
        let made = Made {
            on_server,
            used: self.uses,
            described: false,
        };
        self.left += usize::from(self.made.insert(statement, made).is_some());
        if self.made.len() <= MOST {
            return (on_server, None);
        }
        let oldest = self.made.iter().min_by_key(|(_, made)| made.used);
        let oldest = oldest.map(|(statement, _)| *statement);
        (on_server, oldest.and_then(|oldest| self.close(oldest)))
    }

    /// It is about to be closed. Returns its place.
    pub fn close(&mut self, statement: Serial) -> Option<Serial> {
        self.made.remove(&statement).map(|made| made.on_server)
    }

    /// The server has skipped, or failed, to make it.
    pub fn not_made(&mut self, statement: Serial) {
        self.made.remove(&statement);
        if self
            .unnamed()
            .is_some_and(|(unnamed, _)| unnamed == statement)
        {
            self.unnamed = None;
        }
    }

    /// The server has skipped to close one.
    pub fn not_closed(&mut self) {
        self.left += 1;
    }

    /// Whose the unnamed statement is, and whether the server has told of it.
    pub fn unnamed(&self) -> Option<(Serial, bool)> {
        self.unnamed
    }

    /// `None`: it is nobody's, or not there.
    pub fn set_unnamed(&mut self, statement: Option<Serial>) {
        self.unnamed = statement.map(|statement| (statement, false));
    }

    /// All are gone, or may be.
    pub fn clear(&mut self) {
        *self = Statements::default();
    }

    /// Too much is on the server that is not here.
    pub fn needs_reset(&self) -> bool {
        self.left > MOST_LEFT
    }
}
