//! Why a policy gave no usable answer.

use std::time::Duration;

use thiserror::Error;

/// Why a policy gave no usable answer. The caller must deny. The message is for the log, never for a client.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// The guest trapped. Holds the trap and a short guest backtrace.
    #[error("trapped: {0}")]
    Trap(String),
    #[error("did not answer within {} ms of CPU time", .0.as_millis())]
    Deadline(Duration),
    /// The guest tried to grow its memory past the limit, in bytes.
    #[error("exceeded its memory limit of {0} bytes")]
    Memory(usize),
    #[error("returned an illegal reply: {0}")]
    IllegalReply(String),
    /// All instances, up to the limit, were busy for as long as a call may wait.
    #[error("all {0} instances are busy")]
    Exhausted(usize),
    /// The call did not get its turns: it waited for longer than this, besides the CPU time that it may use.
    #[error("had to wait for its turns for more than {} ms: too many calls of policies take long", .0.as_millis())]
    Overloaded(Duration),
}

impl Fault {
    /// A short stable name for metrics and audit records.
    pub fn kind(&self) -> &'static str {
        match self {
            Fault::Trap(_) => "trap",
            Fault::Deadline(_) => "deadline",
            Fault::Memory(_) => "memory",
            Fault::IllegalReply(_) => "illegal-reply",
            Fault::Exhausted(_) => "exhausted",
            Fault::Overloaded(_) => "overloaded",
        }
    }
}
