//! The pages of requests, and decisions.

use axum::Extension;
use axum::extract::rejection::{FormRejection, PathRejection, QueryRejection};
use axum::extract::{Form as Body, Path, Query, State as Shares};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use gatewright_contract::RequestId;
use serde::Deserialize;

use super::headers::Nonce;
use super::moment::Moment;
use super::offers::{self, Action, Form, Notice};
use super::pages::{Filter, Frame, HistoryPage, HomePage, RequestPage, html};
use super::person::Person;
use super::server::Shared;
use super::trouble::Trouble;
use super::view::{Detail, Row, label};
use super::visible::Visible;
use crate::approvals::{Decision, DecisionError, Entry, Page, State, Verdict};

/// Requests on the pages.
const OPEN: usize = 100;
const RECENT: usize = 8;
const HISTORY: usize = 30;

const GOING_ON: [State; 3] = [State::Pending, State::Approved, State::Claimed];

const ENDED: [State; 7] = [
    State::Executed,
    State::Rejected,
    State::Expired,
    State::Withdrawn,
    State::Failed,
    State::Revoked,
    State::EffectMismatch,
];

#[derive(Deserialize)]
pub(super) struct HistoryQuery {
    state: Option<String>,
    cursor: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct RequestQuery {
    /// The decision whose form is open.
    decide: Option<String>,
    /// A decision was just made.
    done: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct DecisionForm {
    csrf: String,
    #[serde(default)]
    reason: String,
    /// The state that the page showed.
    expected: State,
    effect_digest: Option<String>,
    idempotency: String,
}

/// `GET /`
pub(super) async fn home(
    Shares(shared): Shares<Shared>,
    person: Person,
    Extension(nonce): Extension<Nonce>,
) -> Result<Response, Trouble> {
    // What happens from here on makes the page ask again.
    let seen = shared.seen()?;
    let identity = &person.0.identity;
    let approvals = &shared.approvals;
    let open = approvals
        .list(GOING_ON.to_vec(), None, OPEN, identity)
        .await?;
    let recent = approvals
        .list(ENDED.to_vec(), None, RECENT, identity)
        .await?;
    let to_review = approvals.list_to_review(None, OPEN, identity).await?;
    let to_review = shared.rows(to_review, &person);
    let mut recent = shared.rows(recent, &person);
    recent.retain(|row| !to_review.iter().any(|other| other.id == row.id));
    let is_cut = open.next.is_some();
    let (mut waiting, going_on): (Vec<_>, Vec<_>) = shared
        .rows(open, &person)
        .into_iter()
        .partition(|row| row.state == State::Pending);
    waiting.sort_by_key(|row| row.clock.as_ref().map(|clock| clock.end));
    let title = match waiting.len() {
        0 => "Requests".to_owned(),
        number => format!("({number}) Requests"),
    };
    let page = HomePage {
        frame: Frame {
            open: "requests",
            refresh: Some("/?refresh"),
            ..shared.frame(&person, &nonce, title)
        },
        seen,
        waiting,
        going_on,
        is_cut,
        to_review,
        recent,
    };
    Ok(html(StatusCode::OK, &page))
}

/// `GET /history`
pub(super) async fn history(
    Shares(shared): Shares<Shared>,
    person: Person,
    Extension(nonce): Extension<Nonce>,
    query: Result<Query<HistoryQuery>, QueryRejection>,
) -> Result<Response, Trouble> {
    let Query(query) = query.map_err(|_| Trouble::NoSuchPage)?;
    let chosen = query.state.as_deref().filter(|state| !state.is_empty());
    let chosen = chosen.map(|name| State::from_name(name).ok_or(Trouble::NoSuchPage));
    let chosen = chosen.transpose()?;
    let states = chosen.map_or_else(|| ENDED.to_vec(), |state| vec![state]);
    let cursor = query.cursor.as_deref();
    let before = cursor.map(|id| id.parse::<RequestId>().map_err(|_| Trouble::NoSuchPage));
    let before = before.transpose()?;
    let found = shared
        .approvals
        .list(states, before, HISTORY, &person.0.identity)
        .await?;
    let address = |state: Option<State>| match state {
        Some(state) => format!("/history?state={state}"),
        None => "/history".to_owned(),
    };
    let older = found.next.map(|id| match chosen {
        Some(state) => format!("/history?state={state}&cursor={id}"),
        None => format!("/history?cursor={id}"),
    });
    let all = [None].into_iter().chain(ENDED.map(Some));
    let filters = all.map(|state| Filter {
        label: state.map_or("All", label),
        address: address(state),
        is_chosen: state == chosen,
    });
    let page = HistoryPage {
        frame: Frame {
            open: "history",
            ..shared.frame(&person, &nonce, "History")
        },
        filters: filters.collect(),
        rows: shared.rows(found, &person),
        older,
        is_first: before.is_none(),
    };
    Ok(html(StatusCode::OK, &page))
}

/// `GET /requests/{id}`
pub(super) async fn show(
    Shares(shared): Shares<Shared>,
    person: Person,
    Extension(nonce): Extension<Nonce>,
    id: Result<Path<String>, PathRejection>,
    query: Result<Query<RequestQuery>, QueryRejection>,
) -> Result<Response, Trouble> {
    let Path(id) = id.map_err(|_| Trouble::NoSuchRequest)?;
    let Query(query) = query.map_err(|_| Trouble::NoSuchPage)?;
    let entry = shared.entry(&id, &person).await?;
    let viewer = &person.0.identity;
    let may_decide = shared.approvals.may_decide(&entry.request, viewer);
    let wanted = query.decide.as_deref().and_then(Verdict::from_name);
    let wanted = wanted.filter(|wanted| {
        let actions = offers::actions(&entry, viewer, may_decide);
        actions.contains(wanted)
    });
    let form = wanted.map(|verdict| {
        let required = shared.approvals.reason_required();
        Form::about_request(verdict, &entry.request, required)
    });
    let done = query.done.is_some() && offers::has_acted(&entry, viewer);
    let notice = done.then(|| recorded(entry.request.state));
    let page = shared.page(&person, &nonce, &entry, form, notice);
    Ok(html(StatusCode::OK, &page))
}

/// `POST /requests/{id}/approve`, `…/reject`, `…/revoke` and `…/review`
pub(super) async fn decide(
    Shares(shared): Shares<Shared>,
    person: Person,
    Extension(nonce): Extension<Nonce>,
    path: Result<Path<(String, String)>, PathRejection>,
    body: Result<Body<DecisionForm>, FormRejection>,
) -> Result<Response, Trouble> {
    let Path((id, verdict_name)) = path.map_err(|_| Trouble::NoSuchRequest)?;
    let verdict = Verdict::from_name(&verdict_name).ok_or(Trouble::NoSuchPage)?;
    let id: RequestId = id.parse().map_err(|_| Trouble::NoSuchRequest)?;
    let Body(body) = body.map_err(|_| Trouble::Forged)?;
    if !person.0.made(&body.csrf) {
        tracing::warn!(request = %id, by = %person.0.identity.subject, "a decision without the token of its session was refused");
        return Err(Trouble::Forged);
    }
    let reason = body.reason.replace("\r\n", "\n");
    let reason = reason.trim();
    let decision = Decision {
        id,
        verdict,
        reviewer: person.0.identity.clone(),
        reason: Some(reason.to_owned()).filter(|reason| !reason.is_empty()),
        expected_state: Some(body.expected),
        effect_digest: body.effect_digest,
        idempotency_key: Some(body.idempotency),
    };
    let decided = shared.approvals.decide(decision).await;
    match decided {
        Ok(entry) => {
            tracing::info!(request = %id, verdict = verdict.name(), state = %entry.request.state, by = %person.0.identity.subject, "a request for approval was decided");
            Ok(Redirect::to(&format!("/requests/{id}?done")).into_response())
        }
        Err(error) => {
            tracing::info!(request = %id, verdict = verdict.name(), by = %person.0.identity.subject, %error, "a decision was refused");
            refused(&shared, &person, &nonce, verdict, id, reason, error).await
        }
    }
}

/// Shows the request as it is now, and why the decision was not recorded.
async fn refused(
    shared: &Shared,
    person: &Person,
    nonce: &Nonce,
    verdict: Verdict,
    id: RequestId,
    reason: &str,
    error: DecisionError,
) -> Result<Response, Trouble> {
    let status = match &error {
        DecisionError::Store(_) => return Err(Trouble::Store),
        DecisionError::NotFound => return Err(Trouble::NoSuchRequest),
        DecisionError::NotAPerson
        | DecisionError::Requester
        | DecisionError::Auditor
        | DecisionError::NotAReviewer => StatusCode::FORBIDDEN,
        DecisionError::Text(_) | DecisionError::KeyReused => StatusCode::UNPROCESSABLE_ENTITY,
        DecisionError::AlreadyDecided { .. }
        | DecisionError::State { .. }
        | DecisionError::NothingToReview { .. }
        | DecisionError::EffectDigest { .. } => StatusCode::CONFLICT,
    };
    let entry = shared.entry(&id.to_string(), person).await?;
    let again = status == StatusCode::UNPROCESSABLE_ENTITY;
    let form = again.then(|| Form {
        reason: reason.to_owned(),
        ..Form::about_request(verdict, &entry.request, shared.approvals.reason_required())
    });
    let mut text = error.to_string();
    if let (DecisionError::State { .. }, Some(by)) = (&error, &entry.request.decided_by) {
        text = format!("{text}, decided by {by}");
    }
    let notice = Notice {
        is_error: true,
        title: "Your decision was not recorded".to_owned(),
        text: Visible::line(&text),
    };
    let page = shared.page(person, nonce, &entry, form, Some(notice));
    Ok(html(status, &page))
}

fn recorded(state: State) -> Notice {
    let text = match state {
        State::Pending => "More people have to agree before the statement runs.",
        State::Approved => "The statement has not been run yet.",
        State::Claimed => "The statement is running.",
        State::Executed => "The statement has been executed.",
        State::Rejected | State::Revoked => "The statement does not run.",
        _ => "See below what became of the statement.",
    };
    Notice {
        is_error: false,
        title: "Your decision is recorded".to_owned(),
        text: Visible::line(text),
    }
}

impl Shared {
    /// The number of the last event, before the store is asked for what a page shows.
    fn seen(&self) -> Result<i64, Trouble> {
        let last = self.approvals.last_event();
        let last = *last.borrow();
        last.ok_or(Trouble::Store)
    }

    /// What is around a page for this person.
    pub(super) fn frame(&self, person: &Person, nonce: &Nonce, title: impl Into<String>) -> Frame {
        Frame {
            sees_gateway: self.sees_gateway(person),
            sees_record: self.library_of(person).is_some(),
            ..Frame::of(person, nonce, title)
        }
    }

    async fn entry(&self, id: &str, person: &Person) -> Result<Entry, Trouble> {
        let id = id.parse().map_err(|_| Trouble::NoSuchRequest)?;
        let found = self.approvals.request(id, &person.0.identity).await?;
        found.ok_or(Trouble::NoSuchRequest)
    }

    fn rows(&self, page: Page, person: &Person) -> Vec<Row> {
        let (viewer, now) = (&person.0.identity, Moment::now());
        let entries = page.entries.iter();
        entries
            .map(|entry| {
                let may_decide = self.approvals.may_decide(&entry.request, viewer);
                Row::new(entry, viewer, may_decide, now)
            })
            .collect()
    }

    fn page(
        &self,
        person: &Person,
        nonce: &Nonce,
        entry: &Entry,
        form: Option<Form<State>>,
        notice: Option<Notice>,
    ) -> RequestPage {
        let viewer = &person.0.identity;
        let may_decide = self.approvals.may_decide(&entry.request, viewer);
        let actions = offers::actions(entry, viewer, may_decide);
        let title = format!("{} request", label(entry.request.state));
        RequestPage {
            frame: self.frame(person, nonce, title),
            seen: entry.history.last().map_or(0, |event| event.sequence),
            request: Detail::new(entry, viewer, may_decide, Moment::now()),
            notice,
            actions: actions.into_iter().map(Action::from).collect(),
            form,
            record: self
                .library_of(person)
                .map(|_| format!("/record/{}", entry.request.shown.session_id)),
        }
    }
}
