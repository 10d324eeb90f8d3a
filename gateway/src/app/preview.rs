//! A gate without a gateway around it: judges statements as the gateway would, without running them.

use std::future::poll_fn;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use gatewright_contract as contract;
use gatewright_sql::{PathValue, SearchPath, SessionEffect};
use tokio::task::JoinHandle;

use crate::admin::Metrics;
use crate::catalog::CatalogHandle;
use crate::gate::{
    AnalyzedText, Gate, GateSettings, People, Policies, Preview, ResultPreview, SessionGate,
};
use crate::identity::{Grant, Identity};
use crate::session::{Answer, Field, Judge, Judged, PendingJudge, Refusal};
use crate::upstream::Target;
use crate::upstream::service::Service;

/// Catalogs are read again when a statement requires it, not by the clock.
const CATALOG_INTERVAL: Duration = Duration::from_secs(24 * 3600);

/// Whose statements are judged, and where they would run.
pub struct PreviewSettings {
    /// The server and role of the session.
    pub target: Target,
    /// The server and role for reading the catalog.
    pub catalog: Target,
    /// The database name that the client uses.
    pub database: String,
    pub identity: Identity,
    /// The longest statement that is analysed, in bytes.
    pub max_statement: usize,
    /// Whether there is somebody to ask for approvals.
    pub asks_people: bool,
}

impl PreviewSettings {
    /// For a server without a configuration.
    pub fn of_target(target: Target, identity: Identity, max_statement: usize) -> Self {
        PreviewSettings {
            catalog: target.clone(),
            database: target.dbname.clone(),
            target,
            identity,
            max_statement,
            asks_people: true,
        }
    }

    /// For a session with this grant.
    pub fn of_grant(
        grant: Grant,
        database: &str,
        identity: Identity,
        max_statement: usize,
    ) -> Self {
        PreviewSettings {
            catalog: grant.catalog_target(database),
            database: database.to_owned(),
            target: grant.target,
            identity,
            max_statement,
            asks_people: true,
        }
    }
}

/// One statement and its verdict.
pub struct Previewed {
    pub sql: String,
    pub facts: Arc<gatewright_sql::Facts>,
    pub preview: Preview,
    /// What the server would get in its place.
    pub rewritten: Option<Rewritten>,
    /// The result columns as policies would see them, or why they are not known.
    pub result: Option<Result<ResultPreview, String>>,
}

/// A statement that policies had rewritten or edited.
pub struct Rewritten {
    pub sql: String,
    pub facts: Arc<gatewright_sql::Facts>,
    /// It is the client's statement with edits.
    pub is_edited: bool,
}

/// The statement at `index` of the client's text. A replacement holds its one statement alone.
fn rewritten(text: &AnalyzedText, index: usize) -> Option<Rewritten> {
    let index = if text.is_edited() { index } else { 0 };
    let statement = text.analysis.statements.get(index)?;
    Some(Rewritten {
        sql: text.source.get(statement.span.clone())?.trim().to_owned(),
        facts: Arc::clone(&statement.facts),
        is_edited: text.is_edited(),
    })
}

/// A server whose catalog says what statements mean.
pub(super) struct PreviewServer {
    catalog: Arc<CatalogHandle>,
    fresh: JoinHandle<()>,
    service: Service,
    standard_conforming_strings: bool,
    path: Option<SearchPath>,
}

impl PreviewServer {
    pub async fn connect(target: &Target, catalog: &Target) -> Result<Self> {
        let catalog = CatalogHandle::new(catalog.clone());
        let fresh = tokio::spawn(Arc::clone(&catalog).keep_fresh(CATALOG_INTERVAL));
        let connected = Self::connect_with(target, Arc::clone(&catalog)).await;
        match connected {
            Ok((service, standard_conforming_strings, path)) => Ok(PreviewServer {
                catalog,
                fresh,
                service,
                standard_conforming_strings,
                path,
            }),
            Err(error) => {
                fresh.abort();
                Err(error)
            }
        }
    }

    async fn connect_with(
        target: &Target,
        catalog: Arc<CatalogHandle>,
    ) -> Result<(Service, bool, Option<SearchPath>)> {
        catalog
            .refresh()
            .await
            .context("the catalog could not be read")?;
        let mut service = Service::connect_as_client(target).await?;
        service
            .query("SET default_transaction_read_only TO on")
            .await?;
        let strings = service.query("SHOW standard_conforming_strings").await?;
        let path = path_of(&mut service).await;
        Ok((service, strings != [[Some("off".to_owned())]], path))
    }

    pub async fn close(self) {
        self.service.close().await;
        self.fresh.abort();
    }

    pub fn catalog(&self) -> Arc<CatalogHandle> {
        Arc::clone(&self.catalog)
    }

    pub fn path(&self) -> Option<&SearchPath> {
        self.path.as_ref()
    }

    /// What the text says. The error is the one that a client would get.
    pub async fn analyzed(
        &self,
        session: &mut SessionGate,
        sql: &str,
    ) -> Result<Arc<AnalyzedText>, Refusal> {
        analyzed(
            session,
            sql,
            self.standard_conforming_strings,
            self.path.as_ref(),
        )
        .await
    }
}

/// Judges every statement of a query string as the gateway would. The server provides its catalog and describes
/// statements that would be permitted; none is run. Must be called on a stack of [`gatewright_sql::STACK_BYTES`].
///
/// # Errors
/// The server cannot be reached, or the text is no SQL.
pub async fn preview(
    settings: &PreviewSettings,
    policies: Arc<Policies>,
    metrics: &Metrics,
    sql: &str,
) -> Result<Vec<Previewed>> {
    let mut server = PreviewServer::connect(&settings.target, &settings.catalog).await?;
    let previews = preview_on(&mut server, settings, policies, metrics, sql).await;
    server.close().await;
    previews
}

async fn preview_on(
    server: &mut PreviewServer,
    settings: &PreviewSettings,
    policies: Arc<Policies>,
    metrics: &Metrics,
    sql: &str,
) -> Result<Vec<Previewed>> {
    let mut session = session_gate(settings, policies, metrics, server.catalog());
    let text = server.analyzed(&mut session, sql).await;
    let text = text.map_err(|refusal| anyhow!(said(&refusal)))?;
    let mut all = Vec::new();
    for (index, statement) in text.analysis.statements.iter().enumerate() {
        let own = sql.get(statement.span.clone()).unwrap_or_default();
        let preview = session.preview(&text, index, server.path()).await;
        let rewritten = match &preview.outcome {
            Ok((_, Some(text))) => rewritten(text, index),
            _ => None,
        };
        let result = match &preview.outcome {
            Ok((permit, _)) => {
                let (facts, text) = match &rewritten {
                    Some(rewritten) => (&rewritten.facts, rewritten.sql.as_str()),
                    None => (&statement.facts, own),
                };
                // The gateway describes the rows of a COPY by the query that reads them.
                let runs = match &facts.session {
                    SessionEffect::CopyOut(copy) => &copy.describe,
                    _ => text,
                };
                match describe(&mut server.service, runs).await {
                    Ok(Some(fields)) => Some(Ok(session.preview_result(permit, &fields).await)),
                    Ok(None) => None,
                    Err(error) => Some(Err(error)),
                }
            }
            Err(_) => None,
        };
        all.push(Previewed {
            sql: own.trim().to_owned(),
            facts: Arc::clone(&statement.facts),
            preview,
            rewritten,
            result,
        });
    }
    Ok(all)
}

/// The search path that the role's sessions begin with.
async fn path_of(service: &mut Service) -> Option<SearchPath> {
    let asked = "SELECT pg_catalog.current_setting('search_path'), current_user";
    let rows = service.query(asked).await.ok()?;
    match rows.into_iter().next()?.as_slice() {
        [Some(path), Some(role)] => match PathValue::parse(path) {
            PathValue::Schemas(elements) => SearchPath::of(&elements, &[role.as_str().into()]),
            _ => None,
        },
        _ => None,
    }
}

/// A gate that forwards nothing.
pub(super) fn gate(
    max_statement: usize,
    people: People,
    policies: Arc<Policies>,
    metrics: &Metrics,
) -> Arc<Gate> {
    let defaults = GateSettings::default();
    let settings = GateSettings {
        parser: gatewright_sql::Limits {
            max_bytes: max_statement,
            ..defaults.parser
        },
        ..defaults
    };
    Gate::new(settings, policies, people, None, Arc::new(metrics.clone()))
}

/// The gate of a session that has just begun.
fn session_gate(
    settings: &PreviewSettings,
    policies: Arc<Policies>,
    metrics: &Metrics,
    catalog: Arc<CatalogHandle>,
) -> SessionGate {
    let people = match settings.asks_people {
        true => People::Explained,
        false => People::Nobody,
    };
    let gate = gate(settings.max_statement, people, policies, metrics);
    let session = contract::Session {
        database: settings.database.clone(),
        role: settings.target.user.clone(),
        application: "gatewright explain".to_owned(),
        ..contract::Session::default()
    };
    gate.session(session, &settings.identity, catalog)
}

async fn analyzed(
    session: &mut SessionGate,
    sql: &str,
    standard_conforming_strings: bool,
    path: Option<&SearchPath>,
) -> Result<Arc<AnalyzedText>, Refusal> {
    let mut answer = session.analyze(sql, standard_conforming_strings, path);
    loop {
        let ticket = match answer {
            Judged::Ready(Ok(text)) => return Ok(text),
            Judged::Ready(Err(refusal)) => return Err(refusal),
            Judged::Pending(ticket) => ticket,
        };
        poll_fn(|context| session.poll_pending(context)).await;
        answer = session.resume(ticket).map(|answer| match answer {
            Answer::Text(text) => text,
            _ => Err(Refusal::new("57014", "the statement was not analysed")),
        });
    }
}

pub(super) fn said(refusal: &Refusal) -> String {
    match refusal.position {
        Some(position) => format!("{} (at character {position})", refusal.message),
        None => refusal.message.clone(),
    }
}

/// `None` if the statement returns no rows.
async fn describe(service: &mut Service, sql: &str) -> Result<Option<Vec<Field>>, String> {
    let described = service
        .describe(sql)
        .await
        .map_err(|error| error.to_string())?;
    let field = |column: crate::upstream::service::Described| Field {
        name: column.name,
        table_oid: column.table_oid,
        attribute: column.attribute,
        type_oid: column.type_oid,
        // Only rows are made to fit.
        type_modifier: -1,
    };
    Ok(described.map(|columns| columns.into_iter().map(field).collect()))
}
