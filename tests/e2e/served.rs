//! `gatewright serve` on loopback without TLS, on the shared server, for tests of configuration keys.

use std::path::{Path, PathBuf};

use anyhow::{Result, ensure};
use gatewright_harness::{Dsn, Gateway, GatewayCommand, Version, free_port};
use gatewright_tests::raw::Client;
use tempfile::TempDir;

use crate::issuer::Issuer;
use crate::site::http_get;
use crate::world::{database_of, postgres_of};

pub struct Served {
    pub gateway: Gateway,
    pub issuer: Issuer,
    /// The database, bypassing the gateway.
    pub direct: Dsn,
    pub port: u16,
    admin_port: u16,
    folder: TempDir,
    environment: Vec<(String, String)>,
}

impl Served {
    /// `limits` holds keys of `[listen.limits]`, `entry` keys of the `[[database]]` entry, which is named `here`.
    pub fn start(test: &str, limits: &str, entry: &str) -> Result<Self> {
        Self::of_version(Version::Installed, test, limits, entry)
    }

    /// The same with this version of PostgreSQL.
    pub fn of_version(version: Version, test: &str, limits: &str, entry: &str) -> Result<Self> {
        let port = postgres_of(version)?.port();
        let entry = format!("host = \"127.0.0.1:{port}\"\n{entry}");
        Self::start_on(database_of(version, test)?, limits, &entry)
    }

    /// Like `start`, with `host` or `hosts` among the keys of the entry.
    pub fn start_at(test: &str, limits: &str, entry: &str) -> Result<Self> {
        Self::start_on(database_of(Version::Installed, test)?, limits, entry)
    }

    /// In front of this database. The host is among the keys of the entry.
    pub fn start_on(direct: Dsn, limits: &str, entry: &str) -> Result<Self> {
        Self::start_with(direct, limits, entry, "")
    }

    /// The same with more sections of the configuration.
    pub fn start_with(direct: Dsn, limits: &str, entry: &str, sections: &str) -> Result<Self> {
        Self::start_in(direct, limits, entry, sections, Vec::new())
    }

    /// The same in an environment with these variables.
    pub fn start_in(
        direct: Dsn,
        limits: &str,
        entry: &str,
        sections: &str,
        environment: Vec<(String, String)>,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let issuer = Issuer::start()?;
        let (port, admin_port) = (free_port()?, free_port()?);
        let text = format!(
            r#"
[listen]
address = "127.0.0.1:{port}"
cleartext_password = "loopback"
[listen.limits]
{limits}

[admin]
address = "127.0.0.1:{admin_port}"

[[issuer]]
url = "{url}"
audience = "gatewright"

[[database]]
name = "here"
dbname = "{name}"
tls = "disable"
{entry}

[[grant]]
groups = ["staff"]
databases = ["here"]
role = "{user}"
password = "{password}"

{sections}
"#,
            sections = sections.replace("ISSUER", &issuer.url),
            url = issuer.url,
            name = direct.database,
            user = direct.user,
            password = direct.password,
        );
        let config = folder.path().join("gatewright.toml");
        std::fs::write(&config, text)?;
        let gateway = Self::gateway_of(&config, port, &environment)?;
        Ok(Self {
            gateway,
            issuer,
            direct,
            port,
            admin_port,
            folder,
            environment,
        })
    }

    fn gateway_of(config: &Path, port: u16, environment: &[(String, String)]) -> Result<Gateway> {
        let command = GatewayCommand::serve(config).ready_at(port);
        let variables = environment.iter();
        variables
            .fold(command, |command, (name, value)| {
                command.environment(name, value)
            })
            .start()
    }

    /// Starts another gateway in place of one that has ended.
    pub fn start_again(&mut self) -> Result<()> {
        self.gateway = Self::gateway_of(&self.config(), self.port, &self.environment)?;
        Ok(())
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("gatewright.toml")
    }

    /// The variables with which the gateway runs.
    pub fn environment(&self) -> &[(String, String)] {
        &self.environment
    }

    /// The database through the gateway, for this subject.
    pub fn dsn(&self, subject: &str) -> Result<Dsn> {
        Ok(Dsn {
            user: subject.to_owned(),
            password: self.issuer.token(subject, &["staff"])?,
            host: "127.0.0.1".to_owned(),
            port: self.port,
            database: "here".to_owned(),
            options: String::new(),
        })
    }

    pub fn client(&self, subject: &str) -> Result<Client> {
        Client::connect(&self.dsn(subject)?)
    }

    /// The metrics as Prometheus gets them.
    pub fn metrics(&self) -> Result<String> {
        Ok(http_get(self.admin_port, "/metrics")?.1)
    }

    /// The error of a rejected login.
    pub fn refusal(&self, subject: &str) -> Result<String> {
        match self.client(subject) {
            Ok(_) => anyhow::bail!("the login of {subject} succeeded"),
            Err(error) => Ok(format!("{error:#}")),
        }
    }

    /// Changes the configuration file and reloads it.
    pub fn reconfigure(&self, from: &str, to: &str) -> Result<()> {
        let path = self.config();
        let old = std::fs::read_to_string(&path)?;
        let new = old.replace(from, to);
        ensure!(old != new, "the configuration did not change");
        std::fs::write(path, new)?;
        self.gateway.process().signal("HUP")
    }
}
