//! Why a policy gave no usable answer.

use std::time::Duration;

use thiserror::Error;

/// Why a policy gave no usable answer. Whoever asked must refuse. The text is for the log, never for a client.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Fault {
    /// The guest trapped; the text is the trap and a short guest backtrace.
    #[error("trapped: {0}")]
    Trap(String),
    #[error("did not answer within {} ms", .0.as_millis())]
    Deadline(Duration),
    /// The guest asked for more memory than it may have.
    #[error("needed more than its {0} bytes of memory")]
    Memory(usize),
    #[error("gave an illegal reply: {0}")]
    IllegalReply(String),
    /// No instance was free and no further one may be made.
    #[error("all {0} instances are busy")]
    Exhausted(usize),
}

impl Fault {
    /// A short stable name, for metrics and records.
    pub fn kind(&self) -> &'static str {
        match self {
            Fault::Trap(_) => "trap",
            Fault::Deadline(_) => "deadline",
            Fault::Memory(_) => "memory",
            Fault::IllegalReply(_) => "illegal-reply",
            Fault::Exhausted(_) => "exhausted",
        }
    }
}
