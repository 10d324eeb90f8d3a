//! Converts core modules to components.

use wit_component::{ComponentEncoder, StringEncoding, embed_component_metadata};
use wit_parser::Resolve;

use super::one_line;
use crate::adapter::WitVersion;
use crate::error::LoadError;

/// Wraps a core module as a component of the contract's world. A module without embedded type information is assumed to
/// implement `version`, whose interface names its exports use.
pub(super) fn componentize(
    policy: &str,
    module: &[u8],
    described: bool,
    version: &WitVersion,
) -> Result<Vec<u8>, LoadError> {
    let failed = |reason: String| LoadError::Componentize {
        policy: policy.to_owned(),
        reason,
    };
    let mut module = module.to_vec();
    if !described {
        describe(&mut module, version).map_err(failed)?;
    }
    ComponentEncoder::default()
        .module(&module)
        .and_then(|encoder| encoder.validate(true).encode())
        .map_err(|error| failed(one_line(&format_args!("{error:#}"))))
}

fn describe(module: &mut Vec<u8>, version: &WitVersion) -> Result<(), String> {
    let mut resolve = Resolve::default();
    let package = resolve
        .push_str("policy.wit", version.wit)
        .map_err(|error| one_line(&format_args!("{error:#}")))?;
    let world = resolve
        .select_world(&[package], Some("policy"))
        .map_err(|error| one_line(&format_args!("{error:#}")))?;
    embed_component_metadata(module, &resolve, world, StringEncoding::UTF8)
        .map_err(|error| one_line(&format_args!("{error:#}")))
}
