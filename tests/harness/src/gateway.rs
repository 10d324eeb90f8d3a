//! The gateway as a process, started as users start it.

use std::io::{BufRead, BufReader};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use tempfile::TempDir;

use crate::child::peak_bytes;
use crate::{Child, Dsn, locate};

/// How to run the gateway; `start` runs it.
pub struct GatewayCommand {
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
    listen: Option<String>,
    ready_at: Option<u16>,
    binary: Option<PathBuf>,
}

impl GatewayCommand {
    /// `gatewright dev` in front of `upstream`, on a free port.
    pub fn dev(upstream: &Dsn) -> Self {
        let url = Dsn {
            database: String::new(),
            ..upstream.clone()
        }
        .url();
        let url = url.trim_end_matches('/');
        Self::verb("dev")
            .arguments(["--upstream", url])
            .listen("127.0.0.1:0")
    }

    /// `gatewright serve --config`.
    pub fn serve(config: &Path) -> Self {
        Self::verb("serve")
            .argument("--config")
            .argument(&config.display().to_string())
    }

    /// Treats the gateway as ready when this port of 127.0.0.1 accepts connections. `serve` needs this; `dev` prints a
    /// line.
    pub fn ready_at(mut self, port: u16) -> Self {
        self.ready_at = Some(port);
        self
    }

    /// Any subcommand.
    pub fn verb(verb: &str) -> Self {
        Self {
            arguments: vec![verb.to_owned()],
            environment: Vec::new(),
            listen: None,
            ready_at: None,
            binary: None,
        }
    }

    /// `--listen ADDRESS`.
    pub fn listen(mut self, address: &str) -> Self {
        self.listen = Some(address.to_owned());
        self
    }

    /// `--policies DIR`.
    pub fn policies(self, folder: &Path) -> Self {
        self.argument("--policies")
            .argument(&folder.display().to_string())
    }

    /// `--settings FILE`.
    pub fn settings(self, file: &Path) -> Self {
        self.argument("--settings")
            .argument(&file.display().to_string())
    }

    /// Adds an argument.
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Adds arguments.
    pub fn arguments<const N: usize>(mut self, arguments: [&str; N]) -> Self {
        self.arguments.extend(arguments.map(str::to_owned));
        self
    }

    /// Sets an environment variable.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Uses another binary than `locate::gateway`, for example the release build.
    pub fn binary(mut self, path: &Path) -> Self {
        self.binary = Some(path.to_path_buf());
        self
    }

    /// Runs a subcommand that exits by itself, and returns its output.
    pub fn output(&self) -> Result<std::process::Output> {
        self.command()?
            .stdin(Stdio::null())
            .output()
            .context("running gatewright")
    }

    /// Runs a subcommand that exits by itself, without its output. Returns the most memory that it was seen to have, in bytes.
    pub fn status_and_peak(&self) -> Result<(std::process::ExitStatus, u64)> {
        let mut process = self
            .command()?
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .spawn()
            .context("running gatewright")?;
        let mut peak = 0;
        loop {
            if let Some(status) = process.try_wait()? {
                return Ok((status, peak));
            }
            // Between its end and the next look there is nothing to read.
            peak = peak.max(peak_bytes(process.id()).unwrap_or_default());
            std::thread::sleep(Duration::from_millis(2));
        }
    }

    /// Starts it and waits until it is ready.
    pub fn start(&self) -> Result<Gateway> {
        let folder = tempfile::Builder::new()
            .prefix("gatewright-gateway-")
            .tempdir()?;
        let log = folder.path().join("stderr.log");
        let mut command = self.command()?;
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(std::fs::File::create(&log)?);
        let (mut process, lines) = start_with_lines("the gateway", &mut command, folder.path())?;
        let mut printed = Vec::new();
        let ready = match self.ready_at {
            Some(port) => await_port(port, &mut process)?,
            None => await_line(&lines, &mut printed),
        };
        if !ready {
            let ended = match process.wait(Duration::from_secs(1)) {
                Ok(status) => status.to_string(),
                Err(_) => "it is still running".to_owned(),
            };
            bail!(
                "the gateway did not become ready ({ended}); stdout: {printed:?}; stderr:\n{}",
                last_lines(&std::fs::read_to_string(&log)?, 40)
            );
        }
        let dsn = printed
            .last()
            .and_then(|line| Dsn::parse(line.strip_prefix("ready ")?.trim()).ok());
        Ok(Gateway {
            process,
            dsn,
            log,
            printed,
            _folder: folder,
        })
    }

    fn command(&self) -> Result<Command> {
        let binary = match &self.binary {
            Some(path) => path.clone(),
            None => locate::gateway()?,
        };
        let mut command = Command::new(binary);
        command.args(&self.arguments);
        if let Some(address) = &self.listen {
            command.args(["--listen", address]);
        }
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        Ok(command)
    }
}

/// Where approvals are decided, and by whom.
#[derive(Debug, Clone)]
pub struct ApprovalsLine {
    pub url: String,
    pub subject: String,
    pub token: String,
}

/// A running gateway. Stopped with SIGTERM on drop.
pub struct Gateway {
    process: Child,
    dsn: Option<Dsn>,
    log: PathBuf,
    printed: Vec<String>,
    _folder: TempDir,
}

impl Gateway {
    /// The URL for clients from the `ready` line, with a valid token as the password.
    pub fn dsn(&self) -> Result<Dsn> {
        self.dsn.clone().with_context(|| {
            format!(
                "the `ready` line does not contain a complete URL: {:?}",
                self.printed
            )
        })
    }

    /// The URL for another database of the upstream.
    pub fn database(&self, name: &str) -> Result<Dsn> {
        Ok(self.dsn()?.with_database(name))
    }

    /// The lines printed up to and including the `ready` line.
    pub fn printed(&self) -> &[String] {
        &self.printed
    }

    /// The API for approvals and the person who decides, from the line that `gatewright dev --api` prints.
    pub fn approvals(&self) -> Result<ApprovalsLine> {
        let mut printed = self.printed.iter();
        let line = printed.find_map(|line| line.strip_prefix("approvals "));
        let words: Vec<&str> = line.unwrap_or_default().split(' ').collect();
        let [url, subject, token] = words.as_slice() else {
            bail!(
                "the gateway printed no line for its API: {:?}",
                self.printed
            );
        };
        Ok(ApprovalsLine {
            url: (*url).to_owned(),
            subject: (*subject).to_owned(),
            token: (*token).to_owned(),
        })
    }

    /// Everything written to stderr so far.
    pub fn log(&self) -> Result<String> {
        std::fs::read_to_string(&self.log).context("reading the gateway's log")
    }

    /// The running process, for signals and memory use.
    pub fn process(&self) -> &Child {
        &self.process
    }

    /// The running process, to wait for its exit.
    pub fn process_mut(&mut self) -> &mut Child {
        &mut self.process
    }
}

/// The last lines of a log.
fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

fn await_line(lines: &mpsc::Receiver<String>, printed: &mut Vec<String>) -> bool {
    while let Ok(line) = lines.recv_timeout(Duration::from_secs(60)) {
        let ready = line.starts_with("ready ");
        printed.push(line);
        if ready {
            return true;
        }
    }
    false
}

fn await_port(port: u16, process: &mut Child) -> Result<bool> {
    let start = Instant::now();
    while process.exited()?.is_none() && start.elapsed() < Duration::from_secs(60) {
        if TcpStream::connect(("127.0.0.1", port)).is_ok() {
            return Ok(true);
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    Ok(false)
}

/// Starts a program whose stdout lines are sent to the receiver.
pub(crate) fn start_with_lines(
    name: &str,
    command: &mut Command,
    folder: &Path,
) -> Result<(Child, mpsc::Receiver<String>)> {
    let (reader, writer) = std::io::pipe()?;
    command.stdout(writer);
    let process = Child::start(name, command, "TERM", &[folder.to_path_buf()])?;
    // The command still holds the write end of the pipe. Unless it is closed, the reader never reaches the end.
    command.stdout(Stdio::null());
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        for line in BufReader::new(reader).lines().map_while(Result::ok) {
            // Keep reading after the receiver is dropped, so that the program never blocks on a full pipe.
            let _ = send.send(line);
        }
    });
    Ok((process, receive))
}
