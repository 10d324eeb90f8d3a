//! The on-disk cache of compiled policies.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::hash::{Hash, Hasher};
use std::io::{self, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

use super::Digest;
use crate::adapter::VERSIONS;
use crate::error::HostError;

/// Changes whenever the layout of cache files changes.
const MAGIC: &[u8; 8] = b"gwcode01";

/// Compiled policies in a directory that only the gateway's user can access, because its content runs as native code.
pub(crate) struct CodeCache {
    directory: PathBuf,
    user: u32,
}

impl CodeCache {
    /// Creates the directory if it is absent. Fails if it belongs to another user or is accessible to others.
    pub(crate) fn open(directory: &Path) -> Result<CodeCache, HostError> {
        let failed = |reason: String| HostError::Cache {
            path: directory.to_owned(),
            reason,
        };
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)
            .map_err(|error| failed(error.to_string()))?;
        let metadata =
            fs::symlink_metadata(directory).map_err(|error| failed(error.to_string()))?;
        if !metadata.is_dir() {
            return Err(failed("it is not a directory".into()));
        }
        let user = writing_user(directory).map_err(|error| failed(error.to_string()))?;
        if metadata.uid() != user {
            Err(failed(format!(
                "it belongs to user {}, not to the gateway's user {user}",
                metadata.uid()
            )))
        } else if metadata.mode() & 0o077 != 0 {
            Err(failed(format!(
                "other users can access it (mode {:o}); change its mode to 0700",
                metadata.mode() & 0o777
            )))
        } else {
            Ok(CodeCache {
                directory: directory.to_owned(),
                user,
            })
        }
    }

    /// The code compiled from the file with this digest, if it is intact and was compiled by this engine.
    pub(crate) fn fetch(&self, engine: &Engine, digest: &Digest) -> Option<Component> {
        let path = self.path(engine, digest);
        let code = match read_verified(&path, self.user) {
            Ok(code) => code,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "ignoring an unusable cached policy; recompiling it");
                return None;
            }
        };
        // SAFETY: `deserialize` must only read what `serialize` wrote. The file was written by `store`: the directory
        // (checked in `open`) and the file belong to this user alone, and the checksum shows that the file is complete
        // and unchanged. Its name contains a hash of everything in the engine and contract that compiled code depends
        // on.
        match unsafe { Component::deserialize(engine, &code) } {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(path = %path.display(), error = %format_args!("{error:#}"), "cached policy is incompatible with this engine; recompiling it");
                None
            }
        }
    }

    /// Stores compiled code for the next start. A failure only makes that start slower, so it is logged.
    pub(crate) fn store(&self, engine: &Engine, digest: &Digest, component: &Component) {
        let path = self.path(engine, digest);
        let written = component
            .serialize()
            .map_err(|error| io::Error::other(format!("{error:#}")))
            .and_then(|code| write_atomic(&path, &code));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "compiled policy could not be cached; it will be recompiled at the next start");
        }
    }

    fn path(&self, engine: &Engine, digest: &Digest) -> PathBuf {
        let mut environment = Sha256Hasher(Sha256::new());
        engine
            .precompile_compatibility_hash()
            .hash(&mut environment);
        // The host version, since the host adds parts of its own when it builds a component.
        env!("CARGO_PKG_VERSION").hash(&mut environment);
        for version in VERSIONS {
            version.wit.hash(&mut environment);
        }
        let environment: Digest = environment.0.finalize().into();
        self.directory.join(format!(
            "{}-{}.cwasm",
            hex::encode(digest),
            hex::encode(&environment[..16])
        ))
    }
}

/// The user that owns files written here.
fn writing_user(directory: &Path) -> io::Result<u32> {
    let probe = draft_name(&directory.join("probe"));
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&probe)?;
    let user = file.metadata().map(|metadata| metadata.uid());
    fs::remove_file(&probe)?;
    user
}

fn read_verified(path: &Path, user: u32) -> io::Result<Vec<u8>> {
    // A link is not followed: its target could be writable by others.
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() || metadata.uid() != user || metadata.mode() & 0o022 != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "other users could have written it",
        ));
    }
    let mut file = File::open(path)?;
    let mut header = [0; MAGIC.len() + 32];
    file.read_exact(&mut header)?;
    let mut code = Vec::new();
    file.read_to_end(&mut code)?;
    let (magic, checksum) = header.split_at(MAGIC.len());
    if magic != MAGIC || checksum != Sha256::digest(&code).as_slice() {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "it is damaged"));
    }
    Ok(code)
}

fn write_atomic(path: &Path, code: &[u8]) -> io::Result<()> {
    let draft = draft_name(path);
    let written = write_draft(&draft, code).and_then(|()| fs::rename(&draft, path));
    if written.is_err() {
        // If the draft cannot be removed either, nothing more can be done.
        let _ = fs::remove_file(&draft);
    }
    written
}

fn draft_name(path: &Path) -> PathBuf {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    path.with_extension(format!(
        "{}.{}.draft",
        std::process::id(),
        NEXT.fetch_add(1, Ordering::Relaxed)
    ))
}

fn write_draft(draft: &Path, code: &[u8]) -> io::Result<()> {
    let mut file: File = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(draft)?;
    file.write_all(MAGIC)?;
    file.write_all(&Sha256::digest(code))?;
    file.write_all(code)?;
    file.sync_all()
}

/// Feeds `Hash` into SHA-256. The output of the standard hashers may change between Rust releases.
struct Sha256Hasher(Sha256);

impl Hasher for Sha256Hasher {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        let digest: Digest = self.0.clone().finalize().into();
        digest
            .iter()
            .take(8)
            .fold(0, |all, byte| all << 8 | u64::from(*byte))
    }
}
