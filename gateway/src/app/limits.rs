//! How many connections there may be, in all and for whom, and how many there are.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use thiserror::Error;

use super::LoginBackoff;
use crate::identity::{Database, Identity};
use crate::listener::FatalError;

/// What the gateway bears. A reload replaces it for the connections to come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConnectionLimits {
    /// Sessions at one time.
    pub max_connections: usize,
    /// Connections that have not logged in yet, at one time.
    pub max_handshakes: usize,
    /// Sessions of one identity at one time.
    pub max_connections_per_identity: Option<usize>,
    /// Longest message that is read whole, in bytes.
    pub max_message: usize,
    /// A session outside a transaction that has had no message for so long is ended.
    pub idle_timeout: Option<Duration>,
    /// What repeated failures to log in come to.
    pub login_backoff: LoginBackoff,
}

impl Default for ConnectionLimits {
    fn default() -> Self {
        ConnectionLimits {
            max_connections: 2000,
            max_handshakes: 500,
            max_connections_per_identity: None,
            max_message: 128 << 20,
            idle_timeout: None,
            login_backoff: LoginBackoff::default(),
        }
    }
}

/// A limit that is reached.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Full {
    #[error(
        "the gateway has {0} connections that have not logged in yet, and takes no more (max_handshakes)"
    )]
    Handshakes(usize),
    #[error("the gateway has {0} sessions and takes no more (max_connections)")]
    Total(usize),
    #[error("you have {0} sessions and can have no more (max_connections_per_identity)")]
    Identity(usize),
    #[error(
        "there are {limit} sessions with the database \"{name}\" and there can be no more (its max_connections)"
    )]
    Database { name: String, limit: usize },
}

impl Full {
    /// What the client is told (PostgreSQL's `too_many_connections`).
    pub fn fatal_error(&self) -> FatalError {
        FatalError::new("53300", self.to_string()).with_hint(match self {
            Full::Identity(_) => "Close sessions that you do not need.",
            _ => "Try again later.",
        })
    }
}

/// Who has which of the places.
#[derive(Default)]
pub(super) struct Slots(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    handshakes: usize,
    /// Connections that were turned away and are not told yet.
    waiting: usize,
    sessions: usize,
    /// By issuer and subject.
    identities: HashMap<Person, usize>,
    /// By name of the configuration's entry.
    databases: HashMap<String, usize>,
}

type Person = (String, String);

/// A place among the connections that have not logged in yet; given back when dropped.
pub(super) struct Entrance {
    slots: Arc<Slots>,
    waits: bool,
}

/// A session's place; given back when dropped.
pub(super) struct Slot {
    slots: Arc<Slots>,
    person: Person,
    database: String,
}

impl Slots {
    /// A place for a connection that has just been accepted.
    pub fn enter(self: &Arc<Self>, limits: &ConnectionLimits) -> Result<Entrance, Full> {
        let mut taken = self.taken();
        if taken.handshakes >= limits.max_handshakes {
            return Err(Full::Handshakes(limits.max_handshakes));
        }
        taken.handshakes += 1;
        drop(taken);
        Ok(Entrance {
            slots: Arc::clone(self),
            waits: false,
        })
    }

    /// A place for a session.
    pub fn acquire(
        self: &Arc<Self>,
        limits: &ConnectionLimits,
        identity: &Identity,
        database: &Database,
    ) -> Result<Slot, Full> {
        let person = (identity.issuer.clone(), identity.subject.clone());
        let mut taken = self.taken();
        if taken.sessions >= limits.max_connections {
            return Err(Full::Total(limits.max_connections));
        }
        let own = taken.identities.get(&person).copied().unwrap_or(0);
        if let Some(limit) = limits
            .max_connections_per_identity
            .filter(|limit| own >= *limit)
        {
            return Err(Full::Identity(limit));
        }
        let there = taken.databases.get(&database.name).copied().unwrap_or(0);
        if let Some(limit) = database.max_connections.filter(|limit| there >= *limit) {
            return Err(Full::Database {
                name: database.name.clone(),
                limit,
            });
        }
        taken.sessions += 1;
        *taken.identities.entry(person.clone()).or_default() += 1;
        *taken.databases.entry(database.name.clone()).or_default() += 1;
        drop(taken);
        Ok(Slot {
            slots: Arc::clone(self),
            person,
            database: database.name.clone(),
        })
    }

    fn taken(&self) -> std::sync::MutexGuard<'_, Taken> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Entrance {
    /// Gives the place to others and takes one among those who wait to be told that they were turned away, of which there are as
    /// many. False where there is none: then it stays where it is.
    pub fn waits(&mut self, limits: &ConnectionLimits) -> bool {
        let mut taken = self.slots.taken();
        if !self.waits && taken.waiting < limits.max_handshakes {
            taken.waiting += 1;
            taken.handshakes -= 1;
            self.waits = true;
        }
        self.waits
    }
}

impl Drop for Entrance {
    fn drop(&mut self) {
        let mut taken = self.slots.taken();
        match self.waits {
            true => taken.waiting -= 1,
            false => taken.handshakes -= 1,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken();
        taken.sessions -= 1;
        give_back(&mut taken.identities, std::mem::take(&mut self.person));
        give_back(&mut taken.databases, std::mem::take(&mut self.database));
    }
}

/// One less; nothing is kept of those who have none.
fn give_back<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: K) {
    if let Entry::Occupied(mut entry) = counts.entry(key) {
        *entry.get_mut() -= 1;
        if *entry.get() == 0 {
            entry.remove();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::identity::Grants;

    fn person(subject: &str) -> Identity {
        Identity {
            subject: subject.to_owned(),
            issuer: "https://id.example".to_owned(),
            groups: Vec::new(),
            agent: None,
            task: None,
            attributes: Vec::new(),
            expires_at: SystemTime::now(),
        }
    }

    #[test]
    fn those_who_wait_take_no_place_from_those_who_come() {
        let limits = ConnectionLimits {
            max_handshakes: 1,
            ..ConnectionLimits::default()
        };
        let slots = Arc::new(Slots::default());
        let mut first = slots.enter(&limits).ok().unwrap();
        assert_eq!(slots.enter(&limits).err(), Some(Full::Handshakes(1)));
        assert!(first.waits(&limits) && first.waits(&limits));
        let mut second = slots.enter(&limits).ok().unwrap();
        assert!(!second.waits(&limits), "one waits already");
        assert_eq!(slots.enter(&limits).err(), Some(Full::Handshakes(1)));
        drop(first);
        assert!(second.waits(&limits));
        drop(second);
        let taken = slots.taken();
        assert_eq!((taken.handshakes, taken.waiting), (0, 0));
    }

    #[test]
    fn places_are_counted_and_given_back() {
        let target = "postgres://app@db/shop?sslmode=disable".parse().unwrap();
        let grants = Grants::everyone(&target);
        let mut database = (**grants.databases().next().unwrap()).clone();
        database.max_connections = Some(3);
        let limits = ConnectionLimits {
            max_connections: 4,
            max_connections_per_identity: Some(2),
            ..ConnectionLimits::default()
        };
        let slots = Arc::new(Slots::default());
        let acquire = |subject: &str, name: &str| {
            let entry = Database {
                name: name.to_owned(),
                ..database.clone()
            };
            slots.acquire(&limits, &person(subject), &entry)
        };
        let first = acquire("a", "x").ok().unwrap();
        let _second = acquire("a", "x").ok().unwrap();
        assert_eq!(acquire("a", "x").err(), Some(Full::Identity(2)));
        let _third = acquire("b", "x").ok().unwrap();
        let full = Full::Database {
            name: "x".to_owned(),
            limit: 3,
        };
        assert_eq!(acquire("b", "x").err(), Some(full));
        let _fourth = acquire("b", "y").ok().unwrap();
        assert_eq!(acquire("c", "y").err(), Some(Full::Total(4)));
        drop(first);
        drop(acquire("a", "x").ok().unwrap());
        drop((_second, _third, _fourth));
        let taken = slots.taken();
        assert_eq!(
            (
                taken.sessions,
                taken.identities.len(),
                taken.databases.len()
            ),
            (0, 0, 0)
        );
    }
}
