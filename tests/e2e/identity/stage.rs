//! `gatewright serve` on loopback in front of a database of the shared server, for tests of authentication.

use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Result;
use gatewright_harness::{
    Dsn, Gateway, GatewayCommand, Psql, PsqlOutput, free_port, random_secret,
};
use gatewright_tests::raw::Client;
use tempfile::TempDir;

use crate::world;

/// Additions to the basic configuration. `Default` trusts no reachable issuer.
pub struct Plan<'p> {
    /// Keys of `[listen]`.
    pub listen: &'p str,
    /// Tables below it, for example `[listen.tls]`.
    pub listen_tables: &'p str,
    pub issuer: &'p str,
    /// Additional keys of that `[[issuer]]`.
    pub issuer_keys: &'p str,
    /// How the grant's role logs in; with its password if empty.
    pub credential: &'p str,
    /// Additional tables.
    pub more: &'p str,
}

impl Default for Plan<'_> {
    fn default() -> Self {
        Self {
            listen: "cleartext_password = \"loopback\"",
            listen_tables: "",
            issuer: "http://127.0.0.1:1",
            issuer_keys: "",
            credential: "",
            more: "",
        }
    }
}

/// The running gateway and its database.
pub struct Stage {
    pub gateway: Gateway,
    pub folder: TempDir,
    pub port: u16,
    /// The database as superuser, bypassing the gateway.
    pub direct: Dsn,
    /// The role granted to the group `staff`, and its password on the server.
    pub role: String,
    pub password: String,
}

impl Stage {
    /// Starts the gateway. `folder` may contain files that the configuration names.
    pub fn start(test: &str, folder: TempDir, plan: &Plan<'_>) -> Result<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let direct = world::database(test)?;
        let role = format!("staff_{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let password = random_secret()?;
        Psql::new(&direct)?.query(&format!(
            "CREATE ROLE {role} LOGIN PASSWORD '{password}' NOINHERIT; CREATE ROLE {role}_above; \
             GRANT {role}_above TO {role}; GRANT ALL ON SCHEMA public TO {role}"
        ))?;
        let port = free_port()?;
        let file = folder.path().join("gatewright.toml");
        std::fs::write(&file, configuration(plan, port, &direct, &role, &password))?;
        let gateway = GatewayCommand::serve(&file).ready_at(port).start()?;
        Ok(Self {
            gateway,
            folder,
            port,
            direct,
            role,
            password,
        })
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("gatewright.toml")
    }

    /// Rewrites the configuration file.
    pub fn edit(&self, change: impl Fn(&str) -> String) -> Result<()> {
        let old = std::fs::read_to_string(self.config())?;
        let new = change(&old);
        anyhow::ensure!(old != new, "the configuration did not change");
        Ok(std::fs::write(self.config(), new)?)
    }

    /// The database through the gateway with this token.
    pub fn dsn(&self, token: &str) -> Dsn {
        Dsn {
            user: "somebody".to_owned(),
            password: token.to_owned(),
            host: "localhost".to_owned(),
            port: self.port,
            database: "shop".to_owned(),
            options: String::new(),
        }
    }

    pub fn client(&self, token: &str) -> Result<Client> {
        Client::connect(&self.dsn(token))
    }

    pub fn psql(&self, token: &str) -> Result<Psql> {
        Psql::new(&self.dsn(token))
    }

    /// The role that a token opens.
    pub fn role_of(&self, token: &str) -> Result<String> {
        self.psql(token)?.query("SELECT current_user")
    }

    /// The error of a rejected login.
    pub fn refusal(&self, token: &str) -> Result<String> {
        let PsqlOutput { code, stderr, .. } = self.psql(token)?.script("SELECT 1;")?;
        anyhow::ensure!(code == Some(2), "psql ended with {code:?}: {stderr}");
        anyhow::ensure!(!stderr.contains(token), "the error contains the token");
        Ok(stderr)
    }
}

fn configuration(plan: &Plan<'_>, port: u16, direct: &Dsn, role: &str, password: &str) -> String {
    let own = format!("password = \"{password}\"");
    let credential = match plan.credential {
        "" => &own,
        given => given,
    };
    let Plan {
        listen,
        listen_tables,
        issuer,
        issuer_keys,
        more,
        ..
    } = plan;
    let (host, upstream, database) = (&direct.host, direct.port, &direct.database);
    format!(
        r#"
[listen]
address = "127.0.0.1:{port}"
{listen}
{listen_tables}

[[issuer]]
url = "{issuer}"
audience = "gatewright"
{issuer_keys}

[[database]]
name = "shop"
host = "{host}:{upstream}"
dbname = "{database}"
tls = "disable"

[[grant]]
groups = ["staff"]
databases = ["shop"]
role = "{role}"
{credential}

{more}
"#
    )
}
