//! `[record]`.

use super::choices::{DURABILITY, KEEP};
use super::section::Section;
use crate::recording::RecordSettings;

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
    let max_segment = section.size("max_segment");
    section.finish();
    let directory = directory?;
    Some(RecordSettings {
        key_file: key_file.unwrap_or_else(|| directory.join(KEY_FILE)),
        directory,
        durability: durability.unwrap_or_default(),
        interval: interval.unwrap_or_default(),
        keep: keep.unwrap_or_default(),
        max_segment: max_segment.map_or(0, |size| size as u64),
    })
}
