//! One step of a request or an access grant: a conditional UPDATE, and an event in the same transaction.
//!
//! A transaction first locks everything that it changes, in the order of their ids, and writes events only then: the events'
//! counter is locked until the commit, so nothing may wait for a lock behind it.

use super::matter::{Matter, Stage};
use super::request::Request;
use super::{Actor, State};
use crate::store::{StoreError, Transaction, Value};

/// What an event says besides the states.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Note<'a> {
    pub actor: Option<&'a Actor>,
    pub reason: Option<&'a str>,
}

/// The one with this id, which nobody else changes before this transaction ends.
pub(crate) fn lock<M: Matter>(
    transaction: &mut dyn Transaction,
    id: M::Id,
) -> Result<Option<M>, StoreError> {
    let sql = format!(
        "UPDATE {} SET changed_at = changed_at WHERE id = $1 RETURNING {}",
        M::TABLE,
        M::COLUMNS
    );
    let mut rows = transaction.query(&sql, &[Value::from(id.to_string())])?;
    rows.first_mut().map(M::read).transpose()
}

/// Columns to set in a step, such as `, rows = $5`: their values begin at `$5`.
pub(crate) struct Set<'a> {
    pub sql: &'a str,
    pub values: &'a [Value],
}

const NOTHING: Set<'static> = Set {
    sql: "",
    values: &[],
};

/// Moves one that is locked on, if it still is where it was read. Returns whether it was.
pub(crate) fn step<M: Matter>(
    transaction: &mut dyn Transaction,
    matter: &M,
    to: M::State,
    set: &Set<'_>,
    note: Note<'_>,
) -> Result<bool, StoreError> {
    let (id, before) = (matter.id(), matter.state());
    debug_assert!(before.next().contains(&to), "{before} to {to}");
    let sql = format!(
        "UPDATE {} SET state = $1, changed_at = $4{} WHERE id = $2 AND state = $3 RETURNING id",
        M::TABLE,
        set.sql
    );
    let mut values = vec![
        Value::from(to.name()),
        Value::from(id.to_string()),
        Value::from(before.name()),
        Value::from(transaction.now()),
    ];
    values.extend_from_slice(set.values);
    let moved = !transaction.query(&sql, &values)?.is_empty();
    if moved {
        record::<M>(transaction, id, Some(before), to, note)?;
    }
    Ok(moved)
}

/// Ends a locked request whose time is over. Returns whether it is.
pub(super) fn expire_overdue(
    transaction: &mut dyn Transaction,
    request: &Request,
) -> Result<bool, StoreError> {
    let is_overdue = request.is_overdue(transaction.now());
    if is_overdue {
        step(
            transaction,
            request,
            State::Expired,
            &NOTHING,
            Note::default(),
        )?;
    }
    Ok(is_overdue)
}

/// Writes the event of a step, and wakes whoever waits for it.
pub(crate) fn record<M: Matter>(
    transaction: &mut dyn Transaction,
    id: M::Id,
    before: Option<M::State>,
    state: M::State,
    note: Note<'_>,
) -> Result<(), StoreError> {
    let mut rows = transaction.query(
        "UPDATE feed SET last = last + 1 WHERE id = 1 RETURNING last",
        &[],
    )?;
    let sequence = rows
        .first_mut()
        .ok_or(StoreError::Value("no counter of events"))?
        .integer()?;
    let now = transaction.now();
    transaction.query(
        "INSERT INTO event (sequence, request, happened_at, state_before, state, actor, actor_issuer, reason) \
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
        &[
            Value::from(sequence),
            Value::from(id.to_string()),
            Value::from(now),
            Value::from(before.map(Stage::name)),
            Value::from(state.name()),
            Value::from(note.actor.map(|actor| actor.subject.clone())),
            Value::from(note.actor.map(|actor| actor.issuer.clone())),
            Value::from(note.reason),
        ],
    )?;
    transaction.announce()
}
