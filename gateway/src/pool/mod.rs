//! Server connections that outlive the clients they served, and who gets which.
//! A connection in a state that is not known is closed, never handed out; between two identities lies a reset that the server
//! confirmed. It knows nothing of statements: the session says what they left behind.
//! Next: `upstream` makes the connections.

mod cancelling;
mod connection;
mod converse;
mod group;
mod keeper;
mod lease;
mod names;
mod parameters;
mod seat;
mod statements;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::runtime::Handle;

use crate::upstream::Target;

pub use gatewright_sql::Residue;

pub use cancelling::{CancelFlight, Cancelling};
pub use connection::Attachment;
pub use group::{Group, PoolError};
pub use names::NamesAtStart;
pub use parameters::{Parameters, encode_status};
pub use seat::{Seat, Seated, connect};
pub use statements::{Serial, Statements};

/// For how long a server connection is one client's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum PoolMode {
    /// As long as it lives: nothing is pooled.
    #[default]
    None,
    /// As long as the client's session lasts.
    Session,
    /// As long as a transaction lasts.
    Transaction,
}

/// How the server connections of a `[[database]]` are pooled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PoolSettings {
    pub mode: PoolMode,
    /// Most server connections of one role to one database.
    pub size: usize,
    /// How long a client waits for one.
    pub wait: Duration,
    /// One that nobody has used for so long is closed.
    pub idle: Duration,
    /// One that is older is closed when nobody uses it.
    pub max_age: Duration,
}

impl Default for PoolSettings {
    fn default() -> Self {
        PoolSettings {
            mode: PoolMode::None,
            size: 20,
            wait: Duration::from_secs(10),
            idle: Duration::from_secs(600),
            max_age: Duration::from_secs(3600),
        }
    }
}

/// Who uses a connection: issuer and subject.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Owner {
    pub issuer: String,
    pub subject: String,
}

/// Why a connection of a pool was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// Nobody used it for too long.
    Idle,
    /// It was too old.
    Age,
    /// Another one was needed in its place, with other startup parameters.
    Evicted,
    /// Its last session ended in the middle of something, or lost it.
    Unusable,
    /// The reset failed.
    Reset,
    /// Another identity's session left what a reset does not remove.
    Traces,
    /// The server closed it, or sent something that nobody asked for.
    Stray,
    /// The pool is no longer the configured one, or the gateway stops.
    Retired,
}

/// How a session got its connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Handed {
    /// It was made for it.
    New,
    /// As its last session had left it.
    Kept,
    /// After a reset.
    Reset,
}

/// Counts what the pools do. Implemented by `admin`.
pub trait PoolMetrics: Send + Sync {
    /// For the pools of this entry of the configuration.
    fn of_database(&self, name: &str) -> Arc<dyn GroupMetrics>;
}

/// Counts what the pools of one database do.
pub trait GroupMetrics: Send + Sync {
    fn handed_out(&self, how: Handed);
    fn closed(&self, why: Closed);
    /// Connections that exist, whether in use or not.
    fn open(&self, change: f64);
    /// Connections that nobody uses.
    fn idle(&self, change: f64);
    /// Clients that wait for a connection.
    fn waiting(&self, change: f64);
    /// A client waited in vain.
    fn timed_out(&self);
}

/// All pools of the gateway: one group of connections for each role of each database.
pub struct Pools {
    groups: Mutex<Groups>,
    metrics: Arc<dyn PoolMetrics>,
    /// The event loop on which idle connections are closed.
    background: Handle,
}

#[derive(Default)]
struct Groups {
    by_place: HashMap<Place, Arc<Group>>,
    /// Somebody closes idle connections.
    are_kept: bool,
}

/// Which connections are one group.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Place {
    entry: String,
    hosts: Vec<(String, u16)>,
    dbname: String,
    user: String,
}

impl Pools {
    /// Idle connections are closed on `background`.
    pub fn new(metrics: Arc<dyn PoolMetrics>, background: Handle) -> Arc<Self> {
        Arc::new(Pools {
            groups: Mutex::default(),
            metrics,
            background,
        })
    }

    /// The group for this target. Where settings or the way to the server have changed since it was made, a new one takes its
    /// place, and connections of the old one are closed as they come back.
    pub fn group(
        self: &Arc<Self>,
        entry: &str,
        target: &Target,
        settings: &PoolSettings,
    ) -> Arc<Group> {
        let place = Place {
            entry: entry.to_owned(),
            hosts: target.hosts.clone(),
            dbname: target.dbname.clone(),
            user: target.user.clone(),
        };
        let mut groups = self.groups();
        if !std::mem::replace(&mut groups.are_kept, true) {
            self.background.spawn(keeper::run(Arc::downgrade(self)));
        }
        if let Some(known) = groups.by_place.get(&place)
            && known.is_for(target, settings)
        {
            known.renew_target(target);
            return Arc::clone(known);
        }
        let metrics = self.metrics.of_database(entry);
        let group = Group::new(entry, target.clone(), settings.clone(), metrics);
        if let Some(former) = groups.by_place.insert(place, Arc::clone(&group)) {
            let retired = former.retire();
            self.background.spawn(lease::close_all(retired));
        }
        group
    }

    /// No connection is kept from now on; idle ones are closed.
    pub async fn retire(&self) {
        let groups: Vec<Arc<Group>> = {
            let mut groups = self.groups();
            groups.by_place.drain().map(|(_, group)| group).collect()
        };
        for group in groups {
            lease::close_all(group.retire()).await;
        }
    }

    fn groups(&self) -> MutexGuard<'_, Groups> {
        self.groups.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
