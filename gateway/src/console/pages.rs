//! Pages, as the templates in `gateway/templates/console` take them. Askama escapes what is not [`Visible`].

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::assets;
use super::databases::{CatalogRow, Count, DatabaseRow};
use super::gateway::{MissingRow, PolicyRow, SessionRow};
use super::headers::Nonce;
use super::moment::Moment;
use super::offers::{Action, Form, Notice};
use super::person::Person;
use super::view::{Detail, Row};
use super::visible::Visible;
use crate::approvals::State;

/// What is around every page.
pub(super) struct Frame {
    pub title: String,
    pub version: &'static str,
    pub now: Moment,
    /// `None`: a page without scripts.
    pub nonce: Option<Nonce>,
    pub person: Option<Visible>,
    pub csrf: String,
    /// The person sees the pages about the gateway.
    pub sees_gateway: bool,
    /// The entry of the navigation that is open.
    pub open: &'static str,
    /// Without scripts, the page is loaded again from here.
    pub refresh: Option<&'static str>,
}

#[derive(Template)]
#[template(path = "console/trouble.html")]
pub(super) struct TroublePage {
    pub frame: Frame,
    pub text: Visible,
    pub link: Link,
}

/// Where a page leads.
pub(super) struct Link {
    pub label: &'static str,
    pub address: &'static str,
}

#[derive(Template)]
#[template(path = "console/login.html")]
pub(super) struct LoginPage {
    pub frame: Frame,
    /// `None`: people come in by a link.
    pub issuer: Option<Visible>,
    /// Of the page to open afterwards, as a URL's parameter.
    pub next: String,
    pub left: bool,
}

#[derive(Template)]
#[template(path = "console/home.html")]
pub(super) struct HomePage {
    pub frame: Frame,
    /// The last event that the page shows.
    pub seen: i64,
    pub waiting: Vec<Row>,
    /// Approved or running.
    pub going_on: Vec<Row>,
    pub is_cut: bool,
    /// They ran without waiting for reviewers, and nobody has looked at them since.
    pub to_review: Vec<Row>,
    pub recent: Vec<Row>,
}

#[derive(Template)]
#[template(path = "console/history.html")]
pub(super) struct HistoryPage {
    pub frame: Frame,
    pub filters: Vec<Filter>,
    pub rows: Vec<Row>,
    /// The address of the next page.
    pub older: Option<String>,
    pub is_first: bool,
}

/// A choice of states.
pub(super) struct Filter {
    pub label: &'static str,
    pub address: String,
    pub is_chosen: bool,
}

#[derive(Template)]
#[template(path = "console/request.html")]
pub(super) struct RequestPage {
    pub frame: Frame,
    pub seen: i64,
    pub request: Detail,
    pub notice: Option<Notice>,
    pub actions: Vec<Action>,
    pub form: Option<Form<State>>,
}

#[derive(Template)]
#[template(path = "console/sessions.html")]
pub(super) struct SessionsPage {
    pub frame: Frame,
    pub rows: Vec<SessionRow>,
    /// The one whose form is open.
    pub ending: Option<SessionRow>,
    pub may_end: bool,
    pub notice: Option<Notice>,
}

#[derive(Template)]
#[template(path = "console/policies.html")]
pub(super) struct PoliciesPage {
    pub frame: Frame,
    pub generation: u64,
    pub fingerprint: String,
    /// They are required.
    pub missing: Vec<MissingRow>,
    pub broken: Vec<MissingRow>,
    pub rows: Vec<PolicyRow>,
}

#[derive(Template)]
#[template(path = "console/databases.html")]
pub(super) struct DatabasesPage {
    pub frame: Frame,
    pub rows: Vec<DatabaseRow>,
    pub catalogs: Vec<CatalogRow>,
    pub verdicts: Vec<Count>,
    pub decided: Vec<Count>,
    pub held: u64,
    /// Why the store does not answer.
    pub store: Option<Visible>,
}

impl Frame {
    /// A page for nobody in particular.
    pub fn bare(title: impl Into<String>) -> Self {
        Frame {
            title: title.into(),
            version: assets::VERSION,
            now: Moment::now(),
            nonce: None,
            person: None,
            csrf: String::new(),
            sees_gateway: false,
            open: "",
            refresh: None,
        }
    }

    pub fn of(
        person: &Person,
        nonce: &Nonce,
        title: impl Into<String>,
        sees_gateway: bool,
    ) -> Self {
        Frame {
            sees_gateway,
            nonce: Some(nonce.clone()),
            person: Some(Visible::line(&person.0.identity.subject)),
            csrf: person.0.csrf.clone(),
            ..Self::bare(title)
        }
    }
}

pub(super) fn html(status: StatusCode, page: &impl Template) -> Response {
    match page.render() {
        Ok(text) => {
            let kind = [(header::CONTENT_TYPE, "text/html; charset=utf-8")];
            (status, kind, text).into_response()
        }
        Err(error) => {
            tracing::error!(%error, "a page of the console could not be written");
            (
                StatusCode::INTERNAL_SERVER_ERROR,
                "the page could not be written\n",
            )
                .into_response()
        }
    }
}
