//! The requests of the API, and their answers.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State as Shares};
use axum::http::StatusCode;
use gatewright_contract::RequestId;
use serde::Deserialize;

use super::caller::Caller;
use super::problem::Problem;
use super::server::Shared;
use super::view::{DecisionBody, PageView, RequestView};
use crate::approvals::{Decision, State, Verdict};

/// Requests on a page, unless asked for otherwise.
const PAGE: usize = 50;

/// The most that can be asked for.
const LARGEST_PAGE: usize = 100;

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ListQuery {
    /// States, separated by commas; absent: all.
    state: Option<String>,
    /// `due`: those that ran without waiting for reviewers and were not looked at since.
    review: Option<String>,
    cursor: Option<String>,
    limit: Option<usize>,
}

/// `GET /v1/requests`
pub(super) async fn list(
    Shares(shared): Shares<Shared>,
    caller: Caller,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<PageView>, Problem> {
    let bad = |detail: String| Problem::new(StatusCode::BAD_REQUEST, "query", detail);
    let Query(query) = query.map_err(|rejection| bad(rejection.body_text()))?;
    let states = query.state.as_deref().unwrap_or_default().split(',');
    let states = states.filter(|name| !name.is_empty()).map(|name| {
        State::from_name(name).ok_or_else(|| bad("`state` has an unknown state".to_owned()))
    });
    let states = states.collect::<Result<Vec<_>, _>>()?;
    let cursor = query.cursor.map(|cursor| {
        cursor
            .parse::<RequestId>()
            .map_err(|_| bad("`cursor` must be the one of a page before".to_owned()))
    });
    let limit = query.limit.unwrap_or(PAGE);
    if !(1..=LARGEST_PAGE).contains(&limit) {
        return Err(bad(format!("`limit` must be from 1 to {LARGEST_PAGE}")));
    }
    let (cursor, viewer) = (cursor.transpose()?, &caller.identity);
    let page = match query.review.as_deref() {
        None => shared.approvals.list(states, cursor, limit, viewer).await?,
        Some("due") if states.is_empty() => {
            shared
                .approvals
                .list_to_review(cursor, limit, viewer)
                .await?
        }
        Some(_) => return Err(bad("`review` must be `due`, without `state`".to_owned())),
    };
    let entries = page.entries.into_iter();
    let requests = entries.map(|entry| {
        let may = shared
            .approvals
            .may_decide(&entry.request, &caller.identity);
        RequestView::new(entry, may)
    });
    Ok(Json(PageView {
        requests: requests.collect(),
        cursor: page.next.map(|id| id.to_string()),
    }))
}

/// `GET /v1/requests/{id}`
pub(super) async fn show(
    Shares(shared): Shares<Shared>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<RequestView>, Problem> {
    let Path(id) = id.map_err(|_| Problem::no_such_request())?;
    let id = id.parse().map_err(|_| Problem::no_such_request())?;
    let found = shared.approvals.request(id, &caller.identity).await?;
    let entry = found.ok_or_else(Problem::no_such_request)?;
    let may = shared
        .approvals
        .may_decide(&entry.request, &caller.identity);
    Ok(Json(RequestView::new(entry, may)))
}

/// `POST /v1/requests/{id}/approve`, `…/reject`, `…/revoke` and `…/review`
pub(super) async fn decide(
    Shares(shared): Shares<Shared>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
    body: Result<Json<DecisionBody>, JsonRejection>,
) -> Result<Json<RequestView>, Problem> {
    let Path((id, verdict)) = path.map_err(|_| Problem::no_such_request())?;
    let verdict = Verdict::from_name(&verdict).ok_or_else(not_found)?;
    let id = id.parse().map_err(|_| Problem::no_such_request())?;
    let Json(body) =
        body.map_err(|rejection| Problem::new(rejection.status(), "body", rejection.body_text()))?;
    let decision = Decision {
        id,
        verdict,
        reviewer: caller.identity.clone(),
        reason: body.reason,
        expected_state: body.expected_state,
        effect_digest: body.effect_digest,
        idempotency_key: body.idempotency_key,
    };
    let decided = shared.approvals.decide(decision).await;
    match &decided {
        Ok(entry) => {
            tracing::info!(request = %id, verdict = verdict.name(), state = %entry.request.state, by = %caller.identity.subject, "a request for approval was decided");
        }
        Err(error) => {
            tracing::info!(request = %id, verdict = verdict.name(), by = %caller.identity.subject, %error, "a decision was refused");
        }
    }
    let entry = decided?;
    let may = shared
        .approvals
        .may_decide(&entry.request, &caller.identity);
    Ok(Json(RequestView::new(entry, may)))
}

/// A path that the API does not have.
pub(super) fn not_found() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "no-such-path",
        "there is nothing here",
    )
}

/// A method that a path does not have.
pub(super) fn no_such_method() -> Problem {
    Problem::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "no-such-method",
        "this path has no such method",
    )
}
