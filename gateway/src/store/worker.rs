//! Threads that run transactions: both databases are used with blocking calls, which must not hold up a session's thread.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::Builder;

use tokio::sync::{oneshot, watch};

use super::{StoreError, Transaction};

/// Transactions that wait for a thread.
const WAITING: usize = 4096;

/// How often a transaction is run when others interfere.
const ROUNDS: usize = 4;

/// What a transaction may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Read,
    Write,
}

/// What runs transactions, on one thread.
pub(super) trait Backend: Send + 'static {
    /// Runs `work` in a transaction, and commits it if `work` says so.
    ///
    /// # Errors
    /// The transaction could not be begun or committed, or a statement in it failed.
    fn run(
        &mut self,
        access: Access,
        work: &mut dyn FnMut(&mut dyn Transaction) -> End,
    ) -> Result<Announced, StoreError>;
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum End {
    Commit,
    RollBack,
}

/// Whether the transaction was committed and announced itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Announced(pub bool);

type Job = Box<dyn FnOnce(&mut dyn Backend) + Send>;

/// The threads. They end once this is dropped.
pub(super) struct Workers {
    jobs: SyncSender<Job>,
}

impl Workers {
    pub fn start<B: Backend>(backends: Vec<B>) -> Result<Self, StoreError> {
        let (jobs, taken) = sync_channel(WAITING);
        let taken = Arc::new(Mutex::new(taken));
        for mut backend in backends {
            let taken = Arc::clone(&taken);
            Builder::new()
                .name("store".to_owned())
                .spawn(move || {
                    while let Some(job) = next(&taken) {
                        // Whoever waits for it is told by the end of its channel; the thread goes on.
                        if catch_unwind(AssertUnwindSafe(|| job(&mut backend))).is_err() {
                            tracing::error!("a job of the store panicked");
                        }
                    }
                })
                .map_err(|error| StoreError::Thread(Arc::new(error)))?;
        }
        Ok(Workers { jobs })
    }

    /// Runs a transaction on one of the threads.
    pub async fn run<T, E, W, O>(
        &self,
        access: Access,
        mut work: W,
        orphaned: O,
        own: watch::Sender<u64>,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
        W: FnMut(&mut dyn Transaction) -> Result<T, E> + Send + 'static,
        O: FnOnce(Result<T, E>) + Send + 'static,
    {
        let (done, outcome) = oneshot::channel();
        let job: Job = Box::new(move |backend| {
            let (result, announced) = attempt(backend, access, &mut work);
            if announced.0 {
                own.send_modify(|commits| *commits += 1);
            }
            if let Err(result) = done.send(result) {
                orphaned(result);
            }
        });
        let refused = match self.jobs.try_send(job) {
            Ok(()) => "it was not answered",
            Err(TrySendError::Full(_)) => "too many transactions are waiting",
            Err(TrySendError::Disconnected(_)) => "its threads have ended",
        };
        match outcome.await {
            Ok(result) => result,
            Err(_) => Err(StoreError::Unavailable(refused.to_owned()).into()),
        }
    }
}

fn next(jobs: &Mutex<Receiver<Job>>) -> Option<Job> {
    let jobs = jobs.lock().unwrap_or_else(PoisonError::into_inner);
    jobs.recv().ok()
}

fn attempt<T, E: From<StoreError>>(
    backend: &mut dyn Backend,
    access: Access,
    work: &mut impl FnMut(&mut dyn Transaction) -> Result<T, E>,
) -> (Result<T, E>, Announced) {
    let mut round = 0;
    loop {
        round += 1;
        let mut result = None;
        let ran = backend.run(access, &mut |transaction| {
            let worked = catch_unwind(AssertUnwindSafe(|| work(transaction)));
            // `work` is not run again, so nobody sees what a panic left of it.
            let worked = worked.unwrap_or_else(|_| Err(StoreError::Panicked.into()));
            match result.insert(worked) {
                Ok(_) => End::Commit,
                Err(_) => End::RollBack,
            }
        });
        match (ran, result) {
            (Ok(announced), Some(result)) => return (result, announced),
            (Err(error), _) if error.is_conflict() && round < ROUNDS => {}
            (Err(error), _) => return (Err(error.into()), Announced(false)),
            (Ok(_), None) => {
                let error = StoreError::Unavailable("the transaction did not run".to_owned());
                return (Err(error.into()), Announced(false));
            }
        }
    }
}
