//! What is shown of access grants, and which are active.

use gatewright_contract::AccessGrantId;

use super::grant::AccessGrant;
use crate::approvals::{Approval, EventOf, Matter, Paged, approvals_of, history};
use crate::store::{StoreError, Transaction, Value};

/// Something that happened to an access grant.
pub type Event = EventOf<AccessGrant>;

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

/// One access grant with its history.
pub(super) fn entry(
    transaction: &mut dyn Transaction,
    grant: AccessGrant,
) -> Result<Entry, StoreError> {
    let history = history::<AccessGrant>(transaction, grant.id)?;
    Ok(Entry {
        history,
        ..summary(transaction, grant)?
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
        "SELECT {} FROM access_grant WHERE state = 'approved' AND active_until > $1",
        AccessGrant::COLUMNS
    );
    let mut rows = transaction.query(&sql, &[Value::from(now)])?;
    let grants = rows
        .iter_mut()
        .map(AccessGrant::read)
        .collect::<Result<_, _>>()?;
    Ok(Some(Approved { event, now, grants }))
}
