//! The API over HTTP, with tokens of the development provider.

mod roles;

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use gatewright_contract::ApprovalWait;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::*;
use crate::access::AccessGrants;
use crate::approvals::tests::{draft, settings, waiting};
use crate::approvals::{
    Approvals, ApprovalsSettings, Draft, Effect, EffectFound, EffectRow, EffectRows, Finished,
    Outcome, State, Submitted, Verdict,
};
use crate::identity::{DevProvider, TokenRequest, Verifier};
use crate::library::Library;
use crate::store::{Store, StoreSettings};

/// An API, and the provider of its tokens.
pub(super) struct Stage {
    provider: DevProvider,
    approvals: Approvals,
    server: ApiServer,
}

impl Stage {
    pub async fn start() -> Self {
        Self::with(None).await
    }

    pub async fn with(library: Option<Library>) -> Self {
        let provider = DevProvider::start().await.expect("a provider");
        let verifier = Verifier::new(vec![provider.issuer_settings()]).await;
        let verifier = Arc::new(verifier.expect("a verifier"));
        let store = Store::open(StoreSettings::Memory).await.expect("a store");
        let settings = ApprovalsSettings {
            people: vec![provider.issuer_url().to_owned()],
            ..settings()
        };
        let approvals = Approvals::open(store.clone(), settings);
        let grants = AccessGrants::open(store, approvals.clone());
        let mut events = approvals.last_event();
        let known = events.wait_for(Option::is_some).await;
        known.expect("the store answers");
        let api = ApiSettings {
            address: "127.0.0.1:0".parse().expect("an address"),
            hosts: vec!["gateway.example.com".to_owned()],
            tls: None,
        };
        let now: VerifierNow = Arc::new(move || Arc::clone(&verifier));
        let server =
            ApiServer::start(api, approvals.clone(), grants, library, now).expect("a server");
        Stage {
            provider,
            approvals,
            server,
        }
    }

    pub fn address(&self) -> std::net::SocketAddr {
        self.server.address()
    }

    pub fn token(&self, subject: &str, groups: &[&str], agent: Option<&str>) -> SecretString {
        let request = TokenRequest {
            subject: subject.to_owned(),
            groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            agent: agent.map(str::to_owned),
            task: None,
            ttl: Duration::from_secs(600),
        };
        self.provider.issue(&request).into()
    }

    pub fn client(&self, subject: &str, groups: &[&str], agent: Option<&str>) -> ApiClient {
        let url = format!("http://{}", self.server.address());
        let token = self.token(subject, groups, agent);
        ApiClient::new(&url, None, token).expect("a client")
    }

    pub fn reviewer(&self) -> ApiClient {
        self.client("bob", &["dba"], None)
    }

    fn draft(&self, statement: &str, wait: ApprovalWait) -> Draft {
        let mut draft = draft(statement, wait);
        draft.binding.issuer = self.provider.issuer_url().to_owned();
        draft
    }
}

/// The bytes of an answer to these, without waiting for more than comes with it.
fn raw(address: SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(address).expect("a connection");
    stream.write_all(request.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    answer
}

pub(super) fn code(error: &ClientError) -> &str {
    match error {
        ClientError::Refused { code, .. } => code,
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_person_sees_and_decides() {
    let stage = Stage::start().await;
    let id = waiting(
        &stage.approvals,
        stage.draft("DELETE FROM orders", ApprovalWait::Hold),
    )
    .await;
    let bob = stage.reviewer();
    let page = bob.list(&[State::Pending], None).await.expect("a page");
    assert_eq!(page.cursor, None);
    let [listed] = page.requests.as_slice() else {
        panic!("{page:?}")
    };
    assert_eq!(listed.id, id.to_string());
    assert_eq!(listed.statement, "DELETE FROM orders");
    assert!(listed.may_decide);
    let body = DecisionBody {
        reason: Some("fine".to_owned()),
        expected_state: Some(State::Pending),
        ..DecisionBody::default()
    };
    let id_text = id.to_string();
    let decided = bob
        .decide(&id_text, Verdict::Approve, &body)
        .await
        .expect("approved");
    assert_eq!(decided.state, State::Approved);
    let outcome = stage.approvals.outcome(id).await;
    assert!(matches!(outcome, Outcome::Approved(_)), "{outcome:?}");
    stage.approvals.finished(id, Finished::Executed { rows: 2 });
    let mut events = stage.approvals.last_event();
    loop {
        let shown = bob.show(&id_text).await.expect("a request");
        if shown.state == State::Executed {
            assert_eq!(shown.history.len(), 4);
            assert_eq!(shown.outcome.expect("an outcome").rows, Some(2));
            break;
        }
        events.changed().await.expect("an event");
    }
    let again = bob
        .decide(&id_text, Verdict::Reject, &body)
        .await
        .expect_err("too late");
    let ClientError::Refused { code, state, .. } = again else {
        panic!("{again}")
    };
    assert_eq!(
        (code.as_str(), state),
        ("state", Some("executed".to_owned()))
    );
}

#[tokio::test]
async fn requests_without_a_good_token_see_nothing() {
    let stage = Stage::start().await;
    let other = DevProvider::start().await.expect("a provider");
    let forged = other.issue(&TokenRequest {
        subject: "bob".to_owned(),
        groups: vec!["dba".to_owned()],
        agent: None,
        task: None,
        ttl: Duration::from_secs(600),
    });
    let address = stage.server.address();
    for path in ["/v1/requests", "/v1/requests/events", "/v1/requests/x"] {
        for authorization in [
            String::new(),
            "Authorization: Basic Ym9iOng=\r\n".to_owned(),
            format!("Authorization: Bearer {forged}\r\n"),
            "Authorization: Bearer x\r\nAuthorization: Bearer y\r\n".to_owned(),
            format!("Cookie: token={forged}\r\n"),
        ] {
            let request = format!(
                "GET {path} HTTP/1.1\r\nHost: {address}\r\n{authorization}Connection: close\r\n\r\n"
            );
            let answer = tokio::task::spawn_blocking(move || raw(address, &request));
            let answer = answer.await.expect("an answer");
            assert!(answer.starts_with("HTTP/1.1 401"), "{answer}");
            assert!(answer.contains("application/problem+json"), "{answer}");
            assert!(answer.contains("www-authenticate: Bearer"), "{answer}");
            assert!(answer.contains("cache-control: no-store"), "{answer}");
        }
    }
}

#[tokio::test]
async fn pages_that_use_the_browsers_name_resolution_get_nothing() {
    let stage = Stage::start().await;
    let address = stage.server.address();
    for (host, status) in [
        ("evil.example", "421"),
        ("gateway.example.com", "200"),
        ("localhost", "200"),
    ] {
        let request =
            format!("GET /v1/openapi.json HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n");
        let answer = tokio::task::spawn_blocking(move || raw(address, &request));
        let answer = answer.await.expect("an answer");
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn what_is_asked_wrongly_is_named() {
    use secrecy::ExposeSecret;
    let stage = Stage::start().await;
    let id = waiting(
        &stage.approvals,
        stage.draft("DELETE FROM orders", ApprovalWait::Hold),
    )
    .await;
    let address = stage.server.address();
    let token = stage.token("bob", &["dba"], None);
    let json = "Content-Type: application/json\r\n";
    let long = format!("{{\"reason\": \"{}\"}}", "x".repeat(70_000));
    for (line, headers, body, status, code) in [
        ("GET /v1/requests?state=nothing", "", "", 400, "query"),
        ("GET /v1/requests?states=pending", "", "", 400, "query"),
        ("GET /v1/requests?cursor=1", "", "", 400, "query"),
        ("GET /v1/requests?limit=0", "", "", 400, "query"),
        ("GET /v1/requests?limit=1000", "", "", 400, "query"),
        ("GET /v1/requests/1", "", "", 404, "not-found"),
        ("GET /v1/requests/%ff", "", "", 404, "not-found"),
        (
            "POST /v1/requests/%ff/approve",
            json,
            "{}",
            404,
            "not-found",
        ),
        ("GET /v1/nothing", "", "", 404, "no-such-path"),
        ("DELETE /v1/requests", "", "", 405, "no-such-method"),
        (
            "POST /v1/requests/ID/adopt",
            json,
            "{}",
            404,
            "no-such-path",
        ),
        ("POST /v1/requests/ID/approve", json, "{", 400, "body"),
        (
            "POST /v1/requests/ID/approve",
            json,
            "{\"why\": 1}",
            422,
            "body",
        ),
        (
            "POST /v1/requests/ID/approve",
            json,
            "{\"reason\": 1}",
            422,
            "body",
        ),
        ("POST /v1/requests/ID/approve", "", "{}", 415, "body"),
        (
            "POST /v1/requests/ID/approve",
            json,
            long.as_str(),
            413,
            "body",
        ),
        (
            "GET /v1/requests/events",
            "Last-Event-ID: x\r\n",
            "",
            400,
            "last-event-id",
        ),
        (
            "POST /v1/requests/ID/approve",
            json,
            "{\"expected_state\": \"approved\"}",
            409,
            "state",
        ),
        (
            "POST /v1/requests/ID/approve",
            json,
            "{\"effect_digest\": \"x\"}",
            409,
            "effect-digest",
        ),
        (
            "POST /v1/requests/ID/approve",
            json,
            "{\"idempotency_key\": \"\"}",
            422,
            "idempotency-key",
        ),
    ] {
        let request = format!(
            "{} HTTP/1.1\r\nHost: {address}\r\nAuthorization: Bearer {}\r\n{headers}Content-Length: {}\r\nConnection: close\r\n\r\n{body}",
            line.replace("ID", &id.to_string()),
            token.expose_secret(),
            body.len(),
        );
        let answer = tokio::task::spawn_blocking(move || raw(address, &request));
        let answer = answer.await.expect("an answer");
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status}")),
            "{line}: {answer}"
        );
        assert!(
            answer.contains(&format!("\"code\":\"{code}\"")),
            "{line}: {answer}"
        );
    }
}

#[tokio::test]
async fn events_are_streamed_and_go_on_where_they_broke_off() {
    let stage = Stage::start().await;
    let bob = stage.reviewer();
    let mut stream = bob.watch(None).await.expect("a stream");
    let id = waiting(
        &stage.approvals,
        stage.draft("DELETE 1", ApprovalWait::ReturnId),
    )
    .await;
    let made = stream.next().await.expect("no fault").expect("an event");
    assert_eq!(
        (made.request.as_str(), made.before),
        (id.to_string().as_str(), None)
    );
    assert_eq!(made.by.as_deref(), Some("ada"));
    let last = stream.last_id().expect("an id").to_owned();
    drop(stream);
    let body = DecisionBody::default();
    bob.decide(&id.to_string(), Verdict::Approve, &body)
        .await
        .expect("approved");
    let claimed = stage
        .approvals
        .submit(stage.draft("DELETE 1", ApprovalWait::ReturnId))
        .await;
    assert!(
        matches!(claimed, Ok(Submitted::Claimed { .. })),
        "{claimed:?}"
    );
    // Nobody who may not see the request hears of it.
    let mut deaf = stage
        .client("eve", &["staff"], None)
        .watch(Some("0"))
        .await
        .expect("a stream");
    let mut stream = bob.watch(Some(&last)).await.expect("a stream");
    for expected in [State::Approved, State::Claimed] {
        let event = stream.next().await.expect("no fault").expect("an event");
        assert_eq!(event.state, expected);
    }
    let heard = tokio::time::timeout(Duration::from_millis(300), deaf.next()).await;
    assert!(heard.is_err(), "{heard:?}");
}

/// A stream that ends before its first event is no gap either.
#[tokio::test]
async fn a_stream_says_where_it_begins() {
    let stage = Stage::start().await;
    let bob = stage.reviewer();
    let mut stream = bob.watch(None).await.expect("a stream");
    while stream.last_id().is_none() {
        let next = tokio::time::timeout(Duration::from_millis(100), stream.next());
        assert!(next.await.is_err(), "an event, and nothing has happened");
    }
    let begin = stream.last_id().expect("the place").to_owned();
    drop(stream);
    let id = waiting(
        &stage.approvals,
        stage.draft("DELETE 1", ApprovalWait::ReturnId),
    )
    .await;
    let mut stream = bob.watch(Some(&begin)).await.expect("a stream");
    let event = stream.next().await.expect("no fault").expect("an event");
    assert_eq!(event.request, id.to_string());
    assert_ne!(stream.last_id(), Some(begin.as_str()));
}

#[test]
fn the_clients_token_is_not_sent_in_the_clear() {
    let token = || SecretString::from("x");
    for url in ["http://gateway.example.com", "ftp://127.0.0.1", "gateway"] {
        let client = ApiClient::new(url, None, token());
        assert!(matches!(client, Err(ClientError::Insecure)), "{url}");
    }
    for url in ["https://gateway.example.com/", "http://127.0.0.1:9465"] {
        assert!(ApiClient::new(url, None, token()).is_ok(), "{url}");
    }
}

/// The description has the paths of the router, and the members of what is really sent.
#[tokio::test]
async fn the_description_is_of_this_api() {
    let stage = Stage::start().await;
    let description: Value = serde_json::from_str(DESCRIPTION).expect("JSON");
    let paths = description["paths"].as_object().expect("paths");
    let source = include_str!("server.rs");
    let mut routes = BTreeSet::new();
    for path in paths.keys() {
        let route = path.replace("/approve", "/{verdict}");
        let route = route
            .replace("/reject", "/{verdict}")
            .replace("/revoke", "/{verdict}")
            .replace("/withdraw", "/{verdict}")
            .replace("/review", "/{verdict}");
        assert!(source.contains(&format!("\"{route}\"")), "{path}");
        routes.insert(route);
    }
    assert_eq!(routes.len(), source.matches(".route(\"").count());
    let states: Vec<&str> = State::ALL.iter().map(|state| state.name()).collect();
    assert_eq!(
        description["components"]["schemas"]["State"]["enum"],
        json!(states)
    );

    let mut full = stage.draft("DELETE 1", ApprovalWait::ReturnId);
    full.binding.agent = Some("helper".to_owned());
    full.binding.settings = vec![("client_encoding".to_owned(), "UTF8".to_owned())];
    full.shown.task = Some("t".to_owned());
    full.shown.groups = vec!["staff".to_owned()];
    full.shown.effects = vec!["deletes rows".to_owned()];
    full.shown.effect = Some(Effect {
        found: EffectFound::Preview { rows: 3 },
        limited: Some("not all".to_owned()),
        bound: false,
        rows: Some(EffectRows {
            columns: vec!["n".to_owned(), "name".to_owned()],
            rows: vec![EffectRow::Changed {
                before: Some(vec![Some("1".to_owned()), None]),
                after: None,
            }],
        }),
        rows_hidden: None,
        rows_digest: Some("never shown".to_owned()),
    });
    let id = waiting(&stage.approvals, full.clone()).await.to_string();
    let bob = stage.reviewer();
    let body = DecisionBody {
        reason: Some("fine".to_owned()),
        expected_state: Some(State::Pending),
        effect_digest: None,
        idempotency_key: Some("k".to_owned()),
    };
    bob.decide(&id, Verdict::Approve, &body)
        .await
        .expect("approved");
    bob.decide(&id, Verdict::Revoke, &DecisionBody::default())
        .await
        .expect("revoked");
    let mut stream = bob.watch(Some("0")).await.expect("a stream");
    let event = stream.next().await.expect("no fault").expect("an event");
    let page = bob.list(&[], None).await.expect("a page");
    let shown = bob.show(&id).await.expect("a request");
    let rows = |request: &RequestView| request.effect.as_ref().map(|effect| effect.changes.len());
    assert_eq!(rows(&shown), Some(1));
    assert_eq!(page.requests.first().map(rows), Some(Some(0)));
    let sent = DecisionBody {
        effect_digest: Some("d".to_owned()),
        ..body
    };
    for (name, value) in [
        ("Request", serde_json::to_value(&shown)),
        ("Page", serde_json::to_value(&page)),
        ("Event", serde_json::to_value(&event)),
        ("Decision", serde_json::to_value(&sent)),
    ] {
        let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
        fits(&description, &schema, &value.expect("JSON"), name);
    }
}

/// The value has the members of the schema, all of the required ones and no others.
pub(super) fn fits(description: &Value, schema: &Value, value: &Value, at: &str) {
    if let Some(name) = schema["$ref"].as_str() {
        let pointer = name.trim_start_matches('#');
        let schema = description
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{name}"));
        return fits(description, schema, value, at);
    }
    if let Some(all) = schema["anyOf"].as_array() {
        if !value.is_null() {
            fits(description, &all[0], value, at);
        }
        return;
    }
    if let Some(members) = schema["properties"].as_object() {
        let value = value.as_object().unwrap_or_else(|| panic!("{at}: {value}"));
        for (name, member) in value {
            let schema = members
                .get(name)
                .unwrap_or_else(|| panic!("{at}.{name} is not described"));
            fits(description, schema, member, &format!("{at}.{name}"));
        }
        for name in schema["required"].as_array().into_iter().flatten() {
            let name = name.as_str().expect("a name");
            assert!(value.contains_key(name), "{at}.{name} is required");
        }
        return;
    }
    let kinds = match &schema["type"] {
        Value::Array(kinds) => kinds.clone(),
        kind => vec![kind.clone()],
    };
    let kind = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "integer",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    assert!(
        kinds.contains(&json!(kind)),
        "{at} is {kind}, not {kinds:?}"
    );
    for item in value.as_array().into_iter().flatten() {
        fits(description, &schema["items"], item, &format!("{at}[]"));
    }
}

#[tokio::test]
async fn what_ran_without_approval_is_listed_and_reviewed() {
    let stage = Stage::start().await;
    let broken = Draft {
        break_glass: Some("production is down".to_owned()),
        ..stage.draft("DELETE FROM orders", ApprovalWait::Hold)
    };
    let submitted = stage.approvals.submit(broken).await.expect("it runs");
    let Submitted::Claimed { id, .. } = submitted else {
        panic!("it waits")
    };
    stage.approvals.finished(id, Finished::Executed { rows: 1 });
    let (bob, name) = (stage.reviewer(), id.to_string());
    let mut events = stage.approvals.last_event();
    while bob.show(&name).await.expect("a request").state != State::Executed {
        events.changed().await.expect("an event");
    }
    let due = bob.list_to_review(None).await.expect("a page").requests;
    let [listed] = due.as_slice() else {
        panic!("{due:?}")
    };
    assert!(listed.may_decide);
    let broken = listed.break_glass.clone().expect("it broke the glass");
    assert_eq!(broken.justification, "production is down");
    assert_eq!(broken.reviewed_by, None);
    let body = DecisionBody {
        reason: Some("it was".to_owned()),
        ..DecisionBody::default()
    };
    let reviewed = bob.decide(&name, Verdict::Review, &body).await;
    let reviewed = reviewed.expect("reviewed");
    let description: Value = serde_json::from_str(DESCRIPTION).expect("JSON");
    let schema = json!({ "$ref": "#/components/schemas/Request" });
    let sent = serde_json::to_value(&reviewed).expect("JSON");
    fits(&description, &schema, &sent, "Request");
    assert!(!reviewed.may_decide);
    let broken = reviewed.break_glass.expect("it broke the glass");
    assert_eq!(broken.reviewed_by.as_deref(), Some("bob"));
    assert!(broken.reviewed_at.is_some());
    let again = bob.decide(&name, Verdict::Review, &body).await;
    assert_eq!(code(&again.expect_err("reviewed")), "nothing-to-review");
    let left = bob.list_to_review(None).await.expect("a page");
    assert!(left.requests.is_empty(), "{left:?}");
}
