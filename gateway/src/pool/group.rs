//! The connections of one role to one database: how many there may be, which of them are idle, and who waits for one.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use arc_swap::ArcSwap;
use gatewright_wire::FatalError;
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, timeout_at};

use super::connection::{Connection, Count, Fitness, Open, Startup};
use super::converse::ConverseError;
use super::lease::{self, Lease};
use super::parameters::Parameters;
use super::{Closed, GroupMetrics, Handed, Owner, PoolMode, PoolSettings};
use crate::upstream::{self, Target, UpstreamError};

/// For how many sets of startup parameters a group remembers what the server says to them.
const MOST_GREETINGS: usize = 64;

/// A session got no server connection.
#[derive(Debug, Error)]
pub enum PoolError {
    #[error("no server connection was free within {0:?}")]
    Full(Duration),
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    #[error("a new server connection could not be used: {0}")]
    Unusable(String),
}

impl PoolError {
    /// The error for the client.
    pub fn fatal_error(&self) -> FatalError {
        match self {
            PoolError::Full(limit) => FatalError::new(
                "53300",
                format!("no server connection was free within {limit:?} (pool_wait)"),
            )
            .with_hint(
                "Try again later, or ask the operator of the gateway for a larger pool_size.",
            ),
            PoolError::Upstream(error) => error.fatal_error(),
            PoolError::Unusable(_) => {
                FatalError::new("08006", "the connection to the database server failed")
            }
        }
    }
}

/// The connections of one role to one database.
pub struct Group {
    /// The newest, since passwords change.
    target: ArcSwap<Target>,
    pub(super) settings: PoolSettings,
    database: Arc<str>,
    /// One permit for each connection that may be in use.
    places: Arc<Semaphore>,
    open: Arc<Count>,
    state: Mutex<State>,
    metrics: Arc<dyn GroupMetrics>,
}

#[derive(Default)]
struct State {
    /// Those that were used last are at the end.
    idle: Vec<Idle>,
    /// Connections that come back are closed.
    retired: bool,
    greetings: HashMap<Startup, Parameters>,
}

struct Idle {
    connection: Connection,
    since: Instant,
}

/// What there is for a session that may have a connection.
enum Found {
    Idle(Box<Connection>),
    /// Room for a new one, where need be in place of another.
    Room(Open, Option<(Box<Connection>, Closed)>),
}

impl Group {
    pub(super) fn new(
        database: &str,
        target: Target,
        settings: PoolSettings,
        metrics: Arc<dyn GroupMetrics>,
    ) -> Arc<Self> {
        Arc::new(Group {
            target: ArcSwap::from_pointee(target),
            places: Arc::new(Semaphore::new(settings.size)),
            settings,
            database: database.into(),
            open: Arc::default(),
            state: Mutex::default(),
            metrics,
        })
    }

    /// Whether its connections are what such a target and settings ask for.
    pub(super) fn is_for(&self, target: &Target, settings: &PoolSettings) -> bool {
        let own = self.target.load();
        self.settings == *settings
            && own.session_attributes == target.session_attributes
            && own.tls.is_same(&target.tls)
    }

    pub(super) fn target(&self) -> Arc<Target> {
        self.target.load_full()
    }

    pub(super) fn renew_target(&self, target: &Target) {
        self.target.store(Arc::new(target.clone()));
    }

    pub fn mode(&self) -> PoolMode {
        self.settings.mode
    }

    /// What the server said last to a session with these startup parameters.
    pub(super) fn greeting(&self, startup: &Startup) -> Option<Parameters> {
        self.state().greetings.get(startup).cloned()
    }

    /// A connection that this identity may use as it is, if it may have one at once.
    pub(super) fn lease_now(self: &Arc<Self>, owner: &Owner, startup: &Startup) -> Option<Lease> {
        let permit = Arc::clone(&self.places).try_acquire_owned().ok()?;
        let mut state = self.state();
        let index = state.idle.iter().rposition(|idle| {
            idle.connection.is_here()
                && idle.connection.startup == *startup
                && idle.connection.fitness(owner) == Fitness::Ready
                && idle.connection.flights.are_over()
        })?;
        let mut connection = self.remove(&mut state, index);
        drop(state);
        if let Some(why) = connection.fault(self.settings.max_age) {
            self.discard(*connection, why);
            return None;
        }
        Some(self.hand(*connection, permit, owner, Handed::Kept))
    }

    /// A connection for this identity, as soon as it may have one. The time to make a new one does not count as waiting: it has a limit of its
    /// own. Dropped before its end, it takes nothing.
    pub(super) async fn lease(
        self: Arc<Self>,
        owner: Owner,
        startup: Startup,
    ) -> Result<Lease, PoolError> {
        let until = Instant::now() + self.settings.wait;
        let mut permit = self.place(until).await?;
        loop {
            match self.find(&owner, &startup) {
                Found::Idle(connection) => {
                    match self.ready(permit, *connection, &owner, until).await {
                        Ok(lease) => return Ok(lease),
                        Err(kept) => permit = kept,
                    }
                    if until <= Instant::now() {
                        return Err(self.full());
                    }
                }
                Found::Room(open, evicted) => {
                    if let Some((mut evicted, why)) = evicted {
                        evicted.closes_as(why);
                        lease::close_all(vec![*evicted]).await;
                    }
                    let connection = self.connect(&startup, open).await?;
                    return Ok(self.hand(connection, permit, &owner, Handed::New));
                }
            }
        }
    }

    async fn place(&self, until: Instant) -> Result<OwnedSemaphorePermit, PoolError> {
        if let Ok(permit) = Arc::clone(&self.places).try_acquire_owned() {
            return Ok(permit);
        }
        let _waiting = Waiting::new(self);
        let acquired = timeout_at(until, Arc::clone(&self.places).acquire_owned());
        match acquired.await {
            Ok(Ok(permit)) => Ok(permit),
            // It is never closed, so this is the time limit.
            _ => Err(self.full()),
        }
    }

    /// A client has waited for as long as it may.
    fn full(&self) -> PoolError {
        self.metrics.timed_out();
        PoolError::Full(self.settings.wait)
    }

    /// The best connection for this identity: one that it has used, then any. Without a permit there may be none.
    fn find(&self, owner: &Owner, startup: &Startup) -> Found {
        let mut state = self.state();
        let usable = state.idle.iter().enumerate().filter_map(|(index, idle)| {
            let connection = &idle.connection;
            let fits =
                connection.startup == *startup && connection.fitness(owner) != Fitness::Never;
            fits.then(|| {
                let ready = connection.fitness(owner) == Fitness::Ready;
                let own = connection.was_used_by(owner);
                (ready, own, connection.is_here(), index)
            })
        });
        if let Some((.., index)) = usable.max() {
            return Found::Idle(self.remove(&mut state, index));
        }
        // Whoever has a permit has no connection besides it, so where all places are taken, one is idle.
        let full = self.open.number() >= self.settings.size;
        let evicted = (full && !state.idle.is_empty()).then(|| {
            let useless = state.idle.iter().position(|idle| {
                idle.connection.startup == *startup
                    && idle.connection.fitness(owner) == Fitness::Never
            });
            let why = useless.map_or(Closed::Evicted, |_| Closed::Traces);
            (self.remove(&mut state, useless.unwrap_or(0)), why)
        });
        let open = Open::new(Arc::clone(&self.metrics), Arc::clone(&self.open));
        Found::Room(open, evicted)
    }

    /// Makes an idle connection ready. Where it cannot be, it is closed, and the permit is left. The permit comes first, so that it is
    /// dropped last.
    async fn ready(
        self: &Arc<Self>,
        permit: OwnedSemaphorePermit,
        mut connection: Connection,
        owner: &Owner,
        until: Instant,
    ) -> Result<Lease, OwnedSemaphorePermit> {
        if let Err(error) = connection.adopt() {
            tracing::warn!(%error, "an idle server connection could not be moved to another thread");
            self.discard(connection, Closed::Stray);
            return Err(permit);
        }
        if let Some(why) = connection.fault(self.settings.max_age) {
            self.discard(connection, why);
            return Err(permit);
        }
        let prepared = timeout_at(until, connection.prepare(owner)).await;
        match prepared.unwrap_or(Err(ConverseError::Late)) {
            Ok(how) => Ok(self.hand(connection, permit, owner, how)),
            Err(error) => {
                tracing::warn!(%error, database = %self.database, "a server connection could not be reset and is closed");
                self.discard(connection, Closed::Reset);
                Err(permit)
            }
        }
    }

    async fn connect(&self, startup: &Startup, open: Open) -> Result<Connection, PoolError> {
        let connected = upstream::connect(&self.target(), startup).await?;
        let connection = Connection::new(connected, Arc::clone(startup), open)
            .await
            .map_err(|error| PoolError::Unusable(error.to_string()))?;
        self.remember_greeting(&connection);
        Ok(connection)
    }

    fn hand(
        self: &Arc<Self>,
        mut connection: Connection,
        permit: OwnedSemaphorePermit,
        owner: &Owner,
        how: Handed,
    ) -> Lease {
        connection.hand_to(owner);
        self.metrics.handed_out(how);
        Lease::new(connection, permit, Arc::clone(self))
    }

    /// Keeps a connection for whoever comes next; the permit is dropped behind it.
    pub(super) fn park(&self, connection: Connection) {
        let mut state = self.state();
        if state.retired {
            drop(state);
            self.discard(connection, Closed::Retired);
            return;
        }
        state.idle.push(Idle {
            connection,
            since: Instant::now(),
        });
        drop(state);
        self.metrics.idle(1.0);
    }

    pub(super) fn remember_greeting(&self, connection: &Connection) {
        let mut state = self.state();
        if state.greetings.len() >= MOST_GREETINGS
            && !state.greetings.contains_key(&connection.startup)
        {
            state.greetings.clear();
        }
        let startup = Arc::clone(&connection.startup);
        let parameters = connection.parameters.clone();
        state.greetings.insert(startup, parameters);
    }

    /// Closes a connection without a word: it is dead, or in a state that is not known.
    pub(super) fn discard(&self, mut connection: Connection, why: Closed) {
        connection.closes_as(why);
        drop(connection);
    }

    pub(super) fn has_idle(&self) -> bool {
        !self.state().idle.is_empty()
    }

    /// Takes out the connections that nobody has used for too long, or that are too old.
    pub(super) fn expired(&self) -> Vec<Connection> {
        let mut state = self.state();
        let mut expired = Vec::new();
        let mut index = 0;
        while let Some(idle) = state.idle.get_mut(index) {
            let unused = idle.since.elapsed() >= self.settings.idle;
            let fault = idle.connection.fault(self.settings.max_age);
            match fault.or(unused.then_some(Closed::Idle)) {
                Some(why) => {
                    let mut connection = self.remove(&mut state, index);
                    connection.closes_as(why);
                    expired.push(*connection);
                }
                None => index += 1,
            }
        }
        expired
    }

    /// Keeps no connection any more. Returns those that are idle.
    pub(super) fn retire(&self) -> Vec<Connection> {
        let mut state = self.state();
        state.retired = true;
        let mut idle = Vec::with_capacity(state.idle.len());
        while !state.idle.is_empty() {
            let mut connection = self.remove(&mut state, 0);
            connection.closes_as(Closed::Retired);
            idle.push(*connection);
        }
        idle
    }

    fn remove(&self, state: &mut State, index: usize) -> Box<Connection> {
        self.metrics.idle(-1.0);
        Box::new(state.idle.remove(index).connection)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Counts a client while it waits.
struct Waiting<'a>(&'a Group);

impl<'a> Waiting<'a> {
    fn new(group: &'a Group) -> Self {
        group.metrics.waiting(1.0);
        Waiting(group)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.metrics.waiting(-1.0);
    }
}
