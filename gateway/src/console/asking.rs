//! The form in which access is asked for.

use std::time::Duration;

use axum::Extension;
use axum::extract::rejection::{FormRejection, QueryRejection};
use axum::extract::{Form as Body, Query, State as Shares};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use chrono::NaiveDateTime;
use serde::Deserialize;

use super::grant_pages::{AskPage, Filled, VerbBox};
use super::grants::{check_form, failed, status, words};
use super::headers::Nonce;
use super::offers::Notice;
use super::pages::{Frame, html};
use super::person::Person;
use super::server::Shared;
use super::sessions;
use super::trouble::Trouble;
use crate::access::{Ask, GrantError, GrantTable, TableName, Verbs};

const VERBS: [&str; 7] = [
    "select", "insert", "update", "delete", "truncate", "ddl", "lock",
];

#[derive(Deserialize)]
pub(super) struct AskQuery {
    /// A statement that was refused.
    statement: Option<String>,
}

#[derive(Deserialize)]
pub(super) struct AskForm {
    csrf: String,
    idempotency: String,
    #[serde(default)]
    statement: String,
    #[serde(default)]
    tables: String,
    #[serde(default)]
    databases: String,
    #[serde(default)]
    minutes: String,
    #[serde(default)]
    rows: String,
    /// In UTC, as browsers send it.
    #[serde(default)]
    begins: String,
    #[serde(default)]
    agent: String,
    #[serde(default)]
    reason: String,
    select: Option<String>,
    insert: Option<String>,
    update: Option<String>,
    delete: Option<String>,
    truncate: Option<String>,
    ddl: Option<String>,
    lock: Option<String>,
}

/// `GET /grants/new`
pub(super) async fn new(
    Shares(shared): Shares<Shared>,
    person: Person,
    Extension(nonce): Extension<Nonce>,
    query: Result<Query<AskQuery>, QueryRejection>,
) -> Result<Response, Trouble> {
    let Query(query) = query.map_err(|_| Trouble::NoSuchPage)?;
    let filled = Filled {
        statement: query.statement.unwrap_or_default(),
        minutes: "60".to_owned(),
        ..Filled::default()
    };
    let page = shared.ask_page(&person, &nonce, filled, Verbs::default(), None);
    Ok(html(StatusCode::OK, &page))
}

/// `POST /grants`
pub(super) async fn ask(
    Shares(shared): Shares<Shared>,
    person: Person,
    Extension(nonce): Extension<Nonce>,
    body: Result<Body<AskForm>, FormRejection>,
) -> Result<Response, Trouble> {
    let Body(body) = body.map_err(|_| Trouble::Forged)?;
    check_form(&person, &body.csrf)?;
    let verbs = body.verbs();
    let asked = match body.asked_by(&person, verbs) {
        Ok(ask) => shared.grants.ask(ask).await,
        Err(what) => Err(GrantError::Invalid(what)),
    };
    match asked {
        Ok(entry) => {
            let id = entry.grant.id;
            tracing::info!(grant = %id, by = %person.0.identity.subject, "access was asked for");
            Ok(Redirect::to(&format!("/grants/{id}?done")).into_response())
        }
        Err(error) => {
            let status = status(&error)?;
            let notice = failed("Nothing was asked", &error.to_string());
            let page = shared.ask_page(&person, &nonce, body.filled(), verbs, Some(notice));
            Ok(html(status, &page))
        }
    }
}

impl AskForm {
    fn verbs(&self) -> Verbs {
        let chosen = [
            &self.select,
            &self.insert,
            &self.update,
            &self.delete,
            &self.truncate,
            &self.ddl,
            &self.lock,
        ];
        let names = VERBS.iter().zip(chosen).filter(|(_, on)| on.is_some());
        Verbs::from_names(names.map(|(name, _)| *name)).unwrap_or_default()
    }

    /// The error says which field cannot be read.
    fn asked_by(&self, person: &Person, verbs: Verbs) -> Result<Ask, String> {
        let statement = self.statement.trim();
        let from_statement = (!statement.is_empty())
            .then(|| statement.parse())
            .transpose();
        let lines = self.tables.lines().map(str::trim);
        let names = lines.filter(|text| !text.is_empty()).map(|text| {
            let name = text
                .parse::<TableName>()
                .map_err(|error| format!("{text}: {error}"))?;
            Ok::<_, String>(GrantTable {
                schema: name.schema,
                name: name.name,
                verbs,
            })
        });
        let databases = self
            .databases
            .split(|character: char| character == ',' || character.is_whitespace());
        let databases = databases.filter(|name| !name.is_empty());
        let minutes: u64 = self
            .minutes
            .trim()
            .parse()
            .map_err(|_| "say for how many minutes".to_owned())?;
        let rows = self.rows.trim();
        let row_budget = (!rows.is_empty()).then(|| rows.parse()).transpose();
        let begins = self.begins.trim();
        let not_before = (!begins.is_empty()).then(|| moment(begins)).transpose()?;
        let agent = self.agent.trim();
        Ok(Ask {
            asker: person.0.identity.clone(),
            agent: (!agent.is_empty()).then(|| agent.to_owned()),
            databases: databases.map(str::to_owned).collect(),
            tables: names.collect::<Result<_, _>>()?,
            from_statement: from_statement
                .map_err(|_| "this is not the id of a statement".to_owned())?,
            row_budget: row_budget.map_err(|_| "rows are a number".to_owned())?,
            duration: Duration::from_secs(minutes.saturating_mul(60)),
            not_before,
            reason: words(&self.reason),
            idempotency_key: Some(self.idempotency.clone()),
        })
    }

    fn filled(self) -> Filled {
        Filled {
            statement: self.statement,
            tables: self.tables,
            databases: self.databases,
            minutes: self.minutes,
            rows: self.rows,
            begins: self.begins,
            agent: self.agent,
            reason: self.reason,
        }
    }
}

/// Milliseconds since 1970 (HTML Living Standard, local date and time strings; here in UTC).
fn moment(text: &str) -> Result<i64, String> {
    let forms = ["%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"];
    let mut read = forms
        .iter()
        .filter_map(|form| NaiveDateTime::parse_from_str(text, form).ok());
    let begins = read
        .next()
        .map(|begins| begins.and_utc().timestamp_millis());
    begins.ok_or_else(|| "say when it begins as 2026-11-30T14:00, in UTC".to_owned())
}

impl Shared {
    fn ask_page(
        &self,
        person: &Person,
        nonce: &Nonce,
        filled: Filled,
        verbs: Verbs,
        notice: Option<Notice>,
    ) -> AskPage {
        let verb = |name: &'static str| VerbBox {
            name,
            is_chosen: verbs.names().any(|chosen| chosen == name),
        };
        AskPage {
            frame: Frame {
                open: "grants",
                ..self.frame(person, nonce, "Ask for access")
            },
            notice,
            verbs: VERBS.into_iter().map(verb).collect(),
            filled,
            idempotency: sessions::random(),
            most_minutes: self.approvals.settings().max_grant.as_secs() / 60,
        }
    }
}
