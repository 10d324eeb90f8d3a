//! The requests of the API about access grants, and their answers.

use axum::Json;
use axum::extract::rejection::{JsonRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query, State as Shares};
use axum::http::StatusCode;
use gatewright_contract::AccessGrantId;

use super::view::{AskBody, GrantDecisionBody, GrantPageView, GrantView};
use crate::access::{Decision, Entry, GrantError, State, Verdict};
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::routes::{ListQuery, not_found};
use crate::api::server::Shared;

/// `POST /v1/grants`
pub(in crate::api) async fn ask(
    Shares(shared): Shares<Shared>,
    caller: Caller,
    body: Result<Json<AskBody>, JsonRejection>,
) -> Result<Json<GrantView>, Problem> {
    let Json(body) = body.map_err(unreadable)?;
    let ask = body
        .asked_by(caller.identity.clone())
        .map_err(|what| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "grant", what))?;
    let entry = shared.grants.ask(ask).await?;
    tracing::info!(grant = %entry.grant.id, by = %caller.identity.subject, "access was asked for");
    Ok(shared.shown(entry, &caller))
}

/// `GET /v1/grants`
pub(in crate::api) async fn list(
    Shares(shared): Shares<Shared>,
    caller: Caller,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Json<GrantPageView>, Problem> {
    let query = query.map_err(|rejection| Problem::query(rejection.body_text()))?;
    let states = query.states(State::from_name)?;
    let page = shared
        .grants
        .list(states, query.cursor()?, query.limit()?, &caller.identity)
        .await?;
    let entries = page.entries.into_iter();
    let grants = entries.map(|entry| shared.shown(entry, &caller).0);
    Ok(Json(GrantPageView {
        grants: grants.collect(),
        cursor: page.next.map(|id| id.to_string()),
    }))
}

/// `GET /v1/grants/{id}`
pub(in crate::api) async fn show(
    Shares(shared): Shares<Shared>,
    caller: Caller,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<GrantView>, Problem> {
    let Path(id) = id.map_err(|_| GrantError::NotFound)?;
    let found = shared.grants.grant(parsed(&id)?, &caller.identity).await?;
    let entry = found.ok_or(GrantError::NotFound)?;
    Ok(shared.shown(entry, &caller))
}

/// `POST /v1/grants/{id}/approve`, `…/reject`, `…/revoke` and `…/withdraw`
pub(in crate::api) async fn decide(
    Shares(shared): Shares<Shared>,
    caller: Caller,
    path: Result<Path<(String, String)>, PathRejection>,
    body: Result<Json<GrantDecisionBody>, JsonRejection>,
) -> Result<Json<GrantView>, Problem> {
    let Path((id, verdict)) = path.map_err(|_| GrantError::NotFound)?;
    let verdict = Verdict::from_name(&verdict).ok_or_else(not_found)?;
    let id = parsed(&id)?;
    let Json(body) = body.map_err(unreadable)?;
    let decision = Decision {
        id,
        verdict,
        by: caller.identity.clone(),
        reason: body.reason,
        expected_state: body.expected_state,
        idempotency_key: body.idempotency_key,
    };
    let decided = shared.grants.decide(decision).await;
    match &decided {
        Ok(entry) => {
            tracing::info!(grant = %id, verdict = verdict.name(), state = %entry.grant.state, by = %caller.identity.subject, "an access grant was decided");
        }
        Err(error) => {
            tracing::info!(grant = %id, verdict = verdict.name(), by = %caller.identity.subject, %error, "a decision about an access grant was refused");
        }
    }
    Ok(shared.shown(decided?, &caller))
}

impl Shared {
    fn shown(&self, entry: Entry, caller: &Caller) -> Json<GrantView> {
        let may = self.grants.may_decide(&entry.grant, &caller.identity);
        Json(GrantView::new(entry, may))
    }
}

fn parsed(id: &str) -> Result<AccessGrantId, GrantError> {
    id.parse().map_err(|_| GrantError::NotFound)
}

fn unreadable(rejection: JsonRejection) -> Problem {
    Problem::new(rejection.status(), "body", rejection.body_text())
}
