//! When a statement was, what was done about it, and how it ended.

use gatewright_contract::Outcome;
use serde_json::{Value, json};

use super::Severity;
use crate::recording::Judged;
use crate::streams::event::Execution;
use crate::streams::settings::Texts;

/// When it was, and how it ended.
pub(super) fn of(
    judged: Option<&Judged>,
    execution: Option<&Execution>,
    texts: Texts,
) -> Vec<(&'static str, Value)> {
    match execution {
        Some(execution) => executed(judged, execution),
        None => refused(judged, texts),
    }
}

fn refused(judged: Option<&Judged>, texts: Texts) -> Vec<(&'static str, Value)> {
    let at = judged.map_or(0, |judged| judged.at);
    let code = judged.and_then(|judged| judged.sqlstate.as_ref());
    // It can quote the text.
    let detail = judged.filter(|_| texts == Texts::Recorded);
    let detail = detail.and_then(|judged| judged.message.as_ref());
    vec![
        ("time", json!(at / 1000)),
        ("severity_id", json!(Severity::Medium)),
        ("severity", json!("Medium")),
        ("status_id", json!(2)),
        ("status", json!("Failure")),
        ("status_code", json!(code)),
        ("status_detail", json!(detail)),
        ("action_id", json!(2)),
        ("action", json!("Denied")),
        ("disposition_id", json!(2)),
        ("disposition", json!("Blocked")),
    ]
}

fn executed(judged: Option<&Judged>, execution: &Execution) -> Vec<(&'static str, Value)> {
    let Execution {
        began,
        completed,
        approvals,
    } = execution;
    let (status, name, severity) = match completed.outcome {
        Outcome::Completed | Outcome::Suspended => (1, "Success", Severity::Informational),
        Outcome::Failed | Outcome::Lost => (2, "Failure", Severity::Low),
        Outcome::Skipped => (99, completed.outcome.name(), Severity::Informational),
    };
    let is_edited = judged.is_some_and(|judged| judged.instead.is_some());
    let (action, done) = match is_edited {
        true => (4, "Modified"),
        false => (1, "Allowed"),
    };
    let (disposition, disposed) = match (approvals.is_empty(), is_edited) {
        (false, _) => (8, "Approved"),
        (true, true) => (11, "Corrected"),
        (true, false) => (1, "Allowed"),
    };
    let code = Some(&completed.sqlstate).filter(|code| !code.is_empty());
    vec![
        ("time", json!(completed.at / 1000)),
        ("start_time", json!(began / 1000)),
        ("end_time", json!(completed.at / 1000)),
        ("duration", json!(completed.elapsed_us / 1000)),
        ("severity_id", json!(severity)),
        (
            "severity",
            json!(match severity {
                Severity::Informational => "Informational",
                Severity::Low => "Low",
                Severity::Medium => "Medium",
            }),
        ),
        ("status_id", json!(status)),
        ("status", json!(name)),
        ("status_code", json!(code)),
        ("action_id", json!(action)),
        ("action", json!(done)),
        ("disposition_id", json!(disposition)),
        ("disposition", json!(disposed)),
    ]
}
