//! Tests of approve-destructive's decisions and settings.

use gatewright_policy::testing::{self, StatementDouble, facts, select};
use gatewright_policy::{
    Access, Approval, ApprovalEffect, ApprovalWait, Facts, Policy, Verb, Verdict,
};

use crate::ApproveDestructive;

/// What has to be approved; `None`: nothing.
fn judge(settings: &str, facts: &Facts) -> Option<Approval> {
    judge_with(settings, facts, &[])
}

/// The same for somebody who holds an access grant for these tables.
fn judge_with(settings: &str, facts: &Facts, granted: &[(&str, Access)]) -> Option<Approval> {
    let mut policy: ApproveDestructive = testing::policy(settings).expect("valid settings");
    let mut statement = StatementDouble::new("");
    statement.access_grants = vec![testing::access_grant(granted)];
    match policy.on_statement(&statement.view(), facts) {
        Verdict::RequireApproval(approval) => Some(approval),
        other => {
            assert_eq!(other, Verdict::reusable());
            None
        }
    }
}

fn reason(settings: &str, facts: &Facts) -> Option<(String, String)> {
    judge(settings, facts).map(|approval| (approval.code, approval.reason))
}

fn because(code: &str, reason: &str) -> Option<(String, String)> {
    Some((code.to_owned(), reason.to_owned()))
}

fn delete(unbounded: bool) -> Facts {
    Facts {
        unbounded_write: unbounded,
        ..facts(
            Verb::Delete,
            &["DELETE"],
            &[
                ("public.orders", Access::DELETE),
                ("public.people", Access::SELECT),
            ],
        )
    }
}

#[test]
fn what_destroys_needs_approval_by_default() {
    let orders = [("public.orders", Access::DDL)];
    for (verb, command, tables, expected) in [
        (
            Verb::Ddl,
            "DROP TABLE",
            &orders[..],
            "DROP TABLE of public.orders",
        ),
        (
            Verb::Ddl,
            "ALTER TABLE",
            &orders,
            "ALTER TABLE of public.orders",
        ),
        (
            Verb::Truncate,
            "TRUNCATE TABLE",
            &[("public.orders", Access::TRUNCATE)],
            "TRUNCATE TABLE of public.orders",
        ),
        (Verb::Grant, "GRANT", &[], "GRANT"),
        (Verb::Grant, "REVOKE ROLE", &[], "REVOKE ROLE"),
        (Verb::Ddl, "ALTER ROLE", &[], "ALTER ROLE"),
        (Verb::Ddl, "REASSIGN OWNED", &[], "REASSIGN OWNED"),
    ] {
        let facts = facts(verb, &[command], tables);
        assert_eq!(reason("{}", &facts), because("command", expected));
    }
    assert_eq!(
        reason(r#"{"commands": ["DELETE"]}"#, &delete(false)),
        because("command", "DELETE of public.orders")
    );
    let nested = facts(Verb::Explain, &["EXPLAIN", "DROP TABLE"], &[]);
    assert_eq!(
        reason("{}", &nested),
        because("command", "DROP TABLE inside EXPLAIN")
    );
    assert_eq!(
        reason("{}", &delete(true)),
        because(
            "unbounded-write",
            "DELETE of public.orders without a narrowing WHERE clause affects every row"
        )
    );
}

#[test]
fn other_statements_run() {
    for facts in [
        select(&["public.orders"]),
        delete(false),
        facts(
            Verb::Insert,
            &["INSERT"],
            &[("public.orders", Access::INSERT)],
        ),
        facts(Verb::Ddl, &["CREATE TABLE"], &[("public.new", Access::DDL)]),
        facts(
            Verb::Merge,
            &["MERGE"],
            &[("public.orders", Access::INSERT)],
        ),
    ] {
        assert_eq!(reason("{}", &facts), None, "{facts:?}");
    }
}

#[test]
fn merge_has_no_where() {
    for access in [Access::UPDATE, Access::INSERT | Access::DELETE] {
        let merge = facts(Verb::Merge, &["MERGE"], &[("public.orders", access)]);
        assert_eq!(
            reason("{}", &merge),
            because(
                "unbounded-write",
                "MERGE can change every row of public.orders"
            )
        );
        assert_eq!(reason(r#"{"writes": "none"}"#, &merge), None);
    }
}

#[test]
fn all_writes_include_those_of_code() {
    let all = r#"{"writes": "all"}"#;
    assert_eq!(
        reason(all, &delete(false)),
        because("write", "DELETE of public.orders")
    );
    let call = facts(
        Verb::Select,
        &["SELECT"],
        &[("public.orders", Access::UPDATE)],
    );
    assert_eq!(
        reason(all, &call),
        because("write", "the statement changes rows of public.orders")
    );
    assert_eq!(reason("{}", &call), None);
    assert_eq!(reason(r#"{"writes": "none"}"#, &delete(true)), None);
}

#[test]
fn code_that_truncates_counts_as_the_command() {
    let call = facts(
        Verb::Select,
        &["SELECT"],
        &[("public.orders", Access::TRUNCATE)],
    );
    assert_eq!(
        reason("{}", &call),
        because(
            "command",
            "code that the statement runs truncates public.orders"
        )
    );
    assert_eq!(reason(r#"{"commands": ["DROP"]}"#, &call), None);
}

#[test]
fn functions_and_opaque_statements_need_approval() {
    let mut call = select(&[]);
    call.functions = vec!["pg_catalog.lo_unlink".to_owned()];
    assert_eq!(
        reason("{}", &call),
        because("function", "calls function pg_catalog.lo_unlink")
    );
    assert_eq!(reason(r#"{"functions": ["app.pay"]}"#, &call), None);
    let opaque = Facts {
        opaque: vec!["DO".to_owned()],
        ..facts(Verb::DoBlock, &["DO"], &[])
    };
    assert_eq!(
        reason("{}", &opaque),
        because("opaque", "the statement cannot be analyzed: DO")
    );
    assert_eq!(reason(r#"{"opaque": "allow"}"#, &opaque), None);
}

#[test]
fn settings_say_who_approves_and_how() {
    let settings =
        r#"{"reviewers": ["dba"], "approvals": 2, "valid_seconds": 60, "hold_seconds": 30}"#;
    let approval = judge(settings, &delete(true)).expect("it needs approval");
    assert_eq!(approval.reviewers, ["dba"]);
    assert_eq!(
        (
            approval.approvals,
            approval.wait,
            approval.hold_ms,
            approval.valid_ms
        ),
        (2, ApprovalWait::Hold, 30_000, 60_000)
    );
    let returned = judge(r#"{"wait": "return"}"#, &delete(true)).expect("it needs approval");
    assert_eq!(returned.wait, ApprovalWait::ReturnId);
}

#[test]
fn settings_say_what_is_shown_of_the_effect() {
    let seen = |settings: &str, facts: &Facts| {
        let approval = judge(settings, facts).expect("it needs approval");
        (approval.effect, approval.above_rows)
    };
    let bulk = delete(true);
    let drop = facts(Verb::Ddl, &["DROP TABLE"], &[]);
    let bound = r#"{"effect": "bound", "above_rows": 100}"#;
    assert_eq!(seen("{}", &bulk), (ApprovalEffect::Estimate, None));
    assert_eq!(seen(bound, &bulk), (ApprovalEffect::Bound, Some(100)));
    assert_eq!(seen(bound, &drop), (ApprovalEffect::Preview, None));
    let mut nested = bulk.clone();
    nested.commands.push("INSERT".to_owned());
    assert_eq!(seen(bound, &nested), (ApprovalEffect::Preview, None));
    let unread = Facts {
        opaque: vec!["f".to_owned()],
        ..bulk
    };
    assert_eq!(seen(bound, &unread), (ApprovalEffect::Preview, None));
}

#[test]
fn groups_can_be_exempt() {
    let mut facts = delete(true);
    facts.identity.groups.push("dba".to_owned());
    assert_eq!(judge(r#"{"exempt_groups": ["dba"]}"#, &facts), None);
}

#[test]
fn settings_that_cannot_be_meant_are_refused() {
    for (settings, expected) in [
        (r#"{"commands": ["DROP  TABLE"]}"#, "setting commands"),
        (r#"{"approvals": 0}"#, "setting approvals"),
        (r#"{"hold_seconds": 0}"#, "setting hold_seconds"),
        (r#"{"writes": "some"}"#, "unknown variant"),
        (r#"{"command": []}"#, "unknown field"),
    ] {
        let refused = testing::policy::<ApproveDestructive>(settings).err();
        let refused = refused.unwrap_or_default();
        assert!(refused.contains(expected), "{settings}: {refused}");
    }
}

#[test]
fn what_an_access_grant_covers_needs_no_approval() {
    let accept = r#"{"access_grants": "accept"}"#;
    let orders = [("public.orders", Access::DELETE)];
    let code = |settings: &str, facts: &Facts, granted: &[(&str, Access)]| {
        judge_with(settings, facts, granted).map(|approval| approval.code)
    };
    let write = || Some("unbounded-write".to_owned());
    assert_eq!(code(accept, &delete(true), &orders), None);
    // It is the operator's to say whether grants count.
    assert_eq!(code("{}", &delete(true), &orders), write());
    for other in [
        ("public.orders", Access::UPDATE),
        ("public.people", Access::DELETE),
        ("crm.*", Access::all()),
    ] {
        assert_eq!(code(accept, &delete(true), &[other]), write(), "{other:?}");
    }
    let truncate = facts(
        Verb::Truncate,
        &["TRUNCATE TABLE"],
        &[("public.orders", Access::TRUNCATE)],
    );
    let granted = [("public.*", Access::TRUNCATE)];
    assert_eq!(code(accept, &truncate, &granted), None);
    let grant = facts(Verb::Grant, &["GRANT"], &[("public.orders", Access::DDL)]);
    let everything = [("public.*", Access::all())];
    assert_eq!(
        code(accept, &grant, &everything).as_deref(),
        Some("command")
    );
}

#[test]
fn an_access_grant_covers_nothing_that_is_not_certain() {
    let accept = r#"{"access_grants": "accept"}"#;
    let everything = [("public.*", Access::all())];
    let mut opaque = delete(true);
    opaque.opaque.push("runs code".to_owned());
    let mut calls = delete(true);
    calls.functions.push("lo_unlink".to_owned());
    for (facts, expected) in [(opaque, "unbounded-write"), (calls, "function")] {
        let approval = judge_with(accept, &facts, &everything).expect("it needs approval");
        assert_eq!(approval.code, expected);
    }
}
