//! A server that behaves as Slack documents its Web API: methods under one URL, a bot's token in `Authorization`, JSON in UTF-8, status 200
//! with `ok` and `error`, and 429 with `Retry-After` where it is too much.

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State as Shares};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use serde_json::{Value, json};
use tokio::sync::watch;

pub const TOKEN: &str = "xoxb-canary";

/// What Slack does with a call in place of what was asked for.
#[derive(Debug, Clone, Copy)]
pub enum Trouble {
    /// 429, and for how many seconds.
    TooMuch(u64),
    /// `ok` is false, with this error.
    Error(&'static str),
    Status(u16),
    NoJson,
}

#[derive(Debug, Clone, Default)]
pub struct Channel {
    /// The messages as they are shown now, by their `ts`.
    pub shown: Vec<(String, Value)>,
    /// Each call's method, and whether it was done.
    pub calls: Vec<(String, bool)>,
}

pub struct Slack {
    pub url: String,
    channel: watch::Sender<Channel>,
}

type Script = Arc<dyn Fn(usize, &str) -> Option<Trouble> + Send + Sync>;

#[derive(Clone)]
struct Shared {
    channel: watch::Sender<Channel>,
    script: Script,
}

impl Slack {
    pub async fn start() -> Self {
        Self::scripted(|_, _| None).await
    }

    /// `script`: what is in the way of each call, by its number and method.
    pub async fn scripted(
        script: impl Fn(usize, &str) -> Option<Trouble> + Send + Sync + 'static,
    ) -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await;
        let listener = listener.expect("a port");
        let address = listener.local_addr().expect("an address");
        let channel = watch::Sender::default();
        let shared = Shared {
            channel: channel.clone(),
            script: Arc::new(script),
        };
        let routes = Router::new()
            .route("/api/{method}", post(called))
            .with_state(shared);
        tokio::spawn(async move { axum::serve(listener, routes).await });
        Slack {
            url: format!("http://{address}/api"),
            channel,
        }
    }

    /// The channel, once it is so.
    pub async fn until(&self, is_so: impl FnMut(&Channel) -> bool) -> Channel {
        let mut seen = self.channel.subscribe();
        let seen = seen.wait_for(is_so).await;
        seen.expect("the server lives").clone()
    }

    /// Somebody deletes all messages.
    pub fn clear(&self) {
        self.channel.send_modify(|channel| channel.shown.clear());
    }
}

async fn called(
    Shares(shared): Shares<Shared>,
    Path(method): Path<String>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let mut number = 0;
    shared.channel.send_modify(|channel| {
        number = channel.calls.len();
        channel.calls.push((method.clone(), false));
    });
    match (shared.script)(number, &method) {
        Some(Trouble::TooMuch(seconds)) => {
            let pause = [(header::RETRY_AFTER, seconds.to_string())];
            return (StatusCode::TOO_MANY_REQUESTS, pause).into_response();
        }
        Some(Trouble::Status(status)) => {
            return StatusCode::from_u16(status)
                .expect("a status")
                .into_response();
        }
        Some(Trouble::NoJson) => return "<html>".into_response(),
        Some(Trouble::Error(error)) => return failed(error),
        None => {}
    }
    let is_json = headers
        .get(header::CONTENT_TYPE)
        .map(|kind| kind.as_bytes())
        == Some(b"application/json; charset=utf-8");
    let token = headers.get(header::AUTHORIZATION);
    if token.map(|token| token.as_bytes()) != Some(format!("Bearer {TOKEN}").as_bytes()) {
        return failed("not_authed");
    }
    let Some(body) = is_json
        .then(|| serde_json::from_slice::<Value>(&body).ok())
        .flatten()
    else {
        return failed("invalid_json");
    };
    let mut answer = failed("unknown_method");
    shared.channel.send_modify(|channel| {
        let ts = match method.as_str() {
            "chat.postMessage" => posted(channel, body),
            "chat.update" => updated(channel, body),
            _ => return,
        };
        answer = match ts {
            Ok(ts) => {
                channel.calls[number].1 = true;
                json!({ "ok": true, "channel": "C0123456789", "ts": ts })
                    .to_string()
                    .into_response()
            }
            Err(error) => failed(error),
        };
    });
    answer
}

fn posted(channel: &mut Channel, body: Value) -> Result<String, &'static str> {
    if !["C0123456789", "#approvals"].contains(&body["channel"].as_str().unwrap_or_default()) {
        return Err("channel_not_found");
    }
    let ts = format!("1503435956.{:06}", channel.calls.len());
    channel.shown.push((ts.clone(), body));
    Ok(ts)
}

/// The channel's id is required: a name is not known here.
fn updated(channel: &mut Channel, body: Value) -> Result<String, &'static str> {
    if body["channel"] != "C0123456789" {
        return Err("channel_not_found");
    }
    let ts = body["ts"].as_str().unwrap_or_default().to_owned();
    let mut shown = channel.shown.iter_mut();
    let found = shown.find(|(known, _)| *known == ts);
    let (_, message) = found.ok_or("message_not_found")?;
    *message = body;
    Ok(ts)
}

fn failed(error: &str) -> Response {
    json!({ "ok": false, "error": error })
        .to_string()
        .into_response()
}
