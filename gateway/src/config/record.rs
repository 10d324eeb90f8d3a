//! `[record]`.

use std::collections::BTreeMap;

use super::choices::{DURABILITY, KEEP, LITERALS, WHEN_UNWRITABLE};
use super::section::Section;
use super::values::plain;
use crate::identity::Grants;
use crate::library::{LibrarySettings, MaskedColumn, RecordMask};
use crate::objects::Place;
use crate::recording::{DatabaseRecord, Recipients, RecordSettings, Retention};

/// The key of the log, unless it is set.
const KEY_FILE: &str = "log.key";

pub(super) fn record(root: &Section<'_, '_>) -> Option<(RecordSettings, LibrarySettings)> {
    let section = root.section("record")?;
    section.require("directory");
    let directory = section.path("directory").map(|path| path.value);
    let key_file = section.path("key_file").map(|path| path.value);
    let durability = section.choice("durability", &DURABILITY);
    let when_unwritable = section.choice("when_unwritable", &WHEN_UNWRITABLE);
    let interval = section.duration("interval");
    let keep = section.choice("keep", &KEEP);
    let literals = section.choice("literals", &LITERALS);
    let session_limit = section.size("session_limit");
    let retention = section.duration("retention");
    let recipients = recipients(&section);
    let store = place(&section, "store");
    let keep_local = section.duration("keep_local");
    let upload_backlog = section.size("upload_backlog");
    for key in ["keep_local", "upload_backlog"] {
        if section.has(key) && !section.has("store") {
            section.error_here(format!("`{key}` has no effect without `store`"));
        }
    }
    let checkpoints = place(&section, "checkpoints");
    let checkpoint_interval = section.duration("checkpoint_interval");
    let max_segment = section.size("max_segment");
    let library = LibrarySettings {
        viewers: plain(section.strings("viewers")),
        index: section.choice("index", &KEEP).unwrap_or_default(),
        masks: section.sections("mask").into_iter().map(mask).collect(),
    };
    section.finish();
    let directory = directory?;
    let settings = RecordSettings {
        key_file: key_file.unwrap_or_else(|| directory.join(KEY_FILE)),
        directory,
        durability: durability.unwrap_or_default(),
        when_unwritable: when_unwritable.unwrap_or_default(),
        interval: interval.unwrap_or_default(),
        keep: keep.unwrap_or_default(),
        literals: literals.unwrap_or_default(),
        retention: Retention {
            all: retention,
            databases: BTreeMap::new(),
        },
        recipients,
        session_limit: session_limit.map(|size| size as u64),
        max_segment: max_segment.map_or(0, |size| size as u64),
        origins: !library.masks.is_empty(),
        store,
        keep_local,
        upload_backlog: upload_backlog.map(|size| size as u64),
        checkpoints,
        checkpoint_interval: checkpoint_interval.unwrap_or_default(),
    };
    Some((settings, library))
}

fn mask(section: Section<'_, '_>) -> RecordMask {
    let columns = section.some_strings("columns").into_iter();
    let columns = columns.filter_map(|text| {
        let column = MaskedColumn::parse(&text.value);
        if column.is_none() {
            let why = "a column is schema.table.column, or schema.table.* for all of a table";
            section.error(text.at, format!("`columns`: {why}"));
        }
        column
    });
    let mask = RecordMask {
        columns: columns.collect(),
        groups: plain(section.strings("groups")),
    };
    section.finish();
    mask
}

/// A path, relative to the file's directory, or the URL of an object store.
fn place(section: &Section<'_, '_>, key: &'static str) -> Option<Place> {
    let text = section.string(key)?;
    let parsed = Place::parse(&text.value, section.source.directory());
    parsed
        .map_err(|error| section.error(text.at, format!("`{key}`: {error}")))
        .ok()
}

fn recipients(section: &Section<'_, '_>) -> Option<Recipients> {
    let texts = section.strings("recipients");
    let texts: Vec<String> = texts.into_iter().map(|text| text.value).collect();
    match Recipients::from_texts(&texts) {
        Ok(recipients) => recipients,
        Err(error) => {
            section.error_here(format!("`recipients`: {error}"));
            None
        }
    }
}

/// The retentions that databases have of their own.
pub(super) fn with_databases(mut record: RecordSettings, grants: &Grants) -> RecordSettings {
    let own = grants.databases().filter_map(|database| {
        let retention = database.record.retention?;
        Some((database.name.clone(), retention))
    });
    record.retention.databases = own.collect();
    record
}

/// The keys of a `[[database]]` that begin with `record`.
pub(super) fn of_database(section: &Section<'_, '_>) -> DatabaseRecord {
    DatabaseRecord {
        keep: section.choice("record", &KEEP),
        literals: section.choice("record_literals", &LITERALS),
        retention: section.duration("record_retention"),
    }
}
