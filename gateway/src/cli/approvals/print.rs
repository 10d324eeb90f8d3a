//! Requests as text. What a client wrote is shown without what controls a terminal or reorders a line.

use std::fmt::Write;

use super::RequestView;
use crate::api::{ChangeView, EventView};
use crate::gate::printable;

/// The characters of a statement on a line.
const SHORT: usize = 72;

/// The text on one line.
fn one_line(text: &str) -> String {
    printable(text.replace(['\n', '\r', '\t'], " "))
}

/// `id  state  who  database  statement`
pub(super) fn line(request: &RequestView) -> String {
    let statement = request.statement.split_whitespace();
    let statement = statement.collect::<Vec<_>>().join(" ");
    let mut shown: String = statement.chars().take(SHORT).collect();
    if shown.len() < statement.len() {
        shown.push('…');
    }
    let broken = match &request.break_glass {
        Some(broken) if broken.reviewed_by.is_none() => "break-glass, to be reviewed  ",
        Some(_) => "break-glass  ",
        None => "",
    };
    one_line(&format!(
        "{}  {}  {}  {}  {broken}{shown}",
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
    one_line(&text)
}

/// Everything about a request.
pub(super) fn whole(request: &RequestView) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:<12} {}", one_line(value));
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
    if let Some(effect) = &request.effect {
        row("rows", &effect.in_words);
        row("", effect.about_rows.as_deref().unwrap_or_default());
        for change in &effect.changes {
            row("", &change_line(&effect.columns, change));
        }
    }
    if let Some(broken) = &request.break_glass {
        row("break-glass", &broken.justification);
        let reviewed = broken.reviewed_by.as_deref();
        row("reviewed by", reviewed.unwrap_or("nobody yet"));
    }
    for effect in &request.effects {
        row("effect", effect);
    }
    for change in &request.transaction {
        row("changed", &change.in_words());
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
    let _ = write!(text, "\n{}", printable(request.statement.clone()));
    text
}

/// A row that changes, with the values that stay the same once.
fn change_line(columns: &[String], change: &ChangeView) -> String {
    let value = |side: &Option<Vec<Option<String>>>, index: usize| {
        let value = side.as_ref()?.get(index)?;
        Some(
            value
                .as_ref()
                .map_or("NULL".to_owned(), |value| format!("{value:?}")),
        )
    };
    let values = columns.iter().enumerate().map(|(index, column)| {
        match (value(&change.before, index), value(&change.after, index)) {
            (Some(before), Some(after)) if before != after => {
                format!("{column}: {before} -> {after}")
            }
            (before, after) => format!("{column}: {}", before.or(after).unwrap_or_default()),
        }
    });
    let values: Vec<String> = values.collect();
    values.join(", ")
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

    #[test]
    fn a_reason_adds_no_line() {
        let reason = "checked\nid           0\r\tstate        executed";
        let event = json!({
            "request": "0", "state": "approved", "at": "", "by": "bob\nida", "reason": reason,
        });
        let event: EventView = serde_json::from_value(event).expect("an event");
        let shown = super::event(&event);
        assert!(!shown.contains(['\n', '\r', '\t']), "{shown:?}");
        let request = json!({
            "id": "0", "state": "pending", "wait": "hold", "database": "shop", "role": "writer",
            "requester": {
                "subject": "ada\ncarol", "issuer": "i", "groups": ["a\nb"], "application": "x\nid 0",
                "client_address": "", "session_id": "", "statement_id": "",
            },
            "statement": "DELETE\nFROM orders",
            "parameters": [],
            "search_path": ["public\n"], "settings": [], "verb": "DELETE", "effects": ["deletes\nnothing"], "tables": [],
            "policy": {"name": "p", "version": "1", "code": "c", "reason": reason},
            "binding_digest": "d", "created_at": "", "expires_at": "", "may_decide": true,
            "approvals": {"needed": 1, "reviewers": [], "given": []},
        });
        let request: RequestView = serde_json::from_value(request).expect("a request");
        assert!(!line(&request).contains(['\n', '\r', '\t']));
        let whole = whole(&request);
        let (rows, statement) = whole.split_once("\n\n").expect("rows and the statement");
        assert_eq!(statement, "DELETE\nFROM orders");
        let names = rows
            .lines()
            .map(|row| row.split("  ").next().unwrap_or_default());
        let names: Vec<&str> = names.collect();
        let expected = [
            "id",
            "state",
            "from",
            "issuer",
            "groups",
            "application",
            "database",
            "search path",
            "effect",
            "policy",
            "why",
            "approvals",
        ];
        assert_eq!(names, expected, "{rows}");
    }
}
