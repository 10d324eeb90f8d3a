//! One attempt to deliver a message, by HTTP.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use reqwest::header::{CONTENT_TYPE, HeaderMap, RETRY_AFTER};
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use super::settings::WebhookSettings;
use crate::identity::http::{Transport, chain, client};

/// The longest pause that a receiver can ask for.
const LONGEST_PAUSE: Duration = Duration::from_secs(3600);

/// RFC 6585, section 4.
const TOO_MANY_REQUESTS: u16 = 429;

/// The longest answer that is read, in bytes.
const LONGEST_ANSWER: usize = 256 << 10;

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
    #[error("the receiver's answer cannot be read")]
    Unreadable,
    /// Slack's name of an error.
    #[error("Slack answered: {0}")]
    Slack(String),
}

impl SendError {
    /// How long the receiver wants nothing more to be sent at all, because it was too much.
    pub fn silence(&self) -> Option<Duration> {
        match self {
            SendError::Status {
                status: TOO_MANY_REQUESTS,
                pause,
            } => *pause,
            SendError::Status { .. }
            | SendError::Request(_)
            | SendError::Unreadable
            | SendError::Slack(_) => None,
        }
    }
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
        succeeded(request.body(body).send().await).map(drop)
    }

    /// Calls a method that is at this URL with a token, and waits for the answer's body.
    pub async fn call(
        &self,
        url: &str,
        token: &SecretString,
        body: Vec<u8>,
    ) -> Result<Vec<u8>, SendError> {
        let request = self
            .http
            .post(url)
            .header(CONTENT_TYPE, "application/json; charset=utf-8")
            .bearer_auth(token.expose_secret());
        let mut answer = succeeded(request.body(body).send().await)?;
        let mut read = Vec::new();
        while let Some(part) = answer.chunk().await.map_err(request_failed)? {
            if read.len() + part.len() > LONGEST_ANSWER {
                return Err(SendError::Unreadable);
            }
            read.extend_from_slice(&part);
        }
        Ok(read)
    }
}

fn succeeded(
    answer: Result<reqwest::Response, reqwest::Error>,
) -> Result<reqwest::Response, SendError> {
    let answer = answer.map_err(request_failed)?;
    match answer.status().is_success() {
        true => Ok(answer),
        false => Err(SendError::Status {
            status: answer.status().as_u16(),
            pause: pause(answer.headers()),
        }),
    }
}

fn request_failed(error: reqwest::Error) -> SendError {
    SendError::Request(chain(&error.without_url()))
}

/// `Retry-After` in seconds (RFC 9110, section 10.2.3); dates are not read.
fn pause(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds).min(LONGEST_PAUSE))
}
