//! A statement that is over.

use std::sync::Arc;

use gatewright_contract::RequestId;

use crate::recording::{Completed, Judged, Opened};

/// One that was refused, or one execution.
#[derive(Debug, Clone)]
pub struct Statement {
    pub session: Arc<Opened>,
    /// As the record has it. `None`: it is missing in the record.
    pub judged: Option<Arc<Judged>>,
    /// `None`: it was refused.
    pub execution: Option<Execution>,
}

/// How a statement ran.
#[derive(Debug, Clone)]
pub struct Execution {
    /// When it was about to be sent, in microseconds since 1970.
    pub began: u64,
    /// The approvals that it used up.
    pub approvals: Vec<RequestId>,
    pub completed: Completed,
}
