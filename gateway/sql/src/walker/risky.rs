//! Functions that run or read what their text arguments say.

use pg_query::protobuf as pb;

const PREFIXES: [&str; 14] = [
    "query_to_",
    "table_to_xml",
    "schema_to_xml",
    "database_to_xml",
    "cursor_to_xml",
    "dblink",
    "pg_read_",
    "lo_",
    "pg_ls_",
    "pg_execute",
    "pg_file_",
    "pg_logdir_",
    "pg_stat_file",
    "pg_logical_slot_",
];
const NAMES: [&str; 8] = [
    "set_config",
    "table_to_xmlschema",
    "table_to_xml_and_xmlschema",
    "ts_stat",
    "ts_rewrite",
    "crosstab",
    "pg_current_logfile",
    "loread",
];

pub(super) fn reason(name: &str) -> Option<String> {
    let risky = NAMES.contains(&name)
        || PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        || name == "lowrite"
        || name == "connectby";
    risky.then(|| format!("function {name} runs or reads what its arguments say"))
}

pub(super) fn is_aggregate(name: &str, call: &pb::FuncCall) -> bool {
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
        || call.agg_filter.is_some()
        || !call.agg_order.is_empty()
        || NAMES.contains(&name)
}
