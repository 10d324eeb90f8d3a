//! What has happened to something that people decide about, and who has agreed: a request, or an access grant.

use super::Actor;
use super::matter::{Matter, Stage};
use super::request::Parties;
use crate::store::{Row, StoreError, Transaction, Value};

/// Something that happened. `I`: ids; `S`: states.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Happened<I, S> {
    /// All events are numbered in their order, whatever they are about.
    pub sequence: i64,
    pub about: I,
    /// In milliseconds since 1970.
    pub at: i64,
    /// `None`: it was asked for.
    pub before: Option<S>,
    /// The same as before where one of several reviewers agreed.
    pub state: S,
    pub actor: Option<Actor>,
    pub reason: Option<String>,
}

/// An event of something that people decide about.
pub(crate) type EventOf<M> = Happened<<M as Matter>::Id, <M as Matter>::State>;

/// A reviewer agreed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approval {
    pub by: Actor,
    pub reason: Option<String>,
    /// In milliseconds since 1970.
    pub at: i64,
}

/// The columns of an event, in the order in which [`event`] takes them.
const COLUMNS: &str = "event.sequence, event.request, event.happened_at, event.state_before, event.state, event.actor, \
     event.actor_issuer, event.reason";

fn event<M: Matter>(row: &mut Row) -> Result<EventOf<M>, StoreError> {
    let state = |name: &str| M::State::from_name(name).ok_or(StoreError::Value("an unknown state"));
    Ok(Happened {
        sequence: row.integer()?,
        about: M::read_id(row)?,
        at: row.integer()?,
        before: row.optional_text()?.as_deref().map(state).transpose()?,
        state: state(&row.text()?)?,
        actor: match (row.optional_text()?, row.optional_text()?) {
            (Some(subject), Some(issuer)) => Some(Actor { subject, issuer }),
            _ => None,
        },
        reason: row.optional_text()?,
    })
}

/// All that has happened to it.
pub(crate) fn history<M: Matter>(
    transaction: &mut dyn Transaction,
    id: M::Id,
) -> Result<Vec<EventOf<M>>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM event WHERE request = $1 ORDER BY sequence");
    let mut rows = transaction.query(&sql, &[Value::from(id.to_string())])?;
    rows.iter_mut().map(event::<M>).collect()
}

/// The events behind this number, in their order, and whom they concern.
pub(crate) fn events_after<M: Matter>(
    transaction: &mut dyn Transaction,
    sequence: i64,
    limit: usize,
) -> Result<Vec<(EventOf<M>, Parties)>, StoreError> {
    let (table, parties) = (M::TABLE, M::PARTIES);
    let sql = format!(
        "SELECT {COLUMNS}, {parties} FROM event JOIN {table} ON {table}.id = event.request \
         WHERE event.sequence > $1 ORDER BY event.sequence LIMIT {limit}"
    );
    let mut rows = transaction.query(&sql, &[Value::from(sequence)])?;
    let both = |row: &mut Row| Ok((event::<M>(row)?, M::read_parties(row)?));
    rows.iter_mut().map(both).collect()
}

/// The event of this number and what it is about as that is now, if it is about such a thing.
///
/// # Errors
/// The store does not answer.
pub fn event_with<M: Matter>(
    transaction: &mut dyn Transaction,
    sequence: i64,
) -> Result<Option<(EventOf<M>, M)>, StoreError> {
    let table = M::TABLE;
    let sql = format!(
        "SELECT {COLUMNS} FROM event JOIN {table} ON {table}.id = event.request WHERE event.sequence = $1"
    );
    let mut rows = transaction.query(&sql, &[Value::from(sequence)])?;
    let Some(event) = rows.first_mut().map(event::<M>).transpose()? else {
        return Ok(None);
    };
    let found = found::<M>(transaction, event.about)?;
    Ok(found.map(|matter| (event, matter)))
}

/// The one with this id.
pub(crate) fn found<M: Matter>(
    transaction: &mut dyn Transaction,
    id: M::Id,
) -> Result<Option<M>, StoreError> {
    let sql = format!("SELECT {} FROM {} WHERE id = $1", M::COLUMNS, M::TABLE);
    let mut rows = transaction.query(&sql, &[Value::from(id.to_string())])?;
    rows.first_mut().map(M::read).transpose()
}

/// Who has agreed so far.
pub(crate) fn approvals_of(
    transaction: &mut dyn Transaction,
    id: &str,
) -> Result<Vec<Approval>, StoreError> {
    let mut rows = transaction.query(
        "SELECT subject, issuer, reason, decided_at FROM decision WHERE request = $1 AND kind = 'approve' ORDER BY decided_at, subject",
        &[Value::from(id)],
    )?;
    let approval = |row: &mut Row| {
        Ok(Approval {
            by: Actor {
                subject: row.text()?,
                issuer: row.text()?,
            },
            reason: row.optional_text()?,
            at: row.integer()?,
        })
    };
    rows.iter_mut().map(approval).collect()
}
