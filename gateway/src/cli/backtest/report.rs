//! The comparison, for people and for programs.

use std::io::{self, Write};
use std::time::Duration;

use serde_json::json;

use super::compare::{Change, Comparison, Decided, Seen};
use crate::cli::explain::one_line;
use crate::cli::sessions::text::time;
use crate::gate::printable;

pub(super) fn print(comparison: &Comparison, as_json: bool) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for (change, seen) in &comparison.changes {
        match as_json {
            true => writeln!(out, "{}", change_json(change, seen))?,
            false => write!(out, "{}", printable(change_text(change, seen)))?,
        }
    }
    match as_json {
        true => writeln!(out, "{}", totals_json(comparison))?,
        false => write!(out, "{}", totals_text(comparison))?,
    }
    out.flush()
}

fn word(decided: Decided) -> &'static str {
    match decided {
        Decided::Permitted => "permitted",
        Decided::Rewritten => "rewritten",
        Decided::NeedsApproval => "needs approval",
        Decided::Refused => "refused",
    }
}

fn change_text(change: &Change, seen: &Seen) -> String {
    let times = match seen.count {
        1 => "once".to_owned(),
        count => format!("{count} times"),
    };
    let mut text = format!(
        "{} -> {}  {times}, last at {} by {}\n    {}\n",
        word(change.then),
        word(change.now),
        time(seen.last),
        seen.subject,
        one_line(&change.text)
    );
    if !change.reason.is_empty() {
        text.push_str(&format!("    {}\n", change.reason));
    }
    text
}

fn change_json(change: &Change, seen: &Seen) -> serde_json::Value {
    json!({
        "then": word(change.then),
        "now": word(change.now),
        "reason": change.reason,
        "statement": change.text,
        "count": seen.count,
        "last": time(seen.last),
        "last_subject": seen.subject,
    })
}

/// How many decisions would be others.
fn changed(comparison: &Comparison) -> u64 {
    comparison.changes.values().map(|seen| seen.count).sum()
}

fn totals_text(comparison: &Comparison) -> String {
    let mut text = format!("{} {}\n", comparison.policy, comparison.version);
    let mut line = |name: &str, value: String| text.push_str(&format!("  {name:<26}{value}\n"));
    line("statements", comparison.statements.to_string());
    line("sessions", comparison.sessions.to_string());
    line("decided otherwise", changed(comparison).to_string());
    if comparison.not_asked > 0 {
        // There is nothing to compare with.
        line("refused by others first", comparison.not_asked.to_string());
    }
    if comparison.unread > 0 {
        line("cannot be analysed", comparison.unread.to_string());
    }
    if let Some((median, longest)) = cost(&comparison.calls) {
        let (median, longest) = (micros(median), micros(longest));
        let value = format!("{median:.1} µs (median), {longest:.1} µs (longest)");
        line("time of a call", value);
    }
    text
}

fn totals_json(comparison: &Comparison) -> serde_json::Value {
    let cost = cost(&comparison.calls);
    json!({
        "policy": comparison.policy,
        "version": comparison.version,
        "sessions": comparison.sessions,
        "statements": comparison.statements,
        "changed": changed(comparison),
        "not_asked": comparison.not_asked,
        "unread": comparison.unread,
        "calls": comparison.calls.len(),
        "call_median_us": cost.map(|(median, _)| micros(median)),
        "call_longest_us": cost.map(|(_, longest)| micros(longest)),
    })
}

/// The median and the longest.
fn cost(calls: &[Duration]) -> Option<(Duration, Duration)> {
    Some((*calls.get(calls.len() / 2)?, *calls.last()?))
}

fn micros(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1e6
}
