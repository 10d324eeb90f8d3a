//! The thread that sends spans.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use tokio::runtime::Builder;
use tokio::sync::{mpsc, watch};
use tokio::time::{sleep, timeout};

use super::parent::TraceParent;
use super::queue::{Queue, Queued, SessionTrace};
use super::settings::{QueryTexts, TracesSettings};
use super::span::span;
use crate::otlp::{self, Collector, CollectorError};

/// So many spans are sent at once.
const BATCH: usize = 512;

/// After the first span of a batch, others are waited for.
const PAUSE: Duration = Duration::from_secs(1);

/// What an attempt may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Pauses before a batch is sent again. After the last attempt it is dropped.
const PAUSES: [Duration; 3] = [
    Duration::from_secs(1),
    Duration::from_secs(2),
    Duration::from_secs(4),
];

/// How long the last batches may take once the gateway stops.
const STOP_LIMIT: Duration = Duration::from_secs(3);

/// Counts what becomes of spans. Implemented by `admin`.
pub trait TraceMetrics: Send + Sync {
    fn exported(&self, spans: u64);
    /// They are sent to nobody.
    fn dropped(&self, spans: u64);
}

/// The spans of this gateway. Clones are the same.
#[derive(Clone)]
pub struct Traces {
    queue: Arc<Queue>,
    stopping: watch::Sender<bool>,
    thread: Arc<Mutex<Option<JoinHandle<()>>>>,
}

struct Exporter {
    collector: Collector,
    texts: QueryTexts,
    spans: mpsc::Receiver<Queued>,
    metrics: Arc<dyn TraceMetrics>,
    /// Spans are dropped, and the log says so.
    fails: bool,
}

impl Traces {
    /// # Errors
    /// The CAs cannot be used, or the operating system gives no thread.
    pub fn start(
        settings: TracesSettings,
        metrics: Arc<dyn TraceMetrics>,
    ) -> Result<Self, io::Error> {
        let ca_pem = settings.ca_pem.as_deref();
        let collector = Collector::new(settings.url, settings.token, ca_pem, TIMEOUT);
        let (queue, spans) = Queue::new(settings.without_parent, Arc::clone(&metrics));
        let exporter = Exporter {
            collector: collector.map_err(io::Error::other)?,
            texts: settings.texts,
            spans,
            metrics,
            fails: false,
        };
        let (stopping, stops) = watch::channel(false);
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let thread = std::thread::Builder::new()
            .name("traces".to_owned())
            .spawn(move || runtime.block_on(exporter.run(stops)))?;
        Ok(Traces {
            queue,
            stopping,
            thread: Arc::new(Mutex::new(Some(thread))),
        })
    }

    /// The spans of a session. `parent`: of statements that name none themselves; `server`: where it is connected to, if that is known.
    pub fn session(
        &self,
        parent: Option<TraceParent>,
        server: Option<(String, u16)>,
    ) -> SessionTrace {
        SessionTrace::new(parent, server, Arc::clone(&self.queue))
    }

    /// Sends what is left, once the sessions have ended, but not for long.
    pub fn finish(&self) {
        self.stopping.send_replace(true);
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if thread.is_some_and(|thread| thread.join().is_err()) {
            tracing::error!("the thread of the traces has panicked");
        }
    }
}

impl Exporter {
    async fn run(mut self, mut stopping: watch::Receiver<bool>) {
        let working = async {
            loop {
                let mut batch = Vec::new();
                if self.spans.recv_many(&mut batch, BATCH).await == 0 {
                    return;
                }
                sleep(PAUSE).await;
                while batch.len() < BATCH
                    && let Ok(queued) = self.spans.try_recv()
                {
                    batch.push(queued);
                }
                self.send(&batch).await;
            }
        };
        tokio::select! {
            () = working => {}
            // The sender lives as long as the gateway.
            _ = stopping.wait_for(|stops| *stops) => {}
        }
        let last = async {
            let mut batch = Vec::new();
            while !self.spans.is_empty() {
                batch.clear();
                self.spans.recv_many(&mut batch, BATCH).await;
                self.send(&batch).await;
            }
        };
        if timeout(STOP_LIMIT, last).await.is_err() {
            tracing::warn!("the collector did not take the last spans in time");
        }
    }

    /// Sends a batch, a few times if need be.
    async fn send(&mut self, batch: &[Queued]) {
        let spans: Vec<Span> = batch
            .iter()
            .map(|queued| span(queued, self.texts))
            .collect();
        let count = spans.len() as u64;
        let request = request(spans).encode_to_vec();
        let mut outcome = self.collector.export(request.clone()).await;
        for pause in PAUSES {
            if !outcome.as_ref().is_err_and(is_worth_another_attempt) {
                break;
            }
            sleep(pause).await;
            outcome = self.collector.export(request.clone()).await;
        }
        match outcome {
            Ok(_) => {
                self.metrics.exported(count);
                if std::mem::take(&mut self.fails) {
                    tracing::info!("the collector takes spans again");
                }
            }
            Err(error) => {
                self.metrics.dropped(count);
                if !std::mem::replace(&mut self.fails, true) {
                    tracing::error!(%error, "the collector does not take spans; they are dropped");
                }
            }
        }
    }
}

/// As OTLP says: <https://opentelemetry.io/docs/specs/otlp/#failures-1>.
fn is_worth_another_attempt(error: &CollectorError) -> bool {
    match error {
        CollectorError::Status(status) => matches!(status, 429 | 502 | 503 | 504),
        CollectorError::Request(_) => true,
        CollectorError::TooLong => false,
    }
}

fn request(spans: Vec<Span>) -> ExportTraceServiceRequest {
    ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            resource: Some(otlp::resource()),
            scope_spans: vec![ScopeSpans {
                scope: Some(InstrumentationScope {
                    name: "gatewright.traces".to_owned(),
                    version: env!("CARGO_PKG_VERSION").to_owned(),
                    ..InstrumentationScope::default()
                }),
                spans,
                schema_url: String::new(),
            }],
            schema_url: String::new(),
        }],
    }
}
