//! Where the gateway's own passwords come from. Each is asked for when a connection is made, so that one that was changed
//! is used at once.

mod command;
mod file;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

pub use command::{CommandError, PasswordCommand};
pub use file::password_file;

/// A password longer than this is none, in bytes. Tokens of cloud providers have a few thousand.
const MAX_PASSWORD: u64 = 64 * 1024;

/// Where the gateway's own password for a PostgreSQL role comes from.
#[derive(Clone, Default)]
pub enum Credential {
    /// The server asks for none: peer, trust or certificate authentication.
    #[default]
    None,
    /// Written in the configuration itself.
    Inline(SecretString),
    /// A file read at each login, so that a rotated password is used at once. One trailing line
    /// break is not part of the password.
    File(PathBuf),
    /// Taken from an environment variable when the configuration was read.
    Environment { name: String, value: SecretString },
    /// What a command prints, for passwords that live for minutes.
    Command(Arc<PasswordCommand>),
}

/// Why a password cannot be had. For the log: names the place, never what is there.
#[derive(Debug, Error)]
pub enum CredentialError {
    #[error("the password file {} cannot be read: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("the password file {} is empty", path.display())]
    Empty { path: PathBuf },
    #[error("the password file {} is longer than {MAX_PASSWORD} bytes or not UTF-8", path.display())]
    NotAPassword { path: PathBuf },
    #[error(transparent)]
    Command(#[from] Arc<CommandError>),
}

impl Credential {
    /// The password as it is now. A command's is kept for the time that its settings say.
    ///
    /// # Errors
    /// A file does not hold one, a command gives none.
    pub async fn password(&self) -> Result<Option<SecretString>, CredentialError> {
        match self {
            Self::None => Ok(None),
            Self::Inline(value) | Self::Environment { value, .. } => Ok(Some(value.clone())),
            Self::File(path) => password_file(path).map(Some),
            Self::Command(command) => Ok(Some(command.password().await?)),
        }
    }

    /// Another password than the one a server has refused, if there is one by now.
    ///
    /// # Errors
    /// As [`Credential::password`].
    pub async fn after(
        &self,
        refused: &SecretString,
    ) -> Result<Option<SecretString>, CredentialError> {
        let now = match self {
            Self::None | Self::Inline(_) | Self::Environment { .. } => return Ok(None),
            Self::File(path) => password_file(path)?,
            Self::Command(command) => command.password_after(refused).await?,
        };
        Ok((now.expose_secret() != refused.expose_secret()).then_some(now))
    }
}

impl From<Option<SecretString>> for Credential {
    fn from(password: Option<SecretString>) -> Self {
        password.map_or(Self::None, Self::Inline)
    }
}

/// Says where the password is from and never what it is.
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

/// Text without the one line break that ends a file or an output.
fn without_line_break(text: &str) -> &str {
    let text = text.strip_suffix('\n').unwrap_or(text);
    text.strip_suffix('\r').unwrap_or(text)
}
