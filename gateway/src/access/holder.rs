//! The access grants that one session's identity holds.

use std::sync::Arc;
use std::time::Instant;

use gatewright_contract as contract;

use super::book::{Book, Held, Key};

/// Access grants that were active at one moment.
#[derive(Debug, Clone, Default)]
pub struct Active {
    grants: Vec<Arc<Held>>,
}

impl Active {
    pub fn is_empty(&self) -> bool {
        self.grants.is_empty()
    }

    /// Whether all of them still are.
    pub fn hold(&self) -> bool {
        let now = match self.grants.is_empty() {
            true => return true,
            false => Instant::now(),
        };
        self.grants.iter().all(|held| held.holds(now))
    }

    /// As policies are told of them.
    pub fn for_policies(&self) -> Vec<contract::AccessGrant> {
        self.grants.iter().map(|held| held.for_policies()).collect()
    }

    pub(super) fn grants(&self) -> &[Arc<Held>] {
        &self.grants
    }

    fn is(&self, grants: &[Arc<Held>]) -> bool {
        let mut pairs = self.grants.iter().zip(grants);
        self.grants.len() == grants.len() && pairs.all(|(one, other)| Arc::ptr_eq(one, other))
    }
}

/// One session's identity, in its database.
pub struct Holder {
    book: Arc<Book>,
    key: Key,
    agent: Option<String>,
    database: String,
    /// The book's generation when it was last looked into.
    generation: Option<u64>,
    /// When the next approved grant begins.
    next: Option<Instant>,
    active: Arc<Active>,
}

impl Holder {
    pub(super) fn new(book: Arc<Book>, identity: &contract::Identity, database: &str) -> Self {
        Holder {
            book,
            key: (identity.issuer.clone(), identity.subject.clone()),
            agent: identity.agent.clone(),
            database: database.to_owned(),
            generation: None,
            next: None,
            active: Arc::default(),
        }
    }

    /// The grants that are active now. The same value as long as they are the same.
    pub fn active(&mut self) -> Arc<Active> {
        let generation = self.book.generation();
        let begins = self.next.is_some_and(|next| next <= Instant::now());
        if self.generation != Some(generation) || begins || !self.active.hold() {
            self.look();
            self.generation = Some(generation);
        }
        Arc::clone(&self.active)
    }

    fn look(&mut self) {
        let now = Instant::now();
        let mut own = self.book.of(&self.key);
        own.retain(|held| held.agent == self.agent && held.databases.contains(&self.database));
        let begins = own.iter().map(|held| held.from).filter(|from| *from > now);
        self.next = begins.min();
        own.retain(|held| held.holds(now));
        if !self.active.is(&own) {
            self.active = Arc::new(Active { grants: own });
        }
    }
}
