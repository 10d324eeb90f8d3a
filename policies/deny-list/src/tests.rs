//! Tests of deny-list's decisions and settings.

use gatewright_policy::testing::{self, StatementDouble, facts, select};
use gatewright_policy::{Access, Denial, Facts, Policy, Reuse, Verb, Verdict};

use crate::DenyList;

fn judge(settings: &str, facts: &Facts) -> Option<Denial> {
    judge_with(settings, facts, &[])
}

/// The same for somebody who holds an access grant for these tables.
fn judge_with(settings: &str, facts: &Facts, granted: &[(&str, Access)]) -> Option<Denial> {
    let mut policy: DenyList = testing::policy(settings).expect("valid settings");
    let mut statement = StatementDouble::new("");
    statement.access_grants = vec![testing::access_grant(granted)];
    match policy.on_statement(&statement.view(), facts) {
        Verdict::Deny(denial) => Some(denial),
        Verdict::Allow(allowance) => {
            assert_eq!(
                (allowance.reuse, allowance.plan_result),
                (Reuse::Fingerprint, false)
            );
            None
        }
        other => panic!("{other:?}"),
    }
}

fn code(settings: &str, facts: &Facts) -> Option<String> {
    judge(settings, facts).map(|denial| {
        assert!(
            !denial.message.is_empty() && denial.hint.is_some(),
            "{denial:?}"
        );
        denial.code
    })
}

fn delete(unbounded: bool) -> Facts {
    Facts {
        unbounded_write: unbounded,
        ..facts(
            Verb::Delete,
            &["DELETE"],
            &[("public.orders", Access::DELETE)],
        )
    }
}

#[test]
fn destructive_statements_are_refused_by_default() {
    let drop = facts(
        Verb::Ddl,
        &["DROP TABLE"],
        &[("public.orders", Access::DDL)],
    );
    assert_eq!(code("null", &drop).as_deref(), Some("command"));
    assert_eq!(
        code("{}", &facts(Verb::Truncate, &["TRUNCATE TABLE"], &[])).as_deref(),
        Some("command")
    );
    assert_eq!(
        code("{}", &delete(true)).as_deref(),
        Some("unbounded-write")
    );
    assert_eq!(code("{}", &delete(false)), None);
    assert_eq!(code("{}", &select(&["public.orders"])), None);
}

#[test]
fn the_denial_names_a_nested_command_and_its_outer_command() {
    let denial = judge(
        "{}",
        &facts(Verb::Prepare, &["PREPARE", "TRUNCATE TABLE"], &[]),
    )
    .expect("refused");
    assert!(
        denial.message.starts_with("TRUNCATE TABLE inside PREPARE"),
        "{}",
        denial.message
    );
}

#[test]
fn commands_replace_the_default() {
    let settings = r#"{"commands": ["create table", "VACUUM"]}"#;
    assert_eq!(
        code(settings, &facts(Verb::Ddl, &["CREATE TABLE"], &[])).as_deref(),
        Some("command")
    );
    assert_eq!(
        code(settings, &facts(Verb::Ddl, &["DROP TABLE"], &[])),
        None
    );
    assert_eq!(
        code(settings, &delete(true)).as_deref(),
        Some("unbounded-write")
    );
    assert_eq!(
        code(r#"{"unbounded_writes": "allow"}"#, &delete(true)),
        None
    );
}

#[test]
fn a_kind_also_matches_nested_commands() {
    let settings = r#"{"kinds": ["delete", "copy-in"]}"#;
    assert_eq!(code(settings, &delete(false)).as_deref(), Some("kind"));
    assert_eq!(
        code(settings, &facts(Verb::Select, &["SELECT", "DELETE"], &[])).as_deref(),
        Some("kind")
    );
    assert_eq!(
        code(settings, &facts(Verb::CopyIn, &["COPY"], &[])).as_deref(),
        Some("kind")
    );
    assert_eq!(code(settings, &facts(Verb::CopyOut, &["COPY"], &[])), None);
}

#[test]
fn tables_and_functions_match_by_name() {
    let settings = r#"{"tables": ["hr.salaries"], "functions": ["pg_sleep", "app.pay"]}"#;
    assert_eq!(
        code(settings, &select(&["hr.salaries"])).as_deref(),
        Some("table")
    );
    assert_eq!(
        code(settings, &select(&["salaries"])).as_deref(),
        Some("table")
    );
    assert_eq!(code(settings, &select(&["crm.salaries"])), None);
    let calls = |name: &str| Facts {
        functions: vec![name.to_owned()],
        ..select(&[])
    };
    for refused in ["pg_sleep", "pg_catalog.pg_sleep", "pay", "app.pay"] {
        assert_eq!(
            code(settings, &calls(refused)).as_deref(),
            Some("function"),
            "{refused}"
        );
    }
    assert_eq!(code(settings, &calls("shop.pay")), None);
}

#[test]
fn opaque_statements_pass_by_default() {
    let facts = Facts {
        opaque: vec!["a DO block runs code".to_owned()],
        ..facts(Verb::DoBlock, &["DO"], &[])
    };
    assert_eq!(code("{}", &facts), None);
    assert_eq!(
        code(r#"{"opaque": "deny"}"#, &facts).as_deref(),
        Some("opaque")
    );
}

#[test]
fn exempt_groups_are_not_restricted() {
    let mut facts = delete(true);
    facts.identity.groups.push("dba".to_owned());
    assert_eq!(code(r#"{"exempt_groups": ["dba"]}"#, &facts), None);
    assert_eq!(
        code(r#"{"exempt_groups": ["dbas"]}"#, &facts).as_deref(),
        Some("unbounded-write")
    );
}

#[test]
fn invalid_settings_are_named_in_the_error() {
    for (settings, part) in [
        (r#"{"command": []}"#, "command"),
        (r#"{"commands": ["DROP  TABLE"]}"#, "DROP  TABLE"),
        (r#"{"tables": ["a-b"]}"#, "tables[0]"),
        (r#"{"unbounded_writes": "no"}"#, "unbounded_writes"),
    ] {
        let error = testing::policy::<DenyList>(settings)
            .err()
            .expect("refused");
        assert!(error.contains(part), "{error}");
    }
}

#[test]
fn what_an_access_grant_covers_is_allowed() {
    let accept = r#"{"access_grants": "accept", "tables": ["hr.salaries"]}"#;
    let code = |settings: &str, facts: &Facts, granted: &[(&str, Access)]| {
        judge_with(settings, facts, granted).map(|denial| denial.code)
    };
    let orders = [("public.orders", Access::DELETE)];
    assert_eq!(code(accept, &delete(true), &orders), None);
    assert_eq!(
        code("{}", &delete(true), &orders).as_deref(),
        Some("unbounded-write")
    );
    assert_eq!(
        code(accept, &delete(true), &[("public.orders", Access::UPDATE)]).as_deref(),
        Some("unbounded-write")
    );
    let salaries = select(&["hr.salaries", "hr.people"]);
    assert_eq!(
        code(accept, &salaries, &[("hr.salaries", Access::SELECT)]),
        None
    );
    for granted in [
        ("hr.salaries", Access::UPDATE),
        ("hr.people", Access::SELECT),
    ] {
        assert_eq!(
            code(accept, &salaries, &[granted]).as_deref(),
            Some("table")
        );
    }
    // Which table it is, is not certain.
    assert_eq!(
        code(accept, &select(&["salaries"]), &[("hr.*", Access::all())]).as_deref(),
        Some("table")
    );
    // A listed table is not covered by what else the statement may change.
    let mut both = delete(true);
    both.tables.extend(select(&["hr.salaries"]).tables);
    assert_eq!(code(accept, &both, &orders).as_deref(), Some("table"));
    both.opaque.push("runs code".to_owned());
    let everything = [("public.*", Access::all()), ("hr.*", Access::all())];
    assert_eq!(
        code(accept, &both, &everything).as_deref(),
        Some("unbounded-write")
    );
}
