//! The volatile functions that a server has built in, and which of them leave nothing behind. A new version of PostgreSQL may bring
//! others: each has to be told apart here, or be known to the gateway for what it does.

/// A row for each function that SQL can call: its name, and a call with NULLs.
pub const CALLS: &str = "
    SELECT p.proname, format('pg_catalog.%I(%s)', p.proname, (
        SELECT string_agg('NULL::' || CASE format_type(a.type, NULL)
            WHEN 'anyelement' THEN 'int' WHEN 'anyarray' THEN 'int[]' WHEN '\"any\"' THEN 'text' ELSE format_type(a.type, NULL) END, ', ' ORDER BY a.at)
        FROM unnest(p.proargtypes) WITH ORDINALITY AS a (type, at)))
    FROM pg_proc p
    WHERE p.pronamespace = 'pg_catalog'::regnamespace AND p.provolatile = 'v' AND p.prokind = 'f'
        AND 'internal'::regtype <> ALL (p.proargtypes) AND p.prorettype <> ALL (ARRAY['trigger', 'event_trigger', 'language_handler']::regtype[])
    ORDER BY 1, 2";

/// Functions that change nothing that lasts: they tell of the server, wait, or make something up.
const READ: [&str; 62] = [
    "amvalidate",
    "array_sample",
    "array_shuffle",
    "clock_timestamp",
    "current_query",
    "currval",
    "gen_random_uuid",
    "lastval",
    "pg_available_wal_summaries",
    "pg_blocking_pids",
    "pg_collation_actual_version",
    "pg_current_wal_flush_lsn",
    "pg_current_wal_insert_lsn",
    "pg_current_wal_lsn",
    "pg_database_collation_actual_version",
    "pg_get_aios",
    "pg_get_backend_memory_contexts",
    "pg_get_loaded_modules",
    "pg_get_multixact_members",
    "pg_get_sequence_data",
    "pg_get_shmem_allocations",
    "pg_get_shmem_allocations_numa",
    "pg_get_wait_events",
    "pg_get_wal_replay_pause_state",
    "pg_get_wal_resource_managers",
    "pg_get_wal_summarizer_state",
    "pg_is_in_recovery",
    "pg_is_wal_replay_paused",
    "pg_isolation_test_session_is_blocked",
    "pg_jit_available",
    "pg_last_committed_xact",
    "pg_last_wal_receive_lsn",
    "pg_last_wal_replay_lsn",
    "pg_last_xact_replay_timestamp",
    "pg_lock_status",
    "pg_notification_queue_usage",
    "pg_partition_ancestors",
    "pg_partition_tree",
    "pg_prepared_xact",
    "pg_safe_snapshot_blocking_pids",
    "pg_sequence_last_value",
    "pg_show_replication_origin_status",
    "pg_sleep",
    "pg_sleep_for",
    "pg_sleep_until",
    "pg_stat_force_next_flush",
    "pg_stat_have_stats",
    "pg_wal_summary_contents",
    "pg_xact_commit_timestamp",
    "pg_xact_commit_timestamp_origin",
    "pg_xact_status",
    "plpgsql_validator",
    "random",
    "random_normal",
    "setseed",
    "timeofday",
    "ts_rewrite",
    "txid_status",
    "uuidv4",
    "uuidv7",
    // Table sampling and table access methods, by name.
    "bernoulli",
    "system",
];

/// The same by the beginning or the end of their names.
const READ_BEGIN: [&str; 2] = ["pg_control_", "pg_stat_get_"];
const READ_END: [&str; 1] = ["_size"];

/// Whether a built-in function is known to leave nothing behind.
pub fn only_reads(name: &str) -> bool {
    READ.contains(&name)
        || READ_BEGIN.iter().any(|begin| name.starts_with(begin))
        || READ_END.iter().any(|end| name.ends_with(end))
}
