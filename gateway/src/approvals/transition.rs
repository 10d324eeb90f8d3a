//! One step of a request: a conditional UPDATE, and an event in the same transaction.
//!
//! A transaction first locks every request that it changes, in the order of their ids, and writes events only then: the events'
//! counter is locked until the commit, so nothing may wait for a request behind it.

use gatewright_contract::RequestId;

use super::request::{COLUMNS, Request};
use super::{Actor, State};
use crate::store::{Row, StoreError, Transaction, Value};

/// What an event says besides the states.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Note<'a> {
    pub actor: Option<&'a Actor>,
    pub reason: Option<&'a str>,
}

/// The request, which nobody else changes before this transaction ends.
pub(super) fn lock(
    transaction: &mut dyn Transaction,
    id: RequestId,
) -> Result<Option<Request>, StoreError> {
    let mut row = locked(transaction, "request", COLUMNS, &id.to_string())?;
    row.as_mut().map(Request::read).transpose()
}

/// The row with this id, locked.
pub(crate) fn locked(
    transaction: &mut dyn Transaction,
    table: &str,
    columns: &str,
    id: &str,
) -> Result<Option<Row>, StoreError> {
    let sql =
        format!("UPDATE {table} SET changed_at = changed_at WHERE id = $1 RETURNING {columns}");
    let rows = transaction.query(&sql, &[Value::from(id)])?;
    Ok(rows.into_iter().next())
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

/// Moves a locked request on, if it still is where it was read. Returns whether it was.
pub(super) fn step(
    transaction: &mut dyn Transaction,
    request: &Request,
    to: State,
    set: &Set<'_>,
    note: Note<'_>,
) -> Result<bool, StoreError> {
    debug_assert!(
        request.state.next().contains(&to),
        "{} to {to}",
        request.state
    );
    let id = request.id.to_string();
    let step = Step {
        table: "request",
        id: &id,
        before: request.state.name(),
        to: to.name(),
    };
    move_on(transaction, &step, set, note)
}

/// A step of something that is locked.
pub(crate) struct Step<'a> {
    pub table: &'static str,
    pub id: &'a str,
    pub before: &'a str,
    pub to: &'a str,
}

/// Makes the step, if it still is where it was read. Returns whether it was.
pub(crate) fn move_on(
    transaction: &mut dyn Transaction,
    step: &Step<'_>,
    set: &Set<'_>,
    note: Note<'_>,
) -> Result<bool, StoreError> {
    let sql = format!(
        "UPDATE {} SET state = $1, changed_at = $4{} WHERE id = $2 AND state = $3 RETURNING id",
        step.table, set.sql
    );
    let mut values = vec![
        Value::from(step.to),
        Value::from(step.id),
        Value::from(step.before),
        Value::from(transaction.now()),
    ];
    values.extend_from_slice(set.values);
    let moved = !transaction.query(&sql, &values)?.is_empty();
    if moved {
        log(transaction, step.id, Some(step.before), step.to, note)?;
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
pub(super) fn record(
    transaction: &mut dyn Transaction,
    id: RequestId,
    before: Option<State>,
    state: State,
    note: Note<'_>,
) -> Result<(), StoreError> {
    let before = before.map(State::name);
    log(transaction, &id.to_string(), before, state.name(), note)
}

/// The same for whatever has this id.
pub(crate) fn log(
    transaction: &mut dyn Transaction,
    id: &str,
    before: Option<&str>,
    state: &str,
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
            Value::from(id),
            Value::from(now),
            Value::from(before),
            Value::from(state),
            Value::from(note.actor.map(|actor| actor.subject.clone())),
            Value::from(note.actor.map(|actor| actor.issuer.clone())),
            Value::from(note.reason),
        ],
    )?;
    transaction.announce()
}
