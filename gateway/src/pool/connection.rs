//! A server connection of a pool: where it stands, who has used it, and what that may have left.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::ThreadId;
use std::time::{Duration, Instant};

use gatewright_sql::Residue;

use super::cancelling::Flights;
use super::converse::{self, ConverseError};
use super::names::NamesAtStart;
use super::parameters::Parameters;
use super::statements::Statements;
use super::{Closed, GroupMetrics, Handed, Owner};
use crate::upstream::{BackendKey, Connected, UpstreamStream};

/// The startup parameters that a connection was made with. Values of a session's settings go back to these, so only sessions
/// with the same share a connection.
pub(super) type Startup = Arc<Vec<(String, String)>>;

/// What a session that gets a connection is told of it, and what it gives back.
#[derive(Debug, Default)]
pub struct Attachment {
    /// As the server reported them last.
    pub parameters: Parameters,
    pub names: Option<NamesAtStart>,
    pub statements: Statements,
    pub residue: Residue,
}

pub(super) struct Connection {
    pub stream: UpstreamStream,
    pub parameters: Parameters,
    pub names: Option<NamesAtStart>,
    pub statements: Statements,
    pub key: BackendKey,
    pub startup: Startup,
    pub flights: Arc<Flights>,
    /// On whose event loop its socket is.
    thread: ThreadId,
    made: Instant,
    /// Who has used it since the last reset.
    used_by: Option<Owner>,
    /// It must be reset before anybody uses it.
    to_reset: bool,
    /// Whose session left what a reset does not remove.
    traces_of: Option<Owner>,
    open: Open,
}

/// How many connections a group has, in use or not.
#[derive(Default)]
pub(super) struct Count(AtomicUsize);

impl Count {
    pub fn number(&self) -> usize {
        self.0.load(Ordering::Acquire)
    }
}

/// Counts a connection while it exists, and its end.
pub(super) struct Open {
    metrics: Arc<dyn GroupMetrics>,
    group: Arc<Count>,
    /// `None` while it is being made.
    closes_as: Option<Closed>,
}

impl Open {
    pub fn new(metrics: Arc<dyn GroupMetrics>, group: Arc<Count>) -> Self {
        group.0.fetch_add(1, Ordering::AcqRel);
        metrics.open(1.0);
        Open {
            metrics,
            group,
            closes_as: None,
        }
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.group.0.fetch_sub(1, Ordering::AcqRel);
        self.metrics.open(-1.0);
        if let Some(why) = self.closes_as {
            self.metrics.closed(why);
        }
    }
}

/// What a connection needs before an identity may use it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fitness {
    Ready,
    AfterReset,
    Never,
}

impl Connection {
    /// A connection that was just made.
    pub async fn new(
        connected: Connected,
        startup: Startup,
        open: Open,
    ) -> Result<Self, ConverseError> {
        if !connected.leftover.is_empty() {
            return Err(ConverseError::Stray);
        }
        let mut connection = Connection {
            parameters: Parameters::of_greeting(&connected.greeting),
            stream: connected.stream,
            names: None,
            statements: Statements::default(),
            key: connected.key,
            startup,
            flights: Arc::default(),
            thread: std::thread::current().id(),
            made: Instant::now(),
            used_by: None,
            to_reset: false,
            traces_of: None,
            open,
        };
        converse::ask_names(&mut connection).await?;
        connection.closes_as(Closed::Unusable);
        Ok(connection)
    }

    pub fn fitness(&self, owner: &Owner) -> Fitness {
        if self.traces_of.as_ref().is_some_and(|other| other != owner) {
            Fitness::Never
        } else if self.to_reset || self.used_by.as_ref().is_some_and(|other| other != owner) {
            Fitness::AfterReset
        } else {
            Fitness::Ready
        }
    }

    /// Whether this identity was the last to use it.
    pub fn was_used_by(&self, owner: &Owner) -> bool {
        self.used_by.as_ref() == Some(owner)
    }

    /// From now on it is this identity's.
    pub fn hand_to(&mut self, owner: &Owner) {
        if self.used_by.as_ref() != Some(owner) {
            self.used_by = Some(owner.clone());
        }
    }

    /// A session has given it back.
    pub fn take_back(&mut self, given: Attachment, resets: bool) {
        self.to_reset |= resets || given.residue.discardable || given.statements.needs_reset();
        if given.residue.lasting {
            self.traces_of.clone_from(&self.used_by);
        }
        self.parameters = given.parameters;
        self.names = given.names;
        self.statements = given.statements;
    }

    pub fn must_be_reset(&self) -> bool {
        self.to_reset
    }

    /// Says why it is closed when it is dropped next: in a state that is not known, unless something else is said.
    pub fn closes_as(&mut self, why: Closed) {
        self.open.closes_as = Some(why);
    }

    /// Brings it into the state in which this identity may have it.
    pub async fn prepare(&mut self, owner: &Owner) -> Result<Handed, ConverseError> {
        if self.fitness(owner) == Fitness::Ready {
            converse::settle(self).await?;
            return Ok(Handed::Kept);
        }
        self.reset().await?;
        Ok(Handed::Reset)
    }

    pub async fn reset(&mut self) -> Result<(), ConverseError> {
        converse::reset(self).await?;
        self.used_by = None;
        self.to_reset = false;
        Ok(())
    }

    /// What a session is told of it.
    pub fn attach(&mut self) -> Attachment {
        Attachment {
            parameters: std::mem::take(&mut self.parameters),
            names: self.names.take(),
            statements: std::mem::take(&mut self.statements),
            residue: Residue::default(),
        }
    }

    pub fn age(&self) -> Duration {
        self.made.elapsed()
    }

    /// Whether this thread's event loop has its socket.
    pub fn is_here(&self) -> bool {
        self.thread == std::thread::current().id()
    }

    /// Moves its socket to this thread's event loop.
    pub fn adopt(&mut self) -> std::io::Result<()> {
        if !self.is_here() {
            self.stream.adopt()?;
            self.thread = std::thread::current().id();
        }
        Ok(())
    }

    /// Why it cannot be handed out, as far as can be seen without asking the server.
    pub fn fault(&mut self, max_age: Duration) -> Option<Closed> {
        if self.age() >= max_age {
            return Some(Closed::Age);
        }
        (!self.stream.is_quiet()).then_some(Closed::Stray)
    }
}
