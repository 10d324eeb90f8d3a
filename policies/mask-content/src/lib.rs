//! Masks what looks like personal data or a secret in columns that nobody declared.
//! It trusts values alone: it reads no SQL and no names. Next: `settings`, then `mask` (columns of values);
//! `gatewright-detectors` says what a find is.

mod escapes;
mod mask;
mod settings;
#[cfg(test)]
mod tests;

use gatewright_detectors::{Detectors, Kind};
use gatewright_policy::{
    Allowance, Batch, BatchReply, ColumnAction, ColumnReply, ColumnSource, Denial, Facts, Hooks,
    Plan, Policy, ResultColumn, Statement, Verdict, export,
};

use settings::{Rule, Settings};

/// text, varchar, char(n), name, json, jsonb, xml, jsonpath, unknown, record, refcursor, tsvector, tsquery, cstring, and the arrays of those;
/// anyarray, as which `pg_stats` shows values.
const TEXTS: [u32; 28] = [
    25, 1043, 1042, 19, 114, 3802, 142, 4072, 705, 2249, 1790, 3614, 3615, 2275, 1009, 1015, 1014,
    1003, 199, 3807, 143, 4073, 2287, 2201, 3643, 3645, 1263, 2277,
];
/// bigint and numeric, which card numbers are kept in, and their arrays.
const NUMBERS: [u32; 4] = [20, 1700, 1016, 1231];
/// Types of the database's own begin here: citext, hstore, domains' arrays, enums, composites.
const FIRST_OWN: u32 = 16384;

struct MaskContent {
    settings: Settings,
    detectors: Detectors,
    rules: [Rule; Kind::ALL.len()],
}

impl Policy for MaskContent {
    type Settings = Settings;
    const DESCRIPTION: &'static str =
        "Masks what looks like personal data or a secret in any text that leaves";
    const HOOKS: Hooks = Hooks::STATEMENT
        .union(Hooks::RESULT_PLAN)
        .union(Hooks::BATCH);

    fn new(settings: Settings) -> Result<Self, String> {
        for (index, column) in settings.ignore_columns.iter().enumerate() {
            if column.split('.').count() != 3 {
                return Err(format!(
                    "setting ignore_columns[{index}]: write \"schema.table.column\" instead of \"{column}\""
                ));
            }
        }
        Ok(Self {
            detectors: settings.scanner()?,
            rules: settings.rules()?,
            settings,
        })
    }

    fn on_statement(&mut self, _: &Statement<'_>, facts: &Facts) -> Verdict {
        if facts.identity.in_any(&self.settings.exempt_groups) {
            return Verdict::reusable();
        }
        Allowance::new().plan_result().reuse_fingerprint().into()
    }

    fn on_result(&mut self, _: &Statement<'_>, columns: &[ResultColumn]) -> Plan {
        let action = |column: &ResultColumn| {
            if !self.is_inspected(column) {
                ColumnAction::Pass
            } else if column.readable {
                ColumnAction::inspect("content")
            } else if may_hold_text(column) {
                // What cannot be looked into is not let through where it can be text.
                ColumnAction::Nullify
            } else {
                ColumnAction::Pass
            }
        };
        Plan::Columns(columns.iter().map(action).collect())
    }

    fn on_batch(&mut self, _: &Statement<'_>, batch: &Batch) -> BatchReply {
        let replies: Result<Vec<ColumnReply>, mask::Stop> = batch
            .columns
            .iter()
            .map(|column| mask::column(&self.detectors, &self.rules, &column.data))
            .collect();
        match replies {
            Ok(columns) => BatchReply::edit(columns),
            Err(mask::Stop(kind)) => refused(kind).into(),
        }
    }
}

impl MaskContent {
    fn is_inspected(&self, column: &ResultColumn) -> bool {
        let numbers = self.settings.numbers && NUMBERS.contains(&column.type_oid);
        let texts = TEXTS.contains(&column.type_oid) || column.type_oid >= FIRST_OWN;
        (numbers || texts) && !self.is_ignored(column)
    }

    /// Whether all that the column can carry is of columns that are to be left alone.
    fn is_ignored(&self, column: &ResultColumn) -> bool {
        let ignored = |source: &ColumnSource| {
            let name = format!("{}.{}.{}", source.schema, source.table, source.column);
            self.settings.ignore_columns.contains(&name)
        };
        !column.sources.is_empty() && column.sources.iter().all(ignored)
    }
}

/// Whether there may be any text in values whose binary form is not known. Rows, and arrays of rows and of domains, have no name that the
/// gateway would tell; the types that have one and are not named here are enums, numbers, shapes and the like.
fn may_hold_text(column: &ResultColumn) -> bool {
    let name = column.type_name.trim_end_matches("[]");
    let name = name.rsplit_once('.').map_or(name, |(_, name)| name);
    TEXTS.contains(&column.type_oid) || matches!(name, "citext" | "hstore" | "unknown")
}

fn refused(kind: Kind) -> Denial {
    Denial::new(
        "content",
        format!(
            "the result holds what looks like a value of the kind {}",
            kind.name()
        ),
    )
    .hint("Leave out the column that holds it, or ask an operator to declare the column.")
}

export!(MaskContent);
