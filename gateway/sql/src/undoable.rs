//! Whether what a statement does can be undone, so that it can be run to see its effect, and rolled back.

use crate::facts::{
    Access, CopyDestination, Facts, RelationKind, SessionEffect, TransactionCommand, Verb,
};
use crate::leftovers::Residue;

/// Functions whose effect outlives a rollback, besides those that make a statement opaque or leave something in the session. The
/// tests ask servers for all their volatile functions.
const LASTING: [&str; 8] = [
    "nextval",
    "setval",
    "pg_export_snapshot",
    "pg_nextoid",
    "pg_stop_making_pinned_objects",
    "pg_log_standby_snapshot",
    "pg_sync_replication_slots",
    "gin_clean_pending_list",
];

/// The same by the beginning of their names: they change the server's counters and statistics, indexes, or where backups stand.
const LASTING_PREFIXES: [&str; 7] = [
    "pg_stat_reset",
    "pg_stat_clear",
    "pg_restore_",
    "pg_clear_",
    "pg_start_backup",
    "pg_stop_backup",
    "brin_",
];

/// Command tags of what only reads, as far as the queries in it do.
const READING: [&str; 9] = [
    "SELECT",
    "VALUES",
    "COPY",
    "DECLARE CURSOR",
    "FETCH",
    "MOVE",
    "CLOSE CURSOR",
    "CLOSE CURSOR ALL",
    "EXECUTE",
];

/// Accesses that a rollback undoes, and that advance no sequence.
const UNDONE: Access = Access::SELECT
    .union(Access::UPDATE)
    .union(Access::DELETE)
    .union(Access::LOCK);

impl Facts {
    /// Why a rollback might not undo all that the statement does; `None`: it does.
    pub fn cannot_be_undone(&self) -> Option<String> {
        if !matches!(self.verb, Verb::Update | Verb::Delete) {
            return Some("only UPDATE and DELETE are run for a preview".to_owned());
        }
        if let Some(reason) = self.reaches_further() {
            return Some(reason);
        }
        // Defaults and identity columns advance sequences.
        let nested = ["UPDATE", "DELETE", "SELECT"];
        let mut commands = self.commands.iter();
        if let Some(other) = commands.find(|command| !nested.contains(&command.as_str())) {
            return Some(format!("it runs {other}"));
        }
        if self.changes_session() {
            return Some("it may change something in its session".to_owned());
        }
        let mut tables = self.tables.iter();
        let more = tables.find(|table| !UNDONE.contains(table.access))?;
        Some(format!(
            "it does more to \"{}\" than change rows",
            more.name
        ))
    }

    /// Whether it changes nothing that anybody could see afterwards, whether its transaction is rolled back or not.
    pub fn changes_nothing(&self) -> bool {
        self.verb == Verb::Select
            && !self.changes_session()
            // A notification goes out with the transaction.
            && self.called(|name| name == "pg_notify").is_none()
            && self.only_reads()
    }

    fn changes_session(&self) -> bool {
        self.session != SessionEffect::None
            || self.residue() != Residue::default()
            || !self.settings.is_empty()
            || self.path.is_some()
    }

    /// What it may change besides its session and the rows of known tables; `None`: nothing.
    fn reaches_further(&self) -> Option<String> {
        if let Some(reason) = self.opaque.first() {
            return Some(format!("it is not fully analysed: {reason}"));
        }
        if self.calls_unread {
            return Some("it calls a function that is not read".to_owned());
        }
        if let Some(function) = self.called(lasts) {
            return Some(format!("a rollback does not undo {function}"));
        }
        self.tables.iter().find_map(|table| match table.kind {
            RelationKind::Foreign => Some(format!("\"{}\" is a foreign table", table.name)),
            RelationKind::Unresolved if table.access == Access::default() => {
                Some("it runs code that could not be read".to_owned())
            }
            RelationKind::Unresolved => Some(format!("\"{}\" is not known", table.name)),
            _ => None,
        })
    }

    /// Whether it may change what the database holds once it is committed. Of EXECUTE and FETCH: once what they name is merged in.
    pub fn may_change_data(&self) -> bool {
        match (&self.session, self.verb) {
            (SessionEffect::Transaction(TransactionCommand::CommitPrepared), _) => true,
            (SessionEffect::Transaction(_), _) => false,
            // They run nothing.
            (SessionEffect::Prepare { .. } | SessionEffect::Deallocate(_), _)
            | (SessionEffect::Explain { analyze: false, .. }, _)
            | (_, Verb::Set | Verb::Listen | Verb::Lock | Verb::Utility) => !self.opaque.is_empty(),
            (SessionEffect::CopyOut(copy), _) => {
                copy.destination != CopyDestination::Stdout || !self.only_reads()
            }
            (_, Verb::Select | Verb::Cursor | Verb::Prepare) => !self.only_reads(),
            _ => true,
        }
    }

    /// Whether all that it runs is read, and only reads.
    fn only_reads(&self) -> bool {
        let reads = Access::SELECT.union(Access::LOCK);
        let mut commands = self.commands.iter();
        commands.all(|command| READING.contains(&command.as_str()))
            && self.reaches_further().is_none()
            && self.tables.iter().all(|table| reads.contains(table.access))
    }

    /// The tables that it names, with their schemas.
    pub fn table_names(&self) -> Vec<String> {
        let names = self
            .tables
            .iter()
            .map(|table| match table.schema.is_empty() {
                true => table.name.clone(),
                false => format!("{}.{}", table.schema, table.name),
            });
        names.collect()
    }

    /// Whether EXPLAIN tells how many rows the statement reads or changes.
    pub fn can_be_estimated(&self) -> bool {
        let verbs = [
            Verb::Select,
            Verb::Insert,
            Verb::Update,
            Verb::Delete,
            Verb::Merge,
        ];
        verbs.contains(&self.verb) && self.session == SessionEffect::None
    }
}

fn lasts(name: &str) -> bool {
    let mut prefixes = LASTING_PREFIXES.iter();
    LASTING.contains(&name) || prefixes.any(|prefix| name.starts_with(prefix))
}
