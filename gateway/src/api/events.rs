//! The stream of events (server-sent events, HTML Living Standard, section 9.2).

use std::convert::Infallible;
use std::time::{Duration, SystemTime};

use axum::extract::State;
use axum::http::HeaderMap;
use axum::http::StatusCode;
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use secrecy::SecretString;
use serde::Serialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;

use super::caller::Caller;
use super::grants::view::GrantEventView;
use super::problem::Problem;
use super::server::Shared;
use super::view::EventView;
use crate::access;
use crate::approvals::Event;
use crate::identity::Identity;
use crate::store::StoreError;

/// How often a comment shows that the connection is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long the stream sends nothing before the token is verified again.
const VERIFY: Duration = Duration::from_secs(60);

/// The pause after the store did not answer.
const PAUSE: Duration = Duration::from_secs(1);

/// Whose events a stream has.
#[derive(Debug, Clone, Copy)]
enum Feed {
    Requests,
    Grants,
}

/// A reader of the stream.
struct Reader {
    shared: Shared,
    feed: Feed,
    token: SecretString,
    /// The last event that was sent or passed over.
    after: i64,
    /// The client knows where the stream begins.
    begun: bool,
    raised: watch::Receiver<Option<i64>>,
    /// Events that are not sent yet, the next one last.
    waiting: Vec<sse::Event>,
    _place: OwnedSemaphorePermit,
}

/// `GET /v1/requests/events`
pub(super) async fn of_requests(
    State(shared): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    events(Feed::Requests, shared, caller, &headers)
}

/// `GET /v1/grants/events`
pub(super) async fn of_grants(
    State(shared): State<Shared>,
    caller: Caller,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    events(Feed::Grants, shared, caller, &headers)
}

/// From `Last-Event-ID` on, or from now.
fn events(
    feed: Feed,
    shared: Shared,
    caller: Caller,
    headers: &HeaderMap,
) -> Result<Response, Problem> {
    let raised = shared.approvals.last_event();
    let after = match headers.get("last-event-id") {
        None => raised.borrow().ok_or_else(Problem::store_unavailable)?,
        Some(id) => id
            .to_str()
            .ok()
            .and_then(|id| id.parse().ok())
            .ok_or_else(|| {
                Problem::new(
                    StatusCode::BAD_REQUEST,
                    "last-event-id",
                    "Last-Event-ID is not the id of an event",
                )
            })?,
    };
    let place = shared.readers.clone().try_acquire_owned().map_err(|_| {
        Problem::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "too-many-readers",
            "too many clients read events; poll the list instead",
        )
    })?;
    let reader = Reader {
        shared,
        feed,
        token: caller.token,
        after,
        begun: false,
        raised,
        waiting: Vec::new(),
        _place: place,
    };
    let events = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok::<_, Infallible>(event), reader))
    });
    let keep_alive = KeepAlive::new().interval(HEARTBEAT);
    Ok(Sse::new(events).keep_alive(keep_alive).into_response())
}

impl Reader {
    /// The next event; `None` once the token is not accepted any more.
    async fn next(&mut self) -> Option<sse::Event> {
        if !std::mem::replace(&mut self.begun, true) {
            // An id without data is no event (section 9.2.6), and where the client goes on if the stream ends before the first one.
            return Some(sse::Event::default().id(self.after.to_string()));
        }
        loop {
            if let Some(event) = self.waiting.pop() {
                return Some(event);
            }
            self.raised.borrow_and_update();
            let identity = self.shared.verify(&self.token).await.ok()?;
            match self.read(&identity).await {
                Ok((events, last)) => {
                    let more = last > self.after;
                    self.after = last;
                    self.waiting = events;
                    self.waiting.reverse();
                    if more {
                        continue;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "events could not be read for the API");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            }
            let left = identity
                .expires_at
                .duration_since(SystemTime::now())
                .unwrap_or_default();
            // However it ends, the token is verified again.
            let _ = timeout(VERIFY.min(left.max(PAUSE)), self.raised.changed()).await;
        }
    }

    /// What whoever reads may see behind the last event, and the number of the last one that was looked at.
    async fn read(&self, identity: &Identity) -> Result<(Vec<sse::Event>, i64), StoreError> {
        let shared = &self.shared;
        match self.feed {
            Feed::Requests => {
                let (events, last) = shared.approvals.events(self.after, identity).await?;
                let event = |event: Event| shown("request", event.sequence, EventView::from(event));
                Ok((events.into_iter().filter_map(event).collect(), last))
            }
            Feed::Grants => {
                let (events, last) = shared.grants.events(self.after, identity).await?;
                let event = |event: access::Event| {
                    shown("grant", event.sequence, GrantEventView::from(event))
                };
                Ok((events.into_iter().filter_map(event).collect(), last))
            }
        }
    }
}

/// A view always has a JSON form.
fn shown(kind: &str, sequence: i64, view: impl Serialize) -> Option<sse::Event> {
    let event = sse::Event::default().id(sequence.to_string());
    event.event(kind).json_data(view).ok()
}
