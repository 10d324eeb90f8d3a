//! Functions whose effect depends on their arguments: they run SQL text, read files, change settings or other sessions.
//! From pg_proc of PostgreSQL 15 and 18, and the contrib modules. Privileges may forbid them, but facts do not rely on that.

use gatewright_parser::{Node, nodes};

const PREFIXES: [&str; 27] = [
    // SQL text, or relations named by text
    "query_to_xml",
    "cursor_to_xml",
    "table_to_xml",
    "schema_to_xml",
    "database_to_xml",
    "dblink",
    "crosstab",
    "pg_execute",
    // Expressions of an index that the argument names
    "brin_summarize_",
    // Files and large objects
    "pg_read_",
    "pg_ls_",
    "pg_stat_file",
    "pg_file_",
    "pg_logdir_",
    "pg_hba_file_rules",
    "pg_ident_file_mappings",
    "lo_",
    // The write-ahead log
    "pg_logical_",
    "pg_create_logical_replication_slot",
    "pg_create_physical_replication_slot",
    "pg_copy_logical_replication_slot",
    "pg_copy_physical_replication_slot",
    "pg_replication_",
    // The server as a whole
    "pg_rotate_logfile",
    "pg_backup_",
    "pg_wal_replay_",
    "binary_upgrade_",
];
const NAMES: [&str; 21] = [
    "set_config",
    "ts_stat",
    "connectby",
    "xpath_table",
    "currtid2",
    "get_raw_page",
    "bt_page_items",
    "pg_show_all_file_settings",
    "pg_current_logfile",
    "loread",
    "lowrite",
    "pg_terminate_backend",
    "pg_cancel_backend",
    "pg_log_backend_memory_contexts",
    "pg_drop_replication_slot",
    "pg_reload_conf",
    "pg_promote",
    "pg_switch_wal",
    "pg_create_restore_point",
    "pg_import_system_collations",
    "pg_extension_config_dump",
];

/// Why a call cannot be analysed. `parts` is the name as written, schema first.
pub(crate) fn reason(parts: &[&str], call: &nodes::FuncCall) -> Option<String> {
    let name = parts.last()?;
    let risky = is_risky(name)
        // With two arguments the second is a query; with three there is none.
        || *name == "ts_rewrite" && call.args().len() != 3
        // pg_cron stores SQL text to run later.
        || matches!(parts, [.., "cron", _]);
    risky.then(|| reason_of(name))
}

pub(crate) fn reason_of(name: &str) -> String {
    format!("function {name} does what its arguments say")
}

/// Whether the effect of a function with this name depends on its arguments.
pub(crate) fn is_risky(name: &str) -> bool {
    NAMES.contains(&name) || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

pub(crate) fn is_aggregate(name: &str, call: &nodes::FuncCall) -> bool {
    const NAMES: [&str; 22] = [
        "count",
        "sum",
        "avg",
        "min",
        "max",
        "array_agg",
        "string_agg",
        "json_agg",
        "jsonb_agg",
        "json_object_agg",
        "jsonb_object_agg",
        "bool_and",
        "bool_or",
        "every",
        "bit_and",
        "bit_or",
        "xmlagg",
        "stddev",
        "variance",
        "percentile_cont",
        "percentile_disc",
        "mode",
    ];
    call.agg_star
        || call.agg_distinct
        || call.agg_within_group
        || !matches!(call.agg_filter(), Node::None)
        || !call.agg_order().is_empty()
        || NAMES.contains(&name)
}
