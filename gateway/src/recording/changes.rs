//! What has changed in the record, for whoever reads it while it is written.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use gatewright_contract::SessionId;

/// Sessions that have something new. Nothing is collected until somebody asks for it.
#[derive(Default)]
pub(super) struct Changes(OnceLock<RecordChanges>);

/// The sessions of which something was written, or that were deleted, since they were last taken.
#[derive(Clone, Default)]
pub struct RecordChanges(Arc<Mutex<Changed>>);

/// Taken changes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changed {
    pub written: BTreeSet<SessionId>,
    pub deleted: BTreeSet<SessionId>,
}

impl Changes {
    pub fn collected(&self) -> RecordChanges {
        self.0.get_or_init(RecordChanges::default).clone()
    }

    pub fn written(&self, sessions: &BTreeSet<SessionId>) {
        if let Some(changes) = self.0.get() {
            changes.lock().written.extend(sessions);
        }
    }

    pub fn deleted(&self, session: SessionId) {
        if let Some(changes) = self.0.get() {
            changes.lock().deleted.insert(session);
        }
    }
}

impl RecordChanges {
    pub fn take(&self) -> Changed {
        std::mem::take(&mut *self.lock())
    }

    fn lock(&self) -> MutexGuard<'_, Changed> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
