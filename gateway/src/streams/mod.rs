//! What became of each statement, one event per line for the systems that collect such events: OCSF, to files, standard output, syslog and
//! OTLP collectors. Events are on this machine's disk first, and each stream goes on from where it was. It knows neither policies nor sessions: what
//! happened is told by `gate`, in the words of the record.
//! Next: `recording` has those words; `cli` exports recorded sessions in the same form.

mod delivery;
mod event;
pub mod ocsf;
mod queue;
mod service;
mod settings;
mod sinks;
mod spool;
#[cfg(test)]
mod tests;
mod writer;

pub use event::{Execution, Statement};
pub use queue::SessionStream;
pub use service::{StreamError, StreamMetrics, Streams};
pub use settings::{Destination, OtlpTarget, StreamSettings, StreamsSettings, SyslogTarget, Texts};
