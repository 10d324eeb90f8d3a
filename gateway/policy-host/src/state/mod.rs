//! Counters, sets and small values that policies keep. They are limited, they expire, all instances share them, and
//! they survive a reload.
//! Owners are passed in; `services` exposes this store to policies.
//! A full store evicts expired entries first, then the least recently written: it limits memory and does not guarantee
//! retention.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::contract::SessionId;

pub(crate) const KEY_BYTES: usize = 512;
pub(crate) const VALUE_BYTES: usize = 64 * 1024;
/// A time to live of 0 requests the maximum: 30 days.
const LONGEST_MS: u64 = 30 * 24 * 60 * 60 * 1000;
/// The maximum number of counted members of a set.
const SET_MEMBERS: usize = 65_536;
/// The estimated overhead of an entry besides its key and value: map slots and the write order.
const OVERHEAD_BYTES: usize = 160;
const MEMBER_BYTES: usize = 16;

#[derive(Debug, Clone, Copy)]
pub(crate) struct StateLimits {
    pub(crate) bytes: usize,
    pub(crate) keys: usize,
}

/// The owner of a key.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) enum Owner {
    Session(SessionId),
    Identity(Box<str>),
    Task(Box<str>),
    /// Statements of an identity that belong to no task.
    NoTask(Box<str>),
    Policy,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Kind {
    Counter,
    Set,
    Value,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Key {
    owner: Owner,
    kind: Kind,
    name: Box<str>,
}

enum Content {
    Counter(i64),
    /// Keyed hashes of the members, so that the members themselves are not stored.
    Set(HashSet<u64>),
    Value(Vec<u8>),
}

struct Entry {
    content: Content,
    expires_ms: u64,
    written: u64,
    bytes: usize,
}

/// The state of one policy.
pub(crate) struct StateStore {
    limits: StateLimits,
    hasher: RandomState,
    inner: Mutex<Inner>,
}

#[derive(Default)]
struct Inner {
    entries: HashMap<Arc<Key>, Entry>,
    /// Keys in order of their last write.
    order: BTreeMap<u64, Arc<Key>>,
    sessions: HashMap<SessionId, HashSet<Arc<Key>>>,
    clock: u64,
    bytes: usize,
}

impl StateStore {
    pub(crate) fn new(limits: StateLimits) -> StateStore {
        StateStore {
            limits,
            hasher: RandomState::new(),
            inner: Mutex::default(),
        }
    }

    /// Adds to a counter and returns the sum. The time to live starts at the first addition, so the counter covers a
    /// fixed window.
    pub(crate) fn counter_add(
        &self,
        owner: Owner,
        name: &str,
        delta: i64,
        ttl_ms: u64,
        now_ms: u64,
    ) -> i64 {
        let mut inner = self.lock();
        let key = Key {
            owner,
            kind: Kind::Counter,
            name: name.into(),
        };
        if let Some(Content::Counter(sum)) = inner.write(&key, now_ms) {
            *sum = sum.saturating_add(delta);
            return *sum;
        }
        inner.insert(
            key,
            Content::Counter(delta),
            0,
            expiry(now_ms, ttl_ms),
            self.limits,
            now_ms,
        );
        delta
    }

    /// Adds a member to a set and returns the number of members. The time to live starts at the first member.
    pub(crate) fn distinct_add(
        &self,
        owner: Owner,
        name: &str,
        member: &str,
        ttl_ms: u64,
        now_ms: u64,
    ) -> u64 {
        let member = self.hasher.hash_one(member);
        let mut inner = self.lock();
        let key = Key {
            owner,
            kind: Kind::Set,
            name: name.into(),
        };
        if let Some(Content::Set(set)) = inner.write(&key, now_ms) {
            let grown = set.len() < SET_MEMBERS && set.insert(member);
            let count = set.len() as u64;
            if grown {
                inner.grow(&key, MEMBER_BYTES, self.limits, now_ms);
            }
            return count;
        }
        inner.insert(
            key,
            Content::Set(HashSet::from([member])),
            MEMBER_BYTES,
            expiry(now_ms, ttl_ms),
            self.limits,
            now_ms,
        );
        1
    }

    pub(crate) fn value(&self, owner: Owner, name: &str, now_ms: u64) -> Option<Vec<u8>> {
        let inner = self.lock();
        let entry = inner.entries.get(&Key {
            owner,
            kind: Kind::Value,
            name: name.into(),
        })?;
        match &entry.content {
            Content::Value(value) if entry.expires_ms > now_ms => Some(value.clone()),
            _ => None,
        }
    }

    /// Replaces a value and restarts its time to live.
    pub(crate) fn set_value(
        &self,
        owner: Owner,
        name: &str,
        value: Vec<u8>,
        ttl_ms: u64,
        now_ms: u64,
    ) {
        let mut inner = self.lock();
        let key = Key {
            owner,
            kind: Kind::Value,
            name: name.into(),
        };
        inner.remove(&key);
        let size = value.len();
        inner.insert(
            key,
            Content::Value(value),
            size,
            expiry(now_ms, ttl_ms),
            self.limits,
            now_ms,
        );
    }

    /// Removes all state of a session.
    pub(crate) fn session_ended(&self, session: SessionId) {
        let mut inner = self.lock();
        for key in inner.sessions.remove(&session).unwrap_or_default() {
            inner.remove(&key);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// The content of a key, marked as just written. Removes it instead if it has expired.
    fn write(&mut self, key: &Key, now_ms: u64) -> Option<&mut Content> {
        if self.entries.get(key)?.expires_ms <= now_ms {
            self.remove(key);
            return None;
        }
        self.clock += 1;
        let entry = self.entries.get_mut(key)?;
        if let Some(shared) = self.order.remove(&entry.written) {
            entry.written = self.clock;
            self.order.insert(self.clock, shared);
        }
        Some(&mut entry.content)
    }

    fn insert(
        &mut self,
        key: Key,
        content: Content,
        size: usize,
        expires_ms: u64,
        limits: StateLimits,
        now_ms: u64,
    ) {
        let bytes = size + key.name.len() + key.owner.bytes() + OVERHEAD_BYTES;
        self.make_room(bytes, 1, limits, now_ms);
        self.clock += 1;
        let key = Arc::new(key);
        if let Owner::Session(session) = key.owner {
            self.sessions
                .entry(session)
                .or_default()
                .insert(key.clone());
        }
        self.order.insert(self.clock, key.clone());
        self.bytes += bytes;
        self.entries.insert(
            key,
            Entry {
                content,
                expires_ms,
                written: self.clock,
                bytes,
            },
        );
    }

    fn grow(&mut self, key: &Key, bytes: usize, limits: StateLimits, now_ms: u64) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.bytes += bytes;
            self.bytes += bytes;
        }
        self.make_room(0, 0, limits, now_ms);
    }

    fn make_room(&mut self, bytes: usize, keys: usize, limits: StateLimits, now_ms: u64) {
        let full = |inner: &Inner| {
            inner.bytes + bytes > limits.bytes || inner.entries.len() + keys > limits.keys
        };
        if !full(self) {
            return;
        }
        let expired: Vec<Arc<Key>> = self
            .entries
            .iter()
            .filter(|(_, entry)| entry.expires_ms <= now_ms)
            .map(|(key, _)| key.clone())
            .collect();
        // Evict an eighth at a time, so that a full store is not scanned on every write.
        let mut spare = (self.entries.len() / 8).saturating_sub(expired.len());
        for key in expired {
            self.remove(&key);
        }
        while full(self) || spare > 0 {
            let Some((_, key)) = self.order.pop_first() else {
                break;
            };
            self.remove(&key);
            spare = spare.saturating_sub(1);
        }
    }

    fn remove(&mut self, key: &Key) {
        let Some(entry) = self.entries.remove(key) else {
            return;
        };
        self.bytes -= entry.bytes;
        self.order.remove(&entry.written);
        if let Owner::Session(session) = key.owner
            && let Some(keys) = self.sessions.get_mut(&session)
        {
            keys.remove(key);
            if keys.is_empty() {
                self.sessions.remove(&session);
            }
        }
    }
}

impl Owner {
    fn bytes(&self) -> usize {
        match self {
            Owner::Identity(key) | Owner::Task(key) | Owner::NoTask(key) => key.len(),
            Owner::Session(_) | Owner::Policy => 0,
        }
    }
}

fn expiry(now_ms: u64, ttl_ms: u64) -> u64 {
    let ttl_ms = if ttl_ms == 0 {
        LONGEST_MS
    } else {
        ttl_ms.min(LONGEST_MS)
    };
    now_ms.saturating_add(ttl_ms)
}
