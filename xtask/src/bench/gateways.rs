//! The gateways of a run, by their policies and what they record.

use std::path::Path;

use anyhow::{Context, Result};
use gatewright_harness::{Dsn, Gateway, GatewayCommand, Postgres, Provider};
use tempfile::TempDir;

use super::served::{Difference, Record, Served};
use super::ways::{Build, Way};
use super::workload::Policies;

const POLICIES: [&str; 3] = ["deny-list", "mask-columns", "row-limit"];
/// Those that are asked about statements besides.
const MORE: [&str; 2] = ["approve-destructive", "guard-table"];
/// Looks into every result, so it is in force only where that is what is measured.
const INSPECTS: &str = "mask-content";

/// The settings of policies by name. The tables with rows are alike but for their masks. The limits are never reached.
const SETTINGS: [(&str, &str); 2] = [
    (
        "mask-columns",
        r#"columns = [
    { column = "public.people_masked.email", method = "email" },
    { column = "public.people_masked_in_result.email", method = "email", where = "result" },
    { column = "public.people_all_masked.id", method = "null" },
    { column = "public.people_all_masked.name", method = "redact" },
    { column = "public.people_all_masked.email", method = "email" },
    { column = "public.people_all_masked.joined", method = "null" },
    { column = "public.people_all_masked.balance", method = "null" },
    { column = "public.people_all_masked_in_result.id", method = "null", where = "result" },
    { column = "public.people_all_masked_in_result.name", method = "redact", where = "result" },
    { column = "public.people_all_masked_in_result.email", method = "email", where = "result" },
    { column = "public.people_all_masked_in_result.joined", method = "null", where = "result" },
    { column = "public.people_all_masked_in_result.balance", method = "null", where = "result" },
]"#,
    ),
    ("row-limit", "rows = 1000000000\nbytes = 1000000000000"),
];

/// All settings as TOML, each in the table that this gives for the policy's name.
fn settings(table: impl Fn(&str) -> String) -> String {
    let tables = SETTINGS.map(|(name, keys)| format!("[{}]\n{keys}\n", table(name)));
    tables.join("\n")
}

/// Gateways of one build: without policies, with three, with five, and with three and one that inspects text.
pub struct Gateways {
    pub allow_all: Gateway,
    policies: Gateway,
    five: Gateway,
    inspecting: Gateway,
    _folders: [TempDir; 3],
}

/// A folder with these policies of the build and their settings.
fn folder(build: &Build, policies: &[&str]) -> Result<TempDir> {
    let folder = tempfile::Builder::new()
        .prefix("gatewright-bench-")
        .tempdir()?;
    for name in policies {
        let file = format!("{name}.wasm");
        let built = build.policies.join(&file);
        std::fs::copy(&built, folder.path().join(&file))
            .with_context(|| format!("copying {}", built.display()))?;
    }
    std::fs::write(folder.path().join("settings.toml"), settings(str::to_owned))?;
    Ok(folder)
}

impl Gateways {
    pub fn start(build: &Build, postgres: &Postgres) -> Result<Self> {
        let folders = [
            folder(build, &POLICIES)?,
            folder(build, &[&POLICIES[..], &MORE].concat())?,
            folder(build, &[&POLICIES[..], &[INSPECTS]].concat())?,
        ];
        let upstream = Dsn {
            options: "sslmode=disable".to_owned(),
            ..postgres.dsn()
        };
        let command = || {
            GatewayCommand::dev(&upstream)
                .binary(&build.gateway)
                .environment("RUST_LOG", "warn")
        };
        let with = |folder: &TempDir| {
            let settings = folder.path().join("settings.toml");
            let command = command().policies(folder.path()).settings(&settings);
            command.start()
        };
        Ok(Self {
            allow_all: command().start()?,
            policies: with(&folders[0])?,
            five: with(&folders[1])?,
            inspecting: with(&folders[2])?,
            _folders: folders,
        })
    }

    pub fn with(&self, policies: Policies) -> &Gateway {
        match policies {
            Policies::Three => &self.policies,
            Policies::Five => &self.five,
            Policies::Inspecting => &self.inspecting,
        }
    }
}

/// Gateways with a configuration file: without policies, and with three.
pub struct Configured {
    allow_all: Served,
    policies: Served,
    _folder: TempDir,
}

impl Configured {
    /// With certificates, clients use TLS.
    pub fn start(
        build: &Build,
        postgres: &Postgres,
        provider: &Provider,
        certificates: Option<&Path>,
    ) -> Result<Self> {
        let folder = folder(build, &POLICIES)?;
        let start = |policies| {
            let difference = Difference {
                policies,
                certificates,
                record: None,
            };
            Served::start(build, postgres, provider, difference)
        };
        Ok(Self {
            allow_all: start(None)?,
            policies: start(Some((folder.path(), &configured())))?,
            _folder: folder,
        })
    }

    pub fn of(&self, policies: bool) -> &Served {
        match policies {
            true => &self.policies,
            false => &self.allow_all,
        }
    }
}

/// Gateways with three policies that differ in what they record, in the order of [`Way::RECORD`].
pub struct Recording {
    gateways: [Served; 4],
    _folder: TempDir,
}

impl Recording {
    pub fn start(build: &Build, postgres: &Postgres, provider: &Provider) -> Result<Self> {
        let folder = folder(build, &POLICIES)?;
        let settings = configured();
        let start = |record: Option<(&'static str, &'static str)>| {
            let difference = Difference {
                policies: Some((folder.path(), &settings)),
                certificates: None,
                record: record.map(|(keep, durability)| Record { keep, durability }),
            };
            Served::start(build, postgres, provider, difference)
        };
        Ok(Self {
            gateways: [
                start(None)?,
                start(Some(("statements", "interval")))?,
                start(Some(("rows", "interval")))?,
                start(Some(("rows", "statement")))?,
            ],
            _folder: folder,
        })
    }

    pub fn of(&self, way: Way) -> Result<&Served> {
        let place = Way::RECORD.iter().position(|route| *route == way);
        let served = place.and_then(|place| self.gateways.get(place));
        served.with_context(|| format!("{way:?} is not about recording"))
    }
}

/// The settings as they stand in a configuration file.
fn configured() -> String {
    settings(|name| format!("policy.{name}.settings"))
}
