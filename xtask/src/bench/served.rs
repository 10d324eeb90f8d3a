//! Gateways with a configuration file, for what `gatewright dev` has no arguments for: TLS, thousands of connections, and what is recorded.

use std::path::Path;

use anyhow::Result;
use gatewright_harness::{Child, Dsn, Gateway, GatewayCommand, Postgres, Provider, free_port};
use serde_json::json;
use tempfile::TempDir;

use super::ways::{Build, DATABASE};

/// The subject of the clients' token, and how long it is valid in seconds.
const SUBJECT: &str = "bench";
const LIFETIME: u32 = 6 * 3600;

/// What is recorded, and what a statement waits for.
#[derive(Clone, Copy, Debug)]
pub struct Record {
    pub keep: &'static str,
    pub durability: &'static str,
}

/// What differs between gateways of one run.
#[derive(Clone, Copy, Default)]
pub struct Difference<'a> {
    /// The directory of policies, and the tables of the configuration with their settings.
    pub policies: Option<(&'a Path, &'a str)>,
    /// The directory of `server.crt` and `server.key`.
    pub certificates: Option<&'a Path>,
    pub record: Option<Record>,
}

/// A gateway that is configured by a file.
pub struct Served {
    gateway: Gateway,
    /// The URL for clients.
    pub dsn: Dsn,
    _folder: TempDir,
}

/// An identity provider with the one subject of all clients.
pub fn provider() -> Result<Provider> {
    Provider::start(&json!({ SUBJECT: { "groups": ["bench"] } }))
}

impl Served {
    pub fn start(
        build: &Build,
        postgres: &Postgres,
        provider: &Provider,
        difference: Difference<'_>,
    ) -> Result<Self> {
        let folder = tempfile::Builder::new()
            .prefix("gatewright-bench-")
            .tempdir()?;
        let port = free_port()?;
        let config = folder.path().join("gatewright.toml");
        let text = configuration(port, &postgres.dsn(), provider.url(), difference);
        std::fs::write(&config, text)?;
        let gateway = GatewayCommand::serve(&config)
            .ready_at(port)
            .binary(&build.gateway)
            .environment("RUST_LOG", "warn")
            .start()?;
        let dsn = Dsn {
            user: SUBJECT.to_owned(),
            password: provider.access_token_for(SUBJECT, "gatewright", LIFETIME)?,
            host: "127.0.0.1".to_owned(),
            port,
            database: DATABASE.to_owned(),
            options: String::new(),
        };
        Ok(Self {
            gateway,
            dsn,
            _folder: folder,
        })
    }

    pub fn route(&self) -> Result<(Dsn, Option<&Child>)> {
        Ok((self.dsn.clone(), Some(self.gateway.process())))
    }
}

fn configuration(port: u16, server: &Dsn, issuer: &str, difference: Difference<'_>) -> String {
    let mut text = format!(
        r#"
[listen]
address = "127.0.0.1:{port}"
cleartext_password = "loopback"
[listen.limits]
max_connections = 10000
max_handshakes_per_address = 500

[[issuer]]
url = "{issuer}"
audience = "gatewright"

[[database]]
name = "{DATABASE}"
host = "{host}:{server_port}"
tls = "disable"

[[grant]]
groups = ["bench"]
databases = ["{DATABASE}"]
role = "{user}"
password = "{password}"
"#,
        host = server.host,
        server_port = server.port,
        user = server.user,
        password = server.password,
    );
    if let Some(folder) = difference.certificates {
        let folder = folder.display();
        text.push_str(&format!(
            "\n[listen.tls]\ncertificate = \"{folder}/server.crt\"\nkey = \"{folder}/server.key\"\n"
        ));
    }
    if let Some(Record { keep, durability }) = difference.record {
        text.push_str(&format!(
            "\n[record]\ndirectory = \"record\"\nkey_file = \"record.key\"\nkeep = \"{keep}\"\ndurability = \"{durability}\"\n"
        ));
    }
    if let Some((folder, settings)) = difference.policies {
        text.push_str(&format!(
            "\n[policies]\ndirectory = \"{}\"\n{settings}",
            folder.display()
        ));
    }
    text
}
