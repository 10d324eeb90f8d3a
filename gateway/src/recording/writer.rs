//! The thread that writes: it takes what sessions have appended, writes it to their files, has it on disk as the settings say, and logs
//! finished segments.

use std::collections::{BTreeSet, HashMap};
use std::io;
use std::sync::Arc;
use std::sync::mpsc::SyncSender;
use std::time::{Duration, Instant};

use gatewright_contract::SessionId;
use gatewright_record::log::{Entry, LogWriter};

use super::recorder::Core;
use super::segments::{Place, Segments, Written};
use super::{Durability, Failure};

/// Where nobody waits for the disk, so much time passes between two rounds, so that what comes meanwhile is written in one block. A session
/// with much to write ends it.
const PAUSE: Duration = Duration::from_millis(10);

/// With more bytes than this, the files of the sessions are written to disk: it would take as long to write them to the journal.
const MOST_IN_JOURNAL: u64 = 256 << 10;

/// Finished segments are logged this often: a new checkpoint takes several writes to disk.
const LOG_INTERVAL: Duration = Duration::from_secs(1);

/// What failed is tried again this often.
const RETRY: Duration = Duration::from_secs(1);

/// Writes the record.
pub(super) struct RecordWriter {
    core: Arc<Core>,
    place: Place,
    log: LogWriter,
    interval: Duration,
    sessions: HashMap<SessionId, Segments>,
    /// Those that have something to write, to have on disk, or to finish.
    touched: BTreeSet<SessionId>,
    /// Finished segments that are not logged yet.
    finished: Vec<Entry>,
    /// Who waits for deletions among them to be logged.
    deleters: Vec<SyncSender<()>>,
    last_sync: Instant,
    last_log: Instant,
}

impl RecordWriter {
    pub fn new(core: Arc<Core>, place: Place, log: LogWriter, interval: Duration) -> Self {
        RecordWriter {
            core,
            place,
            log,
            interval,
            sessions: HashMap::new(),
            touched: BTreeSet::new(),
            finished: Vec::new(),
            deleters: Vec::new(),
            last_sync: Instant::now(),
            last_log: Instant::now(),
        }
    }

    pub fn core(&self) -> Arc<Core> {
        Arc::clone(&self.core)
    }

    /// Until the recorder stops and everything is written.
    pub fn run(mut self) {
        loop {
            let is_last = self.core.is_stopping();
            let mut outcome = self.round(is_last);
            if outcome.is_ok() {
                outcome = self.log(is_last);
            }
            self.note(&outcome);
            if is_last {
                return;
            }
            self.rest(outcome.is_err());
        }
    }

    /// Waits for something to do.
    fn rest(&self, has_failed: bool) {
        if has_failed {
            std::thread::park_timeout(RETRY);
            return;
        }
        if self.core.may_sleep() {
            match self.due() {
                Some(due) => std::thread::park_timeout(due),
                None => std::thread::park(),
            }
        }
        if self.core.durability != Durability::Statement && !self.core.is_stopping() {
            self.pause();
        }
    }

    fn pause(&self) {
        let since = Instant::now();
        while !self.core.is_urgent() {
            let left = left(PAUSE, since);
            if left.is_zero() {
                return;
            }
            std::thread::park_timeout(left);
        }
    }

    /// In how much time there is something to do although no session has anything to write.
    fn due(&self) -> Option<Duration> {
        let log = (!self.finished.is_empty()).then(|| left(LOG_INTERVAL, self.last_log));
        let is_interval = self.core.durability == Durability::Interval;
        let sync =
            (is_interval && !self.sessions.is_empty()).then(|| left(self.interval, self.last_sync));
        log.into_iter().chain(sync).min()
    }

    pub fn round(&mut self, is_last: bool) -> io::Result<()> {
        for open in self.core.take_queue() {
            let id = open.id;
            let session = self.sessions.entry(id);
            session.or_insert_with(|| Segments::of(open)).take();
            self.touched.insert(id);
        }
        for mut deletions in self.core.take_deletions() {
            self.finished.append(&mut deletions.entries);
            self.deleters.push(deletions.logged);
        }
        let mut written = Written::default();
        let outcome = self.write_and_sync(is_last, &mut written);
        self.core.changes.written(&self.touched);
        self.core.metrics.written(written.events, written.bytes);
        self.finished.append(&mut written.finished);
        if outcome.is_ok() {
            // What failed is tried again.
            self.touched.clear();
        }
        self.sessions.retain(|_, session| !session.is_over());
        outcome
    }

    fn write_and_sync(&mut self, is_last: bool, written: &mut Written) -> io::Result<()> {
        self.each_touched(|session, place| session.write(place, written))?;
        let is_due = is_last || self.last_sync.elapsed() >= self.interval;
        match self.core.durability {
            Durability::Statement => self.save()?,
            Durability::Interval if is_due => {
                self.sync_names()?;
                self.last_sync = Instant::now();
                self.sessions.values_mut().try_for_each(Segments::sync)?;
            }
            Durability::Interval | Durability::None => {}
        }
        self.each_touched(|session, place| session.finish(place, written))
    }

    /// Has on disk what was written: in the file of its session, or that of several in the journal.
    fn save(&mut self) -> io::Result<()> {
        let touched = self.touched.iter().filter_map(|id| self.sessions.get(id));
        let unsaved = || touched.clone().map(Segments::unsaved);
        let several = unsaved().filter(|bytes| *bytes > 0).nth(1).is_some();
        if !several || unsaved().sum::<u64>() > MOST_IN_JOURNAL || self.place.journal.is_none() {
            self.sync_names()?;
            // What is older is on disk.
            return self.each_touched(|session, _| session.sync());
        }
        let mut pieces = Vec::new();
        self.each_touched(|session, _| {
            pieces.extend(session.piece()?);
            Ok(())
        })?;
        if let Some(journal) = &mut self.place.journal
            && journal.fits(&pieces)
        {
            journal.append(&pieces)?;
            return self.each_touched(|session, _| {
                session.set_saved();
                Ok(())
            });
        }
        self.sync_names()?;
        let mut dirty = self.sessions.values_mut();
        dirty.try_for_each(Segments::sync)?;
        if let Some(journal) = &mut self.place.journal {
            journal.begin_again();
        }
        Ok(())
    }

    /// One that fails does not keep the others from it.
    fn each_touched(
        &mut self,
        mut each: impl FnMut(&mut Segments, &mut Place) -> io::Result<()>,
    ) -> io::Result<()> {
        let mut outcome = Ok(());
        for id in &self.touched {
            if let Some(session) = self.sessions.get_mut(id) {
                outcome = outcome.and(each(session, &mut self.place));
            }
        }
        outcome
    }

    fn sync_names(&mut self) -> io::Result<()> {
        if self.place.has_new_names {
            self.place.directory.sync()?;
            self.place.has_new_names = false;
        }
        Ok(())
    }

    fn log(&mut self, is_last: bool) -> io::Result<()> {
        let is_due = is_last || self.last_log.elapsed() >= LOG_INTERVAL;
        if self.finished.is_empty() || !is_due {
            return Ok(());
        }
        self.last_log = Instant::now();
        match self.log.append(&self.finished) {
            Ok(()) => {
                self.finished.clear();
                for deleter in self.deleters.drain(..) {
                    // It may have given up: the next pass goes on.
                    let _ = deleter.try_send(());
                }
                Ok(())
            }
            Err(error) => Err(io::Error::other(error)),
        }
    }

    /// Tells the sessions whether they can be recorded.
    fn note(&mut self, outcome: &io::Result<()>) {
        let failure = match outcome {
            Err(error) => Some(Failure::of(error)),
            Ok(()) => self.core.is_backlogged().then_some(Failure::Backlog),
        };
        let known = self.core.failure();
        match (outcome, failure, known) {
            (Err(error), _, None | Some(Failure::Backlog)) => {
                tracing::error!(%error, "the record cannot be written; nothing runs until it can");
                self.core.metrics.failed();
            }
            (Ok(()), Some(_), None) => {
                tracing::error!(
                    "too much of the record waits to be uploaded; nothing runs until it is"
                );
                self.core.metrics.failed();
            }
            (Ok(()), None, Some(_)) => tracing::info!("the record can be written again"),
            (Err(_), _, Some(_)) | (Ok(()), Some(_), Some(_)) | (Ok(()), None, None) => {}
        }
        self.core.set_failure(failure);
        // Who waits looks again, also now that it can be written.
        if failure != known {
            self.sessions
                .values()
                .for_each(|session| session.open.wake());
        }
    }
}

fn left(of: Duration, since: Instant) -> Duration {
    of.saturating_sub(since.elapsed())
}
