//! Lists the policy files of a directory.

use std::collections::BTreeMap;
use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

/// File metadata that detects a change without reading the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Stamp {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

/// What stands under a policy's name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    File {
        path: PathBuf,
        stamp: Stamp,
    },
    /// Something that cannot be read as a file, and why. It may be a policy that is meant to be in force.
    Unreadable(String),
}

/// What the directory has under the names of policies. Links are followed. Hidden files are skipped, and nothing else: what cannot
/// be examined is not the same as what is gone.
pub(super) fn scan(directory: &Path) -> io::Result<BTreeMap<String, Found>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(directory)? {
        let path = entry?.path();
        let Some((name, is_text)) = policy_name(&path) else {
            continue;
        };
        if !is_text {
            let reason = "its name is not UTF-8".to_owned();
            found.insert(name, Found::Unreadable(reason));
        } else if let Some(what) = examine(path) {
            found.insert(name, what);
        }
    }
    Ok(found)
}

/// `None`: it was removed since it was listed.
fn examine(path: PathBuf) -> Option<Found> {
    match fs::metadata(&path) {
        Ok(metadata) if metadata.is_file() => {
            let stamp = Stamp::of(&metadata);
            Some(Found::File { path, stamp })
        }
        Ok(_) => Some(Found::Unreadable("it is not a regular file".to_owned())),
        Err(error) => {
            let is_gone = fs::symlink_metadata(&path)
                .is_err_and(|error| error.kind() == io::ErrorKind::NotFound);
            (!is_gone).then(|| Found::Unreadable(error.to_string()))
        }
    }
}

/// The stem of the file's name, and whether that is all of it: bytes that are not UTF-8 are replaced.
fn policy_name(path: &Path) -> Option<(String, bool)> {
    if path.extension()? != "wasm" {
        return None;
    }
    let stem = path.file_stem()?;
    let name = stem.to_string_lossy();
    let is_policy = !name.is_empty() && !name.starts_with('.');
    is_policy.then(|| (name.into_owned(), stem.to_str().is_some()))
}

impl Stamp {
    /// In bytes.
    pub(super) fn length(self) -> u64 {
        self.length
    }

    fn of(metadata: &Metadata) -> Stamp {
        Stamp {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}
