//! Stores each login in a file that only its owner can access.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{LoginError, LoginSettings, ProfileName, Redirect, TokenKind};

/// Maximum number of bytes read from a file.
const MAX_FILE: u64 = 256 * 1024;

/// A token, and everything needed to renew it.
#[derive(Clone, Debug)]
pub struct StoredLogin {
    pub settings: LoginSettings,
    /// The token for the gateway.
    pub token: SecretString,
    /// The subject of the ID token, if the provider returned one.
    pub subject: Option<String>,
    pub obtained_at: SystemTime,
    pub expires_at: SystemTime,
    pub refresh_token: Option<SecretString>,
}

/// The directory with a person's logins.
#[derive(Clone, Debug)]
pub struct Store {
    directory: PathBuf,
}

/// Prevents other processes from renewing or replacing a login until it is dropped.
#[derive(Debug)]
pub(super) struct Locked(#[expect(dead_code, reason = "dropping the file releases the lock")] File);

impl Store {
    /// A store in this directory, which is created on the first write.
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self {
            directory: directory.into(),
        }
    }

    /// The login of this profile, or `None` if it is not logged in.
    ///
    /// # Errors
    /// Other users have access to the file or its directory, or the file cannot be read or parsed.
    pub fn load(&self, name: &ProfileName) -> Result<Option<StoredLogin>, LoginError> {
        let path = self.file(name);
        match check(&self.directory, Kind::Directory) {
            Err(LoginError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Ok(None);
            }
            checked => checked?,
        }
        match check(&path, Kind::File) {
            Err(LoginError::File { source, .. }) if source.kind() == ErrorKind::NotFound => {
                return Ok(None);
            }
            checked => checked?,
        }
        let mut text = Vec::new();
        File::open(&path)
            .and_then(|file| file.take(MAX_FILE).read_to_end(&mut text))
            .map_err(failed(&path, "read"))?;
        let stored: LoginFile =
            serde_json::from_slice(&text).map_err(|source| LoginError::Unreadable {
                path,
                name: name.clone(),
                source,
            })?;
        Ok(Some(stored.into()))
    }

    /// Stores a login, replacing that of the same profile.
    ///
    /// # Errors
    /// The file cannot be written, or other users have access to the directory.
    pub fn save(&self, name: &ProfileName, login: &StoredLogin) -> Result<(), LoginError> {
        self.create_directory()?;
        let path = self.file(name);
        let bytes = serde_json::to_vec_pretty(&LoginFile::from(login)).map_err(|source| {
            LoginError::File {
                path: path.clone(),
                what: "written",
                source: source.into(),
            }
        })?;
        // Written to a temporary file with mode 0600 and renamed, so that readers see a complete file.
        let written = tempfile::NamedTempFile::new_in(&self.directory).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)
        });
        written.map(drop).map_err(failed(&path, "written"))
    }

    /// Removes the login of this profile. Returns whether there was one.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub(super) async fn remove(&self, name: &ProfileName) -> Result<bool, LoginError> {
        if !self.directory.exists() {
            return Ok(false);
        }
        let _locked = self.lock(name).await?;
        let path = self.file(name);
        match std::fs::remove_file(&path) {
            Ok(()) => Ok(true),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
            Err(error) => Err(failed(&path, "removed")(error)),
        }
    }

    /// Waits for the exclusive lock on this login.
    pub(super) async fn lock(&self, name: &ProfileName) -> Result<Locked, LoginError> {
        self.create_directory()?;
        let path = self.directory.join(format!("{name}.lock"));
        let locking = path.clone();
        let locked = tokio::task::spawn_blocking(move || {
            let file = OpenOptions::new()
                .create(true)
                .truncate(false)
                .write(true)
                .mode(0o600)
                .open(&locking)?;
            file.lock()?;
            Ok(file)
        });
        let locked = locked.await.unwrap_or_else(|end| Err(end.into()));
        locked.map(Locked).map_err(failed(&path, "locked"))
    }

    fn create_directory(&self) -> Result<(), LoginError> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.directory)
            .map_err(failed(&self.directory, "created"))?;
        check(&self.directory, Kind::Directory)
    }

    fn file(&self, name: &ProfileName) -> PathBuf {
        self.directory.join(format!("{name}.json"))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Directory,
}

/// Checks that the path is of this kind, not a symbolic link, and that other users have no access to it.
fn check(path: &Path, kind: Kind) -> Result<(), LoginError> {
    let found = path.symlink_metadata().map_err(failed(path, "accessed"))?;
    let (matches, expected) = match kind {
        Kind::File => (found.is_file(), "regular file"),
        Kind::Directory => (found.is_dir(), "directory"),
    };
    if !matches {
        return Err(LoginError::WrongFileType {
            path: path.to_owned(),
            expected,
        });
    }
    match found.mode() & 0o7777 {
        mode if mode & 0o077 != 0 => Err(LoginError::Exposed {
            path: path.to_owned(),
            mode,
        }),
        _ => Ok(()),
    }
}

fn failed(path: &Path, what: &'static str) -> impl FnOnce(std::io::Error) -> LoginError {
    let path = path.to_owned();
    move |source| LoginError::File { path, what, source }
}

/// The JSON format of a stored login.
#[derive(Serialize, Deserialize)]
struct LoginFile {
    issuer: String,
    client_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    client_secret: Option<String>,
    scopes: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    audience: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    resource: Option<String>,
    kind: TokenKind,
    redirect_uri: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    ca: Option<PathBuf>,
    token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<String>,
    /// Seconds since 1970.
    obtained_at: u64,
    /// Seconds since 1970.
    expires_at: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    refresh_token: Option<String>,
}

impl From<&StoredLogin> for LoginFile {
    fn from(login: &StoredLogin) -> Self {
        let exposed = |secret: &Option<SecretString>| {
            secret
                .as_ref()
                .map(|secret| secret.expose_secret().to_owned())
        };
        let seconds = |time: SystemTime| {
            time.duration_since(UNIX_EPOCH)
                .unwrap_or_default()
                .as_secs()
        };
        let settings = login.settings.clone();
        Self {
            issuer: settings.issuer,
            client_id: settings.client_id,
            client_secret: exposed(&settings.client_secret),
            scopes: settings.scopes,
            audience: settings.audience,
            resource: settings.resource,
            kind: settings.token,
            redirect_uri: settings.redirect.to_string(),
            ca: settings.ca,
            token: login.token.expose_secret().to_owned(),
            subject: login.subject.clone(),
            obtained_at: seconds(login.obtained_at),
            expires_at: seconds(login.expires_at),
            refresh_token: exposed(&login.refresh_token),
        }
    }
}

impl From<LoginFile> for StoredLogin {
    fn from(stored: LoginFile) -> Self {
        // An out-of-range time becomes one in the past, so that the token is renewed.
        let time = |seconds| {
            UNIX_EPOCH
                .checked_add(Duration::from_secs(seconds))
                .unwrap_or(UNIX_EPOCH)
        };
        Self {
            settings: LoginSettings {
                issuer: stored.issuer,
                client_id: stored.client_id,
                client_secret: stored.client_secret.map(SecretString::from),
                scopes: stored.scopes,
                audience: stored.audience,
                resource: stored.resource,
                token: stored.kind,
                redirect: stored.redirect_uri.parse::<Redirect>().unwrap_or_default(),
                ca: stored.ca,
            },
            token: stored.token.into(),
            subject: stored.subject,
            obtained_at: time(stored.obtained_at),
            expires_at: time(stored.expires_at),
            refresh_token: stored.refresh_token.map(SecretString::from),
        }
    }
}
