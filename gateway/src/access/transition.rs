//! One step of an access grant: a conditional UPDATE, and an event in the same transaction. As in `approvals`, everything that a
//! transaction changes is locked before the first event is written.

use gatewright_contract::AccessGrantId;

use super::State;
use super::grant::{AccessGrant, COLUMNS};
use crate::approvals::{Note, Set, Step, locked, log, move_on};
use crate::store::{StoreError, Transaction, Value};

const TABLE: &str = "access_grant";

/// The access grant, which nobody else changes before this transaction ends.
pub(super) fn lock(
    transaction: &mut dyn Transaction,
    id: AccessGrantId,
) -> Result<Option<AccessGrant>, StoreError> {
    let mut row = locked(transaction, TABLE, COLUMNS, &id.to_string())?;
    row.as_mut().map(AccessGrant::read).transpose()
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
    let id = grant.id.to_string();
    let step = Step {
        table: TABLE,
        id: &id,
        before: grant.state.name(),
        to: to.name(),
    };
    move_on(transaction, &step, set, note)
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
