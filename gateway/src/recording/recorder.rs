//! What all sessions share: the list of those that have something to write, and whether it can be written.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread::{JoinHandle, Thread};

use tokio::sync::watch;

use super::open::Open;
use super::start::{self, StartError};
use super::{
    DatabaseRecord, Durability, Failure, Keep, Literals, OpenRecord, Opened, RecordMetrics,
    RecordSettings,
};

/// Records sessions. Clones record in the same directory.
#[derive(Clone)]
pub struct Recorder {
    core: Arc<Core>,
    keep: Keep,
    literals: Literals,
    session_limit: Option<u64>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

/// Between the sessions and the thread that writes.
pub(super) struct Core {
    pub durability: Durability,
    /// Sessions with something to write.
    queue: Mutex<Vec<Arc<Open>>>,
    writer: OnceLock<Thread>,
    /// The thread waits to be woken.
    asleep: AtomicBool,
    stopping: AtomicBool,
    failure: watch::Sender<Option<Failure>>,
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
        let core = Arc::new(Core::new(settings.durability, metrics));
        let writer = start::prepare(settings, Arc::clone(&core))?;
        let thread = std::thread::Builder::new()
            .name("record".to_owned())
            .spawn(move || {
                let _unwinding = Unwinding(writer.core());
                writer.run();
            })
            .map_err(StartError::Thread)?;
        core.wakes(thread.thread().clone());
        Ok(Recorder {
            core,
            keep,
            literals,
            session_limit,
            thread: Arc::new(Mutex::new(Some(thread))),
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

    /// Why nothing can be recorded, from the time on that it cannot.
    pub fn failed(&self) -> impl Future<Output = Failure> + use<> {
        let mut failure = self.core.failure.subscribe();
        async move {
            match failure.wait_for(Option::is_some).await.map(|now| *now) {
                Ok(Some(failure)) => failure,
                // The recorder is gone.
                Ok(None) | Err(_) => Failure::Io,
            }
        }
    }

    /// Writes what is left, once the sessions have ended.
    pub fn finish(&self) {
        self.core.stop();
        let mut thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(thread) = thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the thread that writes the record has panicked");
        }
    }
}

/// What nobody writes any more is not recorded: a thread that panics must not leave sessions waiting for it.
pub(super) struct Unwinding(pub Arc<Core>);

impl Drop for Unwinding {
    fn drop(&mut self) {
        if std::thread::panicking() {
            self.0.set_failure(Some(Failure::Io));
        }
    }
}

impl Core {
    pub fn new(durability: Durability, metrics: Arc<dyn RecordMetrics>) -> Self {
        Core {
            durability,
            queue: Mutex::default(),
            writer: OnceLock::new(),
            asleep: AtomicBool::new(false),
            stopping: AtomicBool::new(false),
            failure: watch::Sender::new(None),
            metrics,
        }
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

    /// Those that have come since it was asked last.
    pub fn take_queue(&self) -> Vec<Arc<Open>> {
        std::mem::take(&mut *self.lock())
    }

    /// The thread will wait. False: it must not, for there is something to do.
    pub fn may_sleep(&self) -> bool {
        self.asleep.store(true, Ordering::Release);
        let may = self.lock().is_empty() && !self.is_stopping();
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

    /// Whether writing succeeds now.
    pub fn set_failure(&self, failure: Option<Failure>) {
        self.failure.send_if_modified(|known| {
            let is_news = *known != failure;
            *known = failure;
            is_news
        });
    }

    fn stop(&self) {
        self.stopping.store(true, Ordering::Release);
        self.wake();
    }

    fn wake(&self) {
        if let Some(thread) = self.writer.get() {
            thread.unpark();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Arc<Open>>> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
