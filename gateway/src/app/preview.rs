//! A gate without a gateway around it: what would be said of statements, in front of a server that is only asked what it has.

use std::sync::Arc;

use anyhow::{Context, Result, anyhow, bail};
use gatewright_policy_host::contract;
use gatewright_sql::SessionEffect;

use super::PolicySource;
use crate::admin::Metrics;
use crate::catalog::CatalogHandle;
use crate::gate::{AnalyzedText, Gate, GateSettings, Preview, ResultPreview, SessionGate};
use crate::identity::Identity;
use crate::session::{Field, Judge, Judged, Refusal};
use crate::upstream::Target;
use crate::upstream::service::Service;

/// What is said of one statement.
pub struct Previewed {
    pub sql: String,
    pub facts: Arc<gatewright_sql::Facts>,
    pub preview: Preview,
    /// What the server would return, as policies see it; or why that is not known.
    pub result: Option<Result<ResultPreview, String>>,
}

/// Judges every statement of a text as the gateway would. The server is asked for its catalog and to describe statements that would be
/// permitted; none is run.
///
/// # Errors
/// The policies cannot be loaded, the server cannot be reached, or the text is no SQL.
pub async fn preview(
    target: &Target,
    policies: PolicySource,
    metrics: &Metrics,
    identity: &Identity,
    sql: &str,
) -> Result<Vec<Previewed>> {
    let policies = policies.open(Arc::new(metrics.clone()))?;
    let catalog = CatalogHandle::new(target.clone());
    catalog
        .refresh()
        .await
        .context("the catalog could not be read")?;
    let settings = GateSettings {
        lock_role: false,
        ..GateSettings::default()
    };
    let gate = Gate::new(settings, policies, Arc::new(metrics.clone()));
    let session = contract::Session {
        database: target.dbname.clone(),
        role: target.user.clone(),
        application: "gatewright explain".to_owned(),
        ..contract::Session::default()
    };
    let mut session = gate.session(session, identity, catalog);
    let text = analyzed(&mut session, sql).await?;
    let mut service = Service::connect_as_client(target).await?;
    service
        .query("SET default_transaction_read_only TO on")
        .await?;
    let mut all = Vec::new();
    for (index, statement) in text.analysis.statements.iter().enumerate() {
        let own = sql.get(statement.span.clone()).unwrap_or_default();
        let preview = session.preview(&text, index);
        let result = match &preview.outcome {
            Ok((permit, rewritten)) => {
                let facts = rewritten
                    .as_ref()
                    .and_then(|text| text.analysis.statements.first())
                    .map_or(&statement.facts, |statement| &statement.facts);
                let text = rewritten.as_ref().map_or(own, |text| &*text.source);
                // The rows of a COPY are described as the gateway does it: by the query that reads them.
                let runs = match &facts.session {
                    SessionEffect::CopyOut(copy) => &copy.describe,
                    _ => text,
                };
                match describe(&mut service, runs).await {
                    Ok(fields) => fields.map(|fields| Ok(session.preview_result(permit, &fields))),
                    Err(error) => Some(Err(error)),
                }
            }
            Err(_) => None,
        };
        all.push(Previewed {
            sql: own.trim().to_owned(),
            facts: Arc::clone(&statement.facts),
            preview,
            result,
        });
    }
    service.close().await;
    Ok(all)
}

async fn analyzed(session: &mut SessionGate, sql: &str) -> Result<Arc<AnalyzedText>> {
    // A large text, or one that names what the catalog does not hold, takes a second look.
    for _ in 0..3 {
        match session.analyze(sql, true) {
            Judged::Ready(Ok(text)) => return Ok(text),
            Judged::Ready(Err(refusal)) => bail!(said(&refusal)),
            Judged::Later => {
                std::future::poll_fn(|context| {
                    crate::session::PendingJudge::poll_pending(session, context)
                })
                .await;
            }
        }
    }
    Err(anyhow!(
        "the statement could not be analysed in time; try again"
    ))
}

fn said(refusal: &Refusal) -> String {
    match refusal.position {
        Some(position) => format!("{} (at character {position})", refusal.message),
        None => refusal.message.clone(),
    }
}

/// None where the statement returns no rows.
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
    };
    Ok(described.map(|columns| columns.into_iter().map(field).collect()))
}
