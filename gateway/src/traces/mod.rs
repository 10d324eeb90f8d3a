//! Spans of statements for OpenTelemetry, with its semantic conventions for PostgreSQL: one for each execution and each refusal, as a child of the span that
//! the client names. It knows neither policies nor sessions: what happened is told by `gate`, as to the streams.
//! Next: `otlp` sends the spans to a collector.

mod parent;
mod queue;
mod service;
mod settings;
mod span;

pub use parent::TraceParent;
pub use queue::SessionTrace;
pub use service::{TraceMetrics, Traces};
pub use settings::{QueryTexts, TracesSettings, WithoutParent};
