//! One file a login, which its owner alone can read.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use super::{LoginError, LoginSettings, ProfileName, Redirect, TokenKind};

/// A login's file longer than this is not read, in bytes.
const MAX_FILE: u64 = 256 * 1024;

/// A token in hand, and what it takes to renew it.
#[derive(Clone, Debug)]
pub struct Held {
    pub settings: LoginSettings,
    /// What a gateway is given.
    pub token: SecretString,
    /// Whom the ID token names, where there was one.
    pub subject: Option<String>,
    pub obtained_at: SystemTime,
    pub expires_at: SystemTime,
    pub refresh_token: Option<SecretString>,
}

/// The folder of a person's logins.
#[derive(Clone, Debug)]
pub struct Store {
    folder: PathBuf,
}

/// While this lives no other process renews or replaces the login.
#[derive(Debug)]
pub(super) struct Locked(#[expect(dead_code, reason = "the lock goes with the file")] File);

impl Store {
    /// A store in this folder, which is made when something is first kept in it.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
        }
    }

    /// The login of this name; `None` if there is none.
    ///
    /// # Errors
    /// Others can reach the file or its folder, or it is not one of ours.
    pub fn load(&self, name: &ProfileName) -> Result<Option<Held>, LoginError> {
        let path = self.file(name);
        match check(&self.folder, Kind::Folder) {
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
        let stored: Stored =
            serde_json::from_slice(&text).map_err(|source| LoginError::Unreadable {
                path,
                name: name.clone(),
                source,
            })?;
        Ok(Some(stored.into()))
    }

    /// Keeps a login, in place of the one of this name.
    ///
    /// # Errors
    /// The file cannot be written, or others can reach the folder.
    pub fn save(&self, name: &ProfileName, held: &Held) -> Result<(), LoginError> {
        self.make_folder()?;
        let path = self.file(name);
        let bytes =
            serde_json::to_vec_pretty(&Stored::from(held)).map_err(|source| LoginError::File {
                path: path.clone(),
                what: "written",
                source: source.into(),
            })?;
        // Made with mode 0600, written beside, then renamed: a reader finds the old file or the new one, whole.
        let written = tempfile::NamedTempFile::new_in(&self.folder).and_then(|mut file| {
            file.write_all(&bytes)?;
            file.as_file().sync_all()?;
            file.persist(&path).map_err(|error| error.error)
        });
        written.map(drop).map_err(failed(&path, "written"))
    }

    /// Forgets the login of this name; whether there was one.
    ///
    /// # Errors
    /// The file cannot be removed.
    pub(super) async fn remove(&self, name: &ProfileName) -> Result<bool, LoginError> {
        if !self.folder.exists() {
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

    /// Waits until no other process works on this login.
    pub(super) async fn lock(&self, name: &ProfileName) -> Result<Locked, LoginError> {
        self.make_folder()?;
        let path = self.folder.join(format!("{name}.lock"));
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

    fn make_folder(&self) -> Result<(), LoginError> {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.folder)
            .map_err(failed(&self.folder, "made"))?;
        check(&self.folder, Kind::Folder)
    }

    fn file(&self, name: &ProfileName) -> PathBuf {
        self.folder.join(format!("{name}.json"))
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Folder,
}

/// The thing itself, not what a link leads to, and nobody else's business.
fn check(path: &Path, kind: Kind) -> Result<(), LoginError> {
    let found = path.symlink_metadata().map_err(failed(path, "looked at"))?;
    let (fits, wanted) = match kind {
        Kind::File => (found.is_file(), "file"),
        Kind::Folder => (found.is_dir(), "folder"),
    };
    if !fits {
        return Err(LoginError::Kind {
            path: path.to_owned(),
            wanted,
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

/// A login as it stands in its file.
#[derive(Serialize, Deserialize)]
struct Stored {
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

impl From<&Held> for Stored {
    fn from(held: &Held) -> Self {
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
        let settings = held.settings.clone();
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
            token: held.token.expose_secret().to_owned(),
            subject: held.subject.clone(),
            obtained_at: seconds(held.obtained_at),
            expires_at: seconds(held.expires_at),
            refresh_token: exposed(&held.refresh_token),
        }
    }
}

impl From<Stored> for Held {
    fn from(stored: Stored) -> Self {
        // A time beyond what the clock can hold is as good as one long past: the token is renewed.
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
