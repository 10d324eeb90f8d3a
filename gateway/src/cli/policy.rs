//! `gatewright policy`: for authors of policies.

mod inspect;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Result, anyhow};
use clap::{Args, Subcommand};

use crate::app::PolicySource;
use crate::config;

/// Arguments of `gatewright policy`.
#[derive(Debug, Args)]
pub struct PolicyArguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show what a policy is: its contract, hooks, imports and settings. Fails if the gateway would not load it
    Inspect {
        /// The .wasm file
        policy: PathBuf,
        /// A TOML file with policy settings, one table per policy
        #[arg(long, value_name = "FILE")]
        settings: Option<PathBuf>,
        /// Print JSON
        #[arg(long)]
        json: bool,
    },
}

pub(super) fn run(arguments: &PolicyArguments) -> ExitCode {
    super::finish(match &arguments.command {
        Command::Inspect {
            policy,
            settings,
            json,
        } => inspect::run(policy, settings.as_deref(), *json),
    })
}

/// One policy with its settings, or none.
pub(super) fn source(policy: &Path, settings: Option<&Path>) -> Result<PolicySource> {
    let name = policy.file_stem().unwrap_or_default();
    let settings = match settings {
        Some(file) => config::settings_file(file)
            .map_err(|report| anyhow!("{report}"))?
            .remove(&*name.to_string_lossy()),
        None => None,
    };
    let none = serde_json::Value::Object(serde_json::Map::new());
    PolicySource::of_file(policy, settings.unwrap_or(none))
}
