//! Sends events as logs by OTLP over HTTP, in Protobuf (<https://opentelemetry.io/docs/specs/otlp/#otlphttp>).

use std::time::Duration;

use opentelemetry_proto::tonic::collector::logs::v1::{
    ExportLogsServiceRequest, ExportLogsServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::InstrumentationScope;
use opentelemetry_proto::tonic::logs::v1::{LogRecord, ResourceLogs, ScopeLogs, SeverityNumber};
use prost::Message;

use super::{Head, SinkError};
use crate::otlp::{self, Collector, CollectorError};
use crate::streams::ocsf::Severity;
use crate::streams::settings::OtlpTarget;

/// What an attempt may take.
const TIMEOUT: Duration = Duration::from_secs(10);

/// A collector.
pub(in crate::streams) struct Otlp(Collector);

impl Otlp {
    pub fn new(target: &OtlpTarget) -> Result<Self, CollectorError> {
        let ca_pem = target.ca_pem.as_deref();
        Collector::new(target.url.clone(), target.token.clone(), ca_pem, TIMEOUT).map(Otlp)
    }

    pub async fn send(&self, events: &[&str]) -> Result<(), SinkError> {
        let records = events.iter().map(|event| record(event));
        let records = records.collect::<Result<_, _>>()?;
        let request = ExportLogsServiceRequest {
            resource_logs: vec![ResourceLogs {
                resource: Some(otlp::resource()),
                scope_logs: vec![ScopeLogs {
                    scope: Some(InstrumentationScope {
                        name: "gatewright.streams".to_owned(),
                        version: env!("CARGO_PKG_VERSION").to_owned(),
                        ..InstrumentationScope::default()
                    }),
                    log_records: records,
                    schema_url: String::new(),
                }],
                schema_url: String::new(),
            }],
        };
        let answer = self.0.export(request.encode_to_vec()).await;
        let answer = answer.map_err(|error| match error {
            CollectorError::Status(status) => SinkError::Status(status),
            other => SinkError::Request(other.to_string()),
        })?;
        // What a collector rejects in part must not be sent again.
        let rejected = ExportLogsServiceResponse::decode(answer.as_slice())
            .ok()
            .and_then(|answer| answer.partial_success)
            .filter(|partial| partial.rejected_log_records > 0);
        if let Some(partial) = rejected {
            tracing::warn!(
                events = partial.rejected_log_records,
                why = partial.error_message,
                "the collector has rejected events"
            );
        }
        Ok(())
    }
}

fn record(event: &str) -> Result<LogRecord, SinkError> {
    let head = Head::of(event)?;
    let time = head.time.saturating_mul(1_000_000);
    let (number, text) = match head.severity_id {
        Severity::Informational => (SeverityNumber::Info, "INFO"),
        Severity::Low => (SeverityNumber::Warn, "WARN"),
        Severity::Medium => (SeverityNumber::Error, "ERROR"),
    };
    Ok(LogRecord {
        time_unix_nano: time,
        observed_time_unix_nano: time,
        severity_number: number.into(),
        severity_text: text.to_owned(),
        body: Some(otlp::text(event)),
        event_name: "ocsf.datastore_activity".to_owned(),
        ..LogRecord::default()
    })
}
