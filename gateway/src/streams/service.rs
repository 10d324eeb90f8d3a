//! The thread of the streams: it writes events to the disk, and delivers them from there.

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use thiserror::Error;
use tokio::runtime::Builder;
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::delivery::Delivery;
use super::queue::{Queue, SessionStream};
use super::settings::StreamsSettings;
use super::sinks::Sink;
use super::spool::Spool;
use super::writer::{Progress, Writer};

/// How long streams may take to deliver what is left once the gateway stops. The rest is delivered after the next start.
const STOP_LIMIT: Duration = Duration::from_secs(3);

/// Counts what streams do. Implemented by `admin`.
pub trait StreamMetrics: Send + Sync {
    /// Events were received.
    fn delivered(&self, stream: &str, events: u64);
    /// An attempt failed.
    fn failed(&self, stream: &str);
    /// So many bytes of events are not delivered yet.
    fn pending(&self, stream: &str, bytes: u64);
    /// An event is not delivered to anybody.
    fn lost(&self);
}

/// Streams cannot begin.
#[derive(Debug, Error)]
pub enum StreamError {
    #[error("events for the streams cannot be kept in {}: {source}", path.display())]
    Directory { path: PathBuf, source: io::Error },
    #[error("the stream {name} cannot be sent: {why}")]
    Sink { name: String, why: String },
    #[error("the thread of the streams could not be started: {0}")]
    Thread(io::Error),
}

/// The streams of this gateway. Clones are the same.
#[derive(Clone)]
pub struct Streams {
    queue: Arc<Queue>,
    stopping: watch::Sender<bool>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

impl Streams {
    /// Begins to deliver, with what was not delivered before.
    ///
    /// # Errors
    /// See [`StreamError`].
    pub fn start(
        settings: StreamsSettings,
        metrics: Arc<dyn StreamMetrics>,
    ) -> Result<Self, StreamError> {
        let unusable = |source| StreamError::Directory {
            path: settings.directory.clone(),
            source,
        };
        let spool = Spool::open(&settings.directory).map_err(unusable)?;
        let next = spool.next_sequence().map_err(unusable)?;
        let (queue, events) = Queue::new(next, Arc::clone(&metrics));
        let mut sinks = Vec::with_capacity(settings.streams.len());
        let mut positions = Vec::with_capacity(settings.streams.len());
        for stream in &settings.streams {
            sinks.push(Sink::new(stream)?);
            positions.push(spool.position(&stream.name).map_err(unusable)?);
        }
        let spool = Arc::new(Mutex::new(spool));
        let all = Arc::new(Mutex::new(positions.clone()));
        let begun = settings.streams.iter().zip(sinks).zip(positions);
        let deliveries = begun.enumerate();
        let deliveries = deliveries.map(|(index, ((stream, sink), position))| Delivery {
            name: stream.name.clone(),
            sink,
            spool: Arc::clone(&spool),
            position,
            positions: Arc::clone(&all),
            index,
            metrics: Arc::clone(&metrics),
        });
        let deliveries: Vec<Delivery> = deliveries.collect();
        let writer = Writer {
            spool,
            positions: all,
            queue: Arc::clone(&queue),
            events,
            texts: settings.texts,
            limit: settings.limit,
            progress: watch::Sender::new(Progress::Grows),
            unwritten: (Vec::new(), 0),
        };
        let (stopping, stops) = watch::channel(false);
        let thread = run(writer, deliveries, stops).map_err(StreamError::Thread)?;
        Ok(Streams {
            queue,
            stopping,
            thread: Arc::new(Mutex::new(Some(thread))),
        })
    }

    /// As a session tells them what became of its statements.
    pub fn session(&self) -> SessionStream {
        SessionStream::new(Arc::clone(&self.queue))
    }

    /// Writes what is left, once the sessions have ended, and delivers what can be delivered at once.
    pub fn finish(&self) {
        self.stopping.send_replace(true);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the streams has panicked");
        }
    }
}

fn run(
    writer: Writer,
    deliveries: Vec<Delivery>,
    stopping: watch::Receiver<bool>,
) -> io::Result<JoinHandle<()>> {
    let runtime = Builder::new_current_thread().enable_all().build()?;
    let work = async move {
        let mut delivering = JoinSet::new();
        for delivery in deliveries {
            delivering.spawn(delivery.run(writer.progress.subscribe()));
        }
        writer.run(stopping).await;
        let delivered = async { while delivering.join_next().await.is_some() {} };
        if timeout(STOP_LIMIT, delivered).await.is_err() {
            tracing::warn!(
                "some streams did not take their events in time; they are sent after the next start"
            );
        }
    };
    std::thread::Builder::new()
        .name("streams".to_owned())
        .spawn(move || {
            runtime.block_on(work);
            // Somebody may not read standard output.
            runtime.shutdown_background();
        })
}
