//! What is shown of access grants, and which are active.

use gatewright_contract::AccessGrantId;

use super::State;
use super::grant::{self, AccessGrant, COLUMNS};
use crate::approvals::{Approval, Happened, Paged, Parties, Topic, approvals_of, in_states};
use crate::store::{Row, StoreError, Transaction, Value};

/// Something that happened to an access grant.
pub type Event = Happened<State>;

/// The same in the order of all that happens.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FeedEvent {
    pub sequence: i64,
    pub grant: AccessGrantId,
    pub event: Event,
}

/// An access grant, and who has agreed so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub grant: AccessGrant,
    pub approvals: Vec<Approval>,
    /// Only where one grant is shown.
    pub history: Vec<Event>,
}

/// A page of access grants.
pub type Page = Paged<Entry, AccessGrantId>;

/// One access grant.
pub(super) fn grant(
    transaction: &mut dyn Transaction,
    id: AccessGrantId,
) -> Result<Option<AccessGrant>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM access_grant WHERE id = $1");
    let mut rows = transaction.query(&sql, &[Value::from(id.to_string())])?;
    rows.first_mut().map(AccessGrant::read).transpose()
}

/// One access grant with its history.
pub(super) fn entry(
    transaction: &mut dyn Transaction,
    grant: AccessGrant,
) -> Result<Entry, StoreError> {
    let mut rows = transaction.query(
        &format!(
            "SELECT {} FROM event WHERE request = $1 ORDER BY sequence",
            Event::COLUMNS
        ),
        &[Value::from(grant.id.to_string())],
    )?;
    let history = rows
        .iter_mut()
        .map(event)
        .collect::<Result<_, StoreError>>()?;
    Ok(Entry {
        history,
        ..summary(transaction, grant)?
    })
}

fn event(row: &mut Row) -> Result<Event, StoreError> {
    Happened::read(row, State::from_name)
}

/// The events of access grants in these states.
pub fn topic(states: &[State]) -> Topic {
    Topic {
        table: "access_grant",
        states: states.iter().map(|state| state.name()).collect(),
    }
}

/// The event of this number and its access grant as that is now, if the event is one of an access grant.
///
/// # Errors
/// The store does not answer.
pub fn event_of_grant(
    transaction: &mut dyn Transaction,
    sequence: i64,
) -> Result<Option<(FeedEvent, AccessGrant)>, StoreError> {
    let sql = format!(
        "SELECT event.request, {} FROM event JOIN access_grant ON access_grant.id = event.request WHERE event.sequence = $1",
        Event::COLUMNS
    );
    let mut rows = transaction.query(&sql, &[Value::from(sequence)])?;
    let Some(row) = rows.first_mut() else {
        return Ok(None);
    };
    let told = FeedEvent {
        sequence,
        grant: grant::id(row)?,
        event: event(row)?,
    };
    let found = self::grant(transaction, told.grant)?;
    Ok(found.map(|grant| (told, grant)))
}

/// The events behind this number, in their order, and whom they concern.
pub(super) fn events_after(
    transaction: &mut dyn Transaction,
    sequence: i64,
    limit: usize,
) -> Result<Vec<(FeedEvent, Parties)>, StoreError> {
    let sql = format!(
        "SELECT event.sequence, event.request, access_grant.subject, access_grant.issuer, access_grant.agent, {} \
         FROM event JOIN access_grant ON access_grant.id = event.request \
         WHERE event.sequence > $1 ORDER BY event.sequence LIMIT {limit}",
        Event::COLUMNS
    );
    let mut rows = transaction.query(&sql, &[Value::from(sequence)])?;
    let both = |row: &mut Row| {
        let sequence = row.integer()?;
        let grant = grant::id(row)?;
        let parties = parties(row)?;
        let event = event(row)?;
        let told = FeedEvent {
            sequence,
            grant,
            event,
        };
        Ok((told, parties))
    };
    rows.iter_mut().map(both).collect()
}

/// Whom a grant concerns; policies name no reviewers of grants.
fn parties(row: &mut Row) -> Result<Parties, StoreError> {
    Ok(Parties {
        subject: row.text()?,
        issuer: row.text()?,
        agent: row.optional_text()?,
        reviewers: Vec::new(),
    })
}

/// One access grant without its history.
pub(super) fn summary(
    transaction: &mut dyn Transaction,
    grant: AccessGrant,
) -> Result<Entry, StoreError> {
    Ok(Entry {
        approvals: approvals_of(transaction, &grant.id.to_string())?,
        grant,
        history: Vec::new(),
    })
}

/// The ids of access grants older than `before`, the newest first, and whom they concern; ids sort by time.
pub(super) fn older(
    transaction: &mut dyn Transaction,
    states: &[State],
    before: Option<AccessGrantId>,
    limit: usize,
) -> Result<Vec<(AccessGrantId, Parties)>, StoreError> {
    let of_states = in_states(states);
    // Greater than every id.
    let before = before.map_or_else(|| "g".to_owned(), |id| id.to_string());
    let sql = format!(
        "SELECT id, subject, issuer, agent FROM access_grant WHERE id < $1{of_states} ORDER BY id DESC LIMIT {limit}"
    );
    let mut rows = transaction.query(&sql, &[Value::from(before)])?;
    let both = |row: &mut Row| Ok((grant::id(row)?, parties(row)?));
    rows.iter_mut().map(both).collect()
}

/// The approved grants that have not ended, as they are at least after the event of this number.
pub(super) struct Approved {
    pub event: i64,
    /// The store's clock.
    pub now: i64,
    pub grants: Vec<AccessGrant>,
}

/// The approved grants that have not ended; `None`: nothing has happened since the event of this number.
pub(super) fn approved(
    transaction: &mut dyn Transaction,
    known: Option<i64>,
) -> Result<Option<Approved>, StoreError> {
    // First the number: what happens meanwhile is read again.
    let mut rows = transaction.query("SELECT last FROM feed WHERE id = 1", &[])?;
    let row = rows
        .first_mut()
        .ok_or(StoreError::Value("no counter of events"))?;
    let event = row.integer()?;
    if known == Some(event) {
        return Ok(None);
    }
    let now = transaction.now();
    let sql = format!(
        "SELECT {COLUMNS} FROM access_grant WHERE state = 'approved' AND active_until > $1"
    );
    let mut rows = transaction.query(&sql, &[Value::from(now)])?;
    let grants = rows
        .iter_mut()
        .map(AccessGrant::read)
        .collect::<Result<_, _>>()?;
    Ok(Some(Approved { event, now, grants }))
}
