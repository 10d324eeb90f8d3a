//! The session driven message by message, with a judge of a few lines.

mod blocks;
mod bounds;
mod extended;
mod growth;
mod held;
pub(crate) mod judge;
mod messages;
pub(crate) mod play;
mod properties;
mod reading;
mod renewing;
mod search_path;
pub(crate) mod server;
mod simple;
mod slices;
