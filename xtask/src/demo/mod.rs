//! `cargo xtask demo`: the whole product in front of a small shop, driven by a real psql.
//! It runs `gatewright dev`, as users do. The `tour` sees only what a client sees.

mod reviewer;
mod tour;

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use gatewright_harness::{Dsn, Gateway, GatewayCommand, Postgres, Psql, locate};
use tempfile::TempDir;

use self::reviewer::Reviewer;
use crate::setup::{self, Need};
use crate::{cargo, policies, screen};

const SHOP: &str = include_str!("shop.sql");
const SETTINGS: &str = include_str!("settings.toml");
/// Policies in force from the start.
const POLICIES: [&str; 4] = [
    "deny-list",
    "mask-columns",
    "row-limit",
    "approve-destructive",
];
/// The gateway's usual address, if the port is free.
const USUAL_ADDRESS: &str = "127.0.0.1:6432";

/// Builds and starts everything and runs the tour. Then keeps running, or exits with `once`.
pub fn run(once: bool) -> Result<()> {
    setup::require(&[&setup::BUILD[..], &[Need::PostgresServer, Need::Psql]].concat())?;
    screen::stage("Building the policies");
    let built = policies::build()?;
    screen::stage("Building the gateway (the first time takes some minutes)");
    let binary = cargo::gateway(cargo::Profile::Debug)?;

    screen::stage("Starting PostgreSQL with a small shop, and Gatewright in front of it");
    let mut stage = Stage::set(&binary, &built)?;
    screen::note(&format!(
        "PostgreSQL on port {}, used only by this demo",
        stage.postgres.port()
    ));
    screen::note(&format!(
        "Gatewright on port {}, with {}",
        stage.gateway.dsn()?.port,
        POLICIES.join(", ")
    ));

    let failures = tour::play(&stage)?;
    if !failures.is_empty() {
        println!("\n{}", screen::red("These checks failed:"));
        for failure in &failures {
            println!("  - {failure}");
        }
        println!(
            "\nThe gateway's log ends with:\n{}",
            tail(&stage.gateway.log()?, 20)
        );
        bail!("{} checks of the tour failed", failures.len());
    }
    println!("\n{}", screen::green("All checks passed."));
    if once { Ok(()) } else { stage.stay() }
}

/// Everything the demo runs. Stopped and deleted on drop, or when the demo is killed.
struct Stage {
    postgres: Postgres,
    /// The shop without the gateway, to load it and to verify what the gateway returns.
    direct: Dsn,
    gateway: Gateway,
    reviewer: Reviewer,
    binary: PathBuf,
    /// What the sessions asked and got.
    record: TempDir,
    policies: TempDir,
    built: Vec<PathBuf>,
}

impl Stage {
    fn set(binary: &Path, built: &[PathBuf]) -> Result<Self> {
        let postgres = Postgres::start()?;
        let direct = postgres.create_database("shop")?;
        Psql::new(&direct)?.query(SHOP)?;

        let policies = tempfile::Builder::new()
            .prefix("gatewright-policies-")
            .tempdir()?;
        for name in POLICIES {
            std::fs::copy(
                find(built, name)?,
                policies.path().join(format!("{name}.wasm")),
            )?;
        }
        let record = tempfile::Builder::new()
            .prefix("gatewright-record-")
            .tempdir()?;
        let settings = policies.path().join("settings.toml");
        std::fs::write(&settings, SETTINGS)?;

        let mut command = GatewayCommand::dev(&postgres.dsn())
            .binary(binary)
            .policies(policies.path())
            .settings(&settings)
            .arguments(["--api", "127.0.0.1:0"])
            .arguments(["--console", "127.0.0.1:0"])
            .argument("--record")
            .argument(&record.path().display().to_string());
        if std::net::TcpListener::bind(USUAL_ADDRESS).is_ok() {
            command = command.listen(USUAL_ADDRESS);
        }
        let gateway = command.start()?;
        let reviewer = Reviewer::of(&gateway, binary)?;
        Ok(Self {
            postgres,
            direct,
            gateway,
            reviewer,
            binary: binary.to_owned(),
            record,
            policies,
            built: built.to_vec(),
        })
    }

    /// The URL of the shop through the gateway.
    fn shop(&self) -> Result<Dsn> {
        self.gateway.database("shop")
    }

    /// The link to the console.
    fn console(&self) -> Result<String> {
        let mut printed = self.gateway.printed().iter();
        let link = printed.find_map(|line| line.strip_prefix("console "));
        Ok(link.context("the gateway printed no link")?.to_owned())
    }

    /// The output of a command that reads the record, and whether it succeeded.
    fn read_record(&self, arguments: &[&str]) -> Result<(String, bool)> {
        let (verb, rest) = arguments.split_first().context("a command")?;
        let directory = self.record.path().display().to_string();
        let mut command = GatewayCommand::verb(verb).binary(&self.binary);
        for argument in rest.iter().copied().chain(["--directory", &directory]) {
            command = command.argument(argument);
        }
        let output = command.output()?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        Ok((text, output.status.success()))
    }

    fn stay(&mut self) -> Result<()> {
        println!("\nGatewright keeps running. Connect from another terminal:\n");
        println!(
            "  {}\n",
            screen::bold(&format!("psql '{}'", self.shop()?.url()))
        );
        println!("Approve what waits, such as a DELETE, in the console (the link works once):\n");
        println!("  {}\n", screen::bold(&self.console()?));
        println!("Or from a third terminal:\n");
        println!("  {}\n", screen::bold(&self.reviewer.shell()));
        println!(
            "Policies are in {}; drop a .wasm file there or remove one.",
            self.policies.path().display()
        );
        println!(
            "What you ask and get is recorded: gatewright sessions list --directory {}",
            self.record.path().display()
        );
        println!("Press Ctrl-C to stop and delete everything.");
        loop {
            std::thread::sleep(Duration::from_millis(300));
            if let Some(status) = self.gateway.process_mut().exited()? {
                bail!(
                    "the gateway exited ({status}); its log ends with:\n{}",
                    tail(&self.gateway.log()?, 20)
                );
            }
        }
    }
}

fn find<'a>(built: &'a [PathBuf], name: &str) -> Result<&'a PathBuf> {
    built
        .iter()
        .find(|path| path.file_stem().is_some_and(|stem| stem == name))
        .with_context(|| {
            format!(
                "no {name}.wasm was built in {}",
                locate::target_directory().display()
            )
        })
}

fn tail(text: &str, lines: usize) -> String {
    let all: Vec<&str> = text.lines().collect();
    all[all.len().saturating_sub(lines)..].join("\n")
}
