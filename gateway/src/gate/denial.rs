//! Refusals as the client sees them: SQLSTATE, message, DETAIL and HINT.

use std::borrow::Cow;

use gatewright_contract::{self as contract, StatementId};
use gatewright_policy_host::{Fault, Policy};
use serde_json::json;

use super::permit::Permit;
use crate::results::Stop;
use crate::session::{Limit, Refusal};

/// insufficient_privilege (PostgreSQL, Appendix A): the SQLSTATE of a refusal unless its policy chose another.
pub(super) const INSUFFICIENT_PRIVILEGE: &str = "42501";

/// A policy's denial as the client sees it.
pub(super) fn of_policy(
    policy: &Policy,
    denial: contract::Denial,
    statement_id: StatementId,
) -> Refusal {
    Refusal {
        sqlstate: denial
            .sqlstate
            .map_or(Cow::Borrowed(INSUFFICIENT_PRIVILEGE), Cow::Owned),
        message: printable(denial.message),
        detail: Some(detail(
            policy.name(),
            policy.version(),
            &denial.code,
            statement_id,
        )),
        hint: denial.hint.map(printable),
        position: None,
        counted: true,
        unread: false,
    }
}

/// A refusal by the gateway itself.
pub(super) fn of_gateway(
    code: &str,
    message: impl Into<String>,
    hint: Option<&str>,
    statement_id: StatementId,
) -> Refusal {
    Refusal {
        sqlstate: Cow::Borrowed(INSUFFICIENT_PRIVILEGE),
        message: printable(message.into()),
        detail: Some(detail(
            "gateway",
            env!("CARGO_PKG_VERSION"),
            code,
            statement_id,
        )),
        hint: hint.map(|hint| printable(hint.to_owned())),
        position: None,
        counted: true,
        unread: false,
    }
}

/// The text without what controls a terminal or reorders a line: it may quote names that a client chose.
pub fn printable(text: String) -> String {
    let controls = |character: char| match character {
        '\n' | '\t' => false,
        // Unicode Standard Annex #9, explicit formatting characters.
        '\u{061c}'
        | '\u{200e}'
        | '\u{200f}'
        | '\u{202a}'..='\u{202e}'
        | '\u{2066}'..='\u{2069}' => true,
        other => other.is_control(),
    };
    match text.contains(controls) {
        true => text.replace(controls, "\u{fffd}"),
        false => text,
    }
}

/// DETAIL, machine-readable: which rule refused, and the id under which the gateway logs the decision.
fn detail(policy: &str, version: &str, code: &str, statement_id: StatementId) -> String {
    json!({ "policy": policy, "version": version, "code": code, "decision": statement_id.to_string() }).to_string()
}

/// The denial for a policy that gave no answer. The cause is only logged.
pub(super) fn of_fault(policy: &Policy, fault: &Fault) -> contract::Denial {
    contract::Denial {
        code: format!("policy-fault-{}", fault.kind()),
        message: format!(
            "policy \"{}\" could not judge this statement, so it is refused",
            policy.name()
        ),
        hint: Some(
            "This is a fault of the policy, not of the statement; tell whoever runs the gateway."
                .into(),
        ),
        sqlstate: None,
    }
}

pub(super) fn no_such_step() -> contract::Denial {
    contract::Denial {
        code: "no-such-policy".into(),
        message:
            "the policy that must inspect this result is no longer loaded, so the result is refused"
                .into(),
        hint: Some("Run the statement again.".into()),
        sqlstate: None,
    }
}

/// The refusal for a result that was stopped.
pub(super) fn stopped(permit: &Permit, stop: Stop) -> Refusal {
    let id = permit.view.statement_id;
    match stop {
        Stop::Denied { step, denial } => match permit.planner(step) {
            Some(policy) => of_policy(policy, denial, id),
            None => of_gateway(&denial.code, denial.message, denial.hint.as_deref(), id),
        },
        Stop::Illegal { step, reason } => {
            let name = permit
                .planner(step)
                .map_or("unknown", |policy| policy.name());
            tracing::error!(policy = name, statement = %id, reason, "the policy's reply does not fit its batch; the result ends");
            of_gateway(
                "policy-fault-illegal-reply",
                format!(
                    "policy \"{name}\" gave a reply that does not fit this result, so the result is refused"
                ),
                Some(
                    "This is a fault of the policy, not of the statement; tell whoever runs the gateway.",
                ),
                id,
            )
        }
        Stop::TooLarge { .. } | Stop::Rows(_) => of_gateway(
            "result-unreadable",
            format!("the result cannot be masked: {stop}"),
            Some("Select smaller values, or leave out the column."),
            id,
        ),
    }
}

/// The refusal for a result that reached a limit of its permit.
pub(super) fn limit(permit: &Permit, limit: Limit) -> Refusal {
    let (code, text, hint) = match limit {
        Limit::Rows(rows) => (
            "row-limit",
            format!("the result has more than the {rows} rows allowed for it"),
            "Narrow the statement with WHERE or LIMIT; the rows delivered so far are complete.",
        ),
        Limit::Bytes(bytes) => (
            "byte-limit",
            format!("the result has more than the {bytes} bytes allowed for it"),
            "Select fewer columns or rows; the rows delivered so far are complete.",
        ),
        Limit::Time(time) => (
            "time-limit",
            format!(
                "the statement took longer than the {} ms allowed for it",
                time.as_millis()
            ),
            "Narrow the statement, or read what it needs in smaller steps.",
        ),
        Limit::RowSize(bytes) => (
            "row-size",
            format!("a row is longer than the {bytes} bytes that can be held to mask it"),
            "Leave the large column out, or select a part of it.",
        ),
    };
    let policy = permit.limited_by(limit);
    match policy {
        Some(policy) => of_policy(
            policy,
            contract::Denial {
                code: code.into(),
                message: text,
                hint: Some(hint.into()),
                sqlstate: Some(
                    match limit {
                        Limit::Time(_) => "57014",
                        _ => "54000",
                    }
                    .into(),
                ),
            },
            permit.view.statement_id,
        ),
        None => of_gateway(code, text, Some(hint), permit.view.statement_id),
    }
}

#[cfg(test)]
mod tests {
    use super::printable;

    #[test]
    fn what_controls_a_terminal_is_replaced() {
        let shown = |text: &str| printable(text.to_owned());
        assert_eq!(
            shown("a\u{1b}[2Jb\0c\u{9b}1md"),
            "a\u{fffd}[2Jb\u{fffd}c\u{fffd}1md"
        );
        assert_eq!(shown("\u{202e}drop\u{2066}"), "\u{fffd}drop\u{fffd}");
        assert_eq!(shown("two\nlines\tof é"), "two\nlines\tof é");
    }
}
