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

/// A program that prints a password, and the one it printed last.
///
/// It is run without a shell, with no input, one at a time. What it prints is kept nowhere but here; what it writes to
/// standard error is dropped, as that may hold secrets too.
pub struct PasswordCommand {
    program: PathBuf,
    arguments: Vec<String>,
    /// From the start to the end of its output and of itself.
    limit: Duration,
    /// How long a password is used again.
    keep: Duration,
    last: Mutex<Option<Answer>>,
}

/// What a run came to.
struct Answer {
    at: Instant,
    outcome: Outcome,
}

type Outcome = Result<SecretString, Arc<CommandError>>;

/// Why a command gave no password. For the log: names the program, never its arguments or what it printed.
#[derive(Debug, Error)]
pub enum CommandError {
    #[error("the password command {} cannot be run: {source}", program.display())]
    NotRun {
        program: PathBuf,
        source: std::io::Error,
    },
    #[error("the password command {} was not done within {limit:?} (password_command_timeout)", program.display())]
    Slow { program: PathBuf, limit: Duration },
    #[error("the password command {} failed with {status}; run it as the gateway's user to see what it says", program.display())]
    Failed {
        program: PathBuf,
        status: ExitStatus,
    },
    #[error("the password command {} printed nothing", program.display())]
    Empty { program: PathBuf },
    #[error("the password command {} printed more than {MAX_PASSWORD} bytes, or what is not UTF-8", program.display())]
    NotAPassword { program: PathBuf },
}

impl PasswordCommand {
    /// `limit` is on one run, `keep` on how long what it printed is used again.
    pub fn new(program: PathBuf, arguments: Vec<String>, limit: Duration, keep: Duration) -> Self {
        Self {
            program,
            arguments,
            limit,
            keep,
            last: Mutex::default(),
        }
    }

    /// The program without its arguments, which may hold secrets.
    pub fn program(&self) -> &Path {
        &self.program
    }

    /// How many arguments it is given.
    pub fn arguments(&self) -> usize {
        self.arguments.len()
    }

    pub fn limit(&self) -> Duration {
        self.limit
    }

    pub fn keep(&self) -> Duration {
        self.keep
    }

    pub(super) async fn password(&self) -> Outcome {
        self.answer(|_| true).await
    }

    /// One that differs from the refused, unless a fresh run gives that again.
    pub(super) async fn password_after(&self, refused: &SecretString) -> Outcome {
        self.answer(|kept| kept.expose_secret() != refused.expose_secret())
            .await
    }

    async fn answer(&self, will_do: impl Fn(&SecretString) -> bool) -> Outcome {
        let asked = Instant::now();
        let mut last = self.last.lock().await;
        if let Some(answer) = &*last {
            // Who waited while another ran it is served by that run, so that a slow failure is not met once for each.
            let shared = answer.at >= asked;
            match &answer.outcome {
                Ok(kept) if (shared || answer.at.elapsed() < self.keep) && will_do(kept) => {
                    return Ok(kept.clone());
                }
                Err(error) if shared => return Err(Arc::clone(error)),
                _ => {}
            }
        }
        *last = None;
        let outcome = self.run().await.map_err(Arc::new);
        *last = Some(Answer {
            at: Instant::now(),
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
            // However this ends early, the program does not go on.
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

/// All of a short output; `None` where it is too long or no text.
async fn printed(output: impl AsyncRead + Unpin) -> std::io::Result<Option<String>> {
    let mut bytes = Vec::new();
    let mut output = output.take(MAX_PASSWORD + 1);
    output.read_to_end(&mut bytes).await?;
    let text = String::from_utf8(bytes).ok();
    Ok(text.filter(|text| text.len() as u64 <= MAX_PASSWORD))
}
