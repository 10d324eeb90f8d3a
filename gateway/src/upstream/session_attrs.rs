//! Checks libpq's `target_session_attrs`.

use super::service::{Rows, simple_query};
use super::startup::Link;
use super::{Connected, SessionAttributes, Target, UpstreamError};

/// The requirement for each pass over the hosts, in order.
pub(super) fn passes(wanted: SessionAttributes) -> &'static [SessionAttributes] {
    match wanted {
        SessionAttributes::Any => &[SessionAttributes::Any],
        SessionAttributes::ReadWrite => &[SessionAttributes::ReadWrite],
        SessionAttributes::ReadOnly => &[SessionAttributes::ReadOnly],
        SessionAttributes::Primary => &[SessionAttributes::Primary],
        SessionAttributes::Standby => &[SessionAttributes::Standby],
        SessionAttributes::PreferStandby => &[SessionAttributes::Standby, SessionAttributes::Any],
    }
}

/// Whether the session satisfies the requirement. Queries the server only before PostgreSQL 14; newer versions report
/// the state in ParameterStatus.
pub(super) async fn satisfied(
    target: &Target,
    connected: &mut Connected,
    wanted: SessionAttributes,
) -> Result<bool, UpstreamError> {
    Ok(match wanted {
        SessionAttributes::Any | SessionAttributes::PreferStandby => true,
        SessionAttributes::Standby => in_recovery(target, connected).await?,
        SessionAttributes::Primary => !in_recovery(target, connected).await?,
        SessionAttributes::ReadWrite => !read_only(target, connected).await?,
        SessionAttributes::ReadOnly => read_only(target, connected).await?,
    })
}

async fn in_recovery(target: &Target, connected: &mut Connected) -> Result<bool, UpstreamError> {
    match connected.parameters.get("in_hot_standby") {
        Some(value) => Ok(value == "on"),
        None => {
            query_is(
                target,
                connected,
                "SELECT pg_catalog.pg_is_in_recovery()::text",
                "true",
            )
            .await
        }
    }
}

async fn read_only(target: &Target, connected: &mut Connected) -> Result<bool, UpstreamError> {
    let reported = ["in_hot_standby", "default_transaction_read_only"]
        .map(|name| connected.parameters.get(name));
    match reported {
        [Some(standby), Some(default)] => Ok(standby == "on" || default == "on"),
        _ => query_is(target, connected, "SHOW transaction_read_only", "on").await,
    }
}

/// Runs a query on a connection that nobody else uses yet.
///
/// # Errors
/// After [`UpstreamError::Server`] the connection remains usable, unless the error was FATAL.
pub async fn ask(
    target: &Target,
    connected: &mut Connected,
    sql: &str,
) -> Result<Rows, UpstreamError> {
    let mut link = Link {
        stream: &mut connected.stream,
        buffer: std::mem::take(&mut connected.leftover),
    };
    let rows = simple_query(target, &mut link, sql).await;
    connected.leftover = link.buffer;
    rows
}

/// Whether the query returns `expected`.
async fn query_is(
    target: &Target,
    connected: &mut Connected,
    sql: &str,
    expected: &str,
) -> Result<bool, UpstreamError> {
    let rows = ask(target, connected, sql).await?;
    Ok(rows
        .first()
        .and_then(|row| row.first())
        .is_some_and(|value| value.as_deref() == Some(expected)))
}
