//! The statements that this gateway holds.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use gatewright_contract::RequestId;
use tokio::sync::watch;
use tokio::time::Instant;

/// What is known here of a request that this gateway holds.
pub(super) struct HeldRequest {
    phase: Phase,
    /// Until when the statement is held.
    deadline: Instant,
    /// Raised whenever something may have changed.
    changed: watch::Sender<u64>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Waiting,
    /// The approval was handed out: the statement may be running.
    Claimed,
    /// Its end is on its way to the store. The approval is not handed out any more.
    Ending,
}

/// All of them. A request is in here from before it is stored until its end is.
#[derive(Default)]
pub(super) struct Held(Mutex<HashMap<RequestId, HeldRequest>>);

impl Held {
    fn lock(&self) -> MutexGuard<'_, HashMap<RequestId, HeldRequest>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// Adds one that waits, unless there are as many as allowed.
    pub fn begin(&self, id: RequestId, deadline: Instant, most: usize) -> bool {
        let mut held = self.lock();
        if held.len() >= most {
            return false;
        }
        held.insert(
            id,
            HeldRequest {
                phase: Phase::Waiting,
                deadline,
                changed: watch::Sender::new(0),
            },
        );
        true
    }

    /// Adds one whose approval was used up as it came.
    pub fn begin_claimed(&self, id: RequestId) {
        let request = HeldRequest {
            phase: Phase::Claimed,
            deadline: Instant::now(),
            changed: watch::Sender::new(0),
        };
        self.lock().insert(id, request);
    }

    pub fn wait_until(&self, id: RequestId, deadline: Instant) {
        if let Some(request) = self.lock().get_mut(&id) {
            request.deadline = deadline;
        }
    }

    /// What raises changes of one that waits, and until when it does.
    pub fn waiting(&self, id: RequestId) -> Option<(watch::Receiver<u64>, Instant)> {
        let held = self.lock();
        let request = held.get(&id)?;
        let waits = request.phase == Phase::Waiting;
        waits.then(|| (request.changed.subscribe(), request.deadline))
    }

    /// Hands the approval out, once, unless the request is on its way out.
    pub fn claim(&self, id: RequestId) -> bool {
        match self.lock().get_mut(&id) {
            Some(request) if request.phase == Phase::Waiting => {
                request.phase = Phase::Claimed;
                true
            }
            _ => false,
        }
    }

    /// The request is on its way out. Returns whether it was not before.
    pub fn end(&self, id: RequestId) -> bool {
        match self.lock().get_mut(&id) {
            Some(request) if request.phase != Phase::Ending => {
                request.phase = Phase::Ending;
                request.changed.send_modify(|changes| *changes += 1);
                true
            }
            _ => false,
        }
    }

    pub fn remove(&self, id: RequestId) {
        self.lock().remove(&id);
    }

    pub fn contains(&self, id: RequestId) -> bool {
        self.lock().contains_key(&id)
    }

    pub fn note_change(&self, id: RequestId) {
        if let Some(request) = self.lock().get(&id) {
            request.changed.send_modify(|changes| *changes += 1);
        }
    }

    /// All that are not on their way out.
    pub fn open(&self) -> Vec<RequestId> {
        let held = self.lock();
        let open = held
            .iter()
            .filter(|(_, request)| request.phase != Phase::Ending);
        open.map(|(id, _)| *id).collect()
    }
}
