//! What all sessions share: the list of those that have something to write, and whether it can be written.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{JoinHandle, Thread};
use std::time::Duration;

use gatewright_record::log::Entry;

use tokio::sync::watch;

use super::away::Away;
use super::changes::{Changes, RecordChanges};
use super::open::Open;
use super::start::{self, Prepared, StartError};
use super::{
    DatabaseRecord, Durability, Failure, Keep, Literals, OpenRecord, Opened, RecordMetrics,
    RecordSettings, WhenUnwritable,
};

/// So often whoever waits for deletions to be logged looks whether the recorder stops.
const PATROL: Duration = Duration::from_secs(1);

/// Records sessions. Clones record in the same directory.
#[derive(Clone)]
pub struct Recorder {
    core: Arc<Core>,
    keep: Keep,
    literals: Literals,
    session_limit: Option<u64>,
    is_sealed: bool,
    threads: Arc<Mutex<Threads>>,
}

/// The threads of the record.
struct Threads {
    /// They stop when they are told to, the one that writes as the first.
    threads: Vec<JoinHandle<()>>,
    /// It stops when the record is complete.
    away: Option<Away>,
}

/// Entries that say that sessions are deleted.
pub(super) struct Deletions {
    pub entries: Vec<Entry>,
    pub logged: mpsc::SyncSender<()>,
}

/// Between the sessions and the thread that writes.
pub(super) struct Core {
    pub durability: Durability,
    /// Sessions with something to write.
    queue: Mutex<Vec<Arc<Open>>>,
    writer: OnceLock<Thread>,
    /// The thread waits to be woken.
    asleep: AtomicBool,
    /// A session has so much to write that it must not wait for others.
    urgent: AtomicBool,
    stopping: AtomicBool,
    /// Deletions that are to be logged, and who waits for that.
    deletions: Mutex<Vec<Deletions>>,
    failure: watch::Sender<Option<Failure>>,
    /// Statements wait while nothing can be recorded.
    holds: bool,
    /// Nobody writes any more.
    abandoned: AtomicBool,
    /// Where the values of results come from is recorded.
    pub has_origins: AtomicBool,
    pub changes: Changes,
    /// So many bytes are logged and not uploaded.
    backlog: AtomicU64,
    /// With more than this, nothing is recorded.
    backlog_limit: Option<u64>,
    pub metrics: Arc<dyn RecordMetrics>,
}

impl Recorder {
    /// Ends what a crash has left open, and starts the thread that writes.
    ///
    /// # Errors
    /// The directory cannot be used.
    pub fn start(
        settings: RecordSettings,
        metrics: Arc<dyn RecordMetrics>,
    ) -> Result<Self, StartError> {
        let (keep, literals) = (settings.keep, settings.literals);
        let session_limit = settings.session_limit;
        let is_sealed = settings.recipients.is_some();
        let backlog_limit = settings.upload_backlog;
        let holds = settings.when_unwritable == WhenUnwritable::Hold;
        let core = Core::new(settings.durability, backlog_limit, metrics);
        let core = Arc::new(core.holding(holds));
        core.has_origins.store(settings.origins, Ordering::Release);
        let Prepared {
            writer,
            deleter,
            checkpoints,
            uploads,
        } = start::prepare(settings, Arc::clone(&core))?;
        let thread = std::thread::Builder::new()
            .name("record".to_owned())
            .spawn(move || {
                let _unwinding = Unwinding(writer.core());
                writer.run();
            })
            .map_err(StartError::Thread)?;
        core.wakes(thread.thread().clone());
        let mut threads = vec![thread];
        if let Some(deleter) = deleter {
            let thread = std::thread::Builder::new().name("retention".to_owned());
            let thread = thread.spawn(move || deleter.run());
            threads.push(thread.map_err(StartError::Thread)?);
        }
        let away = Away::start(checkpoints, uploads).map_err(StartError::Thread)?;
        Ok(Recorder {
            core,
            keep,
            literals,
            session_limit,
            is_sealed,
            threads: Arc::new(Mutex::new(Threads { threads, away })),
        })
    }

    /// Begins the record of a session.
    ///
    /// # Errors
    /// Nothing can be recorded now.
    pub fn open(
        &self,
        mut opened: Opened,
        database: DatabaseRecord,
    ) -> Result<OpenRecord, Failure> {
        opened.keep = database.keep.unwrap_or(self.keep);
        opened.literals = Some(database.literals.unwrap_or(self.literals));
        OpenRecord::begin(&self.core, opened, self.session_limit)
    }

    /// Whether what statements say is encrypted.
    pub fn is_sealed(&self) -> bool {
        self.is_sealed
    }

    /// What is written and deleted from now on, for one reader.
    pub fn changes(&self) -> RecordChanges {
        self.core.changes.collected()
    }

    /// Why nothing can be recorded now.
    pub fn failure(&self) -> Option<Failure> {
        self.core.failure()
    }

    /// Why nothing can be recorded, from the time on that it cannot.
    pub fn failed(&self) -> impl Future<Output = Failure> + use<> {
        let mut failure = self.core.failure.subscribe();
        let core = Arc::clone(&self.core);
        async move {
            loop {
                if let Some(refusal) = core.refusal() {
                    return refusal;
                }
                if failure.changed().await.is_err() {
                    // The recorder is gone.
                    return Failure::Io;
                }
            }
        }
    }

    /// Writes what is left, once the sessions have ended.
    pub fn finish(&self) {
        self.core.stop();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.threads.drain(..) {
            thread.thread().unpark();
            if thread.join().is_err() {
                tracing::error!("a thread of the record has panicked");
            }
        }
        if let Some(away) = threads.away.take() {
            away.finish();
        }
    }
}

/// What nobody writes any more is not recorded: a thread that panics must not leave sessions waiting for it.
pub(super) struct Unwinding(pub Arc<Core>);

impl Drop for Unwinding {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.abandoned.store(true, Ordering::Release);
            self.0.set_failure(Some(Failure::Io));
        }
    }
}

impl Core {
    pub fn new(
        durability: Durability,
        backlog_limit: Option<u64>,
        metrics: Arc<dyn RecordMetrics>,
    ) -> Self {
        Core {
            durability,
            queue: Mutex::default(),
            writer: OnceLock::new(),
            asleep: AtomicBool::new(false),
            urgent: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            deletions: Mutex::default(),
            failure: watch::Sender::new(None),
            holds: false,
            abandoned: AtomicBool::new(false),
            has_origins: AtomicBool::new(false),
            changes: Changes::default(),
            backlog: AtomicU64::new(0),
            backlog_limit,
            metrics,
        }
    }

    /// Whether statements wait while nothing can be recorded.
    pub fn holding(self, holds: bool) -> Self {
        Core { holds, ..self }
    }

    fn wakes(&self, thread: Thread) {
        // It is set once.
        let _ = self.writer.set(thread);
        self.wake();
    }

    /// A session has something to write.
    pub fn enqueue(&self, session: Arc<Open>) {
        self.lock().push(session);
        if self.asleep.swap(false, Ordering::AcqRel) {
            self.wake();
        }
    }

    /// A session has much to write.
    pub fn hurry(&self) {
        if !self.urgent.swap(true, Ordering::AcqRel) {
            self.wake();
        }
    }

    /// Whether some session has had much to write since all were taken.
    pub fn is_urgent(&self) -> bool {
        self.urgent.load(Ordering::Acquire)
    }

    /// Has it logged that sessions are deleted, and waits for that. False: it is not known whether it was.
    pub fn log_deletions(&self, entries: Vec<Entry>) -> bool {
        let (logged, waiting) = mpsc::sync_channel(1);
        self.deletions().push(Deletions { entries, logged });
        if self.asleep.swap(false, Ordering::AcqRel) {
            self.wake();
        }
        loop {
            match waiting.recv_timeout(PATROL) {
                Ok(()) => return true,
                Err(RecvTimeoutError::Timeout) if !self.is_stopping() => {}
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return false,
            }
        }
    }

    pub fn take_deletions(&self) -> Vec<Deletions> {
        std::mem::take(&mut *self.deletions())
    }

    /// Those that have come since it was asked last.
    pub fn take_queue(&self) -> Vec<Arc<Open>> {
        self.urgent.store(false, Ordering::Release);
        std::mem::take(&mut *self.lock())
    }

    /// The thread will wait. False: it must not, for there is something to do.
    pub fn may_sleep(&self) -> bool {
        self.asleep.store(true, Ordering::Release);
        let is_idle = self.lock().is_empty() && self.deletions().is_empty();
        let may = is_idle && !self.is_stopping();
        if !may {
            self.asleep.store(false, Ordering::Release);
        }
        may
    }

    pub fn is_stopping(&self) -> bool {
        self.stopping.load(Ordering::Acquire)
    }

    pub fn failure(&self) -> Option<Failure> {
        *self.failure.borrow()
    }

    /// The same, unless statements are to wait.
    pub fn refusal(&self) -> Option<Failure> {
        let waits = self.holds && !self.abandoned.load(Ordering::Acquire);
        self.failure().filter(|_| !waits)
    }

    /// Whether statements wait until they can be recorded.
    pub fn holds_back(&self) -> bool {
        self.failure().is_some() && self.refusal().is_none()
    }

    /// Whether writing succeeds now.
    pub fn set_failure(&self, failure: Option<Failure>) {
        self.failure.send_if_modified(|known| {
            let is_news = *known != failure;
            *known = failure;
            is_news
        });
    }

    /// So many bytes are logged and not uploaded.
    pub fn set_backlog(&self, bytes: u64) {
        self.metrics.backlog(bytes);
        let before = self.is_backlogged();
        self.backlog.store(bytes, Ordering::Release);
        if before != self.is_backlogged() {
            self.wake();
        }
    }

    /// Whether more waits to be uploaded than may.
    pub fn is_backlogged(&self) -> bool {
        let backlog = self.backlog.load(Ordering::Acquire);
        self.backlog_limit.is_some_and(|limit| backlog > limit)
    }

    pub fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        if let Some(thread) = self.writer.get() {
            thread.unpark();
        }
    }

    fn deletions(&self) -> MutexGuard<'_, Vec<Deletions>> {
        self.deletions
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Open>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
