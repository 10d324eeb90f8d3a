//! Connection slots: how many connections there are, in total and for whom, against the limits.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use thiserror::Error;

use super::failures::network;
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
    #[error(
        "the gateway accepts no more than {0} connections from one address that have not logged in yet (max_handshakes_per_address)"
    )]
    Address(usize),
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
    /// Connections that have not logged in yet, by network.
    addresses: HashMap<IpAddr, usize>,
    /// Refused connections whose error is delayed.
    delayed: usize,
    sessions: usize,
    /// By issuer and subject.
    identities: HashMap<Person, usize>,
    /// By name of the configuration's entry.
    databases: HashMap<String, usize>,
}

type Person = (String, String);

impl Taken {
    /// A connection from this network is no longer one that has not logged in yet.
    fn leave(&mut self, network: IpAddr) {
        self.handshakes -= 1;
        release(&mut self.addresses, network);
    }
}

/// The slot of a connection that has not logged in yet; released when dropped.
pub(super) struct Entrance {
    slots: Arc<Slots>,
    network: IpAddr,
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
    pub fn enter(self: &Arc<Self>, limits: &Limits, address: IpAddr) -> Result<Entrance, Full> {
        let network = network(address);
        let mut taken = self.taken();
        if taken.handshakes >= limits.max_handshakes {
            return Err(Full::Handshakes(limits.max_handshakes));
        }
        let own = taken.addresses.get(&network).copied().unwrap_or(0);
        if own >= limits.max_handshakes_per_address {
            return Err(Full::Address(limits.max_handshakes_per_address));
        }
        taken.handshakes += 1;
        *taken.addresses.entry(network).or_default() += 1;
        drop(taken);
        Ok(Entrance {
            slots: Arc::clone(self),
            network,
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
            taken.leave(self.network);
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
            false => taken.leave(self.network),
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
            program: false,
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
        let enter = || slots.enter(&limits, address("192.0.2.1"));
        let mut first = enter().ok().unwrap();
        assert_eq!(enter().err(), Some(Full::Handshakes(1)));
        assert!(first.delay(&limits) && first.delay(&limits));
        let mut second = enter().ok().unwrap();
        assert!(!second.delay(&limits), "one is delayed already");
        assert_eq!(enter().err(), Some(Full::Handshakes(1)));
        drop(first);
        assert!(second.delay(&limits));
        drop(second);
        assert_empty(&slots);
    }

    #[test]
    fn one_address_cannot_take_all_slots() {
        let limits = Limits {
            max_handshakes: 4,
            max_handshakes_per_address: 2,
            ..Limits::default()
        };
        let slots = Arc::new(Slots::default());
        let enter = |from: &str| slots.enter(&limits, address(from));
        let mut first = enter("2001:db8:1:1::1").ok().unwrap();
        let second = enter("2001:db8:1:1::2").ok().unwrap();
        assert_eq!(enter("2001:db8:1:1::3").err(), Some(Full::Address(2)));
        let other = enter("192.0.2.1").ok().unwrap();
        assert!(first.delay(&limits));
        let third = enter("2001:db8:1:1::3").ok().unwrap();
        assert_eq!(enter("2001:db8:1:1::4").err(), Some(Full::Address(2)));
        drop((first, second, third, other));
        assert_empty(&slots);
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    fn assert_empty(slots: &Slots) {
        let taken = slots.taken();
        let counted = (taken.handshakes, taken.delayed, taken.addresses.len());
        assert_eq!(counted, (0, 0, 0));
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
