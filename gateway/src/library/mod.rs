//! What was recorded, as people find and read it: the index in the store, searches, a session statement by statement with its results, and who
//! may see what of it. It reads the files of the record and never writes them.
//! Next: `cli`, `api` and `console` show it.

mod error;
mod gather;
mod index;
mod indexer;
mod masks;
mod reading;
mod search;
mod statement;
mod viewings;
mod words;

pub mod frames;
pub mod values;

#[cfg(test)]
pub(crate) mod tests;

pub use error::LibraryError;
pub use index::{
    Index, IndexSettings, Indexed, Listing, Page, SessionEntry, StatementEntry, StatementPolicy,
    ViewedEntry,
};
pub use indexer::{Build, IndexMetrics, Indexer, build};
pub use masks::{MaskedColumn, RecordMask};
pub use reading::{Library, LibrarySettings, SessionShown, StatementShown};
pub use search::{Found, Search, SearchError, Snippet};
pub use statement::{Cell, Contents, Missing, ROWS, ShownParameter};
pub use viewings::Viewer;
