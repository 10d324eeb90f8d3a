//! What reviewers are shown of values, and what a client is told.

use std::time::{Duration, UNIX_EPOCH};

use gatewright_contract::{
    Allowance, Approval, ApprovalEffect, ApprovalWait, RequestId, Session, SettingChange,
    SettingValue, StatementId,
};
use serde_json::{Value, json};

use super::draft::{chosen, justification, parameter};
use super::refusals::{self, Place};
use crate::approvals::{Outcome, ParameterValue};
use crate::results::Format;

fn place() -> Place {
    Place {
        id: RequestId::generate(),
        statement: StatementId::generate(),
        url: "https://gateway.example.com/requests/1".to_owned(),
        expires_at: UNIX_EPOCH + Duration::from_millis(1_796_022_745_123),
        reviewers_from: None,
    }
}

#[test]
fn a_client_is_told_from_when_on_people_decide() {
    let from = UNIX_EPOCH + Duration::from_millis(1_796_022_000_000);
    let away = Place {
        reviewers_from: Some(from),
        ..place()
    };
    let refusal = refusals::returned(&away);
    let said: Value = serde_json::from_str(&refusal.detail.expect("a DETAIL")).expect("JSON");
    assert_eq!(said["reviewers_from"], "2026-11-30T07:00:00.000Z");
    assert_eq!(
        refusal.hint.as_deref(),
        Some(
            "Reviewers decide from 2026-11-30T07:00:00.000Z on. Send the same statement again once it is approved."
        )
    );
    let now = refusals::returned(&place());
    assert!(!now.detail.expect("a DETAIL").contains("reviewers_from"));
}

/// Whatever the encoding of the client.
#[test]
fn what_a_client_is_told_is_json_in_ascii() {
    let wanted = Approval {
        code: "löschen".to_owned(),
        reason: "\u{202e}\u{1b}[2J 𝄞".to_owned(),
        reviewers: Vec::new(),
        approvals: 1,
        wait: ApprovalWait::Hold,
        hold_ms: 0,
        valid_ms: 0,
        effect: ApprovalEffect::None,
        above_rows: None,
        allowance: Allowance::default(),
    };
    let notice = refusals::notice(&place(), "p", &wanted);
    assert!(notice.detail.is_ascii() && notice.message.is_ascii() && notice.hint.is_ascii());
    let said: Value = serde_json::from_str(&notice.detail).expect("JSON");
    assert_eq!(said["code"], "löschen");
    assert_eq!(said["expires_at"], "2026-11-30T07:12:25.123Z");
    let reason = said["reason"].as_str().expect("a text");
    assert!(
        reason.ends_with("𝄞") && !reason.contains('\u{202e}'),
        "{reason:?}"
    );
}

#[test]
fn each_decision_is_told_with_who_made_it() {
    let place = place();
    let (id, statement) = (place.id.to_string(), place.statement.to_string());
    let by = "bob".to_owned();
    let reason = Some("no".to_owned());
    for (outcome, expected) in [
        (
            Outcome::Rejected {
                by: by.clone(),
                reason: reason.clone(),
            },
            json!({ "id": id, "statement": statement, "decision": "rejected", "by": "bob", "reason": "no", "retry": false }),
        ),
        (
            Outcome::Revoked { by, reason },
            json!({ "id": id, "statement": statement, "decision": "revoked", "by": "bob", "reason": "no", "retry": false }),
        ),
        (
            Outcome::Expired,
            json!({ "id": id, "statement": statement, "decision": "expired", "by": null, "reason": null, "retry": true }),
        ),
        (
            Outcome::Withdrawn,
            json!({ "id": id, "statement": statement, "decision": "withdrawn", "by": null, "reason": null, "retry": true }),
        ),
    ] {
        let refusal = refusals::of_outcome(&place, &outcome).expect("a refusal");
        assert_eq!(refusal.sqlstate, "42501");
        let detail = refusal.detail.expect("a DETAIL");
        let detail: Value = serde_json::from_str(&detail).expect("JSON");
        assert_eq!(detail, expected);
    }
}

/// A value that is shown as something else than it is would be approved as that.
#[test]
fn a_value_is_shown_as_text_only_where_that_is_certain() {
    let text = |text: &str| ParameterValue::Text(text.to_owned());
    let raw = |digits: &str| ParameterValue::Undecoded(digits.to_owned());
    for (type_oid, format, bytes, is_utf8, expected) in [
        (23, Format::Binary, &[0, 0, 0, 7][..], true, text("7")),
        (23, Format::Binary, &[0, 7][..], true, raw("0007")),
        (0, Format::Binary, &[0, 7][..], true, raw("0007")),
        (0, Format::Text, b"7", true, text("7")),
        (25, Format::Text, "é".as_bytes(), true, text("é")),
        // In LATIN1 these are two other characters.
        (25, Format::Text, "é".as_bytes(), false, raw("c3a9")),
        (25, Format::Text, &[0xe9], true, raw("e9")),
    ] {
        assert_eq!(
            parameter(type_oid, format, bytes, is_utf8),
            expected,
            "{bytes:?}"
        );
    }
}

/// A policy that has statements returned is not overruled, and neither is a client.
#[test]
fn who_does_not_want_to_be_held_is_not() {
    use ApprovalWait::{Hold, ReturnId};
    let waits = Session::default();
    let named = |name: &str| Session {
        application: name.to_owned(),
        ..Session::default()
    };
    let set = |name: &str, value: &str| Session {
        settings: vec![SettingChange {
            name: name.to_owned(),
            value: SettingValue::Constant(value.to_owned()),
            local: false,
        }],
        ..Session::default()
    };
    for (policy, class, session, expected) in [
        (Hold, None, waits.clone(), Hold),
        (ReturnId, None, waits.clone(), ReturnId),
        (Hold, Some(ReturnId), waits.clone(), ReturnId),
        (Hold, Some(Hold), waits.clone(), Hold),
        (ReturnId, Some(Hold), waits, ReturnId),
        (
            Hold,
            None,
            named("psql gatewright.approval=return"),
            ReturnId,
        ),
        (Hold, None, named("psql gatewright.approval=return "), Hold),
        (Hold, None, set("gatewright.approval", "return"), ReturnId),
        (ReturnId, None, set("gatewright.approval", "hold"), ReturnId),
        (Hold, None, set("approval", "return"), Hold),
    ] {
        assert_eq!(chosen(policy, class, &session), expected, "{session:?}");
    }
}

#[test]
fn a_justification_is_what_the_client_gave_last() {
    let set = |values: &[SettingValue]| Session {
        settings: values
            .iter()
            .map(|value| SettingChange {
                name: "gatewright.break_glass".to_owned(),
                value: value.clone(),
                local: false,
            })
            .collect(),
        ..Session::default()
    };
    let constant = |text: &str| SettingValue::Constant(text.to_owned());
    assert_eq!(justification(&Session::default()), None);
    let given = set(&[constant("first"), constant(" outage 42 ")]);
    assert_eq!(justification(&given), Some("outage 42"));
    assert_eq!(justification(&set(&[constant(" ")])), Some(""));
}
