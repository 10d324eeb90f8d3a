//! The requests of the API about recorded sessions, and their answers.

use axum::Extension;
use axum::Json;
use axum::extract::rejection::{ExtensionRejection, PathRejection, QueryRejection};
use axum::extract::{Path, Query};
use axum::http::StatusCode;
use chrono::{DateTime, FixedOffset};
use gatewright_contract::SessionId;
use serde::Deserialize;

use super::view::{
    FoundPageView, FoundView, SessionDetailView, SessionPageView, SessionView, StatementDetailView,
    StatementPageView, StatementView, ViewingView,
};
use crate::api::caller::Caller;
use crate::api::problem::Problem;
use crate::api::routes::page_limit;
use crate::api::server::Shared;
use crate::http::Peer;
use crate::library::{Library, Listing, Search, Viewer};

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct SessionsQuery {
    subject: Option<String>,
    agent: Option<String>,
    database: Option<String>,
    /// RFC 3339.
    since: Option<String>,
    until: Option<String>,
    #[serde(default)]
    refused: bool,
    #[serde(default)]
    open: bool,
    cursor: Option<String>,
    limit: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct SearchQuery {
    q: String,
    cursor: Option<i64>,
    limit: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct StatementsQuery {
    /// The number of the last statement of the page before.
    cursor: Option<i64>,
    limit: Option<usize>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::api) struct RowsQuery {
    /// The first row, from 0.
    row: Option<u64>,
}

/// Whoever may see recorded sessions.
pub(in crate::api) struct Reader {
    library: Library,
    viewer: Viewer,
}

impl axum::extract::FromRequestParts<Shared> for Reader {
    type Rejection = Problem;

    async fn from_request_parts(
        parts: &mut axum::http::request::Parts,
        shared: &Shared,
    ) -> Result<Self, Problem> {
        let caller = Caller::from_request_parts(parts, shared).await?;
        let peer: Result<Extension<Peer>, ExtensionRejection> =
            Extension::from_request_parts(parts, shared).await;
        let Ok(Extension(Peer(address))) = peer else {
            return Err(Problem::store_unavailable());
        };
        let Some(library) = shared.library.clone() else {
            return Err(Problem::new(
                StatusCode::NOT_FOUND,
                "not-recorded",
                "sessions are not recorded here",
            ));
        };
        let identity = caller.identity;
        let approvals = &shared.approvals;
        let may = approvals.is_auditor(&identity)
            || approvals.is_person(&identity) && library.is_viewer(&identity);
        if !may {
            let why = "recorded sessions are shown to auditors and to the viewers of the record";
            return Err(Problem::new(StatusCode::FORBIDDEN, "not-a-viewer", why));
        }
        Ok(Reader {
            library,
            viewer: Viewer {
                identity,
                address: address.ip().to_string(),
                through: "api",
            },
        })
    }
}

/// `GET /v1/sessions`
pub(in crate::api) async fn list(
    reader: Reader,
    query: Result<Query<SessionsQuery>, QueryRejection>,
) -> Result<Json<SessionPageView>, Problem> {
    let query = query.map_err(|rejection| Problem::query(rejection.body_text()))?;
    let Query(query) = query;
    let limit = page_limit(query.limit)?;
    let listing = Listing {
        subject: query.subject,
        agent: query.agent,
        database: query.database,
        since: time("since", query.since.as_deref())?,
        until: time("until", query.until.as_deref())?,
        refused: query.refused,
        open: query.open,
        after: query.cursor.as_deref().map(after).transpose()?,
        limit,
    };
    let page = reader.library.sessions(&reader.viewer, listing).await?;
    let last = page.entries.last();
    let cursor = last.map(|session| format!("{}.{}", session.opened_at, session.id));
    let sessions = page.entries.into_iter().map(SessionView::from);
    Ok(Json(SessionPageView {
        sessions: sessions.collect(),
        cursor: cursor.filter(|_| page.has_more),
    }))
}

/// `GET /v1/sessions/search`
pub(in crate::api) async fn search(
    reader: Reader,
    query: Result<Query<SearchQuery>, QueryRejection>,
) -> Result<Json<FoundPageView>, Problem> {
    let Query(query) = query.map_err(|rejection| Problem::query(rejection.body_text()))?;
    let limit = page_limit(query.limit)?;
    let search = Search::parse(&query.q);
    let search = search.map_err(|error| Problem::query(format!("`q`: {error}")))?;
    let (library, viewer) = (&reader.library, &reader.viewer);
    let page = library
        .search(viewer, &query.q, search, query.cursor, limit)
        .await?;
    let cursor = page.entries.last().map(|found| found.id.to_string());
    let found = page.entries.into_iter().map(FoundView::from);
    Ok(Json(FoundPageView {
        found: found.collect(),
        cursor: cursor.filter(|_| page.has_more),
    }))
}

/// `GET /v1/sessions/{id}`
pub(in crate::api) async fn show(
    reader: Reader,
    id: Result<Path<String>, PathRejection>,
) -> Result<Json<SessionDetailView>, Problem> {
    let id = session(id.map(|Path(id)| id))?;
    let shown = reader.library.session(&reader.viewer, id, 0, 1).await?;
    let shown = shown.ok_or_else(no_such_session)?;
    Ok(Json(SessionDetailView {
        session: shown.session.into(),
        viewed: shown.viewed.into_iter().map(ViewingView::from).collect(),
    }))
}

/// `GET /v1/sessions/{id}/statements`
pub(in crate::api) async fn statements(
    reader: Reader,
    id: Result<Path<String>, PathRejection>,
    query: Result<Query<StatementsQuery>, QueryRejection>,
) -> Result<Json<StatementPageView>, Problem> {
    let id = session(id.map(|Path(id)| id))?;
    let Query(query) = query.map_err(|rejection| Problem::query(rejection.body_text()))?;
    let limit = page_limit(query.limit)?;
    let after = query.cursor.unwrap_or_default();
    let shown = reader.library.session(&reader.viewer, id, after, limit);
    let page = shown.await?.ok_or_else(no_such_session)?.statements;
    let cursor = page.entries.last().map(|entry| entry.number.to_string());
    let statements = page.entries.into_iter().map(StatementView::from);
    Ok(Json(StatementPageView {
        statements: statements.collect(),
        cursor: cursor.filter(|_| page.has_more),
    }))
}

/// `GET /v1/sessions/{id}/statements/{number}`
pub(in crate::api) async fn one(
    reader: Reader,
    path: Result<Path<(String, i64)>, PathRejection>,
    query: Result<Query<RowsQuery>, QueryRejection>,
) -> Result<Json<StatementDetailView>, Problem> {
    let Path((id, number)) = path.map_err(|_| no_such_session())?;
    let id = session(Ok(id))?;
    let Query(query) = query.map_err(|rejection| Problem::query(rejection.body_text()))?;
    let first = query.row.unwrap_or_default();
    let shown = reader.library.statement(&reader.viewer, id, number, first);
    let shown = shown.await?.ok_or_else(no_such_session)?;
    Ok(Json(shown.into()))
}

fn session(id: Result<String, PathRejection>) -> Result<SessionId, Problem> {
    let id = id.map_err(|_| no_such_session())?;
    id.parse().map_err(|_| no_such_session())
}

fn no_such_session() -> Problem {
    Problem::new(
        StatusCode::NOT_FOUND,
        "not-found",
        "there is no such session or statement in the index of the record",
    )
}

/// In microseconds since 1970.
fn time(name: &str, text: Option<&str>) -> Result<Option<i64>, Problem> {
    let parse = |text: &str| {
        let time = text.parse::<DateTime<FixedOffset>>();
        let time = time.map(|time| time.timestamp_micros());
        time.map_err(|_| Problem::query(format!("`{name}` must be a time as RFC 3339 has it")))
    };
    text.map(parse).transpose()
}

fn after(cursor: &str) -> Result<(i64, String), Problem> {
    let parts = cursor.split_once('.');
    let parts = parts.and_then(|(opened_at, id)| Some((opened_at.parse().ok()?, id.to_owned())));
    parts.ok_or_else(|| Problem::query("`cursor` must be the one of a page before"))
}
