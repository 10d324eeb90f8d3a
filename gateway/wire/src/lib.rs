//! Bytes to PostgreSQL messages and back: frame headers, strict borrowed decoders, encoders for what the gateway sends.
//! It refuses to know sockets, SQL, policies and what a message means on a connection: it answers only "is this well formed?".
//! The next room is `gatewright::listener` (who is calling), then `gatewright::session` (is this message legal now).

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
