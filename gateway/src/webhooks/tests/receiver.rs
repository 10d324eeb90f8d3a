//! A receiver on loopback that answers as a test says.

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shares;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;
use tokio::sync::watch;

/// What it answers with.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub delay: Duration,
}

/// A request as it came.
#[derive(Debug, Clone)]
pub struct Received {
    pub headers: HeaderMap,
    pub body: Bytes,
}

pub struct Receiver {
    pub url: String,
    received: watch::Sender<Vec<Received>>,
}

type Script = std::sync::Arc<dyn Fn(usize) -> Answer + Send + Sync>;

#[derive(Clone)]
struct Shared {
    received: watch::Sender<Vec<Received>>,
    script: Script,
}

impl Answer {
    pub fn status(status: u16) -> Self {
        Answer {
            status,
            ..Answer::default()
        }
    }
}

impl Receiver {
    /// Takes everything.
    pub async fn start() -> Self {
        Self::scripted(|_| Answer::status(204)).await
    }

    /// `script`: the answer to each request, from 0 on.
    pub async fn scripted(script: impl Fn(usize) -> Answer + Send + Sync + 'static) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let received = watch::Sender::new(Vec::new());
        let shared = Shared {
            received: received.clone(),
            script: std::sync::Arc::new(script),
        };
        let routes = Router::new().fallback(take).with_state(shared);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Receiver {
            url: format!("http://{address}/hook"),
            received,
        }
    }

    /// The first requests, once there are so many.
    pub async fn until(&self, count: usize) -> Vec<Received> {
        let mut seen = self.received.subscribe();
        let seen = seen.wait_for(|seen| seen.len() >= count).await;
        seen.expect("the receiver lives").clone()
    }

    pub fn all(&self) -> Vec<Received> {
        self.received.borrow().clone()
    }
}

async fn take(Shares(shared): Shares<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let mut number = 0;
    shared.received.send_modify(|received| {
        number = received.len();
        received.push(Received { headers, body });
    });
    let answer = (shared.script)(number);
    tokio::time::sleep(answer.delay).await;
    let status = StatusCode::from_u16(answer.status).expect("a status");
    let mut response = status.into_response();
    for (name, value) in answer.headers {
        let value = value.parse().expect("a value");
        response.headers_mut().insert(name, value);
    }
    response
}

impl Received {
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    pub fn text(&self) -> String {
        String::from_utf8(self.body.to_vec()).expect("UTF-8")
    }

    pub fn header(&self, name: &str) -> &str {
        let value = self.headers.get(name).map(|value| value.to_str());
        value.expect(name).expect("text")
    }

    /// As docs/approvals.md says a receiver verifies it, with another implementation of HMAC.
    pub fn is_signed_with(&self, secret: &str) -> bool {
        let key = secret.strip_prefix("whsec_").expect("a secret");
        let key = BASE64_STANDARD.decode(key).expect("base64");
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
        let (id, timestamp) = (self.header("webhook-id"), self.header("webhook-timestamp"));
        let signed = [format!("{id}.{timestamp}.").as_bytes(), &self.body].concat();
        let mut signatures = self.header("webhook-signature").split(' ');
        signatures.any(|signature| {
            let digest = signature
                .strip_prefix("v1,")
                .map(|text| BASE64_STANDARD.decode(text));
            digest.is_some_and(|digest| {
                ring::hmac::verify(&key, &signed, &digest.expect("base64")).is_ok()
            })
        })
    }
}
