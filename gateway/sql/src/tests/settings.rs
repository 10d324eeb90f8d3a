//! Settings that a statement changes.

use super::one;
use crate::{SettingChange, SettingValue};

fn told(sql: &str) -> Vec<String> {
    let show = |change: &SettingChange| {
        let value = match &change.value {
            SettingValue::Constant(value) => format!("={value}"),
            SettingValue::Initial => " initial".to_owned(),
            SettingValue::Unknown => " unknown".to_owned(),
        };
        let local = if change.local { " local" } else { "" };
        format!("{}{value}{local}", change.name)
    };
    one(sql).settings.iter().map(show).collect()
}

#[test]
fn every_form_of_set_tells_its_settings() {
    for (sql, expected) in [
        (
            "SET default_transaction_read_only = off",
            "default_transaction_read_only=off",
        ),
        (
            "SET Default_Transaction_Read_Only TO 'off'",
            "default_transaction_read_only=off",
        ),
        (
            "SET LOCAL transaction_read_only = 0",
            "transaction_read_only=0 local",
        ),
        ("SET work_mem = DEFAULT", "work_mem initial"),
        ("RESET work_mem", "work_mem initial"),
        ("RESET ALL", "all initial"),
        ("DISCARD ALL", "all initial"),
        ("SET search_path = a, \"b\"", "search_path=a, b"),
        (
            "SET TRANSACTION READ WRITE",
            "transaction_read_only=off local",
        ),
        (
            "SET SESSION CHARACTERISTICS AS TRANSACTION ISOLATION LEVEL SERIALIZABLE, READ WRITE",
            "default_transaction_isolation=serializable default_transaction_read_only=off",
        ),
        ("BEGIN READ WRITE", "transaction_read_only=off local"),
        (
            "START TRANSACTION READ ONLY, DEFERRABLE",
            "transaction_read_only=on local transaction_deferrable=on local",
        ),
        ("BEGIN", ""),
        ("COMMIT AND CHAIN", ""),
        ("SET TIME ZONE 'UTC'", "timezone=UTC"),
        ("SET NAMES 'LATIN1'", "client_encoding=LATIN1"),
        (
            "SELECT set_config('Default_Transaction_Read_Only', 'off', false)",
            "default_transaction_read_only=off",
        ),
        ("SELECT set_config('jit', $1, true)", "jit unknown local"),
        ("DISCARD PLANS", ""),
        ("ALTER ROLE a SET work_mem = '1MB'", ""),
        ("SELECT 1", ""),
    ] {
        assert_eq!(told(sql).join(" "), expected, "{sql}");
    }
}

#[test]
fn constants_that_a_setting_becomes_tell_statements_apart() {
    let print = |sql: &str| one(sql).fingerprint;
    assert_ne!(print("BEGIN READ ONLY"), print("BEGIN READ WRITE"));
    assert_ne!(
        print("SELECT set_config('jit', 'on', false)"),
        print("SELECT set_config('jit', 'on', true)")
    );
}
