//! The policies of a directory: loads what changed, keeps what did not, and puts the resulting set in force.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read as _};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;

use arc_swap::ArcSwap;

use super::scan::{self, Found};
use super::{DirectoryError, DirectorySettings, Refused};
use crate::host::PolicyHost;
use crate::load;
use crate::observer::{ReloadEvent, ReloadOutcome};
use crate::policy::Policy;
use crate::set::{Missing, PolicySet};
use crate::settings::{Mode, PolicySettings};

/// The state of each policy, and the set published from it.
pub(super) struct Chain {
    host: Arc<PolicyHost>,
    settings: DirectorySettings,
    entries: BTreeMap<String, Entry>,
    published: Arc<ArcSwap<PolicySet>>,
    /// Device and inode of the directory itself.
    folder: Option<(u64, u64)>,
    /// The directory that was scanned last.
    scanned: Option<(u64, u64)>,
    unreadable: bool,
    /// Whether the first scan of the directory is complete.
    started: bool,
}

#[derive(Default)]
struct Entry {
    /// What was found, and the settings, at the last load attempt.
    tried: Option<(Found, PolicySettings)>,
    policy: Option<Arc<Policy>>,
    /// Why the last load attempt failed.
    failure: Option<String>,
    /// The file was present at startup and failed to load, so what it would have denied is unknown.
    broken_from_start: bool,
}

impl Chain {
    pub(super) fn new(host: Arc<PolicyHost>, settings: DirectorySettings) -> Chain {
        let folder = identity(&settings.path);
        Chain {
            host,
            settings,
            entries: BTreeMap::new(),
            published: Arc::new(ArcSwap::from_pointee(PolicySet::empty())),
            folder,
            scanned: None,
            unreadable: false,
            started: false,
        }
    }

    pub(super) fn published(&self) -> Arc<ArcSwap<PolicySet>> {
        self.published.clone()
    }

    pub(super) fn path(&self) -> &Path {
        &self.settings.path
    }

    /// Whether the path has pointed to a different directory since the last call.
    pub(super) fn folder_replaced(&mut self) -> bool {
        let now = identity(&self.settings.path);
        let replaced = now.is_some() && now != self.folder;
        if replaced {
            self.folder = now;
        }
        replaced
    }

    pub(super) fn replace_settings(
        &mut self,
        settings: DirectorySettings,
    ) -> Result<(), DirectoryError> {
        if settings.path != self.settings.path {
            self.scanned = None;
        }
        self.settings = settings;
        self.folder = identity(&self.settings.path);
        let refused = self.refresh();
        if refused.is_empty() {
            Ok(())
        } else {
            Err(DirectoryError::Refused(refused))
        }
    }

    /// Scans the directory and puts changes in force. Returns the policies that failed to load.
    pub(super) fn refresh(&mut self) -> Vec<Refused> {
        let files = match self.files() {
            Ok(files) => files,
            Err(error) => {
                // An unreadable directory is no reason to drop the policies in force.
                if !std::mem::replace(&mut self.unreadable, true) {
                    tracing::error!(path = %self.settings.path.display(), %error, "policy directory cannot be read; the current policies stay in force");
                }
                return Vec::new();
            }
        };
        self.unreadable = false;
        let mut outcomes = Vec::new();
        for (name, found) in &files {
            outcomes.extend(
                self.update(name, found)
                    .map(|outcome| (name.clone(), outcome)),
            );
        }
        let gone: Vec<String> = self
            .entries
            .keys()
            .filter(|name| !files.contains_key(*name) || self.settings_of(name).mode == Mode::Off)
            .cloned()
            .collect();
        for name in gone {
            if self
                .entries
                .remove(&name)
                .is_some_and(|entry| entry.policy.is_some())
            {
                outcomes.push((name, ReloadOutcome::Removed));
            }
        }
        let refused = outcomes.iter().filter_map(|(name, outcome)| match outcome {
            ReloadOutcome::Failed { reason, .. } => Some(Refused {
                policy: name.clone(),
                reason: reason.clone(),
            }),
            _ => None,
        });
        let refused = refused.collect();
        self.started = true;
        self.publish(outcomes);
        refused
    }

    /// What the directory has. Another directory in its place that has nothing is an error: that is how a volume looks that is not
    /// mounted.
    fn files(&mut self) -> io::Result<BTreeMap<String, Found>> {
        let folder = identity(&self.settings.path);
        let files = scan::scan(&self.settings.path)?;
        let is_other = self.scanned.is_some() && folder != self.scanned;
        if is_other && files.is_empty() && !self.entries.is_empty() {
            return Err(io::Error::other(
                "another directory has taken its place, and has no policies",
            ));
        }
        self.scanned = folder;
        Ok(files)
    }

    /// Loads a file if it or its settings have changed.
    fn update(&mut self, name: &str, found: &Found) -> Option<ReloadOutcome> {
        let settings = self.settings_of(name).clone();
        if settings.mode == Mode::Off {
            return None;
        }
        let entry = self.entries.entry(name.to_owned()).or_default();
        if entry
            .tried
            .as_ref()
            .is_some_and(|(before, with)| before == found && *with == settings)
        {
            return None;
        }
        let loaded = read(name, found).and_then(|bytes| {
            let unchanged = entry.policy.as_ref().is_some_and(|policy| {
                policy.code().digest == load::digest(&bytes) && *policy.settings() == settings
            });
            if unchanged {
                return Ok(None);
            }
            self.host
                .load(name, &bytes, &settings)
                .map(Some)
                .map_err(|error| error.to_string())
        });
        entry.tried = Some((found.clone(), settings));
        match loaded {
            Ok(None) => {
                entry.failure = None;
                None
            }
            Ok(Some(policy)) => {
                entry.failure = None;
                entry.broken_from_start = false;
                let outcome = ReloadOutcome::Loaded {
                    digest: policy.digest(),
                    version: policy.version().to_owned(),
                };
                entry.policy = Some(policy);
                Some(outcome)
            }
            Err(reason) => {
                entry.failure = Some(reason.clone());
                entry.broken_from_start |= !self.started;
                Some(ReloadOutcome::Failed {
                    reason,
                    kept: entry.policy.is_some(),
                })
            }
        }
    }

    fn publish(&self, mut outcomes: Vec<(String, ReloadOutcome)>) {
        let before = self.published.load_full();
        let mut policies: Vec<Arc<Policy>> = self
            .entries
            .values()
            .filter_map(|entry| entry.policy.clone())
            .collect();
        let place = |policy: &Policy| {
            let listed = self
                .settings
                .order
                .iter()
                .position(|name| name == policy.name());
            (listed.unwrap_or(usize::MAX), policy.name().to_owned())
        };
        policies.sort_by_cached_key(|policy| place(policy));
        let missing = self.missing();
        for newly in missing
            .iter()
            .filter(|missing| !before.missing.contains(missing))
        {
            let reason = newly.reason.clone();
            outcomes.push((newly.name.clone(), ReloadOutcome::Missing { reason }));
        }
        let same_policies = before.policies.len() == policies.len()
            && before
                .policies
                .iter()
                .zip(&policies)
                .all(|(a, b)| Arc::ptr_eq(a, b));
        let generation = if same_policies && before.missing == missing {
            before.generation
        } else {
            let generation = before.generation + 1;
            self.published.store(Arc::new(PolicySet {
                generation,
                policies,
                missing,
            }));
            generation
        };
        for (policy, outcome) in outcomes {
            self.host.observer().reload(&ReloadEvent {
                policy,
                outcome,
                generation,
            });
        }
    }

    /// Required policies that are not in force.
    fn missing(&self) -> Vec<Missing> {
        let named = self.settings.policies.keys();
        let names: std::collections::BTreeSet<&String> = named.chain(self.entries.keys()).collect();
        names
            .into_iter()
            .filter(|name| {
                let settings = self.settings_of(name);
                let broken = self
                    .entries
                    .get(*name)
                    .is_some_and(|entry| entry.broken_from_start);
                (settings.required || broken) && settings.mode != Mode::Off
            })
            .filter_map(|name| {
                let entry = self.entries.get(name);
                if entry.is_some_and(|entry| entry.policy.is_some()) {
                    return None;
                }
                let reason = entry
                    .and_then(|entry| entry.failure.clone())
                    .unwrap_or_else(|| format!("there is no {name}.wasm in the policy directory"));
                Some(Missing {
                    name: name.clone(),
                    reason,
                })
            })
            .collect()
    }

    fn settings_of(&self, name: &str) -> &PolicySettings {
        self.settings
            .policies
            .get(name)
            .unwrap_or(&self.settings.default)
    }
}

/// The bytes of a policy. Errors: why there are none.
fn read(name: &str, found: &Found) -> Result<Vec<u8>, String> {
    let unreadable = |reason: &str| format!("policy {name} cannot be read: {reason}");
    let (path, stamp) = match found {
        Found::Unreadable(reason) => return Err(unreadable(reason)),
        Found::File { path, stamp } => (path, stamp),
    };
    load::check_size(name, stamp.length()).map_err(|error| error.to_string())?;
    // The file may have grown.
    let mut bytes = Vec::new();
    let limit = load::MODULE_BYTES + 1;
    let file = fs::File::open(path).map_err(|error| unreadable(&error.to_string()))?;
    file.take(limit)
        .read_to_end(&mut bytes)
        .map_err(|error| unreadable(&error.to_string()))?;
    Ok(bytes)
}

fn identity(path: &Path) -> Option<(u64, u64)> {
    fs::metadata(path)
        .ok()
        .map(|metadata| (metadata.dev(), metadata.ino()))
}
