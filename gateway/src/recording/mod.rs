//! The record of sessions while they run: events go into a buffer per session, and one thread writes them to files. It knows neither SQL
//! nor policies nor sockets: what an event says is the business of `gate` and `session`.
//! Next: `gate` records judgements and executions, and `session` what passes its two doors.

mod away;
mod barrier;
mod changes;
mod failure;
mod open;
mod recorder;
mod redaction;
mod rehearsal;
mod retention;
mod segments;
mod start;
#[cfg(test)]
pub mod tests;
mod writer;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use gatewright_record::event::Time;

use crate::objects::Place;
pub use barrier::Barrier;
pub use changes::{Changed, RecordChanges};
pub use failure::Failure;
pub use gatewright_record::event::{
    Attempted, Completed, Decision, Judged, Keep, Literals, Opened, Parameter, PolicyAnswer,
    PolicyVerdict, Rehearsal, RehearsalWay, ResultColumn, Stage, Withheld, WithheldText,
};
pub use gatewright_record::sealed::Recipients;
pub use open::{Attempt, OpenRecord, SessionRecord, Settling};
pub use recorder::Recorder;
pub use rehearsal::RehearsalRecord;
pub use start::StartError;

/// Where the record is, and what a crash may take of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordSettings {
    pub directory: PathBuf,
    /// The private key of the log. It is created where there is none.
    pub key_file: PathBuf,
    pub durability: Durability,
    pub when_unwritable: WhenUnwritable,
    /// How often files are written to disk with [`Durability::Interval`].
    pub interval: Duration,
    /// What is kept of sessions, unless their database has settings of its own.
    pub keep: Keep,
    pub literals: Literals,
    /// How many bytes of events are recorded of a session before nothing more is of what is delivered and received.
    pub session_limit: Option<u64>,
    pub retention: Retention,
    /// For whom it is encrypted; `None`: it is not.
    pub recipients: Option<Recipients>,
    /// Whether it is recorded where the values of results come from.
    pub origins: bool,
    /// A segment that is longer than this is followed by another one.
    pub max_segment: u64,
    /// Where finished segments and the log are uploaded.
    pub store: Option<Place>,
    /// After this time, sessions that are uploaded have no local copy. `None`: they have one as long as they are in the record.
    pub keep_local: Option<Duration>,
    /// With more bytes than this that are not uploaded yet, nothing is recorded. `None`: there is no limit.
    pub upload_backlog: Option<u64>,
    /// Where checkpoints of the log are kept besides.
    pub checkpoints: Option<Place>,
    /// How often the newest one is put there.
    pub checkpoint_interval: Duration,
}

impl RecordSettings {
    /// Everything in one directory, and everything on disk before it runs.
    pub fn in_directory(directory: PathBuf) -> Self {
        RecordSettings {
            key_file: directory.join("log.key"),
            directory,
            durability: Durability::Statement,
            when_unwritable: WhenUnwritable::Refuse,
            interval: Duration::from_secs(1),
            keep: Keep::Rows,
            literals: Literals::Keep,
            session_limit: None,
            retention: Retention::default(),
            recipients: None,
            origins: false,
            max_segment: 64 << 20,
            store: None,
            keep_local: None,
            upload_backlog: None,
            checkpoints: None,
            checkpoint_interval: Duration::from_secs(60),
        }
    }
}

/// What a database says of its sessions, in place of what is set for all.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct DatabaseRecord {
    pub keep: Option<Keep>,
    pub literals: Option<Literals>,
    pub retention: Option<Duration>,
}

/// For how long sessions are kept after their end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Retention {
    /// `None`: for ever.
    pub all: Option<Duration>,
    /// Of databases that have one of their own, by the names that clients use.
    pub databases: BTreeMap<String, Duration>,
}

/// What becomes of sessions while nothing can be recorded.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum WhenUnwritable {
    /// They end, and statements are refused.
    #[default]
    Refuse,
    /// Statements wait until they can be recorded.
    Hold,
}

/// When events are on disk.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Durability {
    /// An execution is sent once it is on disk that it is about to begin.
    #[default]
    Statement,
    /// Every so often. Executions do not wait.
    Interval,
    /// When the operating system writes them.
    None,
}

/// Counts what the recorder does. Implemented by `admin`.
pub trait RecordMetrics: Send + Sync {
    /// Events were written, which took so many bytes.
    fn written(&self, events: u64, bytes: u64);
    /// An execution has waited for the disk.
    fn waited(&self, seconds: f64);
    /// Something could not be written.
    fn failed(&self);
    /// A session has used up its limit.
    fn truncated(&self);
    /// So many sessions were deleted.
    fn deleted(&self, sessions: u64);
    /// The newest checkpoint is in its second place, or could not be put there.
    fn checkpoint(&self, is_kept: bool);
    /// A segment was uploaded, or something could not be.
    fn uploaded(&self, is_done: bool);
    /// So many bytes are logged and not uploaded.
    fn backlog(&self, bytes: u64);
}

/// The time of an event that happens now.
pub fn now() -> Time {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_micros()).unwrap_or(Time::MAX)
    })
}
