//! What a client is told of a statement that nobody approved, and of one that waits.

use std::borrow::Cow;
use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, SecondsFormat, Utc};
use gatewright_contract::{self as contract, RequestId, StatementId};
use serde_json::{Value, json};

use crate::approvals::{ApprovalsError, Outcome};
use crate::gate::denial::{self, INSUFFICIENT_PRIVILEGE, printable};
use crate::gate::permit::Permit;
use crate::session::{Bound, Notice, Refusal};

/// Where a request is decided, and until when.
pub(super) struct Place {
    pub id: RequestId,
    pub statement: StatementId,
    pub url: String,
    pub expires_at: SystemTime,
    /// From when on people decide, if they do not now.
    pub reviewers_from: Option<SystemTime>,
}

impl Place {
    /// The DETAIL with the time from which on people decide.
    fn detail(&self, mut detail: Value) -> Value {
        if let (Some(from), Some(members)) = (self.reviewers_from, detail.as_object_mut()) {
            members.insert("reviewers_from".to_owned(), time(from).into());
        }
        detail
    }

    /// The HINT with the same.
    fn hint(&self, hint: &str) -> String {
        match self.reviewers_from {
            Some(from) => format!("Reviewers decide from {} on. {hint}", time(from)),
            None => hint.to_owned(),
        }
    }
}

/// What the client is told while its statement is held.
pub(super) fn notice(place: &Place, policy: &str, wanted: &contract::Approval) -> Notice {
    Notice {
        message: "held for approval".to_owned(),
        detail: ascii(&place.detail(json!({
            "id": place.id.to_string(),
            "url": place.url,
            "expires_at": time(place.expires_at),
            "policy": policy,
            "code": wanted.code,
            "reason": wanted.reason,
        }))),
        hint: place
            .hint("It runs once it is approved. Cancelling the statement withdraws the request."),
    }
}

/// The refusal of a statement that is not held. `None`: it was approved.
pub(super) fn of_outcome(place: &Place, outcome: &Outcome) -> Option<Refusal> {
    let (decision, message, by, reason, hint) = match outcome {
        Outcome::Approved(_) => return None,
        Outcome::Rejected { by, reason } => (
            "rejected",
            "a reviewer rejected this statement",
            Some(by),
            reason.as_ref(),
            "The reviewer's reason, if there is one, is in the DETAIL.",
        ),
        Outcome::Revoked { by, reason } => (
            "revoked",
            "a reviewer took the approval of this statement back",
            Some(by),
            reason.as_ref(),
            "The reviewer's reason, if there is one, is in the DETAIL.",
        ),
        Outcome::Expired => (
            "expired",
            "nobody approved this statement in time",
            None,
            None,
            "Send it again to ask again.",
        ),
        Outcome::Withdrawn => (
            "withdrawn",
            "the request to approve this statement was withdrawn",
            None,
            None,
            "Send it again to ask again.",
        ),
    };
    let retry = matches!(decision, "expired" | "withdrawn");
    Some(refusal(
        message,
        json!({
            "id": place.id.to_string(),
            "statement": place.statement.to_string(),
            "decision": decision,
            "by": by,
            "reason": reason,
            "retry": retry,
        }),
        hint,
    ))
}

/// The refusal of a statement that is to be sent again once it is approved.
pub(super) fn returned(place: &Place) -> Refusal {
    refusal(
        "this statement needs approval",
        place.detail(json!({
            "id": place.id.to_string(),
            "statement": place.statement.to_string(),
            "decision": "pending",
            "by": Value::Null,
            "reason": Value::Null,
            "retry": true,
            "url": place.url,
            "expires_at": time(place.expires_at),
        })),
        &place.hint("Send the same statement again once it is approved."),
    )
}

/// The refusal of a statement that was approved as something else.
pub(super) fn changed(what: &str, id: StatementId) -> Refusal {
    denial::of_gateway(
        "approval-changed",
        format!("{what} while this statement waited for approval, so it is not what was approved"),
        Some("Send it again to ask again."),
        id,
    )
}

/// The refusal of a statement that had another effect than the one that was approved. It was undone.
pub(super) fn effect_differs(id: RequestId, approved: Bound, changed: Option<u64>) -> Refusal {
    let (rows, rows_differ) = match approved {
        Bound::Rows { count, .. } => (Some(count), changed == Some(count)),
        Bound::AtMost(rows) => (Some(rows), false),
        Bound::Failure => (None, false),
    };
    refusal(
        "this statement did something else than what was approved, and was undone",
        json!({
            "id": id.to_string(),
            "decision": "effect_mismatch",
            "by": Value::Null,
            "reason": Value::Null,
            "retry": true,
            "approved_rows": rows,
            "changed_rows": changed,
            "rows_differ": rows_differ,
        }),
        "Send it again to ask again.",
    )
}

/// The refusal of a statement about which nobody was asked, because it was to change few rows. It was undone.
pub(in crate::gate) fn too_many_rows(at_most: Option<u64>, permit: &Permit) -> Refusal {
    let rows = at_most.unwrap_or_default();
    denial::of_gateway(
        "approval-above-rows",
        format!(
            "this statement changes more than {rows} rows, which needs approval, and was undone"
        ),
        Some("The server estimated fewer rows. ANALYZE the table, or narrow the WHERE clause."),
        permit.view.statement_id,
    )
}

/// The refusal of a statement about which nobody can be asked.
pub(super) fn unasked(error: ApprovalsError) -> Refusal {
    let message = format!("this statement needs approval, and {error}");
    let mut refusal = Refusal::new("42501", message).with_hint(error.hint());
    refusal.sqlstate = Cow::Borrowed(error.sqlstate());
    refusal.counted = true;
    refusal
}

fn refusal(message: &str, detail: Value, hint: &str) -> Refusal {
    let mut refusal = Refusal::new(INSUFFICIENT_PRIVILEGE, message).with_hint(hint);
    refusal.detail = Some(ascii(&detail));
    refusal.counted = true;
    refusal
}

/// JSON in ASCII, which is the same in every encoding of a client.
fn ascii(value: &Value) -> String {
    let mut text = String::new();
    let mut units = [0; 2];
    for character in printable(value.to_string()).chars() {
        match character {
            ' '..='~' => text.push(character),
            other => other
                .encode_utf16(&mut units)
                .iter()
                .for_each(|unit| text.push_str(&format!("\\u{unit:04x}"))),
        }
    }
    text
}

fn time(at: SystemTime) -> String {
    let milliseconds = at.duration_since(UNIX_EPOCH).map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    });
    let time = DateTime::from_timestamp_millis(milliseconds).unwrap_or(DateTime::<Utc>::MAX_UTC);
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
