//! Turns the bytes of a file into compiled code of a known contract version: checks imports, converts core modules to
//! components, compiles, and caches compiled code on disk.
//! This module does not know settings and runs nothing; `policy` starts what it loads.

mod cache;
mod componentize;
mod inspect;

use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use wasmtime::Engine;
use wasmtime::component::Component;

pub(crate) use self::cache::CodeCache;
use self::inspect::{Form, Inspected};
use crate::adapter::{Adapter, VERSIONS, WitVersion};
use crate::error::LoadError;

/// Larger than any expected policy, even with a bundled language runtime.
pub(crate) const MODULE_BYTES: u64 = 64 * 1024 * 1024;
pub(crate) const PACKAGE: &str = "gatewright:policy/";
pub(crate) const MODULE: &str = "gatewright:policy/module";

/// The SHA-256 of a policy's file.
pub(crate) type Digest = [u8; 32];

/// What a policy's file says of itself before anything of it runs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Described {
    /// The version of the contract that it was built for.
    pub contract: String,
    /// A component; otherwise it is a core module, which the host makes one of.
    pub is_component: bool,
    /// Interfaces, or functions of a core module.
    pub imports: Vec<String>,
    pub bytes: u64,
    /// SHA-256, in hexadecimal digits.
    pub digest: String,
}

/// Reads a policy's file, without compiling it.
///
/// # Errors
/// No gateway of this version would load it.
pub fn describe(policy: &str, bytes: &[u8]) -> Result<Described, LoadError> {
    check_size(policy, bytes.len() as u64)?;
    let inspected = inspect::inspect(policy, bytes)?;
    contract_version(policy, &inspected)?;
    Ok(Described {
        contract: inspected.contract.unwrap_or_default(),
        is_component: inspected.form == Form::Component,
        imports: inspected.imports.into_iter().collect(),
        bytes: bytes.len() as u64,
        digest: hex::encode(digest(bytes)),
    })
}

/// A compiled and linked policy, not yet started.
pub(crate) struct Code {
    pub(crate) digest: Digest,
    pub(crate) adapter: Arc<dyn Adapter>,
}

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// # Errors
/// A policy of so many bytes is larger than any may be.
pub(crate) fn check_size(policy: &str, size: u64) -> Result<(), LoadError> {
    if size <= MODULE_BYTES {
        return Ok(());
    }
    Err(LoadError::TooLarge {
        policy: policy.to_owned(),
        size,
        limit: MODULE_BYTES,
    })
}

/// Checks, componentizes and compiles a policy, or takes its compiled code from `cache`.
pub(crate) fn load(
    engine: &Engine,
    cache: Option<&CodeCache>,
    policy: &str,
    bytes: &[u8],
) -> Result<Code, LoadError> {
    check_size(policy, bytes.len() as u64)?;
    let inspected = inspect::inspect(policy, bytes)?;
    let version = contract_version(policy, &inspected)?;
    let digest = digest(bytes);
    let component = match cache.and_then(|cache| cache.fetch(engine, &digest)) {
        Some(component) => component,
        None => {
            let component = compile(engine, policy, bytes, &inspected, version)?;
            if let Some(cache) = cache {
                cache.store(engine, &digest, &component);
            }
            component
        }
    };
    let adapter = (version.prepare)(engine, &component).map_err(|error| LoadError::Link {
        policy: policy.to_owned(),
        reason: one_line(&error),
    })?;
    Ok(Code { digest, adapter })
}

fn compile(
    engine: &Engine,
    policy: &str,
    bytes: &[u8],
    inspected: &Inspected,
    version: &WitVersion,
) -> Result<Component, LoadError> {
    let encoded;
    let bytes = match inspected.form {
        Form::Component => bytes,
        Form::CoreModule { described } => {
            encoded = componentize::componentize(policy, bytes, described, version)?;
            // The encoder drops exports that the module lacks, so the result must be checked again.
            contract_version(policy, &inspect::inspect(policy, &encoded)?)?;
            &encoded
        }
    };
    Component::from_binary(engine, bytes).map_err(|error| LoadError::Compile {
        policy: policy.to_owned(),
        reason: one_line(&error),
    })
}

/// The contract version that a module was built for, from the name of its export.
fn contract_version(policy: &str, inspected: &Inspected) -> Result<&'static WitVersion, LoadError> {
    let not_a_policy = || LoadError::NotAPolicy {
        policy: policy.to_owned(),
        supported: supported(),
    };
    let found = inspected.contract.as_deref().ok_or_else(not_a_policy)?;
    VERSIONS
        .iter()
        .find(|known| {
            found
                .strip_prefix(known.minor)
                .is_some_and(|rest| rest.starts_with('.'))
        })
        .ok_or_else(|| LoadError::WrongVersion {
            policy: policy.to_owned(),
            found: found.to_owned(),
            supported: supported(),
        })
}

fn supported() -> String {
    VERSIONS
        .iter()
        .map(|known| known.version)
        .collect::<Vec<_>>()
        .join(", ")
}

/// An error chain on a single line of limited length.
pub(crate) fn one_line(error: &dyn std::fmt::Display) -> String {
    const LIMIT: usize = 400;
    let mut line = format!("{error:#}")
        .split_whitespace()
        .collect::<Vec<_>>()
        .join(" ");
    if line.len() > LIMIT {
        line.truncate(line.floor_char_boundary(LIMIT));
        line.push_str(" ...");
    }
    line
}
