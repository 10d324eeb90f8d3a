//! The threads that run sessions: one event loop each, so that a session never moves between cores.

use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc as handover;
use std::thread::{Builder, JoinHandle};

use tokio::runtime::{Builder as EventLoop, LocalOptions, LocalRuntime};
use tokio::sync::mpsc;

use super::connections::Connections;

/// The pool of session threads. Dropping it lets the threads end once their sessions have.
pub(super) struct Workers {
    workers: Vec<Worker>,
}

struct Worker {
    sessions: Arc<AtomicUsize>,
    inbox: mpsc::UnboundedSender<TcpStream>,
    thread: JoinHandle<()>,
}

impl Workers {
    /// Starts `count` threads whose stacks are large enough to parse any statement that the parser's limits admit.
    pub fn start(count: usize, connections: &Arc<Connections>) -> io::Result<Self> {
        let workers = (0..count.max(1))
            .map(|index| {
                let (inbox, outbox) = mpsc::unbounded_channel();
                let sessions = Arc::new(AtomicUsize::new(0));
                let shared = (Arc::clone(connections), Arc::clone(&sessions));
                let (started, starting) = handover::channel();
                let thread = Builder::new()
                    .name(format!("session-{index}"))
                    .stack_size(gatewright_sql::STACK_BYTES)
                    .spawn(move || {
                        let event_loop = event_loop().map_err(|error| started.send(Err(error)));
                        if let Ok(event_loop) = event_loop {
                            let _ = started.send(Ok(()));
                            event_loop.block_on(serve(outbox, shared.0, shared.1));
                        }
                    })?;
                starting.recv().map_err(io::Error::other)??;
                Ok(Worker {
                    sessions,
                    inbox,
                    thread,
                })
            })
            .collect::<io::Result<_>>()?;
        Ok(Workers { workers })
    }

    /// Passes a connection to the thread with the fewest sessions.
    pub fn hand_over(&self, stream: TcpStream) {
        let Some(worker) = self
            .workers
            .iter()
            .min_by_key(|worker| worker.sessions.load(Ordering::Relaxed))
        else {
            return;
        };
        worker.sessions.fetch_add(1, Ordering::Relaxed);
        if worker.inbox.send(stream).is_err() {
            tracing::error!("a session thread has ended; its connection is dropped");
        }
    }

    /// Waits until every session has ended.
    pub fn finish(self) {
        for worker in self.workers {
            drop(worker.inbox);
            if worker.thread.join().is_err() {
                tracing::error!("a session thread panicked");
            }
        }
    }
}

/// The event loop of the calling thread, which it cannot leave. Its tasks are its own: unlike those of a set of local tasks, each wakes by
/// itself.
fn event_loop() -> io::Result<LocalRuntime> {
    EventLoop::new_current_thread()
        .enable_all()
        .build_local(LocalOptions::default())
}

/// Counts a session of its thread, however it ends.
struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Runs the sessions of one thread until the inbox is closed and all have ended.
async fn serve(
    mut inbox: mpsc::UnboundedReceiver<TcpStream>,
    connections: Arc<Connections>,
    sessions: Arc<AtomicUsize>,
) {
    let mut running = tokio::task::JoinSet::new();
    loop {
        tokio::select! {
            stream = inbox.recv() => {
                let Some(stream) = stream else { break };
                let connections = Arc::clone(&connections);
                let counted = Counted(Arc::clone(&sessions));
                running.spawn_local(async move {
                    connections.serve(stream).await;
                    drop(counted);
                });
            }
            Some(_) = running.join_next() => {}
        }
    }
    while running.join_next().await.is_some() {}
}
