//! What people decide about: a request, or an access grant. Each kind has a table and states of its own; how it is read, locked and moved
//! on, and what has happened to it, are the same for all.

use std::fmt::{Debug, Display};

use super::request::Parties;
use crate::store::{Row, StoreError};

/// Something that people decide about.
pub trait Matter: Sized {
    type Id: Copy + Debug + Display + PartialEq + 'static;
    type State: Stage;

    /// Its table. The columns `id`, `state` and `changed_at` are in each.
    const TABLE: &'static str;
    /// The columns, in the order in which [`Matter::read`] takes them.
    const COLUMNS: &'static str;
    /// The columns that say whom it concerns.
    const PARTIES: &'static str;

    /// # Errors
    /// The row is no such thing.
    fn read(row: &mut Row) -> Result<Self, StoreError>;

    /// # Errors
    /// The value is no id.
    fn read_id(row: &mut Row) -> Result<Self::Id, StoreError>;

    /// # Errors
    /// The values say nothing of that kind.
    fn read_parties(row: &mut Row) -> Result<Parties, StoreError>;

    fn id(&self) -> Self::Id;

    fn state(&self) -> Self::State;
}

/// Where something stands that people decide about.
pub trait Stage: Copy + Debug + Display + PartialEq + 'static {
    /// As it is stored and shown.
    fn name(self) -> &'static str;

    /// The one of this name.
    fn from_name(name: &str) -> Option<Self>;

    /// Those that may follow.
    fn next(self) -> &'static [Self];
}
