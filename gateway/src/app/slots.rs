//! Connection slots: how many connections there are, in total and for whom, against the limits.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;

use crate::config::Limits;
use crate::identity::{Database, Identity};
use crate::listener::FatalError;

/// A limit that is reached.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub(super) enum Full {
    #[error(
        "the gateway accepts no more than {0} connections that have not logged in yet (max_handshakes)"
    )]
    Handshakes(usize),
    #[error("the gateway accepts no more than {0} sessions (max_connections)")]
    Total(usize),
    #[error("you cannot have more than {0} sessions (max_connections_per_identity)")]
    Identity(usize),
    #[error("the database \"{name}\" accepts no more than {limit} sessions (its max_connections)")]
    Database { name: String, limit: usize },
}

impl Full {
    /// The client's error (PostgreSQL's `too_many_connections`).
    pub fn fatal_error(&self) -> FatalError {
        FatalError::new("53300", self.to_string()).with_hint(match self {
            Full::Identity(_) => "Close sessions that you do not need.",
            _ => "Try again later.",
        })
    }
}

/// The slots, and who has them.
#[derive(Default)]
pub(super) struct Slots(Mutex<Taken>);

#[derive(Default)]
struct Taken {
    handshakes: usize,
    /// Refused connections whose error is delayed.
    delayed: usize,
    sessions: usize,
    /// By issuer and subject.
    identities: HashMap<Person, usize>,
    /// By name of the configuration's entry.
    databases: HashMap<String, usize>,
}

type Person = (String, String);

/// The slot of a connection that has not logged in yet; released when dropped.
pub(super) struct Entrance {
    slots: Arc<Slots>,
    delayed: bool,
}

/// A session's slot; released when dropped.
pub(super) struct Slot {
    slots: Arc<Slots>,
    person: Person,
    database: String,
}

impl Slots {
    /// A slot for a connection that has just been accepted.
    pub fn enter(self: &Arc<Self>, limits: &Limits) -> Result<Entrance, Full> {
        let mut taken = self.taken();
        if taken.handshakes >= limits.max_handshakes {
            return Err(Full::Handshakes(limits.max_handshakes));
        }
        taken.handshakes += 1;
        drop(taken);
        Ok(Entrance {
            slots: Arc::clone(self),
            delayed: false,
        })
    }

    /// A slot for a session.
    pub fn acquire(
        self: &Arc<Self>,
        limits: &Limits,
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
    /// Exchanges the slot for one among the refused connections whose error is delayed, of which there are as many.
    /// False where none is free: then the connection keeps its slot, and its error must not be delayed.
    pub fn delay(&mut self, limits: &Limits) -> bool {
        let mut taken = self.slots.taken();
        if !self.delayed && taken.delayed < limits.max_handshakes {
            taken.delayed += 1;
            taken.handshakes -= 1;
            self.delayed = true;
        }
        self.delayed
    }
}

impl Drop for Entrance {
    fn drop(&mut self) {
        let mut taken = self.slots.taken();
        match self.delayed {
            true => taken.delayed -= 1,
            false => taken.handshakes -= 1,
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = self.slots.taken();
        taken.sessions -= 1;
        release(&mut taken.identities, std::mem::take(&mut self.person));
        release(&mut taken.databases, std::mem::take(&mut self.database));
    }
}

/// One less; an entry without slots is removed.
fn release<K: std::hash::Hash + Eq>(counts: &mut HashMap<K, usize>, key: K) {
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
    fn delayed_connections_take_no_slot_from_new_ones() {
        let limits = Limits {
            max_handshakes: 1,
            ..Limits::default()
        };
        let slots = Arc::new(Slots::default());
        let mut first = slots.enter(&limits).ok().unwrap();
        assert_eq!(slots.enter(&limits).err(), Some(Full::Handshakes(1)));
        assert!(first.delay(&limits) && first.delay(&limits));
        let mut second = slots.enter(&limits).ok().unwrap();
        assert!(!second.delay(&limits), "one is delayed already");
        assert_eq!(slots.enter(&limits).err(), Some(Full::Handshakes(1)));
        drop(first);
        assert!(second.delay(&limits));
        drop(second);
        let taken = slots.taken();
        assert_eq!((taken.handshakes, taken.delayed), (0, 0));
    }

    #[test]
    fn slots_are_counted_and_released() {
        let target = "postgres://app@db/shop?sslmode=disable".parse().unwrap();
        let grants = Grants::everyone(&target);
        let mut database = (**grants.databases().next().unwrap()).clone();
        database.max_connections = Some(3);
        let limits = Limits {
            max_connections: 4,
            max_connections_per_identity: Some(2),
            ..Limits::default()
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
