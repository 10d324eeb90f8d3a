//! The thread that deletes what has been kept long enough. The log has it first that a session is deleted; then its files go.

use std::collections::BTreeMap;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use gatewright_contract::SessionId;
use gatewright_record::deletion::{self, Logged};
use gatewright_record::directory::{Directory, Segments};
use gatewright_record::event::Opened;
use gatewright_record::holds::Holds;
use gatewright_record::log::{Entry, Log, LogError, PublicKey};
use thiserror::Error;
use tokio::runtime::Builder;

use super::away::object_name;
use super::recorder::Core;
use super::{Retention, now};
use crate::objects::{ObjectError, Objects};

/// So often it is looked for sessions that may go.
const INTERVAL: Duration = Duration::from_secs(3600);

/// So many sessions are logged as deleted at once.
const BATCH: usize = 256;

/// The first block of a segment is no longer than this.
const BEGINNING: u64 = 8 << 20;

/// Nothing more is deleted in this pass.
#[derive(Debug, Error)]
enum Stopped {
    #[error("{0}")]
    Io(#[from] io::Error),
    #[error("the log cannot be read: {0}")]
    Log(#[from] LogError),
    #[error("the store cannot be read: {0}")]
    Store(#[from] ObjectError),
    #[error("the deletions could not be logged")]
    NotLogged,
}

/// Deletes sessions.
pub(super) struct Deleter {
    pub core: Arc<Core>,
    pub directory: Directory,
    pub key: PublicKey,
    pub retention: Retention,
    /// Where sessions are of which there is no local copy.
    pub store: Option<Objects>,
}

impl Deleter {
    /// Until the recorder stops.
    pub fn run(self) {
        while !self.core.is_stopping() {
            match self.pass() {
                Ok(0) => {}
                Ok(sessions) => tracing::info!(sessions, "deleted sessions from the record"),
                Err(error) => {
                    tracing::error!(%error, "sessions could not be deleted from the record");
                }
            }
            std::thread::park_timeout(INTERVAL);
        }
    }

    fn pass(&self) -> Result<usize, Stopped> {
        let Some(shortest) = self.retention.shortest() else {
            return Ok(0);
        };
        let log = Log::open(self.directory.log(), &self.key)?;
        let logged = Logged::of(&log.entries()?);
        let mut stored = self.directory.list()?;
        // A pass that did not come to its end.
        for session in logged.deleted() {
            if let Some(segments) = stored.remove(&session) {
                deletion::remove(&self.directory, &segments)?;
                self.core.changes.deleted(session);
            }
        }
        let candidates: Vec<Entry> = logged.ended_before(before(shortest)).copied().collect();
        let mut deleted = 0;
        for batch in candidates.chunks(BATCH) {
            let due = self.due(batch, &logged, &stored)?;
            let tombstones: Vec<Entry> = due.iter().map(|(entry, _)| *entry).collect();
            if tombstones.is_empty() {
                continue;
            }
            if !self.core.log_deletions(tombstones) {
                return Err(Stopped::NotLogged);
            }
            for (entry, segments) in &due {
                if let Some(segments) = segments {
                    deletion::remove(&self.directory, segments)?;
                }
                self.core.changes.deleted(entry.session);
            }
            self.core.metrics.deleted(due.len() as u64);
            deleted += due.len();
        }
        Ok(deleted)
    }

    /// Those that are older than what is set for their database, and that no hold keeps.
    fn due<'a>(
        &self,
        batch: &[Entry],
        logged: &Logged,
        stored: &'a BTreeMap<SessionId, Segments>,
    ) -> Result<Vec<(Entry, Option<&'a Segments>)>, Stopped> {
        let holds = Holds::of(&self.directory).list()?;
        let mut due = Vec::new();
        for last in batch {
            let segments = stored.get(&last.session);
            let opened = match (segments, &self.store) {
                (Some(segments), _) => deletion::opened(segments)?,
                (None, Some(store)) => uploaded(store, last.session)?,
                (None, None) => continue,
            };
            let Some(opened) = opened else {
                tracing::warn!(session = %last.session, "a session whose beginning cannot be read is not deleted");
                continue;
            };
            let retention = self.retention.of(&opened);
            let is_due = |retention: &Duration| last.at < before(*retention);
            if let Some(retention) = retention.filter(is_due)
                && !deletion::is_held(&opened, &holds)
            {
                due.push((logged.tombstone(last, retention, now()), segments));
            }
        }
        Ok(due)
    }
}

/// Who was connected in a session of which there is no local copy. `None`: that cannot be read.
fn uploaded(store: &Objects, session: SessionId) -> Result<Option<Opened>, Stopped> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let name = object_name(session, 0);
    let beginning = runtime.block_on(store.beginning(&name, BEGINNING))?;
    Ok(deletion::opened_in(beginning.as_ref())?)
}

impl Retention {
    pub(super) fn keeps_everything(&self) -> bool {
        self.shortest().is_none()
    }

    /// `None`: everything is kept.
    fn shortest(&self) -> Option<Duration> {
        self.databases.values().copied().chain(self.all).min()
    }

    fn of(&self, opened: &Opened) -> Option<Duration> {
        let own = self.databases.get(&opened.database);
        own.or_else(|| self.databases.get(ANY))
            .copied()
            .or(self.all)
    }
}

/// The entry of databases that have none of their own.
const ANY: &str = "*";

fn before(retention: Duration) -> u64 {
    now().saturating_sub(u64::try_from(retention.as_micros()).unwrap_or(u64::MAX))
}
