//! How an access grant ends by itself. Steps are those of `approvals`.

use super::State;
use super::grant::AccessGrant;
use crate::approvals::{Note, Set, step};
use crate::store::{StoreError, Transaction, Value};

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
