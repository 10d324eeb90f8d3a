//! Requests as text. What a client wrote is shown without what controls a terminal or reorders a line.

use std::fmt::Write;

use super::RequestView;
use crate::api::EventView;
use crate::gate::printable;

/// The characters of a statement on a line.
const SHORT: usize = 72;

/// `id  state  who  database  statement`
pub(super) fn line(request: &RequestView) -> String {
    let statement = request.statement.split_whitespace();
    let statement = statement.collect::<Vec<_>>().join(" ");
    let mut shown: String = statement.chars().take(SHORT).collect();
    if shown.len() < statement.len() {
        shown.push('…');
    }
    printable(format!(
        "{}  {}  {}  {}  {shown}",
        request.id,
        request.state,
        who(request),
        request.database,
    ))
}

/// `id  state  by whom: why`
pub(super) fn event(event: &EventView) -> String {
    let mut text = format!("{}  {}", event.request, event.state);
    if let Some(by) = &event.by {
        let _ = write!(text, "  by {by}");
    }
    if let Some(reason) = &event.reason {
        let _ = write!(text, "  {reason}");
    }
    printable(text)
}

/// Everything about a request.
pub(super) fn whole(request: &RequestView) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:<12} {value}");
        }
    };
    let requester = &request.requester;
    row("id", &request.id);
    row("state", request.state.name());
    row("from", &who(request));
    row("issuer", &requester.issuer);
    row("groups", &requester.groups.join(", "));
    row("task", requester.task.as_deref().unwrap_or_default());
    row("application", &requester.application);
    row("address", &requester.client_address);
    row(
        "database",
        &format!("{} as {}", request.database, request.role),
    );
    row("search path", &request.search_path.join(", "));
    row("tables", &request.tables.join(", "));
    for effect in &request.effects {
        row("effect", effect);
    }
    row(
        "effect digest",
        request.effect_digest.as_deref().unwrap_or_default(),
    );
    let policy = &request.policy;
    row(
        "policy",
        &format!("{} {} ({})", policy.name, policy.version, policy.code),
    );
    row("why", &policy.reason);
    row("approvals", &approvals(request));
    row("made", &request.created_at);
    row("expires", &request.expires_at);
    row(
        "approved until",
        request.approved_until.as_deref().unwrap_or_default(),
    );
    for step in &request.history {
        let by = step.by.as_deref().map(|by| format!(" by {by}"));
        let reason = step.reason.as_deref().map(|reason| format!(": {reason}"));
        let (by, reason) = (by.unwrap_or_default(), reason.unwrap_or_default());
        row("", &format!("{} {}{by}{reason}", step.at, step.state));
    }
    for (number, parameter) in (1..).zip(&request.parameters) {
        let value = match (&parameter.text, &parameter.undecoded) {
            (Some(value), _) => format!("{value:?}"),
            (None, Some(digits)) => format!("{digits} (hexadecimal, type {})", parameter.type_oid),
            (None, None) => "NULL".to_owned(),
        };
        row(&format!("${number}"), &value);
    }
    let _ = write!(text, "\n{}", request.statement);
    printable(text)
}

fn who(request: &RequestView) -> String {
    let requester = &request.requester;
    match &requester.agent {
        Some(agent) => format!("{} (agent {agent})", requester.subject),
        None => requester.subject.clone(),
    }
}

fn approvals(request: &RequestView) -> String {
    let given: Vec<&str> = request
        .approvals
        .given
        .iter()
        .map(|given| given.by.as_str())
        .collect();
    let mut text = format!("{} of {}", given.len(), request.approvals.needed);
    if !given.is_empty() {
        let _ = write!(text, ": {}", given.join(", "));
    }
    text
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_statement_cannot_write_on_the_terminal() {
        let request = json!({
            "id": "0", "state": "pending", "wait": "hold", "database": "shop", "role": "writer",
            "requester": {
                "subject": "ada", "issuer": "i", "agent": "helper", "groups": [], "application": "\u{1b}]0;x\u{7}",
                "client_address": "", "session_id": "", "statement_id": "",
            },
            "statement": "DELETE FROM orders -- \u{202e}harmless\u{1b}[2J",
            "parameters": [{"type_oid": 25, "text": "\u{1b}[2J"}, {"type_oid": 25}],
            "search_path": ["public"], "settings": [], "verb": "DELETE", "effects": [], "tables": [],
            "policy": {"name": "p", "version": "1", "code": "c", "reason": "r"},
            "binding_digest": "d", "created_at": "", "expires_at": "", "may_decide": true,
            "approvals": {"needed": 1, "reviewers": [], "given": []},
        });
        let request: RequestView = serde_json::from_value(request).expect("a request");
        for text in [line(&request), whole(&request)] {
            assert!(text.contains("ada (agent helper)"), "{text}");
            assert!(text.contains("DELETE FROM orders"), "{text}");
            assert!(!text.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{text:?}");
        }
        assert!(whole(&request).contains("$2           NULL"));
    }
}
