//! Refuses statements that could reveal protected values without naming a protected table: statistics, other sessions'
//! query strings, and commands that bypass the gateway or redefine operators.

use gatewright_policy::{
    Access, ColumnSource, Denial, Facts, RelationKind, TableRef, Usage, command_is,
};

/// Catalogs and views that store sampled values of all columns.
const SAMPLES: [&str; 5] = [
    "pg_statistic",
    "pg_stats",
    "pg_statistic_ext_data",
    "pg_stats_ext",
    "pg_stats_ext_exprs",
];
/// The value that rows have in a column which was added with a default after them (`pg_attribute.attmissingval`). pg_dump reads it, so it
/// becomes NULL in results.
const MISSING: (&str, &str) = ("pg_attribute", "attmissingval");
/// Views that show other sessions' query strings, constants included, in the column [`QUERY`].
const ACTIVITY: [&str; 2] = ["pg_stat_activity", "pg_stat_statements"];
const QUERY: &str = "query";
/// The functions behind those views.
const ACTIVITY_FUNCTIONS: [&str; 3] = [
    "pg_stat_get_activity",
    "pg_stat_get_backend_activity",
    "pg_stat_statements",
];
/// Commands that move data past the gateway, rename protected tables out of reach of the rules, or redefine what the
/// analysis relies on: operators, casts, collations.
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

/// Refuses a statement that could reveal protected values without naming a protected table.
pub fn find(facts: &Facts) -> Option<Denial> {
    if let Some(table) = facts.tables.iter().find(|table| holds_samples(table)) {
        return Some(samples(table));
    }
    if let Some(table) = facts
        .tables
        .iter()
        .find(|table| shows_activity(table, facts))
    {
        return Some(activity(&table.display()));
    }
    if tells_missing(facts) {
        return Some(missing());
    }
    if let Some(table) = facts.tables.iter().find(|table| is_renamed_source(table)) {
        return Some(outside(&format!("a change to {}", table.display())));
    }
    let function = facts
        .functions
        .iter()
        .find(|function| ACTIVITY_FUNCTIONS.contains(&bare(function)));
    if let Some(function) = function {
        return Some(activity(function));
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

/// Under another name the view would not be recognised.
fn is_renamed_source(table: &TableRef) -> bool {
    let name = table.name.as_str();
    (SAMPLES.contains(&name) || ACTIVITY.contains(&name))
        && ["", "pg_catalog"].contains(&table.schema.as_str())
        && table.access.contains(Access::DDL)
}

fn is_attributes(table: &TableRef) -> bool {
    table.name == MISSING.0
        && ["", "pg_catalog"].contains(&table.schema.as_str())
        && table.access.contains(Access::SELECT)
}

/// Whether the result may show [`MISSING`] values: the statement names them, or views do that it reads.
pub fn may_show_missing(facts: &Facts) -> bool {
    let is_view = |table: &TableRef| {
        matches!(
            table.kind,
            RelationKind::View | RelationKind::MaterializedView
        )
    };
    facts.tables.iter().any(is_attributes)
        && (uses_of_missing(facts).next().is_some() || facts.tables.iter().any(is_view))
}

/// Whether a result column may be such a value.
pub fn is_missing(source: &ColumnSource) -> bool {
    source.table == MISSING.0
        && ["", "pg_catalog"].contains(&source.schema.as_str())
        && [MISSING.1, "*"].contains(&source.column.as_str())
}

fn uses_of_missing(facts: &Facts) -> impl Iterator<Item = Usage> + '_ {
    let mut attributes = facts.tables.iter().filter(|table| is_attributes(table));
    let read = attributes.next().is_some();
    let columns = facts.columns.iter().filter(move |column| {
        read && [MISSING.1, "*"].contains(&column.name.as_str())
            && facts.table_of(column).is_none_or(is_attributes)
    });
    columns.map(|column| column.usage)
}

/// Such values decide which rows there are, in which order, or are stored: what then becomes of them cannot be masked.
fn tells_missing(facts: &Facts) -> bool {
    let tells = |usage: Usage| {
        matches!(
            usage,
            Usage::Filter
                | Usage::Join
                | Usage::Group
                | Usage::Order
                | Usage::Window
                | Usage::Aggregate
        )
    };
    let writes = facts
        .tables
        .iter()
        .any(|table| table.access.intersects(Access::WRITES) || table.access.contains(Access::DDL));
    let stores = writes
        || facts
            .commands
            .iter()
            .any(|command| command.starts_with("CREATE"));
    let mut uses = uses_of_missing(facts);
    uses.any(|usage| tells(usage) || stores)
}

fn shows_activity(table: &TableRef, facts: &Facts) -> bool {
    ACTIVITY.contains(&table.name.as_str())
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
    Denial::new("samples", format!("{} contains values of protected columns", table.display()))
        .hint("For table sizes use pg_class.reltuples; for column definitions use information_schema.columns.")
}

fn missing() -> Denial {
    Denial::new(
        "samples",
        "pg_attribute.attmissingval contains values of protected columns",
    )
    .hint("Select the other columns of pg_attribute. In a result it is NULL.")
}

fn activity(what: &str) -> Denial {
    Denial::new(
        "activity",
        format!("{what} shows other sessions' query strings, which may contain protected values"),
    )
    .hint("Select the columns you need, without `query`.")
}

fn outside(command: &str) -> Denial {
    Denial::new(
        "way-out",
        format!("{command} could expose protected columns unmasked"),
    )
    .hint("Ask an operator to run it.")
}
