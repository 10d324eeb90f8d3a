//! What is shown of requests.

use gatewright_contract::RequestId;

use super::history::{Approval, Happened, approvals_of};
use super::outbox::Topic;
use super::paging::in_states;
use super::request::{self, COLUMNS, Parties, Request};
use super::{Actor, State};
use crate::store::{Row, StoreError, Transaction, Value};

/// Something that happened to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Events of all requests are numbered in their order.
    pub sequence: i64,
    pub request: RequestId,
    /// In milliseconds since 1970.
    pub at: i64,
    /// `None`: the request was made.
    pub before: Option<State>,
    /// The same as before where one of several reviewers agreed.
    pub state: State,
    pub actor: Option<Actor>,
    pub reason: Option<String>,
}

/// A request, and who has agreed so far.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub request: Request,
    pub approvals: Vec<Approval>,
    /// Only where one request is shown.
    pub history: Vec<Event>,
}

/// One request.
pub(super) fn request(
    transaction: &mut dyn Transaction,
    id: RequestId,
) -> Result<Option<Request>, StoreError> {
    let sql = format!("SELECT {COLUMNS} FROM request WHERE id = $1");
    let mut rows = transaction.query(&sql, &[Value::from(id.to_string())])?;
    rows.first_mut().map(Request::read).transpose()
}

/// One request with its history.
pub(super) fn entry(
    transaction: &mut dyn Transaction,
    request: Request,
) -> Result<Entry, StoreError> {
    let sql = format!(
        "SELECT {} FROM event WHERE request = $1 ORDER BY sequence",
        event_columns()
    );
    let mut rows = transaction.query(&sql, &[Value::from(request.id.to_string())])?;
    let history = rows.iter_mut().map(event).collect::<Result<_, _>>()?;
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
    fn condition(&self) -> String {
        match self {
            Chosen::InStates(states) => in_states(states),
            Chosen::ToReview => " AND break_glass IS NOT NULL AND reviewed_at IS NULL \
                 AND state NOT IN ('pending', 'approved', 'claimed')"
                .to_owned(),
        }
    }
}

/// The ids of requests older than `before`, the newest first, and whom they concern; ids sort by time.
pub(super) fn older(
    transaction: &mut dyn Transaction,
    chosen: &Chosen,
    before: Option<RequestId>,
    limit: usize,
) -> Result<Vec<(RequestId, Parties)>, StoreError> {
    // Greater than every id.
    let before = before.map_or_else(|| "g".to_owned(), |id| id.to_string());
    let sql = format!(
        "SELECT id, {} FROM request WHERE id < $1{} ORDER BY id DESC LIMIT {limit}",
        Parties::COLUMNS,
        chosen.condition()
    );
    let mut rows = transaction.query(&sql, &[Value::from(before)])?;
    let both = |row: &mut Row| Ok((request::id(row)?, Parties::read(row)?));
    rows.iter_mut().map(both).collect()
}

/// The events behind this number, in their order, and whom they concern.
pub(super) fn events_after(
    transaction: &mut dyn Transaction,
    sequence: i64,
    limit: usize,
) -> Result<Vec<(Event, Parties)>, StoreError> {
    let sql = format!(
        "SELECT {}, {} FROM event JOIN request ON request.id = event.request \
         WHERE event.sequence > $1 ORDER BY event.sequence LIMIT {limit}",
        event_columns(),
        Parties::COLUMNS
    );
    let mut rows = transaction.query(&sql, &[Value::from(sequence)])?;
    let both = |row: &mut Row| Ok((event(row)?, Parties::read(row)?));
    rows.iter_mut().map(both).collect()
}

/// The events of requests in these states.
pub fn topic(states: &[State]) -> Topic {
    Topic {
        table: "request",
        states: states.iter().map(|state| state.name()).collect(),
    }
}

/// The event of this number and its request as it is now, if the event is one of a request.
///
/// # Errors
/// The store does not answer.
pub fn event_of_request(
    transaction: &mut dyn Transaction,
    sequence: i64,
) -> Result<Option<(Event, Request)>, StoreError> {
    let sql = format!(
        "SELECT {} FROM event JOIN request ON request.id = event.request WHERE event.sequence = $1",
        event_columns()
    );
    let mut rows = transaction.query(&sql, &[Value::from(sequence)])?;
    let Some(event) = rows.first_mut().map(event).transpose()? else {
        return Ok(None);
    };
    let request = request(transaction, event.request)?;
    Ok(request.map(|request| (event, request)))
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

fn event(row: &mut Row) -> Result<Event, StoreError> {
    let (sequence, request) = (row.integer()?, request::id(row)?);
    let happened = Happened::read(row, State::from_name)?;
    Ok(Event {
        sequence,
        request,
        at: happened.at,
        before: happened.before,
        state: happened.state,
        actor: happened.actor,
        reason: happened.reason,
    })
}

fn event_columns() -> String {
    format!(
        "event.sequence, event.request, {}",
        Happened::<State>::COLUMNS
    )
}
