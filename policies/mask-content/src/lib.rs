//! Masks values that look like personal data or secrets, in columns that nobody declared. It inspects values only and
//! reads neither SQL nor names. Read `settings`, then `mask`; `gatewright-detectors` defines what matches.

mod escapes;
#[cfg(test)]
mod growth;
mod mask;
mod settings;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use gatewright_detectors::{Detectors, Kind};
use gatewright_policy::{
    Allowance, Batch, BatchReply, ColumnAction, ColumnReply, ColumnSource, Denial, Facts, Hooks,
    Plan, Policy, ResultColumn, Statement, Verdict, export,
};

use settings::{Rule, Settings};

/// text, varchar, char(n), name, json, jsonb, xml, jsonpath, unknown, record, refcursor, tsvector, tsquery, cstring and
/// their arrays; and anyarray, the type in which `pg_stats` shows values.
const TEXTS: [u32; 28] = [
    25, 1043, 1042, 19, 114, 3802, 142, 4072, 705, 2249, 1790, 3614, 3615, 2275, 1009, 1015, 1014,
    1003, 199, 3807, 143, 4073, 2287, 2201, 3643, 3645, 1263, 2277,
];
/// bigint and numeric, in which card numbers may be stored, and their arrays.
const NUMBERS: [u32; 4] = [20, 1700, 1016, 1231];
/// FirstNormalObjectId: user-defined types start here (citext, hstore, arrays of domains, enums, composites).
const FIRST_NORMAL_OID: u32 = 16384;

struct MaskContent {
    settings: Settings,
    detectors: Detectors,
    rules: [Rule; Kind::ALL.len()],
    /// Columns to skip, as `schema.table.column`.
    ignored: BTreeSet<String>,
}

impl Policy for MaskContent {
    type Settings = Settings;
    const DESCRIPTION: &'static str =
        "Masks values in results that look like personal data or secrets";
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
            detectors: settings.enabled_detectors()?,
            rules: settings.rules()?,
            ignored: settings.ignore_columns.iter().cloned().collect(),
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
                // A value that may contain text but cannot be inspected must not pass.
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
        let texts = TEXTS.contains(&column.type_oid) || column.type_oid >= FIRST_NORMAL_OID;
        (numbers || texts) && !self.is_ignored(column)
    }

    /// Whether every column that the result column can carry is in `ignore_columns`.
    fn is_ignored(&self, column: &ResultColumn) -> bool {
        let ignored = |source: &ColumnSource| {
            let name = format!("{}.{}.{}", source.schema, source.table, source.column);
            self.ignored.contains(&name)
        };
        !column.sources.is_empty() && column.sources.iter().all(ignored)
    }
}

/// Whether a value whose binary form is unknown may contain text. The gateway reports no type name for rows, arrays of
/// rows and arrays of domains; they may. Of the named types only those listed here do; the others are enums, numbers,
/// geometries and the like.
fn may_hold_text(column: &ResultColumn) -> bool {
    let name = column.type_name.trim_end_matches("[]");
    let name = name.rsplit_once('.').map_or(name, |(_, name)| name);
    TEXTS.contains(&column.type_oid) || matches!(name, "citext" | "hstore" | "unknown")
}

fn refused(kind: Kind) -> Denial {
    Denial::new(
        "content",
        format!("the result contains a value detected as {}", kind.name()),
    )
    .hint("Leave out the column that contains it, or ask an operator to change the policy.")
}

export!(MaskContent);
