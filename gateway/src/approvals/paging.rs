//! Pages of what people may see, the newest first.

use std::fmt::Display;

use super::request::Parties;
use crate::store::StoreError;

/// How many entries a page shows at most.
pub(crate) const MOST_LISTED: usize = 100;

/// How many are looked through for a page.
pub(crate) const LOOKED_THROUGH: usize = 1000;

/// A page. `E`: an entry; `I`: its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<E, I> {
    /// The newest first.
    pub entries: Vec<E>,
    /// Where the next page begins; `None`: this is the last one.
    pub next: Option<I>,
}

impl<E, I: Copy> Paged<E, I> {
    /// The page of what was looked through: up to `limit` of those that may be seen.
    pub(crate) fn of(
        found: Vec<(I, Parties)>,
        limit: usize,
        may_see: impl Fn(&Parties) -> bool,
        mut read: impl FnMut(I) -> Result<Option<E>, StoreError>,
    ) -> Result<Self, StoreError> {
        let is_last = found.len() < LOOKED_THROUGH;
        let mut entries = Vec::new();
        let mut seen = None;
        for (id, parties) in found {
            if entries.len() == limit {
                return Ok(Paged {
                    entries,
                    next: seen,
                });
            }
            seen = Some(id);
            if may_see(&parties) {
                entries.extend(read(id)?);
            }
        }
        Ok(Paged {
            entries,
            next: seen.filter(|_| !is_last),
        })
    }
}

/// What may be seen of the events that were read, and the number of the last one that was looked at.
pub(crate) fn seen<E>(
    found: Vec<(E, Parties)>,
    after: i64,
    number: impl Fn(&E) -> i64,
    may_see: impl Fn(&Parties) -> bool,
) -> (Vec<E>, i64) {
    let last = found.last().map_or(after, |(event, _)| number(event));
    let seen = found.into_iter().filter(|(_, parties)| may_see(parties));
    (seen.map(|(event, _)| event).collect(), last)
}

/// The condition for these states, behind another one; in any: empty.
pub(crate) fn in_states(states: &[impl Display]) -> String {
    match states {
        [] => String::new(),
        states => {
            let names = states.iter().map(|state| format!("'{state}'"));
            format!(" AND state IN ({})", names.collect::<Vec<_>>().join(", "))
        }
    }
}
