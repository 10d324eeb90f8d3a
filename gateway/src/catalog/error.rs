//! Why a catalog could not be read.

use thiserror::Error;

use crate::upstream::UpstreamError;

/// The catalog of a database could not be read.
#[derive(Debug, Error)]
pub enum CatalogError {
    #[error("the service connection failed: {0}")]
    Connection(UpstreamError),
    #[error("the catalog query for {query} returned an unexpected result")]
    Form { query: &'static str },
    #[error("no thread could be started to analyse view and function definitions")]
    NoThread,
}

impl From<UpstreamError> for CatalogError {
    fn from(error: UpstreamError) -> Self {
        CatalogError::Connection(error)
    }
}
