//! What tests of several modules share: pages of the documentation are compared with what the code generates.

pub(crate) mod memory;

use std::path::Path;

/// Checks that a page, named relative to the repository, is `expected`. With `GATEWRIGHT_UPDATE_DOCS` set, writes it.
pub(crate) fn assert_current(page: &str, expected: &str) {
    let path = path(page);
    if std::env::var_os("GATEWRIGHT_UPDATE_DOCS").is_some() {
        std::fs::write(&path, expected).unwrap();
        return;
    }
    let written = std::fs::read_to_string(&path).unwrap_or_default();
    let difference = written
        .lines()
        .zip(expected.lines())
        .enumerate()
        .find(|(_, (written, expected))| written != expected);
    assert!(
        written == expected,
        "{page} is not what the code generates (first difference: {difference:?}).\n\
         To update it: GATEWRIGHT_UPDATE_DOCS=1 cargo test --workspace --lib documentation_is_current"
    );
}

pub(crate) fn read(page: &str) -> String {
    std::fs::read_to_string(path(page)).unwrap()
}

fn path(page: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(page)
}
