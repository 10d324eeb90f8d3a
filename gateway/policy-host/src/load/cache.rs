//! Compiled policies on disk.

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

/// Changes with the layout of the files.
const MAGIC: &[u8; 8] = b"gwcode01";

/// Compiled policies on disk, in a folder that only this user can touch: what is in it runs as native code.
pub(crate) struct CodeCache {
    directory: PathBuf,
    user: u32,
}

impl CodeCache {
    /// Makes the folder if need be. One that is not ours, or that others may enter, is refused.
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
            return Err(failed("it is not a folder".into()));
        }
        let user = writing_user(directory).map_err(|error| failed(error.to_string()))?;
        if metadata.uid() != user {
            Err(failed(format!(
                "it belongs to user {}, not to the gateway's user {user}",
                metadata.uid()
            )))
        } else if metadata.mode() & 0o077 != 0 {
            Err(failed(format!(
                "others may enter it (mode {:o}); make it 0700",
                metadata.mode() & 0o777
            )))
        } else {
            Ok(CodeCache {
                directory: directory.to_owned(),
                user,
            })
        }
    }

    /// The code compiled from the file of this digest, if this engine made it and it is whole.
    pub(crate) fn fetch(&self, engine: &Engine, digest: &Digest) -> Option<Component> {
        let path = self.path(engine, digest);
        let code = match read_verified(&path, self.user) {
            Ok(code) => code,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "compiled policy is left aside and made anew");
                return None;
            }
        };
        // SAFETY: `deserialize` must only see what `serialize` wrote. The file was written by `store`: the folder is ours
        // alone (checked in `open`), so is the file, and the checksum shows it complete and unaltered since. Its name holds
        // the hash of everything about the engine and contract that compiled code depends on.
        match unsafe { Component::deserialize(engine, &code) } {
            Ok(component) => Some(component),
            Err(error) => {
                tracing::warn!(path = %path.display(), error = %format_args!("{error:#}"), "compiled policy does not fit and is made anew");
                None
            }
        }
    }

    /// Keeps compiled code for the next start. Failing that costs time then, so it is only reported.
    pub(crate) fn store(&self, engine: &Engine, digest: &Digest, component: &Component) {
        let path = self.path(engine, digest);
        let written = component
            .serialize()
            .map_err(|error| io::Error::other(format!("{error:#}")))
            .and_then(|code| write_atomic(&path, &code));
        if let Err(error) = written {
            tracing::warn!(path = %path.display(), %error, "compiled policy could not be kept; it will be compiled again at the next start");
        }
    }

    fn path(&self, engine: &Engine, digest: &Digest) -> PathBuf {
        let mut environment = Sha256Hasher(Sha256::new());
        engine
            .precompile_compatibility_hash()
            .hash(&mut environment);
        // What the host itself adds while making a component.
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

/// The user that files written here belong to.
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
    // Not followed: a link could lead to a file that others write.
    let metadata = fs::symlink_metadata(path)?;
    if !metadata.is_file() || metadata.uid() != user || metadata.mode() & 0o022 != 0 {
        return Err(io::Error::new(
            io::ErrorKind::PermissionDenied,
            "others could have written it",
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
        // Nothing more can be done about a draft that cannot be removed either.
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

/// `Hash` into SHA-256: the standard hashers promise nothing from one release to the next.
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
