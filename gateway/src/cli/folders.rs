//! Where a person's own files are (XDG Base Directory Specification).

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::config::{self, Person};
use crate::login::{ProfileName, Store};

/// The person's configuration, checked.
pub(super) fn person() -> Result<Person> {
    let path = folder("XDG_CONFIG_HOME", ".config")?.join("login.toml");
    config::person(&path).map_err(|report| anyhow::anyhow!("{report}"))
}

/// The person's logins.
pub(super) fn store() -> Result<Store> {
    Ok(Store::new(
        folder("XDG_STATE_HOME", ".local/state")?.join("logins"),
    ))
}

/// The profile that is meant.
pub(super) fn profile_name(given: Option<ProfileName>, person: &Person) -> ProfileName {
    given.unwrap_or_else(|| person.default.clone())
}

/// Relative paths are not to be used, says the specification.
fn folder(variable: &str, usual: &str) -> Result<PathBuf> {
    let named = std::env::var_os(variable)
        .map(PathBuf::from)
        .filter(|path| path.is_absolute());
    let folder = match named {
        Some(path) => path,
        None => std::env::home_dir()
            .filter(|home| home.is_absolute())
            .with_context(|| format!("there is no home folder; set HOME or {variable}"))?
            .join(usual),
    };
    Ok(folder.join("gatewright"))
}
