//! The pages of recorded sessions: which there are, what is found in them, and each of them statement by statement. For auditors, and for those
//! whom the record names as its viewers. Each page that shows something of a session is recorded first.

use axum::Extension;
use axum::extract::rejection::{PathRejection, QueryRejection};
use axum::extract::{FromRequestParts, Path, Query, State as Shares};
use axum::http::StatusCode;
use axum::http::request::Parts;
use axum::response::{IntoResponse, Redirect, Response};
use gatewright_contract::SessionId;
use serde::Deserialize;

use super::headers::Nonce;
use super::moment::Moment;
use super::pages::{
    Frame, RecordPage, RecordedSessionPage, RecordedStatementPage, SearchForm, html,
};
use super::person::Person;
use super::record_view::{FoundRow, RecordedRow, ResultTable, StatementRow, ViewedRow, why};
use super::server::Shared;
use super::trouble::Trouble;
use super::visible::Visible;
use crate::http::Peer;
use crate::library::{Library, Listing, ROWS, Search, StatementShown, Viewer};

/// Sessions, statements and what is found, on a page.
const PAGE: usize = 50;

/// The longest pause of the player, in milliseconds.
const LONGEST_PAUSE: i64 = 10_000;

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct RecordQuery {
    q: String,
    subject: String,
    agent: String,
    database: String,
    refused: Option<String>,
    open: Option<String>,
    /// Only in this session.
    within: String,
    /// Of the page before.
    after: String,
    before: Option<i64>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct SessionQuery {
    /// The statements behind this number.
    after: Option<i64>,
    /// Go to this statement.
    number: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
pub(super) struct StatementQuery {
    /// The first row, from 0.
    row: Option<u64>,
    /// The player runs, so many times as fast as it was.
    play: Option<f64>,
}

/// Whoever sees recorded sessions.
pub(super) struct Reader {
    person: Person,
    library: Library,
    viewer: Viewer,
}

impl FromRequestParts<Shared> for Reader {
    type Rejection = Trouble;

    async fn from_request_parts(parts: &mut Parts, shared: &Shared) -> Result<Self, Trouble> {
        let person = Person::from_request_parts(parts, shared).await?;
        let peer = Extension::<Peer>::from_request_parts(parts, shared).await;
        let Extension(Peer(address)) = peer.map_err(|_| Trouble::Internal)?;
        // Whoever may not see it is not told that there is such a page.
        let library = shared.library_of(&person).ok_or(Trouble::NoSuchPage)?;
        let viewer = Viewer {
            identity: person.0.identity.clone(),
            address: address.ip().to_string(),
            through: "console",
        };
        Ok(Reader {
            person,
            library,
            viewer,
        })
    }
}

/// `GET /record`
pub(super) async fn list(
    Shares(shared): Shares<Shared>,
    reader: Reader,
    Extension(nonce): Extension<Nonce>,
    query: Result<Query<RecordQuery>, QueryRejection>,
) -> Result<Response, Trouble> {
    let Query(query) = query.map_err(|_| Trouble::NoSuchPage)?;
    let mut page = RecordPage {
        frame: Frame {
            open: "record",
            ..shared.frame(&reader.person, &nonce, "Recorded sessions")
        },
        form: SearchForm {
            q: query.q.clone(),
            subject: query.subject.clone(),
            agent: query.agent.clone(),
            database: query.database.clone(),
            refused: query.refused.is_some(),
            open: query.open.is_some(),
            within: query.within.clone(),
        },
        trouble: None,
        sessions: Vec::new(),
        found: Vec::new(),
        searched: !query.q.trim().is_empty(),
        older: None,
    };
    match page.searched {
        true => reader.search(&query, &mut page).await?,
        false => reader.list(&query, &mut page).await?,
    }
    let status = match page.trouble {
        Some(_) => StatusCode::BAD_REQUEST,
        None => StatusCode::OK,
    };
    Ok(html(status, &page))
}

impl RecordQuery {
    /// The search, narrowed by the other fields.
    fn typed(&self) -> String {
        let mut typed = self.q.clone();
        for (key, value) in [
            ("subject", &self.subject),
            ("agent", &self.agent),
            ("database", &self.database),
        ] {
            let value = value.replace('"', "");
            if !value.trim().is_empty() {
                typed.push_str(&format!(" {key}:\"{}\"", value.trim()));
            }
        }
        if self.refused.is_some() {
            typed.push_str(" verdict:refused");
        }
        typed
    }
}

impl Reader {
    async fn list(&self, query: &RecordQuery, page: &mut RecordPage) -> Result<(), Trouble> {
        let given = |text: &str| Some(text.trim().to_owned()).filter(|text| !text.is_empty());
        let after = query.after.split_once('.');
        let after = after.and_then(|(at, id)| Some((at.parse().ok()?, id.to_owned())));
        let listing = Listing {
            subject: given(&query.subject),
            agent: given(&query.agent),
            database: given(&query.database),
            refused: query.refused.is_some(),
            open: query.open.is_some(),
            after,
            limit: PAGE,
            ..Listing::default()
        };
        let found = self.library.sessions(&self.viewer, listing).await?;
        let last = found.entries.last().filter(|_| found.has_more);
        let cursor = last.map(|last| format!("{}.{}", last.opened_at, last.id));
        page.older = cursor.map(|cursor| page.form.address(&[("after", &cursor)]));
        let now = Moment::now();
        let rows = found
            .entries
            .iter()
            .map(|entry| RecordedRow::new(entry, now));
        page.sessions = rows.collect();
        Ok(())
    }

    async fn search(&self, query: &RecordQuery, page: &mut RecordPage) -> Result<(), Trouble> {
        let typed = query.typed();
        let search = match Search::parse(&typed) {
            Ok(search) => search,
            Err(error) => {
                page.trouble = Some(Visible::line(&format!(
                    "Nothing was searched for: {error}."
                )));
                return Ok(());
            }
        };
        let search = match query.within.parse::<SessionId>() {
            Ok(session) => search.within(&session.to_string()),
            Err(_) => search,
        };
        let (library, viewer) = (&self.library, &self.viewer);
        let found = library.search(viewer, &typed, search, query.before, PAGE);
        let found = found.await?;
        let last = found.entries.last().filter(|_| found.has_more);
        let before = last.map(|last| last.id.to_string());
        page.older = before.map(|before| page.form.address(&[("before", &before)]));
        page.found = found.entries.iter().map(FoundRow::new).collect();
        Ok(())
    }
}

/// `GET /record/{id}`
pub(super) async fn session(
    Shares(shared): Shares<Shared>,
    reader: Reader,
    Extension(nonce): Extension<Nonce>,
    id: Result<Path<String>, PathRejection>,
    query: Result<Query<SessionQuery>, QueryRejection>,
) -> Result<Response, Trouble> {
    let Path(id) = id.map_err(|_| Trouble::NoSuchRecord)?;
    let id: SessionId = id.parse().map_err(|_| Trouble::NoSuchRecord)?;
    let Query(query) = query.map_err(|_| Trouble::NoSuchPage)?;
    if let Some(number) = query
        .number
        .as_deref()
        .and_then(|text| text.trim().parse::<i64>().ok())
    {
        return Ok(Redirect::to(&format!("/record/{id}/{number}")).into_response());
    }
    let after = query.after.unwrap_or_default().max(0);
    let shown = reader.library.session(&reader.viewer, id, after, PAGE);
    let shown = shown.await?.ok_or(Trouble::NoSuchRecord)?;
    let address = format!("/record/{id}");
    let entry = &shown.session;
    let page_length = i64::try_from(PAGE).unwrap_or(i64::MAX);
    let total = entry.executions.saturating_add(entry.refusals);
    let last = shown.statements.entries.last();
    let last = last.filter(|_| shown.statements.has_more);
    let newest = total.saturating_sub(page_length).max(0);
    let title = format!("Session of {}", entry.subject);
    let page = RecordedSessionPage {
        frame: Frame {
            open: "record",
            ..shared.frame(&reader.person, &nonce, title)
        },
        this: match after {
            0 => address.clone(),
            after => format!("{address}?after={after}"),
        },
        earlier: (after > 0).then(|| match after.saturating_sub(page_length) {
            before if before > 0 => format!("{address}?after={before}"),
            _ => address.clone(),
        }),
        later: last.map(|last| format!("{address}?after={}", last.number)),
        newest: (last.is_some() && newest > after).then(|| format!("{address}?after={newest}")),
        is_live: entry.ended_at.is_none(),
        total,
        session: RecordedRow::new(entry, Moment::now()),
        statements: shown
            .statements
            .entries
            .iter()
            .map(StatementRow::new)
            .collect(),
        viewed: shown.viewed.iter().map(ViewedRow::new).collect(),
    };
    Ok(html(StatusCode::OK, &page))
}

/// `GET /record/{id}/{number}`
pub(super) async fn statement(
    Shares(shared): Shares<Shared>,
    reader: Reader,
    Extension(nonce): Extension<Nonce>,
    path: Result<Path<(String, i64)>, PathRejection>,
    query: Result<Query<StatementQuery>, QueryRejection>,
) -> Result<Response, Trouble> {
    let Path((id, number)) = path.map_err(|_| Trouble::NoSuchRecord)?;
    let id: SessionId = id.parse().map_err(|_| Trouble::NoSuchRecord)?;
    let Query(query) = query.map_err(|_| Trouble::NoSuchPage)?;
    let first = query.row.unwrap_or_default();
    let shown = reader.library.statement(&reader.viewer, id, number, first);
    let shown = shown.await?.ok_or(Trouble::NoSuchRecord)?;
    let speed = query.play.filter(|speed| speed.is_finite() && *speed > 0.0);
    let title = format!("Statement {number} of {}", shown.session.subject);
    let address = format!("/record/{id}/{number}");
    let rows = u64::try_from(ROWS).unwrap_or(u64::MAX);
    let page = RecordedStatementPage {
        frame: Frame {
            open: "record",
            ..shared.frame(&reader.person, &nonce, title)
        },
        before: shown.before.map(|_| format!("/record/{id}/{}", number - 1)),
        behind: shown.behind.map(|_| format!("/record/{id}/{}", number + 1)),
        play: speed,
        pause: pause(&shown, speed),
        // Those behind this one begin the page.
        timeline: format!("/record/{id}?after={}", (number - 1) / 50 * 50),
        rows_before: (first > 0).then(|| format!("{address}?row={}", first.saturating_sub(rows))),
        rows_behind: shown
            .contents
            .has_more
            .then(|| format!("{address}?row={}", first.saturating_add(rows))),
        missing: shown.contents.missing.map(why),
        total: shown
            .session
            .executions
            .saturating_add(shown.session.refusals),
        session: RecordedRow::new(&shown.session, Moment::now()),
        statement: StatementRow::new(&shown.statement),
        results: ResultTable::new(&shown.contents),
        address,
    };
    Ok(html(StatusCode::OK, &page))
}

/// How long the player shows the statement, in milliseconds.
fn pause(shown: &StatementShown, speed: Option<f64>) -> i64 {
    let (Some(behind), Some(speed)) = (shown.behind, speed) else {
        return 0;
    };
    let micros = behind.saturating_sub(shown.statement.began_at).max(0);
    // A pause is shorter than what a float cannot count.
    let pause = (micros as f64 / 1000.0 / speed) as i64;
    pause.clamp(400, LONGEST_PAUSE)
}

impl Shared {
    /// The record, if this person may see what is in it.
    pub(super) fn library_of(&self, person: &Person) -> Option<Library> {
        let identity = &person.0.identity;
        let may =
            |library: &&Library| self.approvals.is_auditor(identity) || library.is_viewer(identity);
        self.library.as_ref().filter(may).cloned()
    }
}
