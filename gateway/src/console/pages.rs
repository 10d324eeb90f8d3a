//! Pages, as the templates in `gateway/templates/console` take them. Askama escapes what is not [`Visible`].

use askama::Template;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::assets;
use super::databases::{CatalogRow, Count, DatabaseRow};
use super::gateway::{MissingRow, PolicyRow, SessionRow};
use super::headers::Nonce;
use super::moment::Moment;
use super::offers::{Action, Form, Notice};
use super::person::Person;
use super::record_view::{FoundRow, RecordedRow, ResultTable, StatementRow, ViewedRow};
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
    /// The person sees recorded sessions.
    pub sees_record: bool,
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
    /// The recorded session that it came from.
    pub record: Option<String>,
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
#[template(path = "console/record.html")]
pub(super) struct RecordPage {
    pub frame: Frame,
    pub form: SearchForm,
    /// Why nothing was searched for.
    pub trouble: Option<Visible>,
    pub sessions: Vec<RecordedRow>,
    /// In place of sessions.
    pub searched: bool,
    pub found: Vec<FoundRow>,
    pub older: Option<String>,
}

/// What was asked for of recorded sessions.
pub(super) struct SearchForm {
    pub q: String,
    pub subject: String,
    pub agent: String,
    pub database: String,
    pub refused: bool,
    pub open: bool,
    pub within: String,
}

#[derive(Template)]
#[template(path = "console/recorded_session.html")]
pub(super) struct RecordedSessionPage {
    pub frame: Frame,
    pub session: RecordedRow,
    pub statements: Vec<StatementRow>,
    pub viewed: Vec<ViewedRow>,
    /// How many executions and refusals there are.
    pub total: i64,
    pub is_live: bool,
    /// The address of the page, and of others of the session.
    pub this: String,
    pub earlier: Option<String>,
    pub later: Option<String>,
    pub newest: Option<String>,
}

#[derive(Template)]
#[template(path = "console/recorded_statement.html")]
pub(super) struct RecordedStatementPage {
    pub frame: Frame,
    pub session: RecordedRow,
    pub statement: StatementRow,
    pub results: ResultTable,
    /// Why something is not shown.
    pub missing: Option<&'static str>,
    pub total: i64,
    pub address: String,
    pub before: Option<String>,
    pub behind: Option<String>,
    pub timeline: String,
    pub rows_before: Option<String>,
    pub rows_behind: Option<String>,
    /// The player runs, so many times as fast as it was.
    pub play: Option<f64>,
    /// In how many milliseconds the next statement is shown.
    pub pause: i64,
}

impl SearchForm {
    pub fn is_empty(&self) -> bool {
        self.address(&[]) == "/record"
    }

    /// The address of the page with this form, and more.
    pub fn address(&self, more: &[(&str, &str)]) -> String {
        let on = |is_on: bool| if is_on { "1" } else { "" };
        let own = [
            ("q", self.q.as_str()),
            ("subject", &self.subject),
            ("agent", &self.agent),
            ("database", &self.database),
            ("refused", on(self.refused)),
            ("open", on(self.open)),
            ("within", &self.within),
        ];
        let given = own
            .iter()
            .chain(more)
            .filter(|(_, value)| !value.is_empty());
        let parts = given.map(|(name, value)| {
            format!("{name}={}", utf8_percent_encode(value, NON_ALPHANUMERIC))
        });
        let parts: Vec<_> = parts.collect();
        match parts.is_empty() {
            true => "/record".to_owned(),
            false => format!("/record?{}", parts.join("&")),
        }
    }
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
            sees_record: false,
            open: "",
            refresh: None,
        }
    }

    pub fn of(person: &Person, nonce: &Nonce, title: impl Into<String>) -> Self {
        Frame {
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
