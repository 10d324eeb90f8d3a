//! Determines the kind and the imports of a file before it is compiled.

use std::collections::BTreeSet;

use wasmparser::{Encoding, Parser, Payload};

use super::{MODULE, PACKAGE, one_line};
use crate::error::LoadError;

/// The kind, contract version and imports of a file, read from its outermost sections.
pub(super) struct Inspected {
    pub(super) form: Form,
    /// The version in the name of the contract export.
    pub(super) contract: Option<String>,
    /// Interfaces, or functions of a core module.
    pub(super) imports: BTreeSet<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Component,
    /// `described`: bindings embedded the types of imports and exports in a custom section.
    CoreModule {
        described: bool,
    },
}

/// Parses the whole file, to distinguish a truncated file from an invalid one.
pub(super) fn inspect(policy: &str, bytes: &[u8]) -> Result<Inspected, LoadError> {
    let broken = |error: wasmparser::BinaryReaderError| LoadError::NotWebAssembly {
        policy: policy.to_owned(),
        reason: one_line(&error),
    };
    begins_like_wasm(policy, bytes)?;
    let mut inspected = Inspected {
        form: Form::Component,
        contract: None,
        imports: BTreeSet::new(),
    };
    // The payloads of nested modules and components arrive in the same stream.
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        match payload.map_err(broken)? {
            Payload::ModuleSection { .. } | Payload::ComponentSection { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            _ if depth > 0 => {}
            Payload::Version {
                encoding: Encoding::Module,
                ..
            } => inspected.form = Form::CoreModule { described: false },
            Payload::CustomSection(section) if section.name().starts_with("component-type") => {
                if let Form::CoreModule { described } = &mut inspected.form {
                    *described = true;
                }
            }
            Payload::ComponentImportSection(section) => {
                for import in section {
                    let name = import.map_err(broken)?.name.name;
                    inspected.imports.insert(name.to_owned());
                    grant(policy, name, None)?;
                }
            }
            Payload::ImportSection(section) => {
                for import in section.into_imports() {
                    let import = import.map_err(broken)?;
                    let name = format!("{}.{}", import.module, import.name);
                    inspected.imports.insert(name);
                    grant(policy, import.module, Some(import.name))?;
                }
            }
            Payload::ComponentExportSection(section) => {
                for export in section {
                    inspected.note_export(export.map_err(broken)?.name.name);
                }
            }
            Payload::ExportSection(section) => {
                for export in section {
                    let name = export.map_err(broken)?.name;
                    inspected.note_export(name.split('#').next().unwrap_or_default());
                }
            }
            _ => {}
        }
    }
    Ok(inspected)
}

fn begins_like_wasm(policy: &str, bytes: &[u8]) -> Result<(), LoadError> {
    if Parser::is_component(bytes) || Parser::is_core_wasm(bytes) {
        return Ok(());
    }
    let reason = if bytes.is_empty() {
        "it is empty"
    } else {
        "it does not begin with a WebAssembly header"
    };
    Err(LoadError::NotWebAssembly {
        policy: policy.to_owned(),
        reason: reason.to_owned(),
    })
}

/// A policy may import only the contract's own interfaces.
fn grant(policy: &str, module: &str, field: Option<&str>) -> Result<(), LoadError> {
    if module.starts_with(PACKAGE) {
        return Ok(());
    }
    let import = match field {
        Some(field) => format!("{module}.{field}"),
        None => module.to_owned(),
    };
    Err(LoadError::NotGranted {
        policy: policy.to_owned(),
        import,
    })
}

impl Inspected {
    fn note_export(&mut self, name: &str) {
        if let Some(version) = name
            .strip_prefix(MODULE)
            .and_then(|rest| rest.strip_prefix('@'))
        {
            self.contract = Some(version.to_owned());
        }
    }
}
