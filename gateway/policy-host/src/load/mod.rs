//! From the bytes of a file to compiled code of a known contract version: checks what the module wants, makes core modules
//! components, compiles, and keeps compiled code on disk. It refuses to know settings and to run anything.
//! Next room: `policy`, which starts what was loaded here.

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

/// No policy needs more, whatever language runtime it brings.
const MODULE_BYTES: usize = 64 * 1024 * 1024;
pub(crate) const PACKAGE: &str = "gatewright:policy/";
pub(crate) const MODULE: &str = "gatewright:policy/module";

/// SHA-256 of a policy's file.
pub(crate) type Digest = [u8; 32];

/// Compiled and linked, not yet started.
pub(crate) struct Code {
    pub(crate) digest: Digest,
    pub(crate) adapter: Arc<dyn Adapter>,
}

pub(crate) fn digest(bytes: &[u8]) -> Digest {
    Sha256::digest(bytes).into()
}

/// Checks, componentizes and compiles; takes compiled code from `cache` where it can.
pub(crate) fn load(
    engine: &Engine,
    cache: Option<&CodeCache>,
    policy: &str,
    bytes: &[u8],
) -> Result<Code, LoadError> {
    if bytes.len() > MODULE_BYTES {
        return Err(LoadError::TooLarge {
            policy: policy.to_owned(),
            size: bytes.len(),
            limit: MODULE_BYTES,
        });
    }
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
            // The encoder leaves out what the module does not have; what it made must still be a policy.
            contract_version(policy, &inspect::inspect(policy, &encoded)?)?;
            &encoded
        }
    };
    Component::from_binary(engine, bytes).map_err(|error| LoadError::Compile {
        policy: policy.to_owned(),
        reason: one_line(&error),
    })
}

/// The contract version a module was built for, told by the name of its export.
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

/// An error chain on one line of bounded length.
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
