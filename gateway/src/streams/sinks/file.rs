//! Appends events to a file, which others may move away.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Appends whole lines, and has them on disk. It is opened each time: whoever rotates it needs to tell nobody.
pub(super) fn append(path: &Path, lines: &[u8]) -> io::Result<()> {
    let mut options = OpenOptions::new();
    let mut file = options.append(true).create(true).mode(0o600).open(path)?;
    let metadata = file.metadata()?;
    let written = file.write_all(lines).and_then(|()| file.sync_data());
    if written.is_err() && metadata.is_file() {
        // They are sent again as a whole. What cannot be cut off stays as part of a line.
        let _ = file.set_len(metadata.len());
    }
    match written {
        // A pipe or a terminal has nothing to have on disk.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput && !metadata.is_file() => Ok(()),
        written => written,
    }
}
