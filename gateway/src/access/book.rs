//! The approved access grants, in memory: what sessions go by. It follows the store, and never knows of one that has not been approved.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use arc_swap::ArcSwap;
use gatewright_contract::{self as contract, AccessGrantId, TableRef};

use super::grant::AccessGrant;
use super::lease::Lease;
use super::reading::Approved;

/// One approved access grant. It holds from its beginning until its time is over, its rows are used up, it was taken back, or the store
/// has been silent for too long.
#[derive(Debug)]
pub(super) struct Held {
    pub id: AccessGrantId,
    pub agent: Option<String>,
    pub databases: Vec<String>,
    tables: Vec<contract::GrantedTable>,
    pub from: Instant,
    until: Instant,
    expires_ms: u64,
    /// Rows that are left; `None`: any number.
    left: Option<AtomicI64>,
    ended: AtomicBool,
    lease: Arc<Lease>,
}

impl Held {
    /// `asked`: when the store was asked, whose clock showed `now`.
    fn new(grant: AccessGrant, now: i64, asked: Instant, lease: Arc<Lease>) -> Self {
        let left = grant.rows_left();
        // An end that is further ahead than there is time is none: it has ended.
        let in_time = |at: Option<i64>| {
            let ahead = at.unwrap_or(now).saturating_sub(now);
            let ahead = Duration::from_millis(u64::try_from(ahead).unwrap_or_default());
            asked.checked_add(ahead)
        };
        Held {
            id: grant.id,
            agent: grant.agent,
            databases: grant.databases,
            tables: grant.tables.into_iter().map(Into::into).collect(),
            from: in_time(grant.active_from).unwrap_or(asked),
            until: in_time(grant.active_until).unwrap_or(asked),
            expires_ms: grant
                .active_until
                .and_then(|until| u64::try_from(until).ok())
                .unwrap_or_default(),
            left: left.map(AtomicI64::new),
            ended: AtomicBool::new(false),
            lease,
        }
    }

    /// Whether it can be gone by now.
    pub fn holds(&self, now: Instant) -> bool {
        let has_rows = || self.rows_left().is_none_or(|left| left > 0);
        !self.ended.load(Ordering::Acquire)
            && self.from <= now
            && now < self.until
            && has_rows()
            && self.lease.lasts(now)
    }

    fn rows_left(&self) -> Option<i64> {
        let left = self.left.as_ref()?;
        Some(left.load(Ordering::Acquire))
    }

    /// Counts rows; what others have used is known later. Returns whether they count.
    pub fn spend(&self, rows: i64) -> bool {
        let Some(left) = &self.left else {
            return false;
        };
        left.fetch_sub(rows, Ordering::AcqRel);
        true
    }

    /// Whether a statement that does this comes under it. Without tables it is not known what it does.
    pub fn concerns(&self, tables: Option<&[TableRef]>) -> bool {
        let Some(tables) = tables else {
            return true;
        };
        let concerns = |granted: &contract::GrantedTable, table: &TableRef| {
            let name = granted.name.as_ref();
            // Where it is not certain which table it is, it may be this one.
            (table.schema.is_empty() || granted.schema == table.schema)
                && name.is_none_or(|name| *name == table.name)
                && granted.verbs.intersects(table.access)
        };
        let mut tables = tables.iter();
        tables.any(|table| self.tables.iter().any(|granted| concerns(granted, table)))
    }

    pub fn for_policies(&self) -> contract::AccessGrant {
        let left = self.rows_left();
        contract::AccessGrant {
            id: self.id,
            tables: self.tables.clone(),
            rows_left: left.map(|left| u64::try_from(left).unwrap_or_default()),
            expires_ms: self.expires_ms,
        }
    }
}

/// Issuer and subject.
pub(super) type Key = (String, String);

type ByIdentity = HashMap<Key, Vec<Arc<Held>>>;

#[derive(Debug)]
pub(super) struct Book {
    held: ArcSwap<ByIdentity>,
    /// Raised whenever a grant may have come or gone, but for those whose time begins or ends.
    generation: AtomicU64,
    lease: Arc<Lease>,
    /// The number of the event up to which it follows the store.
    event: Mutex<Option<i64>>,
}

impl Book {
    pub fn new() -> Self {
        Book {
            held: ArcSwap::default(),
            generation: AtomicU64::new(0),
            lease: Arc::new(Lease::new()),
            event: Mutex::new(None),
        }
    }

    pub fn generation(&self) -> u64 {
        self.generation.load(Ordering::Acquire)
    }

    /// The approved grants of this identity and its agents.
    pub fn of(&self, key: &Key) -> Vec<Arc<Held>> {
        self.held.load().get(key).cloned().unwrap_or_default()
    }

    /// Up to which event it follows the store; `None`: it has to be read again, since rows of budgets are no events.
    pub fn known(&self) -> Option<i64> {
        let held = self.held.load();
        let counts = held.values().flatten().any(|held| held.left.is_some());
        match counts {
            true => None,
            false => *self.event(),
        }
    }

    /// The store was asked at this time, and nothing has happened.
    pub fn unchanged(&self, asked: Instant) {
        if self.lease.renew(asked) {
            self.raise();
        }
    }

    /// Takes over what the store said to a question of this time.
    pub fn follow(&self, approved: Approved, asked: Instant) {
        let Approved { event, now, grants } = approved;
        let mut known = self.event();
        if known.is_some_and(|known| event < known) {
            // Others were answered later, and know more.
            return;
        }
        let before = self.held.load_full();
        let mut gone: HashMap<AccessGrantId, Arc<Held>> = HashMap::new();
        gone.extend(
            before
                .values()
                .flatten()
                .map(|held| (held.id, Arc::clone(held))),
        );
        let mut held = ByIdentity::new();
        let mut is_new = false;
        for grant in grants {
            let key = (grant.issuer.clone(), grant.subject.clone());
            let same = match gone.remove(&grant.id) {
                // One that was taken back here does not come back with an older answer.
                Some(same) => {
                    if let (Some(left), Some(now)) = (&same.left, grant.rows_left()) {
                        left.fetch_min(now, Ordering::AcqRel);
                    }
                    same
                }
                None => {
                    is_new = true;
                    Arc::new(Held::new(grant, now, asked, Arc::clone(&self.lease)))
                }
            };
            held.entry(key).or_default().push(same);
        }
        for ended in gone.values() {
            ended.ended.store(true, Ordering::Release);
        }
        let is_changed = is_new || !gone.is_empty();
        if is_changed {
            self.held.store(Arc::new(held));
        }
        *known = Some(event);
        if self.lease.renew(asked) || is_changed {
            self.raise();
        }
    }

    /// It was taken back. The store has said so already, but has not been read yet.
    pub fn end(&self, id: AccessGrantId) {
        let held = self.held.load();
        for ended in held.values().flatten().filter(|held| held.id == id) {
            ended.ended.store(true, Ordering::Release);
        }
        self.raise();
    }

    fn raise(&self) {
        self.generation.fetch_add(1, Ordering::AcqRel);
    }

    fn event(&self) -> std::sync::MutexGuard<'_, Option<i64>> {
        self.event.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
