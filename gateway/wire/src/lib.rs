//! Codec for the PostgreSQL frontend/backend protocol, versions 3.0 to 3.2: frame headers, strict zero-copy decoders,
//! and encoders for the messages that the gateway itself sends.
//!
//! The crate has no I/O and knows nothing about SQL or policies. It decides whether a message is well formed;
//! `gatewright::session` decides whether it is allowed in the current state of the connection.

#![forbid(unsafe_code)]

mod body;
mod decode_error;
mod fatal;

pub mod backend;
pub mod build;
pub mod errors;
pub mod frame;
pub mod frontend;
pub mod startup;

pub use body::{FormatCodes, Oids, Values};
pub use decode_error::DecodeError;
pub use errors::ErrorFields;
pub use fatal::FatalError;
pub use frame::{FrameError, Header, Side};

#[cfg(test)]
mod tests;
