//! psql: one-shot scripts, and sessions kept open on one connection.

use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::{Child, Dsn, Version, locate};

/// psql for one connection URL.
pub struct Psql {
    program: PathBuf,
    dsn: Dsn,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

/// The result of one run of psql.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PsqlOutput {
    /// 0 on success, 2 if the connection was lost, 3 if a statement of a script failed under ON_ERROR_STOP.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Psql {
    /// psql without the user's psqlrc.
    pub fn new(dsn: &Dsn) -> Result<Self> {
        Ok(Self {
            program: locate::psql()?,
            dsn: dsn.clone(),
            arguments: Vec::new(),
            environment: Vec::new(),
        })
    }

    /// Uses the psql of this version.
    pub fn version(mut self, version: Version) -> Result<Self> {
        self.program = version.client("psql")?;
        Ok(self)
    }

    /// Adds an argument, for example `-At`.
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// Sets an environment variable, for example PGSSLMODE.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs a script from standard input. Errors do not stop it.
    pub fn script(&self, sql: &str) -> Result<PsqlOutput> {
        let mut child = self
            .command()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("starting psql")?;
        let mut input = child.stdin.take().context("psql has no standard input")?;
        let text = sql.to_owned();
        // Written from a separate thread: psql blocks while nobody reads its output.
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output()?;
        // psql closes its input early if it cannot connect; its own message says why.
        let _ = writer.join();
        Ok(PsqlOutput {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs a script that must succeed. Returns its rows unaligned, tuples only, with `|` between fields.
    pub fn query(&self, sql: &str) -> Result<String> {
        let strict = Self {
            program: self.program.clone(),
            dsn: self.dsn.clone(),
            environment: self.environment.clone(),
            arguments: [
                &["-At", "-v", "ON_ERROR_STOP=1"].map(str::to_owned)[..],
                &self.arguments,
            ]
            .concat(),
        };
        let output = strict.script(sql)?;
        if output.code != Some(0) {
            bail!("psql failed on {sql:.200}: {}", output.stderr);
        }
        Ok(output.stdout.trim_end().to_owned())
    }

    /// Opens a session on one connection.
    pub fn session(&self) -> Result<PsqlSession> {
        let (reader, writer) = std::io::pipe()?;
        let mut command = self.command();
        command.stdout(writer.try_clone()?).stderr(writer);
        let (input_reader, input) = std::io::pipe()?;
        command.stdin(input_reader);
        let process = Child::start("psql", &mut command, "TERM", &[])?;
        drop(command);
        Ok(PsqlSession {
            process,
            input,
            lines: read_lines(reader),
            count: 0,
        })
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.program);
        command
            .arg("--no-psqlrc")
            .arg("--quiet")
            .args(&self.arguments)
            .args(["-h", &self.dsn.host, "-p", &self.dsn.port.to_string()])
            .args(["-U", &self.dsn.user, "-d", &self.dsn.database])
            .env("PGPASSWORD", &self.dsn.password)
            .env("PGCONNECT_TIMEOUT", "20")
            .env("LC_ALL", "C.UTF-8")
            .env("PGTZ", "UTC")
            .envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }
}

/// A psql process on one connection, with stdout and stderr merged in order.
pub struct PsqlSession {
    process: Child,
    input: PipeWriter,
    lines: mpsc::Receiver<String>,
    count: u32,
}

impl PsqlSession {
    /// Sends statements or meta-commands and returns all output, joined by newlines.
    pub fn run(&mut self, sql: &str) -> Result<String> {
        self.count += 1;
        let marker = format!("--- end of output {} ---", self.count);
        writeln!(self.input, "{sql}\n\\echo '{marker}'").context("psql has exited")?;
        self.input.flush()?;
        let mut output = Vec::new();
        loop {
            match self.lines.recv_timeout(Duration::from_secs(60)) {
                Ok(line) if line == marker => return Ok(output.join("\n")),
                Ok(line) => output.push(line),
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    bail!(
                        "psql did not finish within 60 s: {sql}\noutput so far: {}",
                        output.join("\n")
                    )
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    bail!(
                        "psql exited during: {sql}\nits output: {}",
                        output.join("\n")
                    )
                }
            }
        }
    }

    /// psql's process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }
}

fn read_lines(reader: PipeReader) -> mpsc::Receiver<String> {
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        // Split at bytes: with another client encoding, the lines are not UTF-8.
        for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            if send.send(line).is_err() {
                break;
            }
        }
    });
    receive
}
