//! The policy host and its directory, built from settings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Context, Result};
use gatewright_policy_host::{
    Directory, DirectorySettings, HostSettings, Mode, Observer, PolicyHost, PolicySettings,
};
use serde_json::Value;

use crate::gate::Policies;

/// Where policies come from and how they are run.
pub struct PolicySource {
    /// `None`: there are no policies, and every statement that can be analysed may run.
    pub directory: Option<PathBuf>,
    pub host: HostSettings,
    pub settings: DirectorySettings,
}

impl PolicySource {
    /// A directory with settings by policy, and defaults for everything else.
    pub fn of_directory(directory: Option<PathBuf>, settings: BTreeMap<String, Value>) -> Self {
        let policies = settings.into_iter().map(|(name, settings)| {
            let settings = PolicySettings {
                settings,
                ..PolicySettings::default()
            };
            (name, settings)
        });
        Self {
            host: HostSettings::default(),
            settings: DirectorySettings {
                path: directory.clone().unwrap_or_default(),
                policies: policies.collect(),
                default: PolicySettings::default(),
                order: Vec::new(),
            },
            directory,
        }
    }

    /// One policy alone: the file in its directory, whatever else is there.
    ///
    /// # Errors
    /// It is no file whose name is that of a policy.
    pub fn of_file(file: &Path, settings: Value) -> Result<Self> {
        let name = file.file_stem().and_then(|stem| stem.to_str());
        let name = name
            .filter(|_| {
                file.extension()
                    .is_some_and(|extension| extension == "wasm")
            })
            .with_context(|| format!("{} is no .wasm file", file.display()))?;
        let whole = file
            .canonicalize()
            .with_context(|| format!("{} cannot be read", file.display()))?;
        let directory = whole.parent().context("a file lies in a directory")?;
        let mut source = Self::of_directory(
            Some(directory.to_owned()),
            BTreeMap::from([(name.to_owned(), settings)]),
        );
        source.settings.default.mode = Mode::Off;
        for policy in source.settings.policies.values_mut() {
            policy.required = true;
        }
        Ok(source)
    }

    /// Loads the policies in the directory and watches it.
    ///
    /// # Errors
    /// The engine cannot be set up, or the directory cannot be read.
    pub fn open(self, observer: Arc<dyn Observer>) -> Result<Arc<Policies>> {
        let Some(path) = self.directory else {
            return Ok(Arc::new(Policies::none()));
        };
        let host = PolicyHost::new(self.host, observer)
            .context("the policy engine could not be started")?;
        let host = Arc::new(host);
        let directory = Directory::open(Arc::clone(&host), self.settings)
            .with_context(|| format!("the policy directory {} cannot be used", path.display()))?;
        Ok(Arc::new(Policies::Directory { directory, host }))
    }
}
