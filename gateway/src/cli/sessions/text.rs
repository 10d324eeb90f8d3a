//! What is printed of events.

use std::fmt::Write as _;

use chrono::{DateTime, SecondsFormat};
use gatewright_record::event::{
    Attempted, Completed, Judged, Keep, Literals, Opened, Parameter, PolicyAnswer, RehearsalWay,
    Time, Truncated, View, Viewed,
};

pub(in crate::cli) use crate::library::values::{keep, literals, parameter, text, value_text};

/// Stands for a text that is not recorded.
const UNJUDGED: &str = "(a statement whose judgement is not recorded)";

/// Who was connected to what.
pub(in crate::cli) fn beginning(opened: &Opened) -> String {
    let mut text = format!(
        "{}  {} of {} connected to {} as {} from {}",
        time(opened.at),
        opened.subject,
        opened.issuer,
        opened.database,
        opened.role,
        opened.client_address,
    );
    if let Some(agent) = &opened.agent {
        // Writing to a string does not fail.
        let _ = write!(text, ", agent {agent}");
    }
    if opened.keep != Keep::Rows {
        let _ = write!(text, "; kept: {}", keep(opened.keep));
    }
    if opened.literals == Some(Literals::Redact) {
        text.push_str("; values in statements are not recorded");
    }
    text
}

pub(in crate::cli) fn refusal(judged: &Judged) -> String {
    format!(
        "{}  REFUSED {}: {}\n    {}",
        time(judged.at),
        judged.sqlstate.as_deref().unwrap_or_default(),
        judged.message.as_deref().unwrap_or_default(),
        text(judged)
    ) + &parameters(judged.parameters.as_deref().unwrap_or_default())
}

pub(in crate::cli) fn execution(
    judged: Option<&Judged>,
    attempted: Option<&Attempted>,
    completed: &Completed,
) -> String {
    let mut text = format!("{}  #{}", time(completed.at), completed.execution);
    let outcome = completed.outcome.name();
    let attempt = attempted.and_then(what_ran).unwrap_or_default();
    let _ = write!(text, "  {attempt}{outcome}");
    if !matches!(completed.sqlstate.as_str(), "" | "00000") {
        let _ = write!(text, " with {}", completed.sqlstate);
    }
    let ms = completed.elapsed_us / 1000;
    let _ = write!(text, ", {} rows, {ms} ms", completed.rows);
    if completed.masked_cells > 0 {
        let _ = write!(text, ", {} values masked", completed.masked_cells);
    }
    if let Some(changed) = completed.changed {
        let _ = write!(text, ", {changed} rows changed");
    }
    let _ = write!(text, "\n    {}", statement(judged));
    if let Some(attempted) = attempted {
        if let Some(sent) = sent(attempted) {
            let _ = write!(text, "\n    sent as: {sent}");
        }
        text.push_str(&parameters(&attempted.parameters));
    }
    text
}

/// What is executed, if it is not the client's statement itself.
pub(in crate::cli) fn what_ran(attempted: &Attempted) -> Option<String> {
    if let Some(rehearsal) = &attempted.rehearsal {
        let what = match rehearsal.way {
            RehearsalWay::Estimate => "planned for reviewers, ",
            RehearsalWay::Run => "rehearsed for reviewers and rolled back, ",
        };
        return Some(what.to_owned());
    }
    let function = attempted.function?;
    Some(format!("call of the function with OID {function}, "))
}

/// What the server was sent for a rehearsal, if that is not the statement.
pub(in crate::cli) fn sent(attempted: &Attempted) -> Option<&str> {
    attempted.rehearsal.as_ref()?.text.as_deref()
}

/// The text of a statement as its client sent it.
pub(in crate::cli) fn as_sent(judged: Option<&Judged>) -> String {
    judged.map_or_else(|| UNJUDGED.to_owned(), text)
}

/// The text of a statement, and what ran in its place.
fn statement(judged: Option<&Judged>) -> String {
    match judged {
        None => UNJUDGED.to_owned(),
        Some(judged) => match &judged.instead {
            Some(instead) => format!("{}\n    ran as: {instead}{}", text(judged), shadows(judged)),
            None => text(judged) + &shadows(judged),
        },
    }
}

/// What policies in shadow mode would have done about it, a line for each.
fn shadows(judged: &Judged) -> String {
    let shadows = judged.policies.iter().filter_map(|policy| {
        let would = match policy.shadow? {
            PolicyAnswer::Allowed | PolicyAnswer::NotAsked => return None,
            PolicyAnswer::Denied => "would have refused it",
            PolicyAnswer::RequiresApproval => "would have asked people",
            PolicyAnswer::Rewrote => "would have rewritten it",
        };
        Some(format!("\n    in shadow: {} {would}", policy.name))
    });
    shadows.collect()
}

/// What is told where events are encrypted for somebody else.
pub(in crate::cli) const SEALED: &str =
    "ENCRYPTED: statements and results are for other identities (--identity FILE)";

/// What is told at the end.
pub(in crate::cli) fn sealed(events: u64) -> String {
    format!(
        "ENCRYPTED: {events} events, statements and results among them, are for other identities (--identity FILE)"
    )
}

/// What somebody was shown of the record.
pub(in crate::cli) fn viewing(viewed: &Viewed) -> String {
    let mut text = format!("{}  viewed {}", time(viewed.at), view(viewed.what));
    for session in &viewed.sessions {
        let _ = write!(text, " {session}");
    }
    if let Some(statement) = viewed.statement {
        let _ = write!(text, ", number {statement}");
    }
    if let Some(search) = &viewed.search {
        let _ = write!(text, ", searched for: {search}");
    }
    text
}

pub(in crate::cli) fn view(view: View) -> &'static str {
    match view {
        View::Sessions => "sessions",
        View::Session => "session",
        View::Statement => "statement",
        View::Search => "search",
    }
}

/// From where on something is missing.
pub(in crate::cli) fn truncation(truncated: &Truncated) -> String {
    let mut text = format!("{}  TRUNCATED: {}", time(truncated.at), truncated.why);
    if let Some(kept) = truncated.keep {
        let _ = write!(text, "; from here on, kept: {}", keep(kept));
    }
    text
}

pub(in crate::cli) fn parameters(parameters: &[Parameter]) -> String {
    let mut text = String::new();
    for (number, parameter) in (1..).zip(parameters) {
        let value = match (self::parameter(parameter), parameter.withheld) {
            (Some(value), _) => value,
            (None, Some(length)) => format!("({length} bytes, not recorded)"),
            (None, None) => "NULL".to_owned(),
        };
        let _ = write!(text, "\n    ${number} = {value}");
    }
    text
}

/// As it is recorded.
pub(in crate::cli) fn precise_time(at: Time) -> String {
    time_with(at, SecondsFormat::Micros)
}

pub(in crate::cli) fn time(at: Time) -> String {
    time_with(at, SecondsFormat::Millis)
}

fn time_with(at: Time, precision: SecondsFormat) -> String {
    let micros = i64::try_from(at).unwrap_or(i64::MAX);
    let time = DateTime::from_timestamp_micros(micros).unwrap_or_default();
    time.to_rfc3339_opts(precision, true)
}
