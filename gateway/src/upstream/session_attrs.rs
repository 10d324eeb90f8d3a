//! libpq's `target_session_attrs`: is this server of the kind that is asked for?

use super::service::simple_query;
use super::startup::Link;
use super::{Connected, SessionAttributes, Target, UpstreamError};

/// The passes to make over the hosts, in order.
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

/// Asks the server only where it has not said so itself, which it does from PostgreSQL 14.
pub(super) async fn suits(
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
            ask(
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
        _ => ask(target, connected, "SHOW transaction_read_only", "on").await,
    }
}

async fn ask(
    target: &Target,
    connected: &mut Connected,
    sql: &str,
    yes: &str,
) -> Result<bool, UpstreamError> {
    let mut link = Link {
        stream: &mut connected.stream,
        buffer: std::mem::take(&mut connected.leftover),
    };
    let rows = simple_query(target, &mut link, sql).await?;
    connected.leftover = link.buffer;
    Ok(rows
        .first()
        .and_then(|row| row.first())
        .is_some_and(|value| value.as_deref() == Some(yes)))
}
