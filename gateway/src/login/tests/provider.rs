//! A fake provider with scripted responses, which records requests.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex};

use axum::extract::{Form, State};
use axum::http::StatusCode;
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use tokio::net::TcpListener;

use super::*;
use crate::identity::DevProvider;

pub(super) const CLIENT: &str = "gatewright-cli";

type Answer = (u16, Value);

#[derive(Default)]
struct Script {
    discovery: Value,
    token: VecDeque<Answer>,
    device: VecDeque<Answer>,
    revocation: VecDeque<Answer>,
    requests: Vec<HashMap<String, String>>,
}

/// A fake provider. It signs with the key of a development provider.
pub(super) struct FakeProvider {
    pub(super) url: String,
    keys: DevProvider,
    script: Arc<Mutex<Script>>,
    serving: tokio::task::AbortHandle,
}

impl FakeProvider {
    pub(super) async fn start() -> Self {
        let keys = DevProvider::start().await.expect("keys");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let script = Arc::new(Mutex::new(Script {
            discovery: json!({
                "issuer": url,
                "jwks_uri": format!("{}/jwks", keys.issuer_url()),
                "authorization_endpoint": format!("{url}/authorize"),
                "token_endpoint": format!("{url}/token"),
                "device_authorization_endpoint": format!("{url}/device"),
                "scopes_supported": ["openid", "offline_access"],
            }),
            ..Script::default()
        }));
        let router = Router::new()
            .route("/.well-known/openid-configuration", get(discovery))
            .route("/token", post(token))
            .route("/device", post(device))
            .route("/revoke", post(revoke))
            .with_state(Arc::clone(&script));
        let task = tokio::spawn(async move { axum::serve(listener, router).await });
        Self {
            url,
            keys,
            script,
            serving: task.abort_handle(),
        }
    }

    pub(super) fn settings(&self) -> LoginSettings {
        LoginSettings::new(self.url.clone(), CLIENT)
    }

    /// Changes the discovery document.
    pub(super) fn publish(&self, key: &str, value: Value) {
        self.script.lock().expect("the script").discovery[key] = value;
    }

    /// Adds a response of the token endpoint.
    pub(super) fn answer(&self, status: u16, body: Value) {
        let mut script = self.script.lock().expect("the script");
        script.token.push_back((status, body));
    }

    pub(super) fn answer_device(&self, status: u16, body: Value) {
        let mut script = self.script.lock().expect("the script");
        script.device.push_back((status, body));
    }

    pub(super) fn answer_revocation(&self, status: u16) {
        let mut script = self.script.lock().expect("the script");
        script.revocation.push_back((status, json!({})));
    }

    /// The requests to the token, device and revocation endpoints.
    pub(super) fn requests(&self) -> Vec<HashMap<String, String>> {
        self.script.lock().expect("the script").requests.clone()
    }

    /// An ID token for this client, with these claims added or replaced.
    pub(super) fn id_token(&self, lifetime: i64, claims: Value) -> String {
        let now = SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .expect("a clock")
            .as_secs() as i64;
        let mut all = json!({
            "iss": self.url, "aud": CLIENT, "sub": "ada", "iat": now, "exp": now + lifetime,
            // Some providers deviate from the standard types like this.
            "email_verified": "true", "updated_at": "2026-01-01T00:00:00Z", "groups": {"odd": true},
        });
        for (name, value) in claims.as_object().expect("claims") {
            all[name] = value.clone();
        }
        self.keys.issue_claims(&all)
    }

    /// A token response with an ID token.
    pub(super) fn granted(&self, lifetime: i64, claims: Value, refresh: Option<&str>) -> Value {
        let mut body = json!({
            "access_token": "opaque", "token_type": "Bearer", "expires_in": lifetime,
            "id_token": self.id_token(lifetime, claims),
        });
        if let Some(refresh) = refresh {
            body["refresh_token"] = json!(refresh);
        }
        body
    }

    pub(super) fn stop(&self) {
        self.serving.abort();
    }
}

impl Drop for FakeProvider {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

type Shared = State<Arc<Mutex<Script>>>;

async fn discovery(State(script): Shared) -> Json<Value> {
    Json(script.lock().expect("the script").discovery.clone())
}

async fn token(State(script): Shared, Form(form): Form<HashMap<String, String>>) -> Reply {
    let mut script = script.lock().expect("the script");
    script.requests.push(form);
    reply(script.token.pop_front())
}

async fn device(State(script): Shared, Form(form): Form<HashMap<String, String>>) -> Reply {
    let mut script = script.lock().expect("the script");
    script.requests.push(form);
    reply(script.device.pop_front())
}

async fn revoke(State(script): Shared, Form(form): Form<HashMap<String, String>>) -> Reply {
    let mut script = script.lock().expect("the script");
    script.requests.push(form);
    reply(script.revocation.pop_front())
}

type Reply = (StatusCode, Json<Value>);

fn reply(answer: Option<Answer>) -> Reply {
    let (status, body) = answer.unwrap_or((500, json!({"error": "server_error"})));
    (StatusCode::from_u16(status).expect("a status"), Json(body))
}
