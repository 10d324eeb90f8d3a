//! The API's client, for the command line.

use std::marker::PhantomData;
use std::time::Duration;

use reqwest::{Client, RequestBuilder, Response, StatusCode};
use secrecy::{ExposeSecret, SecretString};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;

use super::view::{DecisionBody, EventView, PageView, RequestView};
use crate::approvals::{State, Verdict};
use crate::identity::http::{self, Transport, chain, whole_body};

/// The time for one request and its answer, but for streams.
const REQUEST: Duration = Duration::from_secs(30);

/// The longest time between two signs of life of a stream.
const SILENCE: Duration = Duration::from_secs(60);

/// The longest answer, in bytes.
const LONGEST: usize = 64 << 20;

/// A request of the API failed.
#[derive(Debug, Error)]
pub enum ClientError {
    #[error(
        "the API's URL must begin with https://, or with http:// on a loopback address: without TLS, others could read the token"
    )]
    Insecure,
    #[error("the CA certificates cannot be used: {0}")]
    Certificates(reqwest::Error),
    #[error("the gateway's API cannot be reached: {}", chain(.0))]
    Transport(reqwest::Error),
    /// What the API says.
    #[error("{detail}")]
    Refused {
        code: String,
        detail: String,
        /// With 409: where what was decided about stands.
        state: Option<String>,
    },
    #[error("this is not the API of a gateway: status {0}")]
    Status(u16),
    #[error("the API's answer cannot be read")]
    Answer,
}

/// A client with a person's token.
pub struct ApiClient {
    client: Client,
    /// Without a slash at its end.
    url: String,
    token: SecretString,
}

/// A stream of events.
pub struct Watched<E> {
    response: Response,
    buffer: Vec<u8>,
    last_id: Option<String>,
    of: PhantomData<fn() -> E>,
}

/// Problem details, as far as they are read.
#[derive(Deserialize)]
struct Problem {
    code: String,
    detail: String,
    #[serde(default)]
    state: Option<String>,
}

impl ApiClient {
    /// `ca_pem`: the CAs for the API's certificate, in place of the system's.
    ///
    /// # Errors
    /// The URL is not secure, or the CAs cannot be used.
    pub fn new(url: &str, ca_pem: Option<&[u8]>, token: SecretString) -> Result<Self, ClientError> {
        let loopback = match Transport::of(url) {
            Transport::Tls => false,
            Transport::Loopback => true,
            Transport::Refused => return Err(ClientError::Insecure),
        };
        let client = http::client(loopback, ca_pem)
            .map_err(ClientError::Certificates)?
            .http1_only()
            .connect_timeout(Duration::from_secs(10));
        Ok(ApiClient {
            client: client.build().map_err(ClientError::Certificates)?,
            url: url.trim_end_matches('/').to_owned(),
            token,
        })
    }

    /// A page of requests in these states; in any, if there are none.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list(
        &self,
        states: &[State],
        cursor: Option<&str>,
    ) -> Result<PageView, ClientError> {
        let states: Vec<&str> = states.iter().map(|state| state.name()).collect();
        let mut query = vec![("state", states.join(","))];
        query.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        self.get("requests", &query).await
    }

    /// A page of requests that ran without waiting for reviewers and are to be reviewed.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn list_to_review(&self, cursor: Option<&str>) -> Result<PageView, ClientError> {
        let mut query = vec![("review", "due".to_owned())];
        query.extend(cursor.map(|cursor| ("cursor", cursor.to_owned())));
        let request = self.client.get(self.path("requests")).query(&query);
        self.exchange(request).await
    }

    /// One request with its history.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn show(&self, id: &str) -> Result<RequestView, ClientError> {
        self.get(&format!("requests/{id}"), &[]).await
    }

    /// Decides about a request. Where the connection fails, the decision is sent once more: its idempotency key keeps it from
    /// being made twice.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn decide(
        &self,
        id: &str,
        verdict: Verdict,
        body: &DecisionBody,
    ) -> Result<RequestView, ClientError> {
        let path = format!("requests/{id}/{}", verdict.name());
        self.post(&path, body, body.idempotency_key.is_some()).await
    }

    /// The events behind this one, and those that come.
    ///
    /// # Errors
    /// See [`ClientError`].
    pub async fn watch(&self, after: Option<&str>) -> Result<Watched<EventView>, ClientError> {
        self.stream("requests/events", after).await
    }

    pub(super) async fn stream<E>(
        &self,
        path: &str,
        after: Option<&str>,
    ) -> Result<Watched<E>, ClientError> {
        let mut request = self.client.get(self.path(path));
        if let Some(after) = after {
            request = request.header("last-event-id", after);
        }
        let response = self.authorized(request).send().await;
        let response = response.map_err(ClientError::Transport)?;
        match response.status() {
            StatusCode::OK => Ok(Watched {
                response,
                buffer: Vec::new(),
                last_id: after.map(str::to_owned),
                of: PhantomData,
            }),
            _ => Err(refused(response).await),
        }
    }

    pub(super) async fn get<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &[(&str, String)],
    ) -> Result<T, ClientError> {
        let request = self.client.get(self.path(path)).query(query);
        self.exchange(request).await
    }

    /// `repeatable`: it is sent once more where the connection fails.
    pub(super) async fn post<T: DeserializeOwned>(
        &self,
        path: &str,
        body: &impl Serialize,
        repeatable: bool,
    ) -> Result<T, ClientError> {
        let body = serde_json::to_string(body).map_err(|_| ClientError::Answer)?;
        let request = || {
            let request = self.client.post(self.path(path)).body(body.clone());
            request.header("content-type", "application/json")
        };
        match self.exchange(request()).await {
            Err(ClientError::Transport(_)) if repeatable => self.exchange(request()).await,
            answered => answered,
        }
    }

    fn path(&self, path: &str) -> String {
        format!("{}/v1/{path}", self.url)
    }

    fn authorized(&self, request: RequestBuilder) -> RequestBuilder {
        request.bearer_auth(self.token.expose_secret())
    }

    async fn exchange<T: DeserializeOwned>(
        &self,
        request: RequestBuilder,
    ) -> Result<T, ClientError> {
        let request = self.authorized(request).timeout(REQUEST);
        let response = request.send().await.map_err(ClientError::Transport)?;
        match response.status() {
            StatusCode::OK => {
                let body = body(response).await?;
                serde_json::from_slice(&body).map_err(|_| ClientError::Answer)
            }
            _ => Err(refused(response).await),
        }
    }
}

impl<E: DeserializeOwned> Watched<E> {
    /// The next event; `None`: the stream has ended, and goes on behind [`Watched::last_id`] if it is asked for again.
    ///
    /// # Errors
    /// The connection failed, or has been silent for too long.
    pub async fn next(&mut self) -> Result<Option<E>, ClientError> {
        loop {
            if let Some(event) = self.take()? {
                return Ok(Some(event));
            }
            let chunk = tokio::time::timeout(SILENCE, self.response.chunk());
            let Ok(chunk) = chunk.await else {
                return Ok(None);
            };
            match chunk.map_err(ClientError::Transport)? {
                Some(chunk) if self.buffer.len() + chunk.len() <= LONGEST => {
                    self.buffer.extend_from_slice(&chunk);
                }
                Some(_) => return Err(ClientError::Answer),
                None => return Ok(None),
            }
        }
    }

    /// The id of the last event, where the next stream goes on.
    pub fn last_id(&self) -> Option<&str> {
        self.last_id.as_deref()
    }

    /// The next whole event in the buffer that has data; comments have none.
    fn take(&mut self) -> Result<Option<E>, ClientError> {
        while let Some(end) = find(&self.buffer, b"\n\n") {
            let event: Vec<u8> = self.buffer.drain(..end + 2).collect();
            let event = String::from_utf8(event).map_err(|_| ClientError::Answer)?;
            let mut data = String::new();
            for line in event.lines() {
                let (field, value) = line.split_once(':').unwrap_or((line, ""));
                let value = value.strip_prefix(' ').unwrap_or(value);
                match field {
                    "id" => self.last_id = Some(value.to_owned()),
                    "data" => data.push_str(value),
                    _ => {}
                }
            }
            if !data.is_empty() {
                let event = serde_json::from_str(&data).map_err(|_| ClientError::Answer)?;
                return Ok(Some(event));
            }
        }
        Ok(None)
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

async fn body(mut response: Response) -> Result<Vec<u8>, ClientError> {
    let body = whole_body(&mut response, LONGEST).await;
    body.map_err(ClientError::Transport)?
        .ok_or(ClientError::Answer)
}

async fn refused(response: Response) -> ClientError {
    let status = response.status().as_u16();
    let Ok(body) = body(response).await else {
        return ClientError::Status(status);
    };
    match serde_json::from_slice(&body) {
        Ok(Problem {
            code,
            detail,
            state,
        }) => ClientError::Refused {
            code,
            detail,
            state,
        },
        Err(_) => ClientError::Status(status),
    }
}
