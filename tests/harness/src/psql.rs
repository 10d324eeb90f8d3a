//! psql: one-shot scripts, and a session kept open over one connection.

use std::io::{BufRead, BufReader, PipeReader, PipeWriter, Write};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::{Child, Dsn, Version, locate};

/// psql for one address.
pub struct Psql {
    program: PathBuf,
    dsn: Dsn,
    arguments: Vec<String>,
    environment: Vec<(String, String)>,
}

/// What one run of psql gave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PsqlOutput {
    /// 0 all well, 2 connection lost, 3 a script's statement failed under ON_ERROR_STOP.
    pub code: Option<i32>,
    pub stdout: String,
    pub stderr: String,
}

impl Psql {
    /// psql without the user's own start file.
    pub fn new(dsn: &Dsn) -> Result<Self> {
        Ok(Self {
            program: locate::psql()?,
            dsn: dsn.clone(),
            arguments: Vec::new(),
            environment: Vec::new(),
        })
    }

    /// The psql of this version instead of the machine's own.
    pub fn version(mut self, version: Version) -> Result<Self> {
        self.program = version.client("psql")?;
        Ok(self)
    }

    /// One more argument, for example `-At`.
    pub fn argument(mut self, argument: &str) -> Self {
        self.arguments.push(argument.to_owned());
        self
    }

    /// An environment variable, for example PGSSLMODE.
    pub fn environment(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Runs a script from standard input; errors do not stop it.
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
        // Written beside the reading: psql blocks when nobody takes its output.
        let writer = std::thread::spawn(move || input.write_all(text.as_bytes()));
        let output = child.wait_with_output()?;
        // psql that could not connect closes its input early; its own message says why.
        let _ = writer.join();
        Ok(PsqlOutput {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        })
    }

    /// Runs a script that must succeed; returns its rows, unaligned, tuples only, cells apart by `|`.
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

    /// Opens a session that stays on one connection.
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

/// A psql process on one connection, its output and errors merged in the order written.
pub struct PsqlSession {
    process: Child,
    input: PipeWriter,
    lines: mpsc::Receiver<String>,
    count: u32,
}

impl PsqlSession {
    /// Sends statements or meta-commands and returns all that came back, lines joined.
    pub fn run(&mut self, sql: &str) -> Result<String> {
        self.count += 1;
        let marker = format!("--- end of output {} ---", self.count);
        writeln!(self.input, "{sql}\n\\echo '{marker}'").context("psql has ended")?;
        self.input.flush()?;
        let mut output = Vec::new();
        loop {
            match self.lines.recv_timeout(Duration::from_secs(60)) {
                Ok(line) if line == marker => return Ok(output.join("\n")),
                Ok(line) => output.push(line),
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    bail!(
                        "psql gave no answer within 60 s to: {sql}\nso far: {}",
                        output.join("\n")
                    )
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => {
                    bail!(
                        "psql ended during: {sql}\nits last words: {}",
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
        // Split by hand: under another client encoding the lines are not UTF-8.
        for line in BufReader::new(reader).split(b'\n').map_while(Result::ok) {
            let line = String::from_utf8_lossy(&line).into_owned();
            if send.send(line).is_err() {
                break;
            }
        }
    });
    receive
}
