use std::fmt;
use std::io::Read;
use std::path::PathBuf;

use secrecy::SecretString;
use thiserror::Error;

/// A password file longer than this is not read, in bytes.
const MAX_FILE: u64 = 64 * 1024;

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
    #[error("the password file {} is longer than {MAX_FILE} bytes or not UTF-8", path.display())]
    NotAPassword { path: PathBuf },
}

impl Credential {
    /// The password as it is now.
    ///
    /// # Errors
    /// When a file does not hold one.
    pub fn password(&self) -> Result<Option<SecretString>, CredentialError> {
        match self {
            Self::None => Ok(None),
            Self::Inline(value) | Self::Environment { value, .. } => Ok(Some(value.clone())),
            Self::File(path) => read(path).map(Some),
        }
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
        }
    }
}

fn read(path: &PathBuf) -> Result<SecretString, CredentialError> {
    let unreadable = |source| CredentialError::Unreadable {
        path: path.clone(),
        source,
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let text = String::from_utf8(bytes)
        .ok()
        .filter(|text| text.len() as u64 <= MAX_FILE)
        .ok_or_else(|| CredentialError::NotAPassword { path: path.clone() })?;
    let password = text.strip_suffix('\n').unwrap_or(&text);
    let password = password.strip_suffix('\r').unwrap_or(password);
    if password.is_empty() {
        return Err(CredentialError::Empty { path: path.clone() });
    }
    Ok(SecretString::from(password))
}
