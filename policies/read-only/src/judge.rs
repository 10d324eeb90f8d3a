//! Decides whether a statement only reads.

use gatewright_policy::name::Names;
use gatewright_policy::{Access, Denial, Facts, SettingChange, SettingValue, Verb};

/// Command tags that change neither data nor definitions. COPY is judged by its direction, and nested commands by their
/// own tags.
const READING: [&str; 26] = [
    "SELECT",
    "VALUES",
    "TABLE",
    "SHOW",
    "EXPLAIN",
    "PREPARE",
    "EXECUTE",
    "DEALLOCATE",
    "DECLARE CURSOR",
    "FETCH",
    "MOVE",
    "CLOSE CURSOR",
    "BEGIN",
    "START TRANSACTION",
    "COMMIT",
    "ROLLBACK",
    "SAVEPOINT",
    "RELEASE",
    "SET",
    "SET CONSTRAINTS",
    "RESET",
    "LISTEN",
    "UNLISTEN",
    "DISCARD ALL",
    "DISCARD PLANS",
    "DISCARD SEQUENCES",
];

/// Built-in functions with side effects that a SELECT can call.
/// End-to-end tests ask servers for all their volatile functions.
const SIDE_EFFECTS: [&str; 24] = [
    "nextval",
    // They assign a transaction id, or a file.
    "pg_current_xact_id",
    "txid_current",
    "pg_export_snapshot",
    "setval",
    "set_config",
    "pg_notify",
    "lowrite",
    "pg_terminate_backend",
    "pg_cancel_backend",
    "pg_reload_conf",
    "pg_rotate_logfile",
    "pg_promote",
    "pg_switch_wal",
    "pg_create_restore_point",
    "pg_log_backend_memory_contexts",
    "pg_logical_emit_message",
    "pg_import_system_collations",
    "pg_extension_config_dump",
    "gin_clean_pending_list",
    "pg_nextoid",
    "pg_stop_making_pinned_objects",
    "pg_log_standby_snapshot",
    "pg_sync_replication_slots",
];

const SIDE_EFFECT_PREFIXES: [&str; 19] = [
    "lo_",
    "dblink",
    "pg_advisory_",
    "pg_try_advisory_",
    "pg_stat_reset",
    "pg_stat_clear",
    "pg_file_",
    "pg_wal_replay_",
    "pg_backup_",
    "pg_start_backup",
    "pg_stop_backup",
    "pg_replication_",
    "pg_create_",
    "pg_drop_",
    "pg_copy_",
    "pg_logical_slot_",
    "pg_restore_",
    "pg_clear_",
    "brin_",
];

/// Settings with which the server itself refuses to write.
const SERVER_READ_ONLY: [&str; 2] = ["default_transaction_read_only", "transaction_read_only"];

/// The reason to refuse the statement if it, or the client as it connected, allows transactions of the server to write. What RESET
/// and DISCARD ALL bring back is what the connection began with.
pub fn setting(changes: &[SettingChange]) -> Option<Denial> {
    let change = changes
        .iter()
        .find(|change| SERVER_READ_ONLY.contains(&change.name.as_str()) && !keeps(&change.value))?;
    Some(denial("setting", format!("{} may only be on", change.name)))
}

fn keeps(value: &SettingValue) -> bool {
    match value {
        SettingValue::Initial => true,
        SettingValue::Unknown => false,
        // As the server reads a boolean (parse_bool).
        SettingValue::Constant(text) => {
            let text = text.trim().to_ascii_lowercase();
            let begins = |word: &str| !text.is_empty() && word.starts_with(&text);
            text == "on" || text == "1" || begins("true") || begins("yes")
        }
    }
}

/// The reason to refuse the statement, if it does more than read.
pub fn refusal(facts: &Facts, listed: &Names) -> Option<Denial> {
    command(facts)
        .or_else(|| access(facts))
        .or_else(|| function(facts, listed))
        .or_else(|| opaque(facts))
}

fn command(facts: &Facts) -> Option<Denial> {
    let reads = |command: &str| {
        READING.contains(&command) || (command == "COPY" && facts.verb != Verb::CopyIn)
    };
    if facts.verb == Verb::CopyIn {
        return Some(denial("command", "COPY FROM writes".to_owned()));
    }
    let command = facts.first_command(|command| !reads(command))?;
    Some(denial("command", format!("{command} is not allowed")))
}

fn access(facts: &Facts) -> Option<Denial> {
    let more = Access::WRITES | Access::LOCK;
    let table = facts
        .tables
        .iter()
        .find(|table| table.access.intersects(more))?;
    let does = if table.access.intersects(Access::WRITES) {
        "modifies"
    } else {
        "locks"
    };
    Some(denial(
        "access",
        format!("the statement {does} {}", table.display()),
    ))
}

fn function(facts: &Facts, listed: &Names) -> Option<Denial> {
    let built_in = facts.functions.iter().find(|function| {
        let name = function
            .rsplit_once('.')
            .map_or(function.as_str(), |(_, name)| name);
        // With constants it is SET; everything else makes the statement opaque.
        if name == "set_config" && facts.opaque.is_empty() {
            return false;
        }
        SIDE_EFFECTS.contains(&name)
            || SIDE_EFFECT_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix))
    });
    let function = built_in
        .map(String::as_str)
        .or_else(|| listed.first_call(facts))?;
    Some(denial(
        "function",
        format!("function {function} has side effects"),
    ))
}

fn opaque(facts: &Facts) -> Option<Denial> {
    let reason = facts.opaque.first()?;
    Some(denial(
        "opaque",
        format!("the statement cannot be analysed: {reason}"),
    ))
}

fn denial(code: &str, reason: String) -> Denial {
    Denial::new(code, format!("this connection is read-only: {reason}"))
        // read_only_sql_transaction
        .sqlstate("25006")
        .hint("Use SELECT. Do not send the change in another form; ask an operator for a connection that may write.")
}
