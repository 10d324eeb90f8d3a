//! Sources of the gateway's passwords. A password is obtained for each login, so that a rotated one takes effect at
//! once.

mod command;
mod file;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

pub use command::{CommandError, PasswordCommand};
pub use file::password_file;

/// Maximum length of a password in bytes. Tokens of cloud providers have a few thousand.
const MAX_PASSWORD: u64 = 64 * 1024;

/// The source of the password for a PostgreSQL role.
#[derive(Clone, Default)]
pub enum Credential {
    /// No password: for peer, trust or certificate authentication.
    #[default]
    None,
    /// A password in the configuration itself.
    Inline(SecretString),
    /// A file that is read at each login. One trailing line break is ignored.
    File(PathBuf),
    /// An environment variable, read when the configuration was read.
    Environment { name: String, value: SecretString },
    /// The output of a command, for passwords that are valid for minutes.
    Command(Arc<PasswordCommand>),
}

/// A password is unavailable. For the log; names the source, and contains no secrets.
#[derive(Debug, Error)]
pub enum CredentialError {
    #[error("the password file {} cannot be read: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the password file {} is empty", path.display())]
    Empty { path: PathBuf },
    #[error("the password file {} is longer than {MAX_PASSWORD} bytes or not valid UTF-8", path.display())]
    NotAPassword { path: PathBuf },
    #[error(transparent)]
    Command(#[from] Arc<CommandError>),
}

impl Credential {
    /// The current password. The output of a command is cached as configured.
    ///
    /// # Errors
    /// The file cannot be read or contains no password, or the command fails.
    pub async fn password(&self) -> Result<Option<SecretString>, CredentialError> {
        match self {
            Self::None => Ok(None),
            Self::Inline(value) | Self::Environment { value, .. } => Ok(Some(value.clone())),
            Self::File(path) => password_file(path).map(Some),
            Self::Command(command) => Ok(Some(command.password().await?)),
        }
    }

    /// A password other than the one that a server has rejected, if the source now yields another.
    ///
    /// # Errors
    /// As [`Credential::password`].
    pub async fn replacement(
        &self,
        rejected: &SecretString,
    ) -> Result<Option<SecretString>, CredentialError> {
        let current = match self {
            Self::None | Self::Inline(_) | Self::Environment { .. } => return Ok(None),
            Self::File(path) => password_file(path)?,
            Self::Command(command) => command.replacement(rejected).await?,
        };
        Ok((current.expose_secret() != rejected.expose_secret()).then_some(current))
    }
}

impl From<Option<SecretString>> for Credential {
    fn from(password: Option<SecretString>) -> Self {
        password.map_or(Self::None, Self::Inline)
    }
}

/// Shows the source, never the password.
impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Inline(_) => f.write_str("Inline"),
            Self::File(path) => f.debug_tuple("File").field(path).finish(),
            Self::Environment { name, .. } => f.debug_tuple("Environment").field(name).finish(),
            Self::Command(command) => f.debug_tuple("Command").field(&command.program()).finish(),
        }
    }
}

/// Removes one trailing line break.
fn without_line_break(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}
