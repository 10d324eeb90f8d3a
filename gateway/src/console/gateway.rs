//! The pages about the gateway itself: sessions that are open, and policies in force. For administrators and auditors.

use std::sync::Arc;

use axum::Extension;
use axum::extract::rejection::{FormRejection, PathRejection, QueryRejection};
use axum::extract::{Form as Body, Path, Query, State as Shares};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use gatewright_contract::SessionId;
use gatewright_policy_host::{Mode, Policy, PolicySet};
use serde::Deserialize;

use super::databases::{Figures, PolicyFigures};
use super::headers::Nonce;
use super::moment::{Left, Moment};
use super::offers::Notice;
use super::pages::{Frame, PoliciesPage, SessionsPage, html};
use super::person::Person;
use super::server::Shared;
use super::trouble::Trouble;
use super::visible::Visible;
use crate::roster::{OpenSession, Roster};

/// What the console shows of the gateway besides requests.
#[derive(Clone)]
pub struct Overview {
    pub roster: Arc<Roster>,
    /// The policies in force now.
    pub policies: Arc<dyn Fn() -> Arc<PolicySet> + Send + Sync>,
    /// What was counted so far.
    pub figures: Arc<dyn Fn() -> Figures + Send + Sync>,
}

/// A session as the page shows it.
pub(super) struct SessionRow {
    pub id: String,
    pub subject: Visible,
    pub agent: Option<Visible>,
    pub task: Option<Visible>,
    pub database: Visible,
    pub role: Visible,
    pub application: Visible,
    pub address: Visible,
    pub began: Moment,
    pub lasted: Left,
}

/// A policy as the page shows it.
pub(super) struct PolicyRow {
    pub name: Visible,
    pub version: Visible,
    pub description: Visible,
    pub mode: &'static str,
    pub is_required: bool,
    pub digest: String,
    pub hooks: String,
    pub calls: u64,
    /// What a call took on average.
    pub latency: Option<String>,
    pub faults: u64,
    /// Of a policy in shadow mode.
    pub objections: Option<u64>,
    pub loaded: Option<Moment>,
    /// Why a newer file of it is not in force.
    pub failed: Option<Visible>,
}

/// A policy that is not there, and why.
pub(super) struct MissingRow {
    pub name: Visible,
    pub reason: Visible,
}

#[derive(Deserialize)]
pub(super) struct SessionsQuery {
    /// The session whose form is open.
    end: Option<String>,
    /// A session was just ended.
    done: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct EndForm {
    csrf: String,
}

/// `GET /sessions`
pub(super) async fn sessions(
    Shares(shared): Shares<Shared>,
    person: Person,
    Extension(nonce): Extension<Nonce>,
    query: Result<Query<SessionsQuery>, QueryRejection>,
) -> Result<Response, Trouble> {
    shared.require_overview(&person)?;
    let Query(query) = query.map_err(|_| Trouble::NoSuchPage)?;
    let now = Moment::now();
    let roster = &shared.overview.roster;
    let open = roster.list();
    let may_end = shared.is_administrator(&person);
    let ending = query.end.filter(|_| may_end);
    let ending = ending.and_then(|id| id.parse().ok());
    let ending = ending.and_then(|id| roster.find(id));
    let notice = query.done.map(|_| Notice {
        is_error: false,
        title: "The session is being ended".to_owned(),
        text: Visible::line("Its client is told, and what it held for approval is withdrawn."),
    });
    let page = SessionsPage {
        frame: Frame {
            open: "sessions",
            refresh: Some("/sessions?refresh"),
            ..shared.frame(&person, &nonce, "Sessions")
        },
        rows: open
            .iter()
            .map(|session| SessionRow::new(session, now))
            .collect(),
        ending: ending.map(|session| SessionRow::new(&session, now)),
        may_end,
        notice,
    };
    Ok(html(StatusCode::OK, &page))
}

/// `POST /sessions/{id}/end`
pub(super) async fn end(
    Shares(shared): Shares<Shared>,
    person: Person,
    id: Result<Path<String>, PathRejection>,
    body: Result<Body<EndForm>, FormRejection>,
) -> Result<Response, Trouble> {
    shared.require_administrator(&person)?;
    let Path(id) = id.map_err(|_| Trouble::NoSuchPage)?;
    let id: SessionId = id.parse().map_err(|_| Trouble::NoSuchPage)?;
    let Body(body) = body.map_err(|_| Trouble::Forged)?;
    if !person.0.made(&body.csrf) {
        tracing::warn!(session = %id, by = %person.0.identity.subject, "a form without the token of its session was refused");
        return Err(Trouble::Forged);
    }
    let by = &person.0.identity.subject;
    match shared.overview.roster.end(id, by) {
        true => Ok(Redirect::to("/sessions?done").into_response()),
        false => Err(Trouble::NoSuchSession),
    }
}

/// `GET /policies`
pub(super) async fn policies(
    Shares(shared): Shares<Shared>,
    person: Person,
    Extension(nonce): Extension<Nonce>,
) -> Result<Response, Trouble> {
    shared.require_overview(&person)?;
    let set = (shared.overview.policies)();
    let figures = (shared.overview.figures)();
    let none = PolicyFigures::default();
    let missing = set.missing.iter().map(|missing| MissingRow {
        name: Visible::line(&missing.name),
        reason: Visible::line(&missing.reason),
    });
    let page = PoliciesPage {
        frame: Frame {
            open: "policies",
            refresh: Some("/policies?refresh"),
            ..shared.frame(&person, &nonce, "Policies")
        },
        broken: broken(&set, &figures),
        generation: set.generation,
        fingerprint: set.fingerprint(),
        missing: missing.collect(),
        rows: set
            .policies
            .iter()
            .map(|policy| {
                let figures = figures.policies.get(policy.name());
                PolicyRow::new(policy, figures.unwrap_or(&none))
            })
            .collect(),
    };
    Ok(html(StatusCode::OK, &page))
}

/// Policies whose file is there and cannot be loaded, and of which no older one is in force.
fn broken(set: &PolicySet, figures: &Figures) -> Vec<MissingRow> {
    let is_known = |name: &str| {
        set.policies.iter().any(|policy| policy.name() == name)
            || set.missing.iter().any(|missing| missing.name == name)
    };
    let loads = figures.policies.iter();
    let errors = loads.filter_map(|(name, figures)| {
        let (_, error) = figures.loaded.as_ref()?;
        Some((name, error.as_deref()?))
    });
    errors
        .filter(|(name, _)| !is_known(name))
        .map(|(name, error)| MissingRow {
            name: Visible::line(name),
            reason: Visible::line(error),
        })
        .collect()
}

impl SessionRow {
    fn new(session: &OpenSession, now: Moment) -> Self {
        let began = Moment(i64::try_from(session.started_ms).unwrap_or(i64::MAX));
        SessionRow {
            id: session.id.to_string(),
            subject: Visible::line(&session.subject),
            agent: session.agent.as_deref().map(Visible::line),
            task: session.task.as_deref().map(Visible::line),
            database: Visible::line(&session.database),
            role: Visible::line(&session.role),
            application: Visible::line(&session.application),
            address: Visible::line(&session.client_address),
            began,
            lasted: began.ago(now),
        }
    }
}

impl PolicyRow {
    fn new(policy: &Policy, figures: &PolicyFigures) -> Self {
        let hooks = policy.hooks();
        let hooks = hooks
            .iter_names()
            .map(|(name, _)| name.to_ascii_lowercase().replace('_', "-"));
        PolicyRow {
            name: Visible::line(policy.name()),
            version: Visible::line(policy.version()),
            description: Visible::line(policy.description()),
            mode: match policy.mode() {
                Mode::Enforce => "enforced",
                Mode::Shadow => "in shadow: without effect",
                Mode::Off => "off",
            },
            is_required: policy.required(),
            digest: policy.digest(),
            hooks: hooks.collect::<Vec<_>>().join(", "),
            calls: figures.calls,
            latency: (figures.calls > 0)
                .then(|| microseconds(figures.seconds / figures.calls as f64)),
            faults: figures.faults,
            objections: (policy.mode() == Mode::Shadow).then_some(figures.objections),
            loaded: figures.loaded.as_ref().map(|(at, _)| Moment::of(*at)),
            failed: figures
                .loaded
                .as_ref()
                .and_then(|(_, error)| error.as_deref().map(Visible::line)),
        }
    }
}

/// A time as people compare it.
fn microseconds(seconds: f64) -> String {
    let microseconds = seconds * 1e6;
    match microseconds < 10.0 {
        true => format!("{microseconds:.1} µs"),
        false if microseconds < 10_000.0 => format!("{microseconds:.0} µs"),
        false => format!("{:.0} ms", microseconds / 1e3),
    }
}

impl Shared {
    /// Whoever is neither an administrator nor an auditor is not told that there is such a page.
    pub(super) fn require_overview(&self, person: &Person) -> Result<(), Trouble> {
        match self.sees_gateway(person) {
            true => Ok(()),
            false => Err(Trouble::NoSuchPage),
        }
    }

    fn require_administrator(&self, person: &Person) -> Result<(), Trouble> {
        match self.is_administrator(person) {
            true => Ok(()),
            false => Err(Trouble::NoSuchPage),
        }
    }

    pub(super) fn sees_gateway(&self, person: &Person) -> bool {
        self.is_administrator(person) || self.approvals.is_auditor(&person.0.identity)
    }

    /// An auditor ends nobody's session, either.
    fn is_administrator(&self, person: &Person) -> bool {
        let identity = &person.0.identity;
        let provider = self.provider.load();
        let mut groups = provider.settings.admins.iter();
        groups.any(|group| identity.groups.contains(group)) && !self.approvals.is_auditor(identity)
    }
}
