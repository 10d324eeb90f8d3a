//! Whoever looks at what was recorded is recorded: each viewer has a session of their own in the record, with an event for each thing that they
//! were shown. What cannot be recorded is not shown.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::time::{Duration, Instant};

use gatewright_contract::SessionId;
use gatewright_record::event::Viewed;
use tokio::sync::Mutex;

use crate::identity::Identity;
use crate::recording::{
    DatabaseRecord, Failure, Keep, Literals, OpenRecord, Opened, Recorder, now,
};

/// A viewer who has looked at nothing for so long has left.
const IDLE: Duration = Duration::from_secs(15 * 60);

/// The same again within this time is the same viewing: pages that are open renew themselves.
const AGAIN: Duration = Duration::from_secs(10 * 60);

/// Who looks, and from where.
#[derive(Debug, Clone)]
pub struct Viewer {
    pub identity: Identity,
    pub address: String,
    /// `console` or `api`.
    pub through: &'static str,
}

/// The sessions of viewers.
pub(super) struct Viewings {
    recorder: Recorder,
    open: Mutex<HashMap<Key, Visit>>,
}

type Key = (String, String, String, &'static str);

struct Visit {
    record: OpenRecord,
    last: Instant,
    /// What was shown last, and when that was recorded.
    shown: Option<(Viewed, Instant)>,
}

impl Viewings {
    pub fn new(recorder: Recorder) -> Self {
        Viewings {
            recorder,
            open: Mutex::default(),
        }
    }

    /// Records what is about to be shown.
    ///
    /// # Errors
    /// It cannot be recorded, so it must not be shown.
    pub async fn note(&self, viewer: &Viewer, mut viewed: Viewed) -> Result<(), Failure> {
        if self.recorder.is_sealed() {
            viewed.search = None;
        }
        let now_instant = Instant::now();
        // A session's record has one that waits for it at a time.
        let mut open = self.open.lock().await;
        let left = |visit: &Visit| now_instant.duration_since(visit.last) > IDLE;
        let gone = open.extract_if(|_, visit| left(visit));
        gone.for_each(|(_, visit)| visit.record.end("viewer_left"));
        let visit = match open.entry(key(viewer)) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(place) => place.insert(self.begin(viewer)?),
        };
        visit.last = now_instant;
        let is_again = visit
            .shown
            .as_ref()
            .is_some_and(|(shown, at)| *shown == viewed && now_instant.duration_since(*at) < AGAIN);
        if is_again {
            return self.recorder.failure().map_or(Ok(()), Err);
        }
        let record = visit.record.session();
        record.viewed(Viewed {
            at: now(),
            ..viewed.clone()
        })?;
        record.settled().await?;
        visit.shown = Some((viewed, now_instant));
        Ok(())
    }

    /// Ends them all.
    pub async fn finish(&self) {
        for (_, visit) in self.open.lock().await.drain() {
            visit.record.end("the gateway has stopped");
        }
    }

    fn begin(&self, viewer: &Viewer) -> Result<Visit, Failure> {
        let identity = &viewer.identity;
        let opened = Opened {
            session: SessionId::generate(),
            at: now(),
            gateway: env!("CARGO_PKG_VERSION").to_owned(),
            issuer: identity.issuer.clone(),
            subject: identity.subject.clone(),
            groups: identity.groups.clone(),
            agent: identity.agent.clone(),
            task: identity.task.clone(),
            client_address: viewer.address.clone(),
            application: format!("gatewright {}", viewer.through),
            ..Opened::default()
        };
        let record = DatabaseRecord {
            keep: Some(Keep::Statements),
            literals: Some(Literals::Keep),
            retention: None,
        };
        Ok(Visit {
            record: self.recorder.open(opened, record)?,
            last: Instant::now(),
            shown: None,
        })
    }
}

fn key(viewer: &Viewer) -> Key {
    (
        viewer.identity.issuer.clone(),
        viewer.identity.subject.clone(),
        viewer.address.clone(),
        viewer.through,
    )
}
