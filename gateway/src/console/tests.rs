//! The console over HTTP. Sessions begin here without a provider; the login at a real one is in the end-to-end tests.

mod grants;
mod link;
mod record;
mod roles;

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;
use std::time::Duration;

use gatewright_contract::{ApprovalWait, RequestId, SessionId};
use gatewright_policy_host::{Missing, PolicySet};
use tokio::time::Instant;

use super::sessions::{SessionKey, Use};
use super::*;
use crate::access::AccessGrants;
use crate::approvals::tests::{ISSUER, draft, identity, reviewer, settings, until, waiting};
use crate::approvals::{Approvals, ApprovalsSettings, Draft, Finished, Outcome, State, Submitted};
use crate::identity::{Identity, IssuerSettings};
use crate::library::Library;
use crate::roster::{OpenSession, Roster};
use crate::store::{Store, StoreSettings};

/// A console whose URL has TLS in front of it.
struct Stage {
    roster: Arc<Roster>,
    approvals: Approvals,
    grants: AccessGrants,
    server: ConsoleServer,
}

/// A browser that is logged in.
struct Browser<'s> {
    stage: &'s Stage,
    cookie: String,
    csrf: String,
}

struct Answer {
    status: u16,
    head: String,
    body: String,
}

fn login() -> ConsoleLogin {
    ConsoleLogin {
        url: "https://console.example.com".to_owned(),
        issuer: IssuerSettings::new(ISSUER, vec!["gatewright".to_owned()]),
        client_id: "console".to_owned(),
        client_secret: None,
        scopes: vec!["openid".to_owned()],
        admins: vec!["platform".to_owned()],
        idle: Duration::from_secs(600),
        lifetime: Duration::from_secs(3600),
    }
}

impl Stage {
    async fn start() -> Self {
        Self::with(settings()).await
    }

    async fn with(settings: ApprovalsSettings) -> Self {
        Self::with_guest(settings, None).await
    }

    async fn with_guest(settings: ApprovalsSettings, guest: Option<Identity>) -> Self {
        Self::with_library(settings, guest, None).await
    }

    async fn with_library(
        settings: ApprovalsSettings,
        guest: Option<Identity>,
        library: Option<Library>,
    ) -> Self {
        let store = Store::open(StoreSettings::Memory).await.expect("a store");
        let approvals = Approvals::open(store.clone(), settings);
        let grants = AccessGrants::open(store, approvals.clone());
        let mut events = approvals.last_event();
        let known = events.wait_for(Option::is_some).await;
        known.expect("the store answers");
        let console = ConsoleSettings {
            address: "127.0.0.1:0".parse().expect("an address"),
            hosts: vec!["console.example.com".to_owned()],
            tls: None,
            login: login(),
            guest,
        };
        let roster = Arc::new(Roster::default());
        let overview = Overview {
            roster: Arc::clone(&roster),
            policies: Arc::new(|| Arc::new(policies())),
            figures: Arc::new(figures),
        };
        let server = ConsoleServer::start(
            console,
            approvals.clone(),
            grants.clone(),
            library,
            overview,
        )
        .await;
        Stage {
            roster,
            approvals,
            grants,
            server: server.expect("a server"),
        }
    }

    async fn hold(&self, statement: &str) -> RequestId {
        waiting(&self.approvals, draft(statement, ApprovalWait::Hold)).await
    }

    fn browser(&self, identity: Identity) -> Browser<'_> {
        let shared = self.server.shared();
        let limits = shared.provider.load().limits();
        let id = shared.sessions.begin(identity, limits, Instant::now());
        let found = shared
            .sessions
            .find(SessionKey::of(&id), Use::Page, limits, Instant::now());
        Browser {
            stage: self,
            cookie: format!("__Host-gatewright-session={id}"),
            csrf: found.expect("a session").csrf,
        }
    }

    /// One request on a connection of its own; `head`: further lines.
    async fn send(&self, line: &str, head: &str, body: &str) -> Answer {
        let address = self.server.address();
        let length = body.len();
        let request = format!(
            "{line} HTTP/1.1\r\nHost: console.example.com\r\nConnection: close\r\nContent-Length: {length}\r\n{head}\r\n{body}"
        );
        let answer = tokio::task::spawn_blocking(move || {
            let mut stream = TcpStream::connect(address).expect("a connection");
            stream.write_all(request.as_bytes()).expect("a request");
            let mut answer = String::new();
            stream.read_to_string(&mut answer).expect("an answer");
            answer
        });
        let answer = answer.await.expect("an answer");
        let (head, body) = answer.split_once("\r\n\r\n").expect("a head");
        let status = head.split(' ').nth(1).and_then(|text| text.parse().ok());
        Answer {
            status: status.expect("a status"),
            head: head.to_ascii_lowercase(),
            body: body.to_owned(),
        }
    }
}

impl Browser<'_> {
    async fn get(&self, path: &str) -> Answer {
        let cookie = format!("Cookie: {}\r\n", self.cookie);
        self.stage.send(&format!("GET {path}"), &cookie, "").await
    }

    async fn post(&self, path: &str, head: &str, body: &str) -> Answer {
        let kind = "Content-Type: application/x-www-form-urlencoded";
        let head = format!("Cookie: {}\r\n{kind}\r\n{head}", self.cookie);
        self.stage.send(&format!("POST {path}"), &head, body).await
    }

    async fn decide(&self, id: RequestId, verdict: &str, expected: &str, key: &str) -> Answer {
        let csrf = &self.csrf;
        let body = format!(
            "csrf={csrf}&reason=it+is+%C3%A4+fine%0D%0Aplan&expected={expected}&idempotency={key}"
        );
        self.post(&format!("/requests/{id}/{verdict}"), "", &body)
            .await
    }
}

/// None are loaded, and one is missing.
fn figures() -> Figures {
    let counted = DatabaseFigures {
        sessions: 1,
        statements: 8765,
        refused: 43,
        held: 2,
        rows: 9182,
        masked: 5151,
    };
    let broken = PolicyFigures {
        loaded: Some((
            std::time::SystemTime::now(),
            Some("<no component>".to_owned()),
        )),
        ..PolicyFigures::default()
    };
    let pool = PoolFigures {
        open: 5,
        idle: 3,
        waiting: 2,
    };
    Figures {
        pools: [("<crm>".to_owned(), pool)].into(),
        catalogs: [("db.example.com:5432/shop".to_owned(), false)].into(),
        verdicts: [("allow".to_owned(), 1234), ("deny".to_owned(), 7)].into(),
        decided: [("break_glass".to_owned(), 1)].into(),
        held: 4,
        databases: [("shop".to_owned(), counted)].into(),
        policies: [("odd".to_owned(), broken)].into(),
    }
}

fn policies() -> PolicySet {
    PolicySet {
        missing: vec![Missing {
            name: "deny-list".to_owned(),
            reason: "<gone>".to_owned(),
        }],
        ..PolicySet::empty()
    }
}

#[tokio::test]
async fn a_reviewer_sees_and_approves() {
    let stage = Stage::start().await;
    let id = stage.hold("DELETE FROM orders").await;
    let bob = stage.browser(reviewer("bob"));
    let page = bob.get("/").await;
    assert_eq!(page.status, 200);
    assert!(page.body.contains("DELETE FROM orders"), "{}", page.body);
    let page = bob.get(&format!("/requests/{id}?decide=approve")).await;
    assert!(page.body.contains("Approve this statement?"));
    assert!(page.body.contains(&bob.csrf));
    let done = bob.decide(id, "approve", "pending", "k1").await;
    assert_eq!(done.status, 303, "{}", done.body);
    assert!(
        done.head
            .contains(&format!("location: /requests/{id}?done"))
    );
    let Outcome::Approved(approved) = stage.approvals.outcome(id).await else {
        panic!("not approved")
    };
    assert_eq!(approved.by, "bob");
    assert_eq!(approved.reason.as_deref(), Some("it is ä fine\nplan"));
    let page = bob.get(&format!("/requests/{id}?done")).await;
    assert!(page.body.contains("Your decision is recorded"));
    // A second decision finds the request decided, and says so.
    let late = bob.decide(id, "reject", "pending", "k2").await;
    assert_eq!(late.status, 409);
    assert!(late.body.contains("Your decision was not recorded"));
    assert!(late.body.contains("the request is claimed, decided by bob"));
}

#[tokio::test]
async fn without_a_session_there_is_a_login() {
    let stage = Stage::start().await;
    let id = stage.hold("DELETE FROM orders").await;
    let bob = stage.browser(reviewer("bob"));
    let forged = format!("Cookie: __Host-gatewright-session={}\r\n", "0".repeat(64));
    let twice = format!("Cookie: {}; {}\r\n", bob.cookie, bob.cookie);
    let unprefixed = format!("Cookie: {}\r\n", bob.cookie.replace("__Host-", ""));
    for cookie in ["", &forged, &twice, &unprefixed] {
        let page = stage.send(&format!("GET /requests/{id}"), cookie, "").await;
        assert_eq!(page.status, 303, "{cookie}");
        assert!(page.head.contains("location: /login?next=%2frequests%2f"));
        let refresh = format!("{cookie}HX-Request: true\r\n");
        let page = stage.send("GET /", &refresh, "").await;
        assert_eq!(page.status, 401);
        assert!(page.head.contains("hx-refresh: true"));
        let events = stage.send("GET /events?after=0", cookie, "").await;
        assert_ne!(events.status, 200);
        let kind = "Content-Type: application/x-www-form-urlencoded\r\n";
        let body = format!("csrf={}&expected=pending&idempotency=k", bob.csrf);
        let line = format!("POST /requests/{id}/approve");
        let post = stage.send(&line, &format!("{cookie}{kind}"), &body).await;
        assert_eq!(post.status, 401);
        assert!(post.body.contains("You are logged out"));
        assert!(
            post.body
                .contains("<a class=\"button\" href=\"/login\">Log in</a>")
        );
    }
    let login = stage.send("GET /login?next=%2Frequests%2Fx", "", "").await;
    assert!(login.body.contains("/login/start?next=%2Frequests%2Fx"));
    assert!(login.body.contains(ISSUER));
}

#[tokio::test]
async fn forms_of_other_pages_decide_nothing() {
    let stage = Stage::start().await;
    let id = stage.hold("DELETE FROM orders").await;
    let (bob, carl) = (
        stage.browser(reviewer("bob")),
        stage.browser(reviewer("carl")),
    );
    let path = format!("/requests/{id}/approve");
    for csrf in ["", &carl.csrf, &bob.cookie] {
        let body = format!("csrf={csrf}&expected=pending&idempotency=k");
        let refused = bob.post(&path, "", &body).await;
        assert_eq!(refused.status, 403);
        assert!(refused.body.contains("Nothing was recorded"));
        let out = bob.post("/logout", "", &format!("csrf={csrf}")).await;
        assert_eq!(out.status, 403);
    }
    let body = format!("csrf={}&expected=pending&idempotency=k", bob.csrf);
    for site in ["cross-site", "same-site", "none"] {
        let head = format!("Sec-Fetch-Site: {site}\r\n");
        let refused = bob.post(&path, &head, &body).await;
        assert_eq!(refused.status, 403, "{site}");
    }
    for body in ["", "csrf", "expected=pending", "csrf=%ff"] {
        assert_eq!(bob.post(&path, "", body).await.status, 403, "{body}");
    }
    let page = bob.get("/").await;
    assert!(page.body.contains("Waiting for a decision"));
    let head = "Sec-Fetch-Site: same-origin\r\n";
    assert_eq!(bob.post(&path, head, &body).await.status, 303);
}

#[tokio::test]
async fn every_answer_is_protected() {
    let stage = Stage::start().await;
    let bob = stage.browser(reviewer("bob"));
    let mut nonces = Vec::new();
    for path in [
        "/",
        "/history",
        "/login",
        "/nothing",
        "/requests/x",
        "/assets/console.css",
    ] {
        let answer = bob.get(path).await;
        for header in [
            "referrer-policy: no-referrer",
            "x-content-type-options: nosniff",
            "x-frame-options: deny",
            "cross-origin-opener-policy: same-origin",
        ] {
            assert!(answer.head.contains(header), "{path}: {header}");
        }
        let no_store = answer.head.contains("cache-control: no-store");
        assert_eq!(no_store, !path.starts_with("/assets/"), "{path}");
        let (_, rest) = answer
            .head
            .split_once("script-src 'nonce-")
            .expect("a nonce");
        nonces.push(rest.split('\'').next().map(str::to_owned));
        // Every script has the nonce, and none is in the page itself.
        let scripts = answer.body.split("<script ").skip(1);
        for script in scripts {
            assert!(script.starts_with("defer nonce=\""), "{script}");
            let (_, rest) = script.split_once("src=\"/assets/").expect("a file");
            assert!(rest.contains("\"></script>"));
        }
        assert!(!answer.body.contains(" style="));
        assert!(!answer.body.contains(" onclick"));
    }
    // What cannot be read is answered by a page as well.
    for path in [
        "/requests/%ff",
        "/history?state=x",
        "/history?cursor=x",
        "/events",
        "/requests/x/events?after=1",
    ] {
        let answer = bob.get(path).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(answer.body.contains("Open the requests"), "{path}");
    }
    nonces.sort();
    nonces.dedup();
    assert_eq!(nonces.len(), 6, "{nonces:?}");
    let other = "GET / HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n";
    let mut stream = TcpStream::connect(stage.server.address()).expect("a connection");
    stream.write_all(other.as_bytes()).expect("a request");
    let mut answer = String::new();
    stream.read_to_string(&mut answer).expect("an answer");
    assert!(answer.starts_with("HTTP/1.1 421"), "{answer}");
}

#[tokio::test]
async fn statements_cannot_write_the_page() {
    let stage = Stage::start().await;
    let mut hostile = draft(
        "DELETE FROM orders -- <script>alert(1)</script>\u{202e} </pre> {{ csrf }}",
        ApprovalWait::Hold,
    );
    hostile.binding.agent = Some("<img src=x onerror=alert(1)>".to_owned());
    hostile.binding.database = "\"><script>x</script>".to_owned();
    hostile.wanted.reason = "<b>'\"\u{2066}".to_owned();
    hostile.shown.task = Some("<svg/onload=alert(1)>".to_owned());
    hostile.shown.tables = vec!["public.<i>".to_owned()];
    let id = waiting(&stage.approvals, hostile).await;
    let bob = stage.browser(reviewer("bob"));
    for path in ["/", &format!("/requests/{id}")] {
        let body = bob.get(path).await.body;
        for bad in [
            "<script>",
            "<img src=x",
            "<svg",
            "<i>",
            "\u{202e}",
            "\u{2066}",
        ] {
            assert!(!body.contains(bad), "{path}: {bad}");
        }
        assert!(body.contains("&lt;script&gt;alert(1)&lt;/script&gt;"));
        assert!(body.contains(">U+202E</span>"));
    }
}

#[tokio::test]
async fn a_reason_can_be_required() {
    let stage = Stage::with(ApprovalsSettings {
        reason_required: true,
        ..settings()
    })
    .await;
    let id = stage.hold("DELETE FROM orders").await;
    let bob = stage.browser(reviewer("bob"));
    let body = format!("csrf={}&reason=+&expected=pending&idempotency=k", bob.csrf);
    let path = format!("/requests/{id}/reject");
    let again = bob.post(&path, "", &body).await;
    assert_eq!(again.status, 422);
    assert!(again.body.contains("a reason is required"));
    assert!(again.body.contains("Reject this statement?"));
    let long = body.replace("reason=+", &format!("reason={}", "x".repeat(2001)));
    let again = bob.post(&path, "", &long).await;
    assert_eq!(again.status, 422);
    assert!(
        again.body.contains("xxxxx"),
        "what was typed is still there"
    );
    assert_eq!(bob.decide(id, "reject", "pending", "k").await.status, 303);
}

#[tokio::test]
async fn open_pages_are_told_of_changes_and_of_the_end() {
    let stage = Stage::start().await;
    let bob = stage.browser(reviewer("bob"));
    let first = stage.hold("DELETE FROM orders").await;
    let page = bob.get(&format!("/requests/{first}")).await.body;
    let (_, rest) = page.split_once("/events?after=").expect("a stream");
    let seen = rest.split('"').next().expect("a number").to_owned();
    let mut stream = TcpStream::connect(stage.server.address()).expect("a connection");
    let path = format!("/requests/{first}/events?after={seen}");
    let request = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nCookie: {}\r\n\r\n",
        bob.cookie
    );
    stream.write_all(request.as_bytes()).expect("a request");
    let (told, mut news) = tokio::sync::mpsc::unbounded_channel();
    let reading = tokio::task::spawn_blocking(move || {
        let mut text = String::new();
        let mut buffer = [0; 4096];
        while let Ok(read @ 1..) = stream.read(&mut buffer) {
            text.push_str(&String::from_utf8_lossy(&buffer[..read]));
            if told.send(text.clone()).is_err() || text.contains("event: ended") {
                break;
            }
        }
    });
    // Not this one's.
    stage.hold("DELETE FROM customers").await;
    let decided = bob.decide(first, "reject", "pending", "k").await;
    assert_eq!(decided.status, 303);
    let mut text = String::new();
    while !text.contains("event: update") {
        text = news.recv().await.expect("an event");
    }
    let out = bob.post("/logout", "", &format!("csrf={}", bob.csrf)).await;
    assert_eq!(out.status, 303);
    // Something happens, so that the stream looks at its session.
    stage.hold("DELETE FROM products").await;
    while !text.contains("event: ended") {
        text = news.recv().await.expect("the end");
    }
    reading.await.expect("events");
    assert!(text.contains("content-type: text/event-stream"), "{text}");
    assert_eq!(text.matches("event: update").count(), 1, "{text}");
    assert!(!text.contains("DELETE"), "{text}");
}

#[tokio::test]
async fn another_issuer_or_client_logs_everybody_out() {
    let stage = Stage::start().await;
    let bob = stage.browser(reviewer("bob"));
    let same = ConsoleLogin {
        idle: Duration::from_secs(700),
        ..login()
    };
    stage.server.replace_login(same).await.expect("settings");
    assert_eq!(bob.get("/").await.status, 200);
    let mut groups = login();
    groups.issuer.subject_groups = [("bob".to_owned(), vec!["dba".to_owned()])].into();
    stage.server.replace_login(groups).await.expect("settings");
    assert_eq!(bob.get("/").await.status, 303);
}

#[tokio::test]
async fn what_ran_without_approval_is_reviewed() {
    let stage = Stage::start().await;
    let broken = Draft {
        break_glass: Some("production is <down>".to_owned()),
        ..draft("DELETE FROM orders", ApprovalWait::Hold)
    };
    let submitted = stage.approvals.submit(broken).await.expect("it runs");
    let Submitted::Claimed { id, .. } = submitted else {
        panic!("it waits")
    };
    stage.approvals.finished(id, Finished::Executed { rows: 1 });
    until(&stage.approvals, id, State::Executed).await;
    let bob = stage.browser(reviewer("bob"));
    let path = format!("/requests/{id}");
    let page = bob.get("/").await;
    assert!(page.body.contains("to be reviewed"), "{}", page.body);
    assert_eq!(page.body.matches(&format!("id=\"r-{id}\"")).count(), 1);
    let page = bob.get(&path).await;
    for part in [
        "Break-glass: this ran without waiting for reviewers.",
        "production is &lt;down&gt;",
        "Nobody has reviewed it yet.",
        "decide=review",
    ] {
        assert!(page.body.contains(part), "{part}: {}", page.body);
    }
    let form = bob.get(&format!("{path}?decide=review")).await;
    assert!(
        form.body.contains("Have you looked at this?"),
        "{}",
        form.body
    );
    let ada = stage.browser(identity("ada", &["dba"]));
    assert!(!ada.get(&path).await.body.contains("decide=review"));
    assert_eq!(ada.decide(id, "review", "executed", "k1").await.status, 403);
    let done = bob.decide(id, "review", "executed", "k2").await;
    assert_eq!(done.status, 303, "{}", done.body);
    let page = bob.get(&path).await;
    assert!(
        page.body.contains("Reviewed by <b>bob</b>."),
        "{}",
        page.body
    );
    assert!(!bob.get("/").await.body.contains("to be reviewed"));
    assert_eq!(bob.decide(id, "review", "executed", "k3").await.status, 409);
}
