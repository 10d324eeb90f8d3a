//! Between the sessions and the thread that sends spans: what finds no room is dropped.

use std::sync::Arc;

use tokio::sync::mpsc;

use super::parent::TraceParent;
use super::service::TraceMetrics;
use super::settings::WithoutParent;
use crate::streams::Statement;

/// So many spans may wait.
const MOST: usize = 4096;

/// A span that is to be sent.
pub(super) struct Queued {
    pub statement: Statement,
    pub parent: Option<TraceParent>,
    /// Where the server is, if that is known.
    pub server: Option<Arc<(String, u16)>>,
}

pub(super) struct Queue {
    sender: mpsc::Sender<Queued>,
    without_parent: WithoutParent,
    metrics: Arc<dyn TraceMetrics>,
}

impl Queue {
    pub fn new(
        without_parent: WithoutParent,
        metrics: Arc<dyn TraceMetrics>,
    ) -> (Arc<Self>, mpsc::Receiver<Queued>) {
        let (sender, receiver) = mpsc::channel(MOST);
        let queue = Queue {
            sender,
            without_parent,
            metrics,
        };
        (Arc::new(queue), receiver)
    }
}

/// The spans of one session, if there are any. Clones are the same session.
#[derive(Clone, Default)]
pub struct SessionTrace(Option<Arc<Open>>);

struct Open {
    /// The parent of statements that name none themselves.
    parent: Option<TraceParent>,
    server: Option<Arc<(String, u16)>>,
    queue: Arc<Queue>,
}

impl SessionTrace {
    pub(super) fn new(
        parent: Option<TraceParent>,
        server: Option<(String, u16)>,
        queue: Arc<Queue>,
    ) -> Self {
        SessionTrace(Some(Arc::new(Open {
            parent,
            server: server.map(Arc::new),
            queue,
        })))
    }

    /// True where statements have spans.
    pub fn is_on(&self) -> bool {
        self.0.is_some()
    }

    /// A statement is over. `parent`: the one that it names.
    pub fn ended(&self, parent: Option<TraceParent>, statement: &Statement) {
        let Some(open) = &self.0 else {
            return;
        };
        let parent = parent.or(open.parent);
        let is_sampled = match parent {
            Some(parent) => parent.is_sampled(),
            None => open.queue.without_parent == WithoutParent::Sample,
        };
        if !is_sampled {
            return;
        }
        let queued = Queued {
            statement: statement.clone(),
            parent,
            server: open.server.clone(),
        };
        if open.queue.sender.try_send(queued).is_err() {
            open.queue.metrics.dropped(1);
        }
    }
}
