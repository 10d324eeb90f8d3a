//! Where the servers' temporary directories are. A new server copies a thousand files, and removes them when it stops,
//! which some file systems make the largest part of a test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;

use anyhow::Result;
use tempfile::TempDir;

/// The file system in memory that Linux mounts for shared memory. Containers often limit it to 64 MB.
const MEMORY: &str = "/dev/shm";

/// What has to be free there, and as memory, in KiB. All servers of a test run together need about a gigabyte.
const ENOUGH: u64 = 6 << 20;

/// A temporary directory, in memory if there is plenty.
pub fn scratch_folder(prefix: &str) -> Result<TempDir> {
    static ROOT: OnceLock<PathBuf> = OnceLock::new();
    let root = ROOT.get_or_init(|| match has_room(Path::new(MEMORY)) {
        true => PathBuf::from(MEMORY),
        false => std::env::temp_dir(),
    });
    Ok(tempfile::Builder::new().prefix(prefix).tempdir_in(root)?)
}

fn has_room(folder: &Path) -> bool {
    let df = Command::new("df")
        .args(["--output=fstype,avail", "--block-size=1K"])
        .arg(folder)
        .output();
    let (Ok(df), Ok(memory)) = (df, std::fs::read_to_string("/proc/meminfo")) else {
        return false;
    };
    in_memory_kib(&String::from_utf8_lossy(&df.stdout)).is_some_and(|free| free >= ENOUGH)
        && available_kib(&memory).is_some_and(|free| free >= ENOUGH)
}

/// What `df` says is free, if it is in memory.
fn in_memory_kib(df: &str) -> Option<u64> {
    let mut words = df.lines().nth(1)?.split_whitespace();
    (words.next()? == "tmpfs").then(|| words.next()?.parse().ok())?
}

/// MemAvailable of /proc/meminfo.
fn available_kib(memory: &str) -> Option<u64> {
    let line = memory
        .lines()
        .find_map(|line| line.strip_prefix("MemAvailable:"))?;
    line.trim().strip_suffix("kB")?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn free_memory_is_read_from_what_the_system_says() {
        let df = "Type     Avail\ntmpfs 25165824\n";
        assert_eq!(in_memory_kib(df), Some(25_165_824));
        assert_eq!(in_memory_kib("Type Avail\next4 25165824\n"), None);
        assert_eq!(in_memory_kib(""), None);
        let memory = "MemTotal:  100 kB\nMemAvailable:   42 kB\n";
        assert_eq!(available_kib(memory), Some(42));
        assert_eq!(available_kib("MemTotal: 1 kB\n"), None);
    }

    #[test]
    fn a_folder_is_made_and_removed() -> Result<()> {
        let folder = scratch_folder("gatewright-scratch-")?;
        let path = folder.path().to_owned();
        assert!(path.is_dir());
        drop(folder);
        assert!(!path.exists());
        Ok(())
    }
}
