//! `[record]`.

use super::choices::{DURABILITY, KEEP, LITERALS};
use super::section::Section;
use crate::recording::{DatabaseRecord, Recipients, RecordSettings};

/// The key of the log, unless it is set.
const KEY_FILE: &str = "log.key";

pub(super) fn record(root: &Section<'_, '_>) -> Option<RecordSettings> {
    let section = root.section("record")?;
    section.require("directory");
    let directory = section.path("directory").map(|path| path.value);
    let key_file = section.path("key_file").map(|path| path.value);
    let durability = section.choice("durability", &DURABILITY);
    let interval = section.duration("interval");
    let keep = section.choice("keep", &KEEP);
    let literals = section.choice("literals", &LITERALS);
    let session_limit = section.size("session_limit");
    let recipients = recipients(&section);
    let max_segment = section.size("max_segment");
    section.finish();
    let directory = directory?;
    Some(RecordSettings {
        key_file: key_file.unwrap_or_else(|| directory.join(KEY_FILE)),
        directory,
        durability: durability.unwrap_or_default(),
        interval: interval.unwrap_or_default(),
        keep: keep.unwrap_or_default(),
        literals: literals.unwrap_or_default(),
        recipients,
        session_limit: session_limit.map(|size| size as u64),
        max_segment: max_segment.map_or(0, |size| size as u64),
    })
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

/// The keys of a `[[database]]` that begin with `record`.
pub(super) fn of_database(section: &Section<'_, '_>) -> DatabaseRecord {
    DatabaseRecord {
        keep: section.choice("record", &KEEP),
        literals: section.choice("record_literals", &LITERALS),
    }
}
