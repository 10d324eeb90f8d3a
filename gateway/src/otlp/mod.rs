//! Collectors of OpenTelemetry that take Protobuf over HTTP. It knows how to send what others have encoded, and who is sending.
//! Used by: `streams` for logs and `traces` for spans.

use std::time::Duration;

use openidconnect::url::Url;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use reqwest::header::CONTENT_TYPE;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use crate::identity::http::{Transport, chain, client, whole_body};

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 64 << 10;

/// A collector did not take something. Has no secrets.
#[derive(Debug, Error)]
pub enum CollectorError {
    #[error("{0}")]
    Request(String),
    #[error("the collector answered with status {0}")]
    Status(u16),
    #[error("the collector's answer is too long")]
    TooLong,
}

/// One endpoint of a collector.
pub struct Collector {
    url: Url,
    token: Option<SecretString>,
    http: reqwest::Client,
}

impl Collector {
    /// `ca_pem` holds the CAs to trust in place of the system's. `timeout` is for one attempt.
    ///
    /// # Errors
    /// The CAs cannot be used.
    pub fn new(
        url: Url,
        token: Option<SecretString>,
        ca_pem: Option<&[u8]>,
        timeout: Duration,
    ) -> Result<Self, CollectorError> {
        let is_local = Transport::of(url.as_str()) == Transport::Loopback;
        let built = client(is_local, ca_pem)
            .and_then(|builder| builder.https_only(!is_local).timeout(timeout).build());
        Ok(Collector {
            url,
            token,
            http: built.map_err(|error| failed(&error))?,
        })
    }

    /// Sends an encoded request. Returns the encoded answer.
    ///
    /// # Errors
    /// It was not received, as far as is known.
    pub async fn export(&self, request: Vec<u8>) -> Result<Vec<u8>, CollectorError> {
        let mut post = self
            .http
            .post(self.url.clone())
            .header(CONTENT_TYPE, "application/x-protobuf");
        if let Some(token) = &self.token {
            post = post.bearer_auth(token.expose_secret());
        }
        let answer = post.body(request).send().await;
        let mut answer = answer.map_err(|error| failed(&error.without_url()))?;
        if !answer.status().is_success() {
            return Err(CollectorError::Status(answer.status().as_u16()));
        }
        let body = whole_body(&mut answer, LONGEST_ANSWER).await;
        let body = body.map_err(|error| failed(&error.without_url()))?;
        body.ok_or(CollectorError::TooLong)
    }
}

fn failed(error: &reqwest::Error) -> CollectorError {
    CollectorError::Request(chain(error))
}

/// This gateway, as the source of what is sent.
pub fn resource() -> Resource {
    Resource {
        attributes: vec![
            attribute("service.name", text("gatewright")),
            attribute("service.version", text(env!("CARGO_PKG_VERSION"))),
        ],
        ..Resource::default()
    }
}

pub fn attribute(key: &str, value: AnyValue) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(value),
        ..KeyValue::default()
    }
}

pub fn text(value: &str) -> AnyValue {
    AnyValue {
        value: Some(any_value::Value::StringValue(value.to_owned())),
    }
}
