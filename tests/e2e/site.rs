//! A complete deployment: `gatewright serve` with a configuration file, an identity provider, certificates, and a
//! PostgreSQL server that requires TLS.

use std::path::PathBuf;

use anyhow::{Context, Result, ensure};
use gatewright_harness::{
    Dsn, Gateway, GatewayCommand, Postgres, PostgresSettings, Psql, certificates, free_port,
    random_secret,
};
use tempfile::TempDir;

use crate::issuer::Issuer;
use crate::world::bundled;

/// The running processes, and the folder with their files.
pub struct Site {
    pub gateway: Gateway,
    postgres: Postgres,
    pub issuer: Issuer,
    pub folder: TempDir,
    pub port: u16,
    pub admin_port: u16,
    /// The passwords of the roles that the gateway logs in with.
    pub passwords: [String; 2],
}

/// The database's tables; `{secret}` is a value that no output may contain.
const SCHEMA: &str = "
    CREATE TABLE customers (id int PRIMARY KEY, name text, email text);
    INSERT INTO customers VALUES (1, 'Ada', 'raw-canary@example.com'), (2, 'Grace', 'raw-canary2@example.com');
    GRANT SELECT, INSERT, UPDATE, DELETE ON customers TO reader;
    GRANT SELECT ON customers TO keeper;";

impl Site {
    /// Starts the deployment; `log` is the gateway's log level.
    pub fn start(log: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        certificates(folder.path())?;
        let settings = PostgresSettings {
            tls: Some((
                folder.path().join("server.crt"),
                folder.path().join("server.key"),
            )),
            host_based_access: Some(
                "local all all scram-sha-256\nhostssl all all 127.0.0.1/32 scram-sha-256\n"
                    .to_owned(),
            ),
            ..PostgresSettings::default()
        };
        let postgres = Postgres::start_with(&settings)?;
        let passwords = [random_secret()?, random_secret()?];
        let shop = postgres.create_database("shop")?;
        Psql::new(&shop)?.query(&format!(
            "CREATE ROLE reader LOGIN PASSWORD '{}'; CREATE ROLE keeper LOGIN PASSWORD '{}'; {SCHEMA}",
            passwords[0], passwords[1]
        ))?;
        let policies = folder.path().join("policies");
        std::fs::create_dir(&policies)?;
        for name in ["deny-list", "mask-columns"] {
            std::fs::copy(bundled(name)?, policies.join(format!("{name}.wasm")))?;
        }
        let issuer = Issuer::start()?;
        let (port, admin_port) = (free_port()?, free_port()?);
        let text = configuration(
            &issuer.url,
            port,
            admin_port,
            postgres.port(),
            &passwords,
            log,
        );
        let config = folder.path().join("gatewright.toml");
        std::fs::write(&config, text)?;
        let gateway = GatewayCommand::serve(&config).ready_at(port).start()?;
        Ok(Self {
            gateway,
            postgres,
            issuer,
            folder,
            port,
            admin_port,
            passwords,
        })
    }

    /// Runs a script as superuser, bypassing the gateway.
    pub fn prepare(&self, sql: &str) -> Result<String> {
        Psql::new(&self.postgres.dsn())?.query(sql)
    }

    /// The server's port, bypassing the gateway.
    pub fn postgres_port(&self) -> u16 {
        self.postgres.port()
    }

    pub fn config(&self) -> PathBuf {
        self.folder.path().join("gatewright.toml")
    }

    /// Rewrites the configuration file.
    pub fn edit(&self, change: impl Fn(&str) -> String) -> Result<()> {
        let old = std::fs::read_to_string(self.config())?;
        let new = change(&old);
        ensure!(old != new, "the configuration did not change");
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

    /// psql with certificate verification, logged in with this token.
    pub fn psql(&self, token: &str) -> Result<Psql> {
        let root = self.folder.path().join("ca.crt");
        Ok(Psql::new(&self.dsn(token))?
            .environment("PGSSLMODE", "verify-full")
            .environment("PGSSLROOTCERT", &root.display().to_string()))
    }

    /// A GET on the admin port: status and body.
    pub fn admin(&self, path: &str) -> Result<(u16, String)> {
        http_get(self.admin_port, path)
    }
}

fn configuration(
    issuer: &str,
    port: u16,
    admin: u16,
    upstream: u16,
    passwords: &[String; 2],
    log: &str,
) -> String {
    let [reader, keeper] = passwords;
    format!(
        r#"
[listen]
address = "127.0.0.1:{port}"
[listen.tls]
certificate = "server.crt"
key = "server.key"

[admin]
address = "127.0.0.1:{admin}"

[log]
level = "{log}"
format = "json"

[[issuer]]
url = "{issuer}"
audience = "gatewright"

[[database]]
name = "shop"
host = "localhost:{upstream}"
tls = "verify-full"
ca = "ca.crt"
[database.catalog]
user = "keeper"
password = "{keeper}"

[[grant]]
groups = ["staff"]
databases = ["shop"]
role = "reader"
password = "{reader}"

[policies]
directory = "policies"
required = ["deny-list"]

[policy.mask-columns.settings]
where = "result"
columns = [{{ column = "public.customers.email", method = "redact" }}]
"#
    )
}

/// A GET over HTTP/1.1 on loopback: status and body.
pub fn http_get(port: u16, path: &str) -> Result<(u16, String)> {
    use std::io::{Read, Write};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    let status = answer
        .split(' ')
        .nth(1)
        .and_then(|code| code.parse().ok())
        .context("no HTTP status")?;
    let body = answer
        .split_once("\r\n\r\n")
        .map(|(_, body)| body.to_owned())
        .unwrap_or_default();
    Ok((status, body))
}
