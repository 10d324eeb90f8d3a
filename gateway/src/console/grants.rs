//! The pages of access grants, and decisions.

use axum::Extension;
use axum::extract::rejection::{FormRejection, PathRejection, QueryRejection};
use axum::extract::{Form as Body, Path, Query, State as Shares};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use gatewright_contract::AccessGrantId;
use serde::Deserialize;

use super::grant_pages::{GrantPage, GrantsPage};
use super::grant_view::{GrantDetail, GrantRow, label, verdicts};
use super::headers::Nonce;
use super::moment::Moment;
use super::offers::{Action, Form, Notice};
use super::pages::{Frame, html};
use super::person::Person;
use super::server::Shared;
use super::trouble::Trouble;
use super::visible::Visible;
use crate::access::{Decision, Entry, GrantError, Page, State, Verdict};

/// Grants on the page.
const OPEN: usize = 100;
const ENDED: usize = 30;

const GOING_ON: [State; 2] = [State::Pending, State::Approved];

const OVER: [State; 4] = [
    State::Rejected,
    State::Withdrawn,
    State::Revoked,
    State::Expired,
];

#[derive(Deserialize)]
pub(super) struct ListQuery {
    cursor: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct GrantQuery {
    /// The decision whose form is open.
    decide: Option<String>,
    /// Something was just asked or decided.
    done: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct DecisionForm {
    csrf: String,
    #[serde(default)]
    reason: String,
    /// The state that the page showed.
    expected: State,
    idempotency: String,
}

/// `GET /grants`
pub(super) async fn list(
    Shares(shared): Shares<Shared>,
    person: Person,
    Extension(nonce): Extension<Nonce>,
    query: Result<Query<ListQuery>, QueryRejection>,
) -> Result<Response, Trouble> {
    let Query(query) = query.map_err(|_| Trouble::NoSuchPage)?;
    let before = query
        .cursor
        .map(|id| id.parse::<AccessGrantId>().map_err(|_| Trouble::NoSuchPage))
        .transpose()?;
    let (grants, viewer) = (&shared.grants, &person.0.identity);
    let open = grants.list(GOING_ON.to_vec(), None, OPEN, viewer).await?;
    let ended = grants.list(OVER.to_vec(), before, ENDED, viewer).await?;
    let is_cut = open.next.is_some();
    let older = ended.next.map(|id| format!("/grants?cursor={id}"));
    let (waiting, active): (Vec<_>, Vec<_>) = shared
        .grant_rows(&open, &person)
        .into_iter()
        .partition(|row| row.state == State::Pending);
    let page = GrantsPage {
        frame: Frame {
            open: "grants",
            refresh: before.is_none().then_some("/grants?refresh"),
            ..shared.frame(&person, &nonce, "Access grants")
        },
        waiting,
        active,
        is_cut,
        ended: shared.grant_rows(&ended, &person),
        older,
        is_first: before.is_none(),
    };
    Ok(html(StatusCode::OK, &page))
}

/// `GET /grants/{id}`
pub(super) async fn show(
    Shares(shared): Shares<Shared>,
    person: Person,
    Extension(nonce): Extension<Nonce>,
    id: Result<Path<String>, PathRejection>,
    query: Result<Query<GrantQuery>, QueryRejection>,
) -> Result<Response, Trouble> {
    let Path(id) = id.map_err(|_| Trouble::NoSuchGrant)?;
    let Query(query) = query.map_err(|_| Trouble::NoSuchPage)?;
    let entry = shared.granted(&id, &person).await?;
    let viewer = &person.0.identity;
    let may_decide = shared.grants.may_decide(&entry.grant, viewer);
    let wanted = query.decide.as_deref().and_then(Verdict::from_name);
    let wanted = wanted.filter(|wanted| verdicts(&entry, viewer, may_decide).contains(wanted));
    let form = wanted.map(|verdict| {
        let required = shared.approvals.reason_required();
        Form::about_grant(verdict, &entry.grant, required)
    });
    let has_acted = || {
        let actors = entry
            .history
            .iter()
            .filter_map(|event| event.actor.as_ref());
        let mut own =
            actors.filter(|actor| actor.subject == viewer.subject && actor.issuer == viewer.issuer);
        own.next().is_some()
    };
    let notice = (query.done.is_some() && has_acted()).then(|| recorded(entry.grant.state));
    let page = shared.grant_page(&person, &nonce, &entry, form, notice);
    Ok(html(StatusCode::OK, &page))
}

/// `POST /grants/{id}/approve`, `…/reject`, `…/revoke` and `…/withdraw`
pub(super) async fn decide(
    Shares(shared): Shares<Shared>,
    person: Person,
    Extension(nonce): Extension<Nonce>,
    path: Result<Path<(String, String)>, PathRejection>,
    body: Result<Body<DecisionForm>, FormRejection>,
) -> Result<Response, Trouble> {
    let Path((id, verdict)) = path.map_err(|_| Trouble::NoSuchGrant)?;
    let verdict = Verdict::from_name(&verdict).ok_or(Trouble::NoSuchPage)?;
    let id: AccessGrantId = id.parse().map_err(|_| Trouble::NoSuchGrant)?;
    let Body(body) = body.map_err(|_| Trouble::Forged)?;
    check_form(&person, &body.csrf)?;
    let reason = words(&body.reason);
    let decision = Decision {
        id,
        verdict,
        by: person.0.identity.clone(),
        reason: Some(reason.clone()).filter(|reason| !reason.is_empty()),
        expected_state: Some(body.expected),
        idempotency_key: Some(body.idempotency),
    };
    match shared.grants.decide(decision).await {
        Ok(entry) => {
            tracing::info!(grant = %id, verdict = verdict.name(), state = %entry.grant.state, by = %person.0.identity.subject, "an access grant was decided");
            Ok(Redirect::to(&format!("/grants/{id}?done")).into_response())
        }
        Err(error) => {
            tracing::info!(grant = %id, verdict = verdict.name(), by = %person.0.identity.subject, %error, "a decision about an access grant was refused");
            let status = status(&error)?;
            let entry = shared.granted(&id.to_string(), &person).await?;
            let form = (status == StatusCode::UNPROCESSABLE_ENTITY).then(|| Form {
                reason,
                ..Form::about_grant(verdict, &entry.grant, shared.approvals.reason_required())
            });
            let notice = failed("Your decision was not recorded", &error.to_string());
            let page = shared.grant_page(&person, &nonce, &entry, form, Some(notice));
            Ok(html(status, &page))
        }
    }
}

impl Shared {
    async fn granted(&self, id: &str, person: &Person) -> Result<Entry, Trouble> {
        let id = id.parse().map_err(|_| Trouble::NoSuchGrant)?;
        let found = self.grants.grant(id, &person.0.identity).await?;
        found.ok_or(Trouble::NoSuchGrant)
    }

    fn grant_rows(&self, page: &Page, person: &Person) -> Vec<GrantRow> {
        let (viewer, now) = (&person.0.identity, Moment::now());
        let entries = page.entries.iter();
        entries
            .map(|entry| {
                let may_decide = self.grants.may_decide(&entry.grant, viewer);
                GrantRow::new(entry, viewer, may_decide, now)
            })
            .collect()
    }

    fn grant_page(
        &self,
        person: &Person,
        nonce: &Nonce,
        entry: &Entry,
        form: Option<Form<State>>,
        notice: Option<Notice>,
    ) -> GrantPage {
        let viewer = &person.0.identity;
        let may_decide = self.grants.may_decide(&entry.grant, viewer);
        let actions = verdicts(entry, viewer, may_decide);
        let title = format!("{} access grant", label(entry.grant.state));
        GrantPage {
            frame: Frame {
                open: "grants",
                ..self.frame(person, nonce, title)
            },
            grant: GrantDetail::new(entry, viewer, may_decide, Moment::now()),
            notice,
            actions: actions.into_iter().map(Action::from).collect(),
            form,
        }
    }
}

pub(super) fn check_form(person: &Person, csrf: &str) -> Result<(), Trouble> {
    if person.0.made(csrf) {
        return Ok(());
    }
    tracing::warn!(by = %person.0.identity.subject, "a form without the token of its session was refused");
    Err(Trouble::Forged)
}

/// A text of a form, with line ends as elsewhere.
pub(super) fn words(text: &str) -> String {
    text.replace("\r\n", "\n").trim().to_owned()
}

pub(super) fn status(error: &GrantError) -> Result<StatusCode, Trouble> {
    Ok(match error {
        GrantError::Store(_) => return Err(Trouble::Store),
        GrantError::NotFound => return Err(Trouble::NoSuchGrant),
        GrantError::NotAPerson
        | GrantError::Requester
        | GrantError::Auditor
        | GrantError::NotAReviewer
        | GrantError::NotTheRequester => StatusCode::FORBIDDEN,
        GrantError::Text(_)
        | GrantError::KeyReused
        | GrantError::Invalid(_)
        | GrantError::UnknownStatement => StatusCode::UNPROCESSABLE_ENTITY,
        GrantError::TooMany => StatusCode::TOO_MANY_REQUESTS,
        GrantError::AlreadyDecided { .. } | GrantError::State { .. } => StatusCode::CONFLICT,
    })
}

fn recorded(state: State) -> Notice {
    let text = match state {
        State::Pending => "It waits until enough people have agreed.",
        State::Approved => "It holds until it ends, or is taken back.",
        _ => "It gives no access.",
    };
    Notice {
        is_error: false,
        title: "It is recorded".to_owned(),
        text: Visible::line(text),
    }
}

pub(super) fn failed(title: &str, text: &str) -> Notice {
    Notice {
        is_error: true,
        title: title.to_owned(),
        text: Visible::line(text),
    }
}
