//! Statements that were refused lately, so that access can be asked for by their ids. They are kept in memory, without texts and values.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use gatewright_contract::{self as contract, Access, RelationKind, StatementId, TableRef};

use super::table::{GrantTable, Verbs};
use crate::identity::Identity;

/// How long they are kept.
const KEPT: Duration = Duration::from_secs(3600);

/// How many of one identity, and of how many identities.
const OF_ONE: usize = 16;
const IDENTITIES: usize = 256;

/// The most tables of one. Together, that bounds the memory by about 16 MiB.
const TABLES: usize = 16;

/// A statement that did not run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    pub id: StatementId,
    pub agent: Option<String>,
    pub database: String,
    /// What it does to which tables; `None`: that is not certain, so no access grant could cover it.
    pub tables: Option<Vec<GrantTable>>,
}

impl Refused {
    /// `opaque`: the statement is not fully understood.
    pub fn new(
        id: StatementId,
        identity: &contract::Identity,
        database: &str,
        tables: &[TableRef],
        opaque: bool,
    ) -> Self {
        Refused {
            id,
            agent: identity.agent.clone(),
            database: database.to_owned(),
            tables: (!opaque).then(|| granted(tables)).flatten(),
        }
    }
}

/// What a grant would have to be for. Relations that are only read do not matter where they are not certain, or the system's own.
fn granted(tables: &[TableRef]) -> Option<Vec<GrantTable>> {
    let mut granted: Vec<GrantTable> = Vec::new();
    for table in tables {
        let verbs = table.access - Access::EXECUTE;
        let reads = (verbs - Access::SELECT).is_empty();
        let is_certain = table.kind != RelationKind::Unresolved && !table.schema.is_empty();
        match (reads, is_certain) {
            (false, false) => return None,
            (true, false) => continue,
            (true, true) if table.kind == RelationKind::Catalog || verbs.is_empty() => continue,
            _ => {}
        }
        let known = granted
            .iter_mut()
            .find(|known| known.schema == table.schema && known.name.as_ref() == Some(&table.name));
        match known {
            Some(known) => known.verbs.0 |= verbs,
            None => granted.push(GrantTable {
                schema: table.schema.clone(),
                name: Some(table.name.clone()),
                verbs: Verbs(verbs),
            }),
        }
    }
    (!granted.is_empty() && granted.len() <= TABLES).then_some(granted)
}

/// Issuer and subject.
type Key = (String, String);

#[derive(Debug, Default)]
pub(super) struct Refusals(Mutex<HashMap<Key, VecDeque<(Instant, Refused)>>>);

impl Refusals {
    pub fn note(&self, identity: &contract::Identity, refused: Refused) {
        let key = (identity.issuer.clone(), identity.subject.clone());
        let now = Instant::now();
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains_key(&key) && known.len() >= IDENTITIES {
            make_room(&mut known, now);
        }
        let own = known.entry(key).or_default();
        if own.len() >= OF_ONE {
            own.pop_front();
        }
        own.push_back((now, refused));
    }

    /// The statement, if it was refused to this identity, or to an agent of this person. An agent asks about its own only.
    pub fn find(&self, id: StatementId, asker: &Identity) -> Option<Refused> {
        let key = (asker.issuer.clone(), asker.subject.clone());
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let mut own = known.get(&key)?.iter();
        let (at, refused) = own.find(|(_, refused)| refused.id == id)?;
        let may = asker.agent.is_none() || asker.agent == refused.agent;
        (may && at.elapsed() < KEPT).then(|| refused.clone())
    }
}

/// Forgets those whose time is over, and whoever was refused nothing for the longest time.
fn make_room(known: &mut HashMap<Key, VecDeque<(Instant, Refused)>>, now: Instant) {
    let last = |refused: &VecDeque<(Instant, Refused)>| refused.back().map(|(at, _)| *at);
    known.retain(|_, refused| last(refused).is_some_and(|at| now - at < KEPT));
    if known.len() < IDENTITIES {
        return;
    }
    let oldest = known.iter().min_by_key(|(_, refused)| last(refused));
    if let Some(key) = oldest.map(|(key, _)| key.clone()) {
        known.remove(&key);
    }
}
