//! The requests of the API, and their answers.

use std::str::FromStr;

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State as Shares};
use axum::http::StatusCode;
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

impl ListQuery {
    /// `named`: the state of a name.
    pub fn states<S>(&self, named: impl Fn(&str) -> Option<S>) -> Result<Vec<S>, Problem> {
        let states = self.state.as_deref().unwrap_or_default().split(',');
        let states = states.filter(|name| !name.is_empty());
        let unknown = || Problem::query("`state` has an unknown state");
        states.map(|name| named(name).ok_or_else(unknown)).collect()
    }

    pub fn cursor<I: FromStr>(&self) -> Result<Option<I>, Problem> {
        let cursor = self.cursor.as_deref().map(str::parse).transpose();
        cursor.map_err(|_| Problem::query("`cursor` must be the one of a page before"))
    }

    pub fn limit(&self) -> Result<usize, Problem> {
        page_limit(self.limit)
    }
}

/// How many entries a page has.
pub(super) fn page_limit(wanted: Option<usize>) -> Result<usize, Problem> {
    let limit = wanted.unwrap_or(PAGE);
    match (1..=LARGEST_PAGE).contains(&limit) {
        true => Ok(limit),
        false => Err(Problem::query(format!(
            "`limit` must be from 1 to {LARGEST_PAGE}"
        ))),
    }
}

/// `GET /v1/requests`
pub(super) async fn list(
    Shares(shared): Shares<Shared>,
    caller: Caller,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<PageView>, Problem> {
    let query = query.map_err(|rejection| Problem::query(rejection.body_text()))?;
    let states = query.states(State::from_name)?;
    let (cursor, limit, viewer) = (query.cursor()?, query.limit()?, &caller.identity);
    let page = match query.review.as_deref() {
        None => shared.approvals.list(states, cursor, limit, viewer).await?,
        Some("due") if states.is_empty() => {
            let approvals = &shared.approvals;
            approvals.list_to_review(cursor, limit, viewer).await?
        }
        Some(_) => {
            let why = "`review` must be `due`, without `state`";
            return Err(Problem::query(why));
        }
    };
    let entries = page.entries.into_iter();
    let requests = entries.map(|entry| {
        let may = shared
            .approvals
            .may_decide(&entry.request, &caller.identity);
        RequestView::new(entry, may).in_list()
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
