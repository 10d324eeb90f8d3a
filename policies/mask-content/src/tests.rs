//! Tests of mask-content: masking, thresholds, plans and settings.

use gatewright_policy::testing::{self, StatementDouble, result_column, select};
use gatewright_policy::{
    Batch, BatchReply, ColumnAction, ColumnReply, Plan, Policy, ResultColumn, Verdict,
};

use crate::MaskContent;

fn policy(settings: &str) -> MaskContent {
    testing::policy(settings).expect("valid settings")
}

fn batch(values: &[Option<&str>]) -> Batch {
    testing::batch(&[("content", values)])
}

/// The values returned to the client; `None` if the policy ends the result.
fn masked(settings: &str, values: &[Option<&str>]) -> Option<Vec<Option<String>>> {
    let batch = batch(values);
    match policy(settings).on_batch(&StatementDouble::new("").view(), &batch) {
        BatchReply::Stop(denial) => {
            assert!(denial.hint.is_some() && denial.code == "content");
            None
        }
        BatchReply::Edit(edit) => Some(match &edit.columns[0] {
            ColumnReply::Unchanged => values
                .iter()
                .map(|value| value.map(str::to_owned))
                .collect(),
            ColumnReply::Replaced(column) => column
                .texts()
                .map(|text| text.map(|text| text.into_owned()))
                .collect(),
            other => panic!("{other:?}"),
        }),
    }
}

fn one(settings: &str, value: &str) -> Option<String> {
    masked(settings, &[Some(value)])
        .expect("not stopped")
        .remove(0)
}

#[test]
fn matches_are_replaced_in_place() {
    for (value, expected) in [
        ("write to ada@example.com today", "write to [email] today"),
        ("4111 1111 1111 1111", "[card]"),
        (
            r#"{"mail": "ada@example.com", "n": 1}"#,
            r#"{"mail": "[email]", "n": 1}"#,
        ),
        (
            r#"{"card":4111111111111111,"n":[4111111111111111, 2]}"#,
            r#"{"card":"[card]","n":["[card]", 2]}"#,
        ),
        (
            r#"{"say":"\"4111111111111111\""}"#,
            r#"{"say":"\"[card]\""}"#,
        ),
        ("{ada@example.com,4111111111111111,x}", "{[email],[card],x}"),
        ("<a>ada@example.com</a>", "<a>[email]</a>"),
        ("nothing here", "nothing here"),
        ("", ""),
    ] {
        assert_eq!(one("{}", value).as_deref(), Some(expected), "{value}");
    }
    let rows = [None, Some("x"), Some("ada@example.com"), None];
    let expected = [None, Some("x"), Some("[email]"), None].map(|value| value.map(str::to_owned));
    assert_eq!(masked("{}", &rows), Some(expected.to_vec()));
}

#[test]
fn each_detector_has_its_own_action_and_threshold() {
    let settings = r#"{"default_action": "partial", "detectors": {
        "iban": {"action": "null"}, "jwt": {"enabled": false}, "phone": {"threshold": 2}}}"#;
    assert_eq!(
        one(settings, "ada@example.com").as_deref(),
        Some("a***@example.com")
    );
    assert_eq!(
        one(settings, "a@example.com").as_deref(),
        Some("***@example.com")
    );
    assert_eq!(
        one(settings, "4111 1111 1111 1111").as_deref(),
        Some("**** **** **** 1111")
    );
    assert_eq!(one(settings, "078-05-1120").as_deref(), Some("***-**-**20"));
    assert_eq!(one(settings, "pay DE89370400440532013000"), None);
    assert_eq!(
        one(settings, "AKIAIOSFODNN7EXAMPLE").as_deref(),
        Some("[cloud-key]")
    );
    assert_eq!(
        one(settings, "+44 7700 900461").as_deref(),
        Some("+44 7700 900461")
    );
    let two = masked(
        settings,
        &[Some("+44 7700 900461"), Some("+44 7700 900462")],
    );
    assert_eq!(
        two.expect("not stopped")[1].as_deref(),
        Some("+** **** ****62")
    );
    let refuse = r#"{"detectors": {"private-key": {"action": "refuse"}}}"#;
    assert_eq!(
        masked(refuse, &[Some("-----BEGIN PRIVATE KEY-----\nx")]),
        None
    );
}

#[test]
fn text_is_inspected_and_numbers_only_if_enabled() {
    let column = |oid: u32, readable: bool| ResultColumn {
        type_oid: oid,
        readable,
        ..result_column("c", &["public.t.c"])
    };
    let plan = |settings: &str, column: ResultColumn| match policy(settings)
        .on_result(&StatementDouble::new("").view(), &[column])
    {
        Plan::Columns(actions) => actions[0].clone(),
        Plan::Deny(denial) => panic!("{denial:?}"),
    };
    for (oid, action) in [
        (25, ColumnAction::inspect("content")),
        (3802, ColumnAction::inspect("content")),
        (1009, ColumnAction::inspect("content")),
        (20000, ColumnAction::inspect("content")),
        (23, ColumnAction::Pass),
        (20, ColumnAction::Pass),
        (1114, ColumnAction::Pass),
    ] {
        assert_eq!(plan("{}", column(oid, true)), action, "{oid}");
    }
    assert_eq!(
        plan(r#"{"numbers": true}"#, column(20, true)),
        ColumnAction::inspect("content")
    );
    assert_eq!(plan("{}", column(2249, false)), ColumnAction::Nullify);
    let own = |name: &str| ResultColumn {
        type_name: name.to_owned(),
        ..column(20000, false)
    };
    for (name, action) in [
        ("public.citext[]", ColumnAction::Nullify),
        ("hstore", ColumnAction::Nullify),
        ("unknown", ColumnAction::Nullify),
        ("geometry", ColumnAction::Pass),
        ("mood[]", ColumnAction::Pass),
    ] {
        assert_eq!(plan("{}", own(name)), action, "{name}");
    }
    let ignore = r#"{"ignore_columns": ["public.t.c"]}"#;
    assert_eq!(plan(ignore, column(25, true)), ColumnAction::Pass);
    let mixed = ResultColumn {
        ..result_column("c", &["public.t.c", "public.u.c"])
    };
    assert_eq!(plan(ignore, mixed), ColumnAction::inspect("content"));
}

#[test]
fn exempt_groups_see_unmasked_values() {
    let mut policy = policy(r#"{"exempt_groups": ["auditors"]}"#);
    let mut facts = select(&["public.people"]);
    let plans = |verdict: Verdict| match verdict {
        Verdict::Allow(allowance) => allowance.plan_result,
        other => panic!("{other:?}"),
    };
    assert!(plans(
        policy.on_statement(&StatementDouble::new("").view(), &facts)
    ));
    facts.identity.groups = vec!["auditors".to_owned()];
    assert!(!plans(
        policy.on_statement(&StatementDouble::new("").view(), &facts)
    ));
}

#[test]
fn invalid_settings_are_named_in_the_error() {
    for (settings, named) in [
        (r#"{"countries": ["xx"]}"#, "\"xx\" is not one of br, de"),
        (r#"{"default_threshold": 0}"#, "at least 1"),
        (r#"{"ignore_columns": ["email"]}"#, "ignore_columns[0]"),
        (r#"{"detectors": {"mail": {}}}"#, "mail"),
        (r#"{"detectors": {"email": {"mode": 1}}}"#, "mode"),
        (
            r#"{"detectors": {"email": {"enabled": false}, "phone": {"enabled": false}, "card": {"enabled": false}, "iban": {"enabled": false},
                "national-id": {"enabled": false}, "jwt": {"enabled": false}, "cloud-key": {"enabled": false}, "private-key": {"enabled": false}}}"#,
            "every detector is disabled",
        ),
    ] {
        let error = testing::policy::<MaskContent>(settings)
            .err()
            .expect(settings);
        assert!(error.contains(named), "{settings}: {error}");
    }
}
