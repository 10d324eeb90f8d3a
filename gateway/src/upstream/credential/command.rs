//! Passwords printed by a command.

use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Command;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use super::{MAX_PASSWORD, without_line_break};

/// A command that prints a password, with a cache of its last result.
///
/// The command is run without a shell and without input. There is at most one run at a time. Its output is kept only
/// here. Its standard error is discarded, because it may contain secrets.
pub struct PasswordCommand {
    program: PathBuf,
    arguments: Vec<String>,
    /// Time limit for one run.
    limit: Duration,
    /// How long a password is cached.
    keep: Duration,
    last: Mutex<Option<Run>>,
}

/// The result of a run.
struct Run {
    finished_at: Instant,
    outcome: Outcome,
}

type Outcome = Result<SecretString, Arc<CommandError>>;

/// A command printed no password. For the log; contains the program, but neither its arguments nor its output.
#[derive(Debug, Error)]
pub enum CommandError {
    #[error("the password command {} cannot be run: {source}", program.display())]
    NotRun {
        program: PathBuf,
        source: std::io::Error,
    },
    #[error("the password command {} did not finish within {limit:?} (password_command_timeout)", program.display())]
    Slow { program: PathBuf, limit: Duration },
    #[error("the password command {} failed with {status}; run it as the gateway's user to see its error output", program.display())]
    Failed {
        program: PathBuf,
        status: ExitStatus,
    },
    #[error("the password command {} printed nothing", program.display())]
    Empty { program: PathBuf },
    #[error("the password command {} printed more than {MAX_PASSWORD} bytes or invalid UTF-8", program.display())]
    NotAPassword { program: PathBuf },
}

impl PasswordCommand {
    /// `limit` is the time limit for one run, and `keep` is how long a password is cached.
    pub fn new(program: PathBuf, arguments: Vec<String>, limit: Duration, keep: Duration) -> Self {
        Self {
            program,
            arguments,
            limit,
            keep,
            last: Mutex::default(),
        }
    }

    /// The program, without its arguments, which may contain secrets.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// The number of arguments.
    pub fn arguments(&self) -> usize {
        self.arguments.len()
    }

    pub fn limit(&self) -> Duration {
        self.limit
    }

    pub fn keep(&self) -> Duration {
        self.keep
    }

    /// The cached password, or the result of a new run.
    pub(super) async fn password(&self) -> Outcome {
        self.cached_or_run(|_| true).await
    }

    /// Like [`PasswordCommand::password`], but ignores the cache if it contains the rejected password.
    pub(super) async fn replacement(&self, rejected: &SecretString) -> Outcome {
        self.cached_or_run(|cached| cached.expose_secret() != rejected.expose_secret())
            .await
    }

    async fn cached_or_run(&self, acceptable: impl Fn(&SecretString) -> bool) -> Outcome {
        let requested = Instant::now();
        let mut last = self.last.lock().await;
        if let Some(run) = &*last {
            // Callers that waited for a run share its result. Otherwise each of them would wait for a slow failure in
            // turn.
            let shared = run.finished_at >= requested;
            match &run.outcome {
                Ok(cached)
                    if (shared || run.finished_at.elapsed() < self.keep) && acceptable(cached) =>
                {
                    return Ok(cached.clone());
                }
                Err(error) if shared => return Err(Arc::clone(error)),
                _ => {}
            }
        }
        *last = None;
        let outcome = self.run().await.map_err(Arc::new);
        *last = Some(Run {
            finished_at: Instant::now(),
            outcome: outcome.clone(),
        });
        outcome
    }

    async fn run(&self) -> Result<SecretString, CommandError> {
        let program = || self.program.clone();
        let not_run = |source| CommandError::NotRun {
            program: program(),
            source,
        };
        let mut child = Command::new(&self.program)
            .args(&self.arguments)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            // Kills the program if this future is dropped, which includes the timeout.
            .kill_on_drop(true)
            .spawn()
            .map_err(not_run)?;
        let output = child.stdout.take();
        let work = async {
            let printed = match output {
                Some(output) => printed(output).await.map_err(not_run)?,
                None => None,
            };
            let Some(printed) = printed else {
                return Err(CommandError::NotAPassword { program: program() });
            };
            let status = child.wait().await.map_err(not_run)?;
            match without_line_break(&printed) {
                _ if !status.success() => Err(CommandError::Failed {
                    program: program(),
                    status,
                }),
                "" => Err(CommandError::Empty { program: program() }),
                password => Ok(SecretString::from(password)),
            }
        };
        timeout(self.limit, work).await.unwrap_or_else(|_| {
            Err(CommandError::Slow {
                program: program(),
                limit: self.limit,
            })
        })
    }
}

/// The complete output, or `None` if it is too long or not valid UTF-8.
async fn printed(output: impl AsyncRead + Unpin) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut output = output.take(MAX_PASSWORD + 1);
    output.read_to_end(&mut bytes).await?;
    let text = String::from_utf8(bytes).ok();
    Ok(text.filter(|text| text.len() as u64 <= MAX_PASSWORD))
}
