//! Analyses of long texts, on threads with a stack for them. How many run at once is limited, and so is the memory that
//! they may need together; the others wait. A client that leaves takes its text out of the queue.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

/// How long to wait after the system refused threads.
const PAUSE: Duration = Duration::from_millis(100);

/// What an analysis may need per byte of its text. 40 was measured with long chains of OR; COPY of a query, which is also
/// scanned and parsed a second time, may need 175 by an estimate.
const COST: usize = 192;

/// What all analyses together may need, in bytes. One text that needs more is analysed alone.
const MEMORY: usize = 256 << 20;

const UNIT: usize = 1024;

/// The length of a text whose tree is worth giving back to the system: malloc keeps freed blocks of up to 32 MiB.
const LARGE: usize = 128 << 10;

type Job = Box<dyn FnOnce() + Send>;

/// The threads and the memory that long texts share.
pub(super) struct Analysts {
    /// How many threads are free.
    threads: Arc<Semaphore>,
    /// In units of 1 KiB.
    memory: Arc<Semaphore>,
    /// To the threads, which start with the first text and stay: the parser prepares each thread that uses it, and never
    /// undoes that.
    jobs: Mutex<Option<Sender<Job>>>,
}

impl Analysts {
    pub fn new() -> Self {
        Analysts {
            threads: Arc::new(Semaphore::new(thread_count())),
            memory: Arc::new(Semaphore::new(MEMORY / UNIT)),
            jobs: Mutex::new(None),
        }
    }

    /// Runs the analysis of a text of this length when its turn comes. `None` if it panicked.
    pub async fn run<T: Send + 'static>(
        &self,
        length: usize,
        analysis: impl FnOnce() -> T + Send + 'static,
    ) -> Option<T> {
        let memory = self.reserve(length).await?;
        let thread = Arc::clone(&self.threads).acquire_owned().await.ok()?;
        let jobs = self.jobs().await;
        let (result, finished) = oneshot::channel();
        let work: Job = Box::new(move || {
            // The client may be gone; the memory is free again only when the analysis is.
            let _ = result.send(analysis());
            if length >= LARGE {
                gatewright_sql::release_memory();
            }
            drop((memory, thread));
        });
        jobs.send(work).ok()?;
        finished.await.ok()
    }

    /// To the threads. Waits while the system refuses them.
    async fn jobs(&self) -> Sender<Job> {
        loop {
            match self.started() {
                Ok(jobs) => return jobs,
                Err(error) => {
                    tracing::error!(%error, "no threads for the analysis of large statements; they will be tried again");
                    tokio::time::sleep(PAUSE).await;
                }
            }
        }
    }

    fn started(&self) -> std::io::Result<Sender<Job>> {
        let mut jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        match &*jobs {
            Some(jobs) => Ok(jobs.clone()),
            None => Ok(jobs.insert(start_threads()?).clone()),
        }
    }

    async fn reserve(&self, length: usize) -> Option<OwnedSemaphorePermit> {
        let needed = length.saturating_mul(COST).min(MEMORY) / UNIT;
        let units = u32::try_from(needed.max(1)).ok()?;
        Arc::clone(&self.memory)
            .acquire_many_owned(units)
            .await
            .ok()
    }
}

fn start_threads() -> std::io::Result<Sender<Job>> {
    let (sender, receiver) = channel::<Job>();
    let receiver = Arc::new(Mutex::new(receiver));
    for _ in 0..thread_count() {
        let receiver = Arc::clone(&receiver);
        std::thread::Builder::new()
            .name("analysis".into())
            .stack_size(gatewright_sql::STACK_BYTES)
            .spawn(move || work(&receiver))?;
    }
    Ok(sender)
}

/// Runs jobs until there can be no more.
fn work(jobs: &Mutex<Receiver<Job>>) {
    loop {
        let next = jobs.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // A panic is a job without a result; the thread goes on.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

fn thread_count() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::{Context, Waker};

    use super::*;

    #[tokio::test]
    async fn no_more_run_at_once_than_memory_allows() {
        let analysts = Arc::new(Analysts::new());
        let (now, most) = <(Arc<AtomicUsize>, Arc<AtomicUsize>)>::default();
        // Each needs more than half of the memory.
        let length = MEMORY / COST * 3 / 5;
        let analyses = (0..5).map(|_| {
            let (now, most) = (Arc::clone(&now), Arc::clone(&most));
            analysts.run(length, move || {
                most.fetch_max(now.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                std::thread::sleep(Duration::from_millis(5));
                now.fetch_sub(1, Ordering::SeqCst);
            })
        });
        let done = futures_util::future::join_all(analyses).await;
        assert!(done.iter().all(Option::is_some));
        assert_eq!(most.load(Ordering::SeqCst), 1);
    }

    #[tokio::test]
    async fn a_text_beyond_the_memory_is_analysed_alone() {
        let analysts = Analysts::new();
        assert_eq!(analysts.run(usize::MAX, || 7).await, Some(7));
    }

    #[tokio::test]
    async fn a_client_that_leaves_gives_its_place_to_the_next() {
        let analysts = Analysts::new();
        let (go, wait) = std::sync::mpsc::channel::<()>();
        let mut first = Box::pin(analysts.run(usize::MAX, move || wait.recv().is_ok()));
        let mut left = Box::pin(analysts.run(usize::MAX, || true));
        let mut next = Box::pin(analysts.run(1, || true));
        let mut context = Context::from_waker(Waker::noop());
        assert!(first.as_mut().poll(&mut context).is_pending());
        assert!(left.as_mut().poll(&mut context).is_pending());
        // In line behind the text that needs all memory.
        assert!(next.as_mut().poll(&mut context).is_pending());
        drop(left);
        assert!(go.send(()).is_ok());
        assert_eq!(first.await, Some(true));
        assert_eq!(next.await, Some(true));
    }

    #[tokio::test]
    async fn a_panic_is_no_result() {
        let analysts = Analysts::new();
        let panicked = analysts.run(1, || panic!("a defect in the analysis"));
        assert_eq!(panicked.await, None::<()>);
        assert_eq!(analysts.run(usize::MAX, || 1).await, Some(1));
    }
}
