//! One step of an access grant: a conditional UPDATE, and an event in the same transaction. As in `approvals`, everything that a
//! transaction changes is locked before the first event is written.

use gatewright_contract::AccessGrantId;

use super::State;
use super::grant::{AccessGrant, COLUMNS};
use crate::approvals::{Note, log};
use crate::store::{StoreError, Transaction, Value};

/// The access grant, which nobody else changes before this transaction ends.
pub(super) fn lock(
    transaction: &mut dyn Transaction,
    id: AccessGrantId,
) -> Result<Option<AccessGrant>, StoreError> {
    let sql = format!(
        "UPDATE access_grant SET changed_at = changed_at WHERE id = $1 RETURNING {COLUMNS}"
    );
    let mut rows = transaction.query(&sql, &[Value::from(id.to_string())])?;
    rows.first_mut().map(AccessGrant::read).transpose()
}

/// Columns to set in a step, such as `, ended = $5`: their values begin at `$5`.
pub(super) struct Set<'a> {
    pub sql: &'a str,
    pub values: &'a [Value],
}

/// Moves a locked access grant on, if it still is where it was read. Returns whether it was.
pub(super) fn step(
    transaction: &mut dyn Transaction,
    grant: &AccessGrant,
    to: State,
    set: &Set<'_>,
    note: Note<'_>,
) -> Result<bool, StoreError> {
    debug_assert!(grant.state.next().contains(&to), "{} to {to}", grant.state);
    let sql = format!(
        "UPDATE access_grant SET state = $1, changed_at = $4{} WHERE id = $2 AND state = $3 RETURNING id",
        set.sql
    );
    let mut values = vec![
        Value::from(to.name()),
        Value::from(grant.id.to_string()),
        Value::from(grant.state.name()),
        Value::from(transaction.now()),
    ];
    values.extend_from_slice(set.values);
    let moved = !transaction.query(&sql, &values)?.is_empty();
    if moved {
        record(transaction, grant.id, Some(grant.state), to, note)?;
    }
    Ok(moved)
}

/// Writes the event of a step, and wakes whoever waits for it.
pub(super) fn record(
    transaction: &mut dyn Transaction,
    id: AccessGrantId,
    before: Option<State>,
    state: State,
    note: Note<'_>,
) -> Result<(), StoreError> {
    let before = before.map(State::name);
    log(transaction, &id.to_string(), before, state.name(), note)
}

/// Ends a locked access grant whose time is over. Returns whether it is.
pub(super) fn expire_overdue(
    transaction: &mut dyn Transaction,
    grant: &AccessGrant,
) -> Result<bool, StoreError> {
    let is_overdue = grant.is_overdue(transaction.now());
    if is_overdue {
        let ended = match grant.state {
            State::Approved => "its time is over",
            _ => "nobody decided in time",
        };
        expire(transaction, grant, ended)?;
    }
    Ok(is_overdue)
}

/// Ends a locked access grant by itself.
pub(super) fn expire(
    transaction: &mut dyn Transaction,
    grant: &AccessGrant,
    ended: &str,
) -> Result<(), StoreError> {
    let set = Set {
        sql: ", ended = $5",
        values: &[Value::from(ended)],
    };
    let note = Note {
        actor: None,
        reason: Some(ended),
    };
    step(transaction, grant, State::Expired, &set, note)?;
    Ok(())
}
