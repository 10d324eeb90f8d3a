//! Passwords in files.

use std::io::Read;
use std::path::Path;

use secrecy::SecretString;

use super::{CredentialError, MAX_PASSWORD, without_line_break};

/// Reads a password from a file. One trailing line break is ignored.
///
/// # Errors
/// The file cannot be read, is empty or too long, or is not valid UTF-8.
pub fn password_file(path: &Path) -> Result<SecretString, CredentialError> {
    let unreadable = |source| CredentialError::Unreadable {
        path: path.to_owned(),
        source,
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(MAX_PASSWORD + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    let text = String::from_utf8(bytes)
        .ok()
        .filter(|text| text.len() as u64 <= MAX_PASSWORD)
        .ok_or_else(|| CredentialError::NotAPassword {
            path: path.to_owned(),
        })?;
    let password = without_line_break(&text);
    if password.is_empty() {
        return Err(CredentialError::Empty {
            path: path.to_owned(),
        });
    }
    Ok(SecretString::from(password))
}
