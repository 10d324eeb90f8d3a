//! One attempt to deliver a message.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use secrecy::ExposeSecret;
use thiserror::Error;

use super::settings::WebhookSettings;
use crate::identity::http::{Transport, chain, client};

/// The longest pause that a receiver can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// A receiver and how to reach it.
pub(super) struct Receiver {
    http: reqwest::Client,
}

/// A message was not delivered. Contains neither the URL nor the answer's body.
#[derive(Debug, Error)]
pub(super) enum SendError {
    #[error("{0}")]
    Request(String),
    #[error("the receiver answered with status {status}")]
    Status {
        status: u16,
        /// How long to wait, as the receiver says.
        pause: Option<Duration>,
    },
}

impl Receiver {
    /// # Errors
    /// The CAs cannot be used.
    pub fn new(settings: &WebhookSettings) -> Result<Self, reqwest::Error> {
        let transport = Transport::of(settings.url.expose_secret());
        let is_local = transport == Transport::Loopback;
        let http = client(is_local, settings.ca_pem.as_deref())?
            .https_only(!is_local)
            .timeout(settings.timeout)
            .build()?;
        Ok(Receiver { http })
    }

    /// Sends a message and waits for the answer's status. Only 2xx means that it was received.
    pub async fn send(
        &self,
        settings: &WebhookSettings,
        id: &str,
        body: Vec<u8>,
    ) -> Result<(), SendError> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        let timestamp = now.map_or(0, |now| now.as_secs());
        let mut request = self
            .http
            .post(settings.url.expose_secret())
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id)
            .header("webhook-timestamp", timestamp);
        if let Some(secret) = &settings.secret {
            request = request.header("webhook-signature", secret.sign(id, timestamp, &body));
        }
        // The body is of no use; the connection is closed with it.
        let answer = request.body(body).send().await;
        let answer = answer.map_err(|error| SendError::Request(chain(&error.without_url())))?;
        match answer.status().is_success() {
            true => Ok(()),
            false => Err(SendError::Status {
                status: answer.status().as_u16(),
                pause: pause(answer.headers()),
            }),
        }
    }
}

/// `Retry-After` in seconds (RFC 9110, section 10.2.3); dates are not read.
fn pause(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_PAUSE))
}
