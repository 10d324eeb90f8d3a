//! A message about an access grant.

use std::fmt::Write;

use serde_json::Value;

use super::{
    Form, LONGEST_NAME, LONGEST_REASON, by, code_of, is_short, links, list, outcome, person,
    section,
};
use crate::access::State;
use crate::webhooks::envelope::readable;
use crate::webhooks::grant_message::{GrantMessage, MOST_SHOWN};

/// A message about an access grant.
pub(in crate::webhooks) fn of_grant(message: &GrantMessage<'_>, form: Form) -> Value {
    let headline = headline(message);
    let mut blocks = vec![section(&headline)];
    let shows_it = form == Form::Card || message.asks();
    if shows_it {
        blocks.push(section(&tables(message)));
        blocks.push(section(&details(message)));
    }
    if !message.asks() {
        let rows = outcome(message.decided_by, message.envelope.reason);
        if !rows.is_empty() {
            blocks.push(section(&rows.join("\n")));
        }
    }
    let shows_all = shows_it && fits(message);
    blocks.push(links("Open the access grant", &message.envelope, shows_all));
    super::message(&headline, blocks)
}

/// Who, and where, on one line.
fn headline(message: &GrantMessage<'_>) -> String {
    let grant = message.grant;
    let who = person(&grant.subject, grant.agent.as_deref());
    let place = list(&grant.databases, 1);
    let time = duration(grant.duration_ms);
    let label = match message.state {
        State::Pending if message.asks() => {
            return format!("*Access wanted:* {who} asks for access in {place} for {time}.");
        }
        State::Pending => "One approval",
        State::Approved => "Access granted",
        State::Rejected => "Access rejected",
        State::Withdrawn => "Access given back",
        State::Revoked => "Access revoked",
        State::Expired => "Access ended",
    };
    let by = by(&message.envelope);
    format!("*{label}*{by}: {who} in {place} for {time}.")
}

/// What may be done to which tables.
fn tables(message: &GrantMessage<'_>) -> String {
    let tables = message.grant.tables.iter();
    let tables: Vec<_> = tables.map(ToString::to_string).collect();
    list(&tables, MOST_SHOWN)
}

/// What a reviewer goes by besides the tables.
fn details(message: &GrantMessage<'_>) -> String {
    let grant = message.grant;
    let mut text = format!("Databases: {}", list(&grant.databases, MOST_SHOWN));
    let mut row = |name: &str, value: &str| {
        // Writing to a String cannot fail.
        let _ = write!(text, "\n{name}: {value}");
    };
    if let Some(why) = message.why {
        row("Why", &code_of(why, LONGEST_REASON));
    }
    if let Some(rows) = grant.row_budget {
        row("Rows", &format!("{rows} at most"));
    }
    if let Some(begin) = grant.not_before {
        row("Not before", &readable(begin));
    }
    if grant.needed > 1 {
        row("Approvals needed", &grant.needed.to_string());
    }
    match (message.state, grant.active_until) {
        (State::Pending, _) => row("Decide before", &readable(grant.expires_at)),
        (State::Approved, Some(until)) => row("Until", &readable(until)),
        _ => {}
    }
    text
}

/// Whether nothing is cut.
fn fits(message: &GrantMessage<'_>) -> bool {
    let grant = message.grant;
    let subject = std::iter::once(&grant.subject);
    let mut names = subject.chain(&grant.agent).chain(&grant.databases);
    let mut tables = grant.tables.iter();
    names.all(|name| is_short(name, LONGEST_NAME))
        && tables.all(|table| is_short(&table.to_string(), LONGEST_NAME))
        && is_short(&grant.reason, LONGEST_REASON)
}

/// A time in its largest unit that fits.
fn duration(milliseconds: i64) -> String {
    let seconds = milliseconds / 1000;
    let (count, unit) = match seconds {
        seconds if seconds % 3600 == 0 => (seconds / 3600, "hour"),
        seconds if seconds % 60 == 0 => (seconds / 60, "minute"),
        seconds => (seconds, "second"),
    };
    match count {
        1 => format!("1 {unit}"),
        count => format!("{count} {unit}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_in_the_unit_that_fits() {
        for (seconds, shown) in [
            (3600, "1 hour"),
            (7200, "2 hours"),
            (5400, "90 minutes"),
            (60, "1 minute"),
            (61, "61 seconds"),
        ] {
            assert_eq!(duration(seconds * 1000), shown);
        }
    }
}
