//! The directories of a person's files (XDG Base Directory Specification).

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::config::{self, Person};
use crate::login::{ProfileName, Store};

/// Loads the person's login file.
pub(super) fn person() -> Result<Person> {
    let path = directory("XDG_CONFIG_HOME", ".config")?.join("login.toml");
    config::person(&path).map_err(|report| anyhow::anyhow!("{report}"))
}

/// The store of the person's logins.
pub(super) fn store() -> Result<Store> {
    Ok(Store::new(
        directory("XDG_STATE_HOME", ".local/state")?.join("logins"),
    ))
}

/// The given profile name, or the default of the person's login file.
pub(super) fn profile_name(given: Option<ProfileName>, person: &Person) -> ProfileName {
    given.unwrap_or_else(|| person.default.clone())
}

/// Relative paths in the variable are ignored, as the specification requires.
fn directory(variable: &str, default: &str) -> Result<PathBuf> {
    let configured = std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let directory = match configured {
        Some(path) => path,
        None => std::env::home_dir()
            .filter(|home| home.is_absolute())
            .with_context(|| format!("no home directory found; set HOME or {variable}"))?
            .join(default),
    };
    Ok(directory.join("gatewright"))
}
