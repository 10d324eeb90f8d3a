//! Where objects are: a path, or a URL whose scheme says which kind of store it is.

use std::fmt;
use std::fs::DirBuilder;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use object_store::aws::{AmazonS3Builder, AmazonS3ConfigKey};
use object_store::azure::{AzureConfigKey, MicrosoftAzureBuilder};
use object_store::gcp::{GoogleCloudStorageBuilder, GoogleConfigKey};
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{ClientConfigKey, ObjectStore, ObjectStoreScheme, RetryConfig};
use openidconnect::url::Url;
use thiserror::Error;

use super::{ObjectError, Objects};

/// A request that fails is made again this often, and not after this time: whoever asked tries again later.
const RETRIES: usize = 3;
const RETRY_TIMEOUT: Duration = Duration::from_secs(30);

/// What a request may take with what is sent and answered: a segment is one request.
const TIMEOUT: &str = "120s";

/// A path, or the URL of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    Directory(PathBuf),
    Store(Kind, Url),
}

/// The kind of a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    S3,
    Google,
    Azure,
}

/// Something is no place for objects, or cannot be opened.
#[derive(Debug, Error)]
pub enum PlaceError {
    #[error(
        "{0} is not the URL of an object store: these begin with s3://, gs://, az:// or abfss://"
    )]
    Unknown(String),
    /// Requests carry credentials of their own.
    #[error("the URL of an object store must have no user, password, query or fragment")]
    Secrets,
    #[error("{}: {source}", path.display())]
    Directory {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error(transparent)]
    Store(#[from] ObjectError),
}

impl Place {
    /// Reads a path, which is relative to this directory, or a URL.
    ///
    /// # Errors
    /// It is a URL of something else.
    pub fn parse(text: &str, directory: &FilePath) -> Result<Self, PlaceError> {
        if !text.contains("://") {
            return Ok(Place::Directory(directory.join(text)));
        }
        let unknown = || PlaceError::Unknown(text.to_owned());
        let url = Url::parse(text).map_err(|_| unknown())?;
        let kind = match ObjectStoreScheme::parse(&url) {
            Ok((ObjectStoreScheme::AmazonS3, _)) if url.scheme() == "s3" => Kind::S3,
            Ok((ObjectStoreScheme::GoogleCloudStorage, _)) => Kind::Google,
            Ok((ObjectStoreScheme::MicrosoftAzure, _)) if url.scheme() != "https" => Kind::Azure,
            // Of more kinds than there are builders for, and of URLs that several kinds have.
            Ok(_) | Err(_) => return Err(unknown()),
        };
        let is_plain = url.password().is_none() && url.query().is_none();
        // In a URL of Azure, the container stands where others have the user.
        let has_user = kind != Kind::Azure && !url.username().is_empty();
        match is_plain && !has_user && url.fragment().is_none() {
            true => Ok(Place::Store(kind, url)),
            false => Err(PlaceError::Secrets),
        }
    }

    /// Opens the place to put objects there. A directory is created.
    ///
    /// # Errors
    /// The settings of the store are incomplete, or the directory cannot be created. That a store answers is not known yet.
    pub fn create(&self) -> Result<Objects, PlaceError> {
        if let Place::Directory(path) = self {
            let mut builder = DirBuilder::new();
            let created = builder.recursive(true).mode(0o700).create(path);
            created.map_err(|source| PlaceError::Directory {
                path: path.clone(),
                source,
            })?;
        }
        self.open()
    }

    /// Opens the place to read what is there. Credentials, regions and endpoints of stores come from the environment, in the variables that
    /// their own tools read.
    ///
    /// # Errors
    /// The settings of the store are incomplete, or there is no such directory.
    pub fn open(&self) -> Result<Objects, PlaceError> {
        let (kind, url) = match self {
            Place::Directory(path) => {
                return Ok(Objects {
                    store: Arc::new(LocalFileSystem::new_with_prefix(path)?),
                    prefix: Path::default(),
                    directory: Some(path.clone()),
                });
            }
            Place::Store(kind, url) => (kind, url),
        };
        let retry = RetryConfig {
            max_retries: RETRIES,
            retry_timeout: RETRY_TIMEOUT,
            ..RetryConfig::default()
        };
        let timeout = ClientConfigKey::Timeout;
        let store: Arc<dyn ObjectStore> = match kind {
            Kind::S3 => {
                let builder = AmazonS3Builder::from_env()
                    .with_config(AmazonS3ConfigKey::Client(timeout), TIMEOUT)
                    .with_url(url.as_str());
                Arc::new(builder.with_retry(retry).build()?)
            }
            Kind::Google => {
                let builder = GoogleCloudStorageBuilder::from_env()
                    .with_config(GoogleConfigKey::Client(timeout), TIMEOUT)
                    .with_url(url.as_str());
                Arc::new(builder.with_retry(retry).build()?)
            }
            Kind::Azure => {
                let builder = MicrosoftAzureBuilder::from_env()
                    .with_config(AzureConfigKey::Client(timeout), TIMEOUT)
                    .with_url(url.as_str());
                Arc::new(builder.with_retry(retry).build()?)
            }
        };
        let path = Path::from_url_path(url.path()).map_err(ObjectError::from)?;
        Ok(Objects {
            store,
            prefix: path,
            directory: None,
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Directory(path) => write!(f, "{}", path.display()),
            Place::Store(_, url) => write!(f, "{url}"),
        }
    }
}
