//! Tests of row-limit: allowances, session counters and settings.

use gatewright_policy::testing::{self, StatementDouble, facts, select};
use gatewright_policy::{Allowance, Denial, Facts, Hooks, Phase, Policy, Reuse, Verb, Verdict};

use crate::RowLimit;

fn policy(settings: &str) -> RowLimit {
    testing::policy(settings).expect("valid settings")
}

fn judge(policy: &mut RowLimit) -> Result<Allowance, Denial> {
    match policy.on_statement(
        &StatementDouble::new("").view(),
        &select(&["public.orders"]),
    ) {
        Verdict::Allow(allowance) => Ok(allowance),
        Verdict::Deny(denial) => Err(denial),
        other => panic!("{other:?}"),
    }
}

fn end(policy: &mut RowLimit, rows: u64, bytes: u64) {
    let statement = StatementDouble::new("");
    policy.on_completion(&statement.view(), &testing::completion(rows, bytes));
}

#[test]
fn the_default_limit_is_ten_thousand_rows() {
    let allowance = judge(&mut policy("null")).expect("allowed");
    assert_eq!(
        (allowance.row_limit, allowance.byte_limit, allowance.reuse),
        (Some(10_000), None, Reuse::Fingerprint)
    );
}

#[test]
fn statement_limits_are_reusable() {
    let mut policy = policy(r#"{"rows": 5, "bytes": 100}"#);
    end(&mut policy, 5, 100);
    let allowance = judge(&mut policy).expect("allowed");
    assert_eq!(
        (allowance.row_limit, allowance.byte_limit, allowance.reuse),
        (Some(5), Some(100), Reuse::Fingerprint)
    );
}

#[test]
fn the_timeout_is_passed_on() {
    let allowance = judge(&mut policy(r#"{"timeout_ms": 250}"#)).expect("allowed");
    assert_eq!(
        (allowance.timeout_ms, allowance.row_limit),
        (Some(250), None)
    );
}

#[test]
fn an_exhausted_session_is_refused_at_execution_not_at_parse() {
    let mut policy = policy(r#"{"session_rows": 1}"#);
    end(&mut policy, 1, 1);
    let prepare = Facts {
        phase: Phase::Parse,
        ..select(&["public.orders"])
    };
    let verdict = policy.on_statement(&StatementDouble::new("").view(), &prepare);
    assert_eq!(verdict, Verdict::allow());
    assert!(judge(&mut policy).is_err());
}

#[test]
fn the_completion_hook_is_requested_only_for_session_limits() {
    assert_eq!(policy(r#"{"rows": 1}"#).hooks(), Hooks::STATEMENT);
    assert!(
        policy(r#"{"session_bytes": 1}"#)
            .hooks()
            .contains(Hooks::COMPLETION)
    );
}

#[test]
fn results_count_against_the_session_limit() {
    let mut policy = policy(r#"{"rows": 6, "session_rows": 10}"#);
    let first = judge(&mut policy).expect("allowed");
    assert_eq!(
        (first.row_limit, first.byte_limit, first.reuse),
        (Some(6), None, Reuse::Never)
    );
    end(&mut policy, 6, 600);
    let second = judge(&mut policy).expect("allowed");
    assert_eq!((second.row_limit, second.session_rows), (Some(6), Some(4)));
    end(&mut policy, 4, 400);
    let denial = judge(&mut policy).expect_err("refused");
    assert_eq!(
        (denial.code.as_str(), denial.sqlstate.as_deref()),
        ("session-limit", Some("53400"))
    );
    let commit = facts(Verb::Transaction, &["COMMIT"], &[]);
    let verdict = policy.on_statement(&StatementDouble::new("").view(), &commit);
    assert_eq!(verdict, Verdict::reusable());
    assert!(
        denial.message.contains("10 rows") && denial.hint.is_some(),
        "{denial:?}"
    );
}

#[test]
fn bytes_are_counted_separately() {
    let mut policy = policy(r#"{"session_bytes": 1000}"#);
    end(&mut policy, 1, 999);
    let allowance = judge(&mut policy).expect("allowed");
    assert_eq!(
        (allowance.byte_limit, allowance.session_bytes),
        (None, Some(1))
    );
    end(&mut policy, 1, u64::MAX);
    assert!(
        judge(&mut policy)
            .expect_err("refused")
            .message
            .contains("bytes")
    );
}

#[test]
fn exempt_groups_have_no_limit() {
    let mut policy = policy(r#"{"rows": 1, "exempt_groups": ["etl"]}"#);
    let mut facts = select(&[]);
    facts.identity.groups.push("etl".to_owned());
    let verdict = policy.on_statement(&StatementDouble::new("").view(), &facts);
    assert_eq!(verdict, Verdict::reusable());
}

#[test]
fn invalid_settings_are_named_in_the_error() {
    for (settings, part) in [
        (r#"{"rows": 0}"#, "rows"),
        (r#"{"rows": -1}"#, "rows"),
        (r#"{"session-rows": 1}"#, "session-rows"),
    ] {
        let error = testing::policy::<RowLimit>(settings)
            .err()
            .expect("refused");
        assert!(error.contains(part), "{error}");
    }
}
