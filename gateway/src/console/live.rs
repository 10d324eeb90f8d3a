//! What tells an open page that it is out of date (server-sent events, HTML Living Standard, section 9.2). Events name no request and
//! show nothing of one: the page asks again for itself, with its own session.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{Path, Query, State};
use axum::http::HeaderMap;
use axum::response::sse::{self, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures_util::stream;
use gatewright_contract::RequestId;
use serde::Deserialize;
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio::time::timeout;

use super::person::Person;
use super::server::Shared;
use super::sessions::{SessionKey, Use};
use super::trouble::Trouble;

/// How often a comment shows that the connection is alive.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long the stream sends nothing before the session is looked at again.
const CHECK: Duration = Duration::from_secs(15);

/// The pause after the store did not answer.
const PAUSE: Duration = Duration::from_secs(1);

#[derive(Deserialize)]
pub(super) struct LiveQuery {
    /// The last event that the page shows.
    after: i64,
}

/// A page that is open.
struct Reader {
    shared: Shared,
    key: SessionKey,
    after: i64,
    /// Only events of this request.
    only: Option<RequestId>,
    raised: watch::Receiver<Option<i64>>,
    has_ended: bool,
    _place: OwnedSemaphorePermit,
}

/// `GET /events`
pub(super) async fn all(
    State(shared): State<Shared>,
    person: Person,
    query: Result<Query<LiveQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let Query(query) = query.map_err(|_| Trouble::NoSuchPage)?;
    stream(shared, &person, None, &query, &headers)
}

/// `GET /requests/{id}/events`
pub(super) async fn one(
    State(shared): State<Shared>,
    person: Person,
    id: Result<Path<String>, PathRejection>,
    query: Result<Query<LiveQuery>, QueryRejection>,
    headers: HeaderMap,
) -> Result<Response, Trouble> {
    let Path(id) = id.map_err(|_| Trouble::NoSuchRequest)?;
    let Query(query) = query.map_err(|_| Trouble::NoSuchPage)?;
    let id = id.parse().map_err(|_| Trouble::NoSuchRequest)?;
    stream(shared, &person, Some(id), &query, &headers)
}

fn stream(
    shared: Shared,
    person: &Person,
    only: Option<RequestId>,
    query: &LiveQuery,
    headers: &HeaderMap,
) -> Result<Response, Trouble> {
    let again = headers.get("last-event-id");
    let again = again.and_then(|id| id.to_str().ok()?.parse().ok());
    let place = shared.readers.clone().try_acquire_owned();
    let reader = Reader {
        raised: shared.approvals.last_event(),
        key: person.0.key,
        after: again.unwrap_or(query.after),
        only,
        has_ended: false,
        _place: place.map_err(|_| Trouble::TooManyReaders)?,
        shared,
    };
    let events = stream::unfold(reader, |mut reader| async move {
        let event = reader.next().await?;
        Some((Ok::<_, Infallible>(event), reader))
    });
    let keep_alive = KeepAlive::new().interval(HEARTBEAT);
    let mut response = Sse::new(events).keep_alive(keep_alive).into_response();
    // A proxy in front must not collect what is sent (nginx).
    let unbuffered = axum::http::HeaderValue::from_static("no");
    response
        .headers_mut()
        .insert("x-accel-buffering", unbuffered);
    Ok(response)
}

impl Reader {
    /// `update`, with the number of the last event that it stands for; or `ended` once the session is over, and then nothing.
    async fn next(&mut self) -> Option<sse::Event> {
        loop {
            if self.has_ended {
                return None;
            }
            self.raised.borrow_and_update();
            let Some(found) = self.shared.session_of(self.key, Use::Page) else {
                self.has_ended = true;
                return Some(sse::Event::default().event("ended").data("ended"));
            };
            let events = self.shared.approvals.events(self.after, &found.identity);
            match events.await {
                Ok((events, last)) => {
                    let is_more = last > self.after;
                    self.after = last;
                    let mut events = events.iter();
                    if events.any(|event| self.only.is_none_or(|only| event.about == only)) {
                        let event = sse::Event::default().event("update").data("update");
                        return Some(event.id(last.to_string()));
                    }
                    if is_more {
                        continue;
                    }
                }
                Err(error) => {
                    tracing::warn!(%error, "events could not be read for the console");
                    tokio::time::sleep(PAUSE).await;
                    continue;
                }
            }
            // However it ends, the session is looked at again.
            let _ = timeout(CHECK, self.raised.changed()).await;
        }
    }
}
