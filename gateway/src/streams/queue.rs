//! Between the sessions and the thread that writes events: a session never waits for it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use tokio::sync::mpsc;

use super::event::Statement;
use super::service::StreamMetrics;

/// So many bytes of events may wait in memory. More are not kept, and the numbers of events show how many.
const MOST: usize = 64 << 20;

/// What an event takes besides its texts, at a guess that is rather too high.
const BESIDES: usize = 1024;

/// An event on its way to the disk.
pub(super) struct Queued {
    pub statement: Statement,
    pub sequence: u64,
    /// What it counts for.
    pub bytes: usize,
}

/// Where sessions put events.
pub(super) struct Queue {
    sender: mpsc::UnboundedSender<Queued>,
    /// So many bytes wait in memory.
    pub waiting: Arc<AtomicUsize>,
    next: AtomicU64,
    /// Events are lost, and the log says so.
    pub loses: AtomicBool,
    metrics: Arc<dyn StreamMetrics>,
}

impl Queue {
    /// `next`: the number of the first event.
    pub fn new(
        next: u64,
        metrics: Arc<dyn StreamMetrics>,
    ) -> (Arc<Self>, mpsc::UnboundedReceiver<Queued>) {
        let (sender, receiver) = mpsc::unbounded_channel();
        let queue = Queue {
            sender,
            waiting: Arc::default(),
            next: AtomicU64::new(next),
            loses: AtomicBool::new(false),
            metrics,
        };
        (Arc::new(queue), receiver)
    }

    /// The number of the next event.
    pub fn next(&self) -> u64 {
        self.next.load(Ordering::Relaxed)
    }

    fn put(&self, statement: Statement) {
        let texts = statement.judged.as_deref().map_or(0, |judged| {
            judged.text.len() + judged.instead.as_ref().map_or(0, String::len)
        });
        let bytes = BESIDES + texts;
        // One that is not kept has a number, too.
        let sequence = self.next.fetch_add(1, Ordering::Relaxed);
        if self.waiting.fetch_add(bytes, Ordering::AcqRel) + bytes > MOST {
            self.waiting.fetch_sub(bytes, Ordering::AcqRel);
            self.lost();
            return;
        }
        let queued = Queued {
            statement,
            sequence,
            bytes,
        };
        if self.sender.send(queued).is_err() {
            self.lost();
        }
    }

    /// An event is not delivered to anybody.
    pub fn lost(&self) {
        self.metrics.lost();
        if !self.loses.swap(true, Ordering::AcqRel) {
            tracing::error!(
                "events of statements are lost for the streams: they cannot be written, or too many wait"
            );
        }
    }
}

/// The streams as one session tells them, if there are any. Clones are the same session.
#[derive(Clone, Default)]
pub struct SessionStream(Option<Arc<Open>>);

struct Open {
    /// How many executions there were, where nobody else counts them.
    executions: AtomicU64,
    queue: Arc<Queue>,
}

impl SessionStream {
    pub(super) fn new(queue: Arc<Queue>) -> Self {
        SessionStream(Some(Arc::new(Open {
            executions: AtomicU64::new(0),
            queue,
        })))
    }

    /// True where there is somebody to tell.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// The number of the next execution, where the record counts none.
    pub fn next_execution(&self) -> u64 {
        let open = self.0.as_deref();
        open.map_or(0, |open| {
            open.executions.fetch_add(1, Ordering::Relaxed) + 1
        })
    }

    /// A statement is over.
    pub fn ended(&self, statement: Statement) {
        if let Some(open) = &self.0 {
            open.queue.put(statement);
        }
    }
}
