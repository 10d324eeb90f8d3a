//! Streams: what became of each statement reaches files, syslog and collectors as OCSF, in order and without gaps, and says no more than the record.

mod events;
mod fixture;
mod otlp;
mod restarts;
mod syslog;

pub use fixture::Streaming;
