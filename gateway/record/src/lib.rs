//! The record: what each session asked and what it was given, in files that show what was done to them.
//!
//! A session's [events](Event) are in one or more [segments](segment), files of compressed blocks in which every block has the hash
//! of all before it. The digests of finished segments are in a [transparency log](log), so that a session can be verified without the
//! others and nothing can be taken out of a log whose checkpoint somebody else has kept. docs/record-format.md describes the bytes.
//!
//! No sockets, no SQL and no threads: files are read and written when a function is called.
//! Next: `recording` in the gateway, which writes while sessions run.
#![forbid(unsafe_code)]

// For what minicbor derives.
extern crate alloc;

mod cbor;
pub mod deletion;
pub mod directory;
pub mod event;
pub mod follow;
pub mod framing;
pub mod holds;
pub mod journal;
pub mod log;
pub mod recovery;
pub mod sealed;
pub mod segment;
pub mod session;
pub mod verify;

pub use event::Event;
