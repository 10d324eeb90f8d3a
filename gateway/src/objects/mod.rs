//! Places for objects, by path or URL: a directory, Amazon S3 and what speaks its protocol, Google Cloud Storage, Azure Blob Storage. It lists,
//! reads, puts and removes objects, overwrites one only where that is what was asked for, and does not know what is in them.
//! Used by: `recording`, which puts there what must not stay on this machine alone, and `cli`, which reads it.

mod place;
#[cfg(test)]
mod tests;

use std::fs::File;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::TryStreamExt;
use object_store::path::{Path, PathPart};
use object_store::{
    Error, ObjectMeta, ObjectStore, ObjectStoreExt, PutMode, PutOptions, PutPayload,
};

pub use place::{Place, PlaceError};

/// An error of an object store.
pub type ObjectError = Error;

/// What is at one place.
#[derive(Clone)]
pub struct Objects {
    store: Arc<dyn ObjectStore>,
    prefix: Path,
    /// Where the files are, if the place is a directory.
    directory: Option<PathBuf>,
}

/// An object by its name in the place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Object {
    pub name: String,
    pub size: u64,
}

/// What became of an object that was put.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Put {
    New,
    /// There was one with this name, which is as it was.
    Exists,
}

impl Objects {
    /// Puts an object where there is none with this name. When this returns, it is stored.
    ///
    /// # Errors
    /// It is not known to be stored.
    pub async fn put_new(&self, name: &str, content: Bytes) -> Result<Put, ObjectError> {
        let options = PutOptions::from(PutMode::Create);
        let put = self
            .store
            .put_opts(&self.path(name), PutPayload::from(content), options)
            .await;
        match put {
            Ok(_) => self.sync(name).map(|()| Put::New),
            Err(Error::AlreadyExists { .. }) => Ok(Put::Exists),
            Err(error) => Err(error),
        }
    }

    /// The objects in a folder and the folders in it, in the order of their names.
    ///
    /// # Errors
    /// They cannot be listed.
    pub async fn list(&self, folder: &str) -> Result<Vec<Object>, ObjectError> {
        let prefix = self.path(folder);
        let found: Vec<ObjectMeta> = self.store.list(Some(&prefix)).try_collect().await?;
        let named = found.into_iter().filter_map(|object| {
            let parts = object.location.prefix_match(&self.prefix)?;
            let parts: Vec<_> = parts.map(|part| part.as_ref().to_owned()).collect();
            Some(Object {
                name: parts.join("/"),
                size: object.size,
            })
        });
        let mut named: Vec<_> = named.collect();
        named.sort();
        Ok(named)
    }

    /// Reads an object.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub async fn get(&self, name: &str) -> Result<Bytes, ObjectError> {
        self.store.get(&self.path(name)).await?.bytes().await
    }

    /// The beginning of an object, at most so many bytes.
    ///
    /// # Errors
    /// There is none, or it cannot be read.
    pub async fn beginning(&self, name: &str, most: u64) -> Result<Bytes, ObjectError> {
        self.store.get_range(&self.path(name), 0..most).await
    }

    /// Puts an object, in place of one with the same name if there is one.
    ///
    /// # Errors
    /// It is not known to be stored.
    pub async fn replace(&self, name: &str, content: Bytes) -> Result<(), ObjectError> {
        let payload = PutPayload::from(content);
        self.store.put(&self.path(name), payload).await?;
        self.sync(name)
    }

    /// Removes an object, if there is one.
    ///
    /// # Errors
    /// It may still be there.
    pub async fn delete(&self, name: &str) -> Result<(), ObjectError> {
        match self.store.delete(&self.path(name)).await {
            Ok(()) | Err(Error::NotFound { .. }) => Ok(()),
            Err(error) => Err(error),
        }
    }

    fn path(&self, name: &str) -> Path {
        let parts = self.prefix.parts();
        let own = name.split('/').filter(|part| !part.is_empty());
        parts.chain(own.map(PathPart::from)).collect()
    }

    /// Has a file on disk, and its name. Object stores have done it.
    fn sync(&self, name: &str) -> Result<(), ObjectError> {
        let Some(directory) = &self.directory else {
            return Ok(());
        };
        let file = directory.join(name);
        let synced = File::open(&file).and_then(|file| file.sync_all());
        let synced = synced.and_then(|()| match file.parent() {
            Some(folder) => File::open(folder)?.sync_all(),
            None => Ok(()),
        });
        synced.map_err(|source| Error::Generic {
            store: "directory",
            source: Box::new(source),
        })
    }
}
