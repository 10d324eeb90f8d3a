//! Pages of what people may see, the newest first.

use std::fmt::Display;

use super::history::{Happened, found};
use super::matter::Matter;
use super::request::Parties;
use crate::store::{Row, StoreError, Transaction, Value};

/// How many entries a page shows at most.
pub(crate) const MOST_LISTED: usize = 100;

/// How many are looked through for a page.
const LOOKED_THROUGH: usize = 1000;

/// A page. `E`: an entry; `I`: its id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paged<E, I> {
    /// The newest first.
    pub entries: Vec<E>,
    /// Where the next page begins; `None`: this is the last one.
    pub next: Option<I>,
}

/// A page of those that meet the condition and may be seen, the newest first; `before`: those older than this one. `read` reads one for
/// the list.
pub(crate) fn page<M: Matter, E>(
    transaction: &mut dyn Transaction,
    condition: &str,
    before: Option<M::Id>,
    limit: usize,
    may_see: impl Fn(&Parties) -> bool,
    read: fn(&mut dyn Transaction, M) -> Result<E, StoreError>,
) -> Result<Paged<E, M::Id>, StoreError> {
    let limit = limit.clamp(1, MOST_LISTED);
    let looked_through = older::<M>(transaction, condition, before)?;
    let is_last = looked_through.len() < LOOKED_THROUGH;
    let mut entries = Vec::new();
    let mut seen = None;
    for (id, parties) in looked_through {
        if entries.len() == limit {
            return Ok(Paged {
                entries,
                next: seen,
            });
        }
        seen = Some(id);
        if may_see(&parties)
            && let Some(matter) = found::<M>(transaction, id)?
        {
            entries.push(read(transaction, matter)?);
        }
    }
    Ok(Paged {
        entries,
        next: seen.filter(|_| !is_last),
    })
}

/// The ids of those that meet the condition, and whom they concern; ids sort by time.
fn older<M: Matter>(
    transaction: &mut dyn Transaction,
    condition: &str,
    before: Option<M::Id>,
) -> Result<Vec<(M::Id, Parties)>, StoreError> {
    // Greater than every id.
    let before = before.map_or_else(|| "g".to_owned(), |id| id.to_string());
    let sql = format!(
        "SELECT id, {} FROM {} WHERE id < $1{condition} ORDER BY id DESC LIMIT {LOOKED_THROUGH}",
        M::PARTIES,
        M::TABLE
    );
    let mut rows = transaction.query(&sql, &[Value::from(before)])?;
    let both = |row: &mut Row| Ok((M::read_id(row)?, M::read_parties(row)?));
    rows.iter_mut().map(both).collect()
}

/// What may be seen of the events behind this number, and the number of the last one that was looked at.
pub(crate) fn seen<I, S>(
    found: Vec<(Happened<I, S>, Parties)>,
    after: i64,
    may_see: impl Fn(&Parties) -> bool,
) -> (Vec<Happened<I, S>>, i64) {
    let last = found.last().map_or(after, |(event, _)| event.sequence);
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
