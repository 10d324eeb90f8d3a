//! A snapshot of the server's relations, as a plain value: no I/O and no refresh. `walker` resolves names against it.

mod bodies;
mod cast;
mod convert;
mod definitions;
mod relation;
mod snapshot;
mod write;
mod written;

pub(crate) use cast::{Cast, Operand};
pub(crate) use definitions::{Definition, Subject};
pub use relation::{Column, Relation, WrittenType};
pub use snapshot::Catalog;
pub(crate) use write::{Cascade, Keys, Trigger, Write};
