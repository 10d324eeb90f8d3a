//! Statements that would tell of protected values by other ways than their rows.

use gatewright_policy::{Access, Denial, Facts, TableRef, command_is};

/// Where PostgreSQL keeps samples of the values of all columns.
const SAMPLES: [&str; 5] = [
    "pg_statistic",
    "pg_stats",
    "pg_statistic_ext_data",
    "pg_stats_ext",
    "pg_stats_ext_exprs",
];
/// Views that show the texts of other people's statements, constants included, in this column.
const TEXTS: [&str; 2] = ["pg_stat_activity", "pg_stat_statements"];
const QUERY: &str = "query";
/// The functions behind those views.
const TEXT_FUNCTIONS: [&str; 3] = [
    "pg_stat_get_activity",
    "pg_stat_get_backend_activity",
    "pg_stat_statements",
];
/// Commands that open a way to data past the gateway, give protected tables a name that no rule knows, or give a meaning of one's own
/// to what statements are judged by: `=`, conversions, orders.
const WAYS_OUT: [&str; 24] = [
    "CREATE OPERATOR",
    "ALTER OPERATOR",
    "CREATE OPERATOR CLASS",
    "CREATE OPERATOR FAMILY",
    "CREATE CAST",
    "CREATE AGGREGATE",
    "CREATE COLLATION",
    "CREATE CONVERSION",
    "CREATE TRANSFORM",
    "CREATE ACCESS METHOD",
    "CREATE SERVER",
    "ALTER SERVER",
    "CREATE FOREIGN TABLE",
    "ALTER FOREIGN TABLE",
    "CREATE FOREIGN DATA WRAPPER",
    "ALTER FOREIGN DATA WRAPPER",
    "CREATE USER MAPPING",
    "ALTER USER MAPPING",
    "CREATE SUBSCRIPTION",
    "ALTER SUBSCRIPTION",
    "CREATE PUBLICATION",
    "ALTER PUBLICATION",
    "ALTER SYSTEM",
    "ALTER SCHEMA",
];

/// What shows protected values without naming a protected table.
pub fn find(facts: &Facts) -> Option<Denial> {
    if let Some(table) = facts.tables.iter().find(|table| holds_samples(table)) {
        return Some(samples(table));
    }
    if let Some(table) = facts.tables.iter().find(|table| shows_texts(table, facts)) {
        return Some(texts(&table.display()));
    }
    if let Some(table) = facts.tables.iter().find(|table| is_renamed_source(table)) {
        return Some(outside(&format!("a change of {}", table.display())));
    }
    let function = facts
        .functions
        .iter()
        .find(|function| TEXT_FUNCTIONS.contains(&bare(function)));
    if let Some(function) = function {
        return Some(texts(function));
    }
    let way_out = facts
        .commands
        .iter()
        .find(|command| WAYS_OUT.iter().any(|way_out| command_is(command, way_out)));
    way_out.map(|command| outside(command))
}

fn holds_samples(table: &TableRef) -> bool {
    let sampled = SAMPLES.contains(&table.name.as_str())
        && ["", "pg_catalog"].contains(&table.schema.as_str());
    let stored = table.schema == "pg_toast"
        || (table.schema.is_empty() && table.name.starts_with("pg_toast_"));
    (sampled || stored) && table.access.contains(Access::SELECT)
}

/// Under another name it would be known for nothing.
fn is_renamed_source(table: &TableRef) -> bool {
    let name = table.name.as_str();
    (SAMPLES.contains(&name) || TEXTS.contains(&name))
        && ["", "pg_catalog"].contains(&table.schema.as_str())
        && table.access.contains(Access::DDL)
}

fn shows_texts(table: &TableRef, facts: &Facts) -> bool {
    TEXTS.contains(&table.name.as_str())
        && table.access.contains(Access::SELECT)
        && facts.columns.iter().any(|column| {
            (column.name == QUERY || column.name == "*")
                && facts
                    .table_of(column)
                    .is_none_or(|other| other.name == table.name)
        })
}

fn bare(function: &str) -> &str {
    function.rsplit_once('.').map_or(function, |(_, name)| name)
}

fn samples(table: &TableRef) -> Denial {
    Denial::new("samples", format!("{} holds values of protected columns", table.display()))
        .hint("For the size of a table read reltuples of pg_class; for its columns, information_schema.columns.")
}

fn texts(what: &str) -> Denial {
    Denial::new(
        "activity",
        format!(
            "{what} shows the texts of other sessions' statements, which may hold protected values"
        ),
    )
    .hint("Name the columns you need, all but `query`.")
}

fn outside(command: &str) -> Denial {
    Denial::new(
        "way-out",
        format!("{command} could open a way to protected columns past their masks"),
    )
    .hint("Ask an operator to do it.")
}
