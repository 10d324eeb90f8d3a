//! A snapshot of the server's relations, as a plain value: no I/O and no refresh. `walker` resolves names against it.

mod bodies;
mod cast;
mod convert;
mod definitions;
mod input;
mod path;
mod relation;
mod schemas;
mod snapshot;
mod write;
mod written;

pub(crate) use bodies::Bodies;
pub(crate) use cast::{Cast, Operand, is_base_type};
pub(crate) use definitions::{Definition, Subject};
pub(crate) use input::{Callable, Input, Operator, OwnCode, OwnFunction};
pub(crate) use path::{Names, Noted};
pub use relation::{Column, Relation, WrittenType};
pub use schemas::SearchPath;
pub use snapshot::Catalog;
pub(crate) use write::{Cascade, Keys, Trigger, Write};
