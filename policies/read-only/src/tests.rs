//! Tests of read-only's decisions.

use gatewright_policy::testing::{self, StatementDouble, facts, select};
use gatewright_policy::{Access, Facts, Policy, SettingChange, SettingValue, Verb, Verdict};

use crate::ReadOnly;

/// The denial's code, if the statement is refused.
fn judge(settings: &str, facts: &Facts) -> Option<String> {
    let mut policy: ReadOnly = testing::policy(settings).expect("valid settings");
    match policy.on_statement(&StatementDouble::new("").view(), facts) {
        Verdict::Deny(denial) => {
            assert!(
                denial.hint.is_some() && denial.sqlstate.as_deref() == Some("25006"),
                "{denial:?}"
            );
            Some(denial.code)
        }
        allowed => {
            assert_eq!(allowed, Verdict::reusable());
            None
        }
    }
}

#[test]
fn reads_are_allowed() {
    for (verb, commands) in [
        (Verb::Select, vec!["SELECT"]),
        (Verb::Explain, vec!["EXPLAIN", "SELECT"]),
        (Verb::Prepare, vec!["PREPARE", "SELECT"]),
        (Verb::Cursor, vec!["DECLARE CURSOR", "SELECT"]),
        (Verb::CopyOut, vec!["COPY", "SELECT"]),
        (Verb::Transaction, vec!["BEGIN"]),
        (Verb::Set, vec!["SET"]),
        (Verb::Utility, vec![]),
    ] {
        let facts = facts(verb, &commands, &[("public.orders", Access::SELECT)]);
        assert_eq!(judge("{}", &facts), None, "{commands:?}");
    }
}

#[test]
fn other_commands_are_refused_at_any_depth() {
    for (verb, commands) in [
        (Verb::Insert, vec!["INSERT"]),
        (Verb::Select, vec!["SELECT", "DELETE"]),
        (Verb::Explain, vec!["EXPLAIN", "UPDATE"]),
        (Verb::CopyIn, vec!["COPY"]),
        (Verb::Ddl, vec!["CREATE TABLE AS", "SELECT"]),
        (Verb::Transaction, vec!["COMMIT PREPARED"]),
        (Verb::Maintenance, vec!["VACUUM"]),
        (Verb::Unknown, vec!["SOMETHING NEW"]),
    ] {
        assert_eq!(
            judge("{}", &facts(verb, &commands, &[])).as_deref(),
            Some("command"),
            "{commands:?}"
        );
    }
}

#[test]
fn access_other_than_reading_is_refused() {
    for access in [Access::DDL | Access::INSERT, Access::SELECT | Access::LOCK] {
        let facts = facts(Verb::Select, &["SELECT"], &[("public.orders", access)]);
        assert_eq!(judge("{}", &facts).as_deref(), Some("access"));
    }
}

#[test]
fn set_config_with_constants_is_set() {
    let mut call = Facts {
        functions: vec!["pg_catalog.set_config".to_owned()],
        ..select(&[])
    };
    assert_eq!(judge("{}", &call), None);
    call.opaque
        .push("function set_config does what its arguments say".to_owned());
    assert_eq!(judge("{}", &call).as_deref(), Some("function"));
}

#[test]
fn functions_with_side_effects_are_refused() {
    let calls = |name: &str| Facts {
        functions: vec![name.to_owned()],
        ..select(&[])
    };
    for name in [
        "nextval",
        "pg_catalog.setval",
        "lo_unlink",
        "pg_terminate_backend",
        "pg_current_xact_id",
        "pg_catalog.txid_current",
        "pg_export_snapshot",
        "app.pay",
        "pay",
    ] {
        assert_eq!(
            judge(r#"{"functions": ["app.pay"]}"#, &calls(name)).as_deref(),
            Some("function"),
            "{name}"
        );
    }
    for name in ["lower", "other.pay", "count"] {
        assert_eq!(
            judge(r#"{"functions": ["app.pay"]}"#, &calls(name)),
            None,
            "{name}"
        );
    }
}

#[test]
fn opaque_statements_are_refused_except_for_exempt_groups() {
    let mut facts = Facts {
        opaque: vec!["CALL".to_owned()],
        ..select(&[])
    };
    let settings = r#"{"exempt_groups": ["writers"]}"#;
    assert_eq!(judge(settings, &facts).as_deref(), Some("opaque"));
    facts.identity.groups.push("writers".to_owned());
    assert_eq!(judge(settings, &facts), None);
}

#[test]
fn transactions_of_the_server_stay_read_only() {
    let judged = |name: &str, value: SettingValue, at_start: bool| {
        let mut policy: ReadOnly = testing::policy("{}").expect("valid settings");
        let mut statement = StatementDouble::new("");
        let settings = match at_start {
            true => &mut statement.session.settings,
            false => &mut statement.settings,
        };
        settings.push(SettingChange {
            name: name.to_owned(),
            value,
            local: false,
        });
        let facts = facts(Verb::Set, &["SET"], &[]);
        match policy.on_statement(&statement.view(), &facts) {
            Verdict::Deny(denial) => Some(denial.code),
            _ => None,
        }
    };
    let to = |value: &str| SettingValue::Constant(value.to_owned());
    for name in ["default_transaction_read_only", "transaction_read_only"] {
        for at_start in [false, true] {
            for value in [
                to("off"),
                to("0"),
                to("o"),
                to(""),
                to("f"),
                SettingValue::Unknown,
            ] {
                let code = judged(name, value.clone(), at_start);
                assert_eq!(code.as_deref(), Some("setting"), "{name} {value:?}");
            }
            for value in [
                to("on"),
                to("TRUE"),
                to("y"),
                to("1"),
                SettingValue::Initial,
            ] {
                assert_eq!(
                    judged(name, value.clone(), at_start),
                    None,
                    "{name} {value:?}"
                );
            }
        }
    }
    assert_eq!(judged("work_mem", to("off"), false), None);
    assert_eq!(judged("all", SettingValue::Initial, false), None);
}
