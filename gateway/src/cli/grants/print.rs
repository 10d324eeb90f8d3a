//! Access grants as text. What somebody wrote is shown without what controls a terminal or reorders a line.

use std::fmt::Write;

use super::{GrantEventView, GrantView};
use crate::gate::printable;

/// The text on one line.
fn one_line(text: &str) -> String {
    printable(text.replace(['\n', '\r', '\t'], " "))
}

/// `id  state  who  databases  what  for how long`
pub(super) fn line(grant: &GrantView) -> String {
    one_line(&format!(
        "{}  {}  {}  {}  {}  {}",
        grant.id,
        grant.state,
        who(grant),
        grant.databases.join(", "),
        tables(grant).join("; "),
        time(grant),
    ))
}

/// `id  state  by whom  why`
pub(super) fn event(event: &GrantEventView) -> String {
    let mut text = format!("{}  {}", event.grant, event.state);
    if let Some(by) = &event.by {
        let _ = write!(text, "  by {by}");
    }
    if let Some(reason) = &event.reason {
        let _ = write!(text, "  {reason}");
    }
    one_line(&text)
}

/// Everything about an access grant.
pub(super) fn whole(grant: &GrantView) -> String {
    let mut text = String::new();
    let mut row = |name: &str, value: &str| {
        if !value.is_empty() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{name:<12} {}", one_line(value));
        }
    };
    let holder = &grant.holder;
    row("id", &grant.id);
    row("state", grant.state.name());
    row("for", &who(grant));
    row("issuer", &holder.issuer);
    row(
        "asked by",
        &match &holder.asked_by_agent {
            Some(agent) => format!("agent {agent}"),
            None => holder.subject.clone(),
        },
    );
    row("groups", &holder.groups.join(", "));
    row("databases", &grant.databases.join(", "));
    for table in tables(grant) {
        row("access", &table);
    }
    if let Some(budget) = grant.row_budget {
        row("rows", &format!("{} of {budget} used", grant.rows_used));
    }
    row("time", &time(grant));
    row("why", &grant.reason);
    row(
        "statement",
        grant.statement_id.as_deref().unwrap_or_default(),
    );
    row("approvals", &approvals(grant));
    row("asked", &grant.created_at);
    row("expires", &grant.expires_at);
    row("ended", grant.ended.as_deref().unwrap_or_default());
    for step in &grant.history {
        let by = step.by.as_deref().map(|by| format!(" by {by}"));
        let reason = step.reason.as_deref().map(|reason| format!(": {reason}"));
        let (by, reason) = (by.unwrap_or_default(), reason.unwrap_or_default());
        row("", &format!("{} {}{by}{reason}", step.at, step.state));
    }
    text.truncate(text.trim_end().len());
    text
}

fn who(grant: &GrantView) -> String {
    match &grant.holder.agent {
        Some(agent) => format!("{} (agent {agent})", grant.holder.subject),
        None => grant.holder.subject.clone(),
    }
}

fn tables(grant: &GrantView) -> Vec<String> {
    grant.tables.iter().map(ToString::to_string).collect()
}

fn time(grant: &GrantView) -> String {
    match (&grant.active_from, &grant.active_until, &grant.starts_at) {
        (Some(from), Some(until), _) => format!("from {from} until {until}"),
        (_, _, Some(begin)) => format!("for {} s from {begin}", grant.duration_seconds),
        _ => format!("for {} s", grant.duration_seconds),
    }
}

fn approvals(grant: &GrantView) -> String {
    let given = grant.approvals.given.iter();
    let given: Vec<&str> = given.map(|given| given.by.as_str()).collect();
    let mut text = format!("{} of {}", given.len(), grant.approvals.needed);
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
    fn a_grant_cannot_write_on_the_terminal() {
        let table = json!({"schema": "public", "name": "or\u{1b}[2Jders", "verbs": ["delete"]});
        let grant = json!({
            "id": "0", "state": "pending", "databases": ["shop\n"], "tables": [table],
            "holder": {"subject": "ada\u{202e}", "issuer": "i", "agent": "helper", "groups": ["a\nb"]},
            "rows_used": 0, "row_budget": 10, "duration_seconds": 3600, "reason": "ticket\nstate        approved",
            "approvals": {"needed": 1, "given": []}, "created_at": "", "expires_at": "", "may_decide": true,
        });
        let grant: GrantView = serde_json::from_value(grant).expect("a grant");
        let line = line(&grant);
        assert!(
            line.contains("(agent helper)") && line.contains("delete on public.\"or"),
            "{line}"
        );
        let whole = whole(&grant);
        assert!(!line.contains(['\n', '\u{1b}', '\u{202e}']), "{line:?}");
        assert!(!whole.contains(['\u{1b}', '\u{202e}']), "{whole:?}");
        let names = whole
            .lines()
            .map(|row| row.split("  ").next().unwrap_or_default());
        let names: Vec<&str> = names.collect();
        let expected = [
            "id",
            "state",
            "for",
            "issuer",
            "asked by",
            "groups",
            "databases",
            "access",
            "rows",
            "time",
            "why",
            "approvals",
        ];
        assert_eq!(names, expected, "{whole}");
    }
}
