//! PgBouncer in session pooling mode, in front of a private PostgreSQL.

use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Result, bail};
use tempfile::TempDir;

use crate::postgres::{as_server_user, give_to_server_user, owned_folder};
use crate::{Child, Dsn, free_port, locate};

/// A running PgBouncer. Clients log in as the upstream's user with SCRAM. Stopped on drop.
pub struct PgBouncer {
    process: Child,
    dsn: Dsn,
    _folder: TempDir,
}

impl PgBouncer {
    /// Starts it for up to `connections` clients, each with its own server connection.
    /// With the directory of `server.crt` and `server.key`, clients may use TLS.
    pub fn start(upstream: &Dsn, connections: u32, certificates: Option<&Path>) -> Result<Self> {
        let program = locate::pgbouncer()?;
        let folder = owned_folder("gatewright-pgbouncer-")?;
        let port = free_port()?;
        let users = folder.path().join("users.txt");
        std::fs::write(
            &users,
            format!("\"{}\" \"{}\"\n", upstream.user, upstream.password),
        )?;
        let tls = match certificates {
            Some(from) => client_tls(from, folder.path())?,
            None => String::new(),
        };
        let log = folder.path().join("pgbouncer.log");
        let configuration = folder.path().join("pgbouncer.ini");
        std::fs::write(
            &configuration,
            format!(
                "[databases]\n* = host={host} port={upstream_port}\n\
                 [pgbouncer]\nlisten_addr = 127.0.0.1\nlisten_port = {port}\nunix_socket_dir =\n\
                 auth_type = scram-sha-256\nauth_file = {users}\npool_mode = session\n\
                 max_client_conn = {connections}\ndefault_pool_size = {connections}\n\
                 ignore_startup_parameters = extra_float_digits\nserver_idle_timeout = 5\nserver_tls_sslmode = disable\n{tls}",
                host = upstream.host,
                upstream_port = upstream.port,
                users = users.display(),
            ),
        )?;
        give_to_server_user(&users)?;
        give_to_server_user(&configuration)?;
        let output = std::fs::File::create(&log)?;
        let mut command = Command::new(program);
        command
            .arg(&configuration)
            .stdin(Stdio::null())
            .stdout(output.try_clone()?)
            .stderr(output);
        let mut process = Child::start(
            "PgBouncer",
            as_server_user(&mut command)?,
            "TERM",
            &[folder.path().to_path_buf()],
        )?;
        await_port(&mut process, port, &log)?;
        let dsn = Dsn {
            host: "127.0.0.1".to_owned(),
            port,
            ..upstream.clone()
        };
        Ok(Self {
            process,
            dsn,
            _folder: folder,
        })
    }

    /// The URL for clients. Any database of the upstream is available.
    pub fn dsn(&self) -> &Dsn {
        &self.dsn
    }

    /// The running process.
    pub fn process(&self) -> &Child {
        &self.process
    }
}

/// Copies the certificate and its key to where the server's user reads them.
fn client_tls(from: &Path, to: &Path) -> Result<String> {
    for name in ["server.crt", "server.key"] {
        let copy = to.join(name);
        std::fs::copy(from.join(name), &copy)?;
        give_to_server_user(&copy)?;
    }
    Ok(format!(
        "client_tls_sslmode = allow\nclient_tls_cert_file = {to}/server.crt\nclient_tls_key_file = {to}/server.key\n",
        to = to.display()
    ))
}

fn await_port(process: &mut Child, port: u16, log: &PathBuf) -> Result<()> {
    let start = Instant::now();
    loop {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(());
        }
        if process.exited()?.is_some() || start.elapsed() > Duration::from_secs(20) {
            bail!(
                "PgBouncer did not start; its log:\n{}",
                std::fs::read_to_string(log)?
            );
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}
