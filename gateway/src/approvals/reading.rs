//! What is shown of requests.

use gatewright_contract::RequestId;

use super::State;
use super::history::{Approval, EventOf, approvals_of, history};
use super::paging::in_states;
use super::request::{self, Request};
use crate::store::{Row, StoreError, Transaction, Value};

/// Something that happened to a request.
pub type Event = EventOf<Request>;

/// A request, and who has agreed so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub request: Request,
    pub approvals: Vec<Approval>,
    /// Only where one request is shown.
    pub history: Vec<Event>,
}

/// One request with its history.
pub(super) fn entry(
    transaction: &mut dyn Transaction,
    request: Request,
) -> Result<Entry, StoreError> {
    let history = history::<Request>(transaction, request.id)?;
    Ok(Entry {
        history,
        ..summary(transaction, request)?
    })
}

/// One request without its history.
pub(super) fn summary(
    transaction: &mut dyn Transaction,
    request: Request,
) -> Result<Entry, StoreError> {
    Ok(Entry {
        approvals: approvals_of(transaction, &request.id.to_string())?,
        request,
        history: Vec::new(),
    })
}

/// Which requests are listed.
pub(super) enum Chosen {
    /// In any: empty.
    InStates(Vec<State>),
    ToReview,
}

impl Chosen {
    pub fn condition(&self) -> String {
        match self {
            Chosen::InStates(states) => in_states(states),
            Chosen::ToReview => " AND break_glass IS NOT NULL AND reviewed_at IS NULL \
                 AND state NOT IN ('pending', 'approved', 'claimed')"
                .to_owned(),
        }
    }
}

/// The numbers and requests of the events behind this number.
pub(super) fn changes_after(
    transaction: &mut dyn Transaction,
    sequence: i64,
    limit: usize,
) -> Result<Vec<(i64, RequestId)>, StoreError> {
    let sql = format!(
        "SELECT sequence, request FROM event WHERE sequence > $1 ORDER BY sequence LIMIT {limit}"
    );
    let mut rows = transaction.query(&sql, &[Value::from(sequence)])?;
    let both = |row: &mut Row| Ok((row.integer()?, request::id(row)?));
    rows.iter_mut().map(both).collect()
}

/// The number of the last event.
pub(super) fn last_event(transaction: &mut dyn Transaction) -> Result<i64, StoreError> {
    let mut rows = transaction.query("SELECT last FROM feed WHERE id = 1", &[])?;
    let row = rows
        .first_mut()
        .ok_or(StoreError::Value("no counter of events"))?;
    row.integer()
}
