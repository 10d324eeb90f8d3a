//! Webhooks are told of access grants as of requests.

use gatewright_contract::AccessGrantId;

use super::*;
use crate::access::{Ask, Decision, GrantTable, Verbs, Verdict};
use crate::approvals::tests::identity;
use crate::store::tests::places;

fn table(schema: &str, name: &str, verbs: &[&str]) -> GrantTable {
    GrantTable {
        schema: schema.to_owned(),
        name: Some(name.to_owned()),
        verbs: Verbs::from_names(verbs).expect("verbs"),
    }
}

/// What Ada asks for.
pub(super) fn ask() -> Ask {
    Ask {
        asker: identity("ada", &["staff"]),
        agent: None,
        databases: vec!["shop".to_owned()],
        tables: vec![table("public", "orders", &["update", "delete"])],
        from_statement: None,
        row_budget: Some(100),
        duration: Duration::from_secs(3600),
        not_before: None,
        reason: "canary 4711".to_owned(),
        idempotency_key: None,
    }
}

impl Stage {
    pub(super) async fn ask_for_access(&self, ask: Ask) -> AccessGrantId {
        self.grants
            .ask(ask)
            .await
            .expect("it is asked for")
            .grant
            .id
    }

    pub(super) async fn decide_access(&self, id: AccessGrantId, verdict: Verdict, by: &str) {
        let decision = Decision {
            id,
            verdict,
            by: reviewer(by),
            reason: Some("canary of the reviewer".to_owned()),
            expected_state: None,
            idempotency_key: None,
        };
        self.grants.decide(decision).await.expect("decided");
    }
}

/// What one webhook is told of access that is granted and revoked.
async fn told(format: Format, statement: Disclosure, ask: Ask) -> [String; 3] {
    let receiver = Receiver::start().await;
    let settings = WebhookSettings {
        format,
        statement,
        ..webhook("audit", &receiver.url)
    };
    let stage = Stage::start(vec![settings]).await;
    let id = stage.ask_for_access(ask).await;
    stage.decide_access(id, Verdict::Approve, "bob").await;
    stage.decide_access(id, Verdict::Revoke, "carol").await;
    let received = receiver.until(3).await;
    [0, 1, 2].map(|at| received[at].text())
}

#[tokio::test]
async fn messages_are_signed_and_tell_what_becomes_of_access() {
    for (place, _folder) in places() {
        let receiver = Receiver::start().await;
        let stage = Stage::at(&place, vec![webhook("audit", &receiver.url)]).await;
        let request = stage.ask(returned("DELETE FROM orders")).await;
        let id = stage.ask_for_access(ask()).await;
        stage.decide_access(id, Verdict::Approve, "bob").await;
        stage.decide_access(id, Verdict::Revoke, "carol").await;
        let mut received = receiver.until(4).await;
        received.retain(|one| one.json()["request"]["id"] != request.to_string());
        let kinds = ["requested", "approved", "revoked"];
        let deciders = [None, Some("bob"), Some("carol")];
        for ((one, kind), by) in received.iter().zip(kinds).zip(deciders) {
            let body = one.json();
            assert_eq!(body["type"], format!("grant.{kind}"), "{body}");
            assert_eq!(body["id"], one.header("webhook-id"), "{body}");
            assert!(one.is_signed_with(SECRET), "{one:?}");
            let grant = &body["grant"];
            assert_eq!(grant["id"], id.to_string(), "{body}");
            assert_eq!(grant["holder"]["subject"], "ada", "{body}");
            assert_eq!(grant["decided_by"].as_str(), by, "{body}");
            let verbs = serde_json::json!(["update", "delete"]);
            assert_eq!(grant["tables"][0]["verbs"], verbs, "{body}");
            assert_eq!(
                grant["url"],
                format!("https://gateway.example.com/grants/{id}")
            );
        }
        let [asked, approved, _] = [0, 1, 2].map(|at| received[at].json());
        assert_eq!(asked["grant"]["state"], "pending", "{asked}");
        assert!(asked["grant"]["active_until"].is_null(), "{asked}");
        assert!(approved["grant"]["active_until"].is_string(), "{approved}");
    }
}

/// Nothing that people write, unless it may.
#[tokio::test]
async fn what_people_write_leaves_only_if_it_may() {
    for format in [Format::Json, Format::Slack] {
        for disclosure in [Disclosure::Redacted, Disclosure::None] {
            for text in told(format.clone(), disclosure, ask()).await {
                assert!(!text.contains("canary"), "{text}");
                assert!(!text.contains("decide=approve"), "{text}");
                assert!(text.contains("ada"), "{text}");
            }
        }
        let [asked, approved, _] = told(format, Disclosure::Whole, ask()).await;
        assert!(asked.contains("canary 4711"), "{asked}");
        assert!(approved.contains("canary of the reviewer"), "{approved}");
    }
}

/// What is changed, and how.
type Change = (&'static str, fn(&mut Ask));

#[tokio::test]
async fn approve_is_offered_where_the_message_shows_all_of_it() {
    let changes: [Change; 6] = [
        ("a reason that is not plain", |ask| {
            ask.reason.push('\u{202e}')
        }),
        ("a table that is not plain", |ask| {
            ask.tables[0].name = Some("\u{43e}rders".to_owned());
        }),
        ("a database that is not plain", |ask| {
            ask.databases.push("sh\u{200b}p".to_owned());
        }),
        ("a backtick", |ask| ask.tables[0].schema.push('`')),
        ("many tables", |ask| {
            ask.tables = (0..11)
                .map(|number| table("public", &format!("t{number}"), &["select"]))
                .collect();
        }),
        ("many databases", |ask| {
            ask.databases = (0..11).map(|number| format!("d{number}")).collect();
        }),
    ];
    for format in [Format::Json, Format::Slack] {
        let [asked, approved, _] = told(format.clone(), Disclosure::Whole, ask()).await;
        assert!(asked.contains("?decide=approve"), "{asked}");
        assert!(!approved.contains("?decide=approve"), "{approved}");
        for (what, change) in changes {
            let mut ask = ask();
            change(&mut ask);
            let [asked, ..] = told(format.clone(), Disclosure::Whole, ask).await;
            assert!(!asked.contains("?decide=approve"), "{what}: {asked}");
            assert!(asked.contains("/grants/"), "{what}: {asked}");
        }
    }
    // A program gets all of a long reason; a chat does not show it.
    let long = Ask {
        reason: "x".repeat(700),
        ..ask()
    };
    let [program, ..] = told(Format::Json, Disclosure::Whole, long.clone()).await;
    assert!(program.contains("?decide=approve"), "{program}");
    let [chat, ..] = told(Format::Slack, Disclosure::Whole, long).await;
    assert!(!chat.contains("?decide=approve"), "{chat}");
}

#[tokio::test]
async fn a_chat_is_told_who_decided_and_nothing_gets_out_of_its_code() {
    let hostile = Ask {
        databases: vec!["<!channel>` @here".to_owned()],
        tables: vec![table("<!everyone>", "` <@U1> &", &["delete"])],
        reason: "``` <https://evil.example.com|Approve>".to_owned(),
        ..ask()
    };
    for text in told(Format::Slack, Disclosure::Whole, hostile).await {
        let body: Value = serde_json::from_str(&text).expect("JSON");
        let mut texts = vec![body["text"].clone()];
        let blocks = body["blocks"].as_array().expect("blocks");
        texts.extend(blocks.iter().map(|block| block["text"]["text"].clone()));
        for shown in texts.iter().filter_map(Value::as_str) {
            assert!(!shown.contains(['<', '>']), "{shown}");
            assert!(shown.chars().count() <= 3000, "{shown}");
            assert_eq!(shown.matches('`').count() % 2, 0, "{shown}");
            let outside: String = shown.split('`').step_by(2).collect();
            for foreign in ["channel", "everyone", "evil", "U1", "@"] {
                assert!(!outside.contains(foreign), "{foreign}: {outside}");
            }
        }
    }
    let [asked, _, revoked] = told(Format::Slack, Disclosure::Redacted, ask()).await;
    let text = |body: &str| serde_json::from_str::<Value>(body).expect("JSON")["text"].clone();
    assert_eq!(
        text(&asked),
        "*Access wanted:* `ada` asks for access in `shop` for 1 hour."
    );
    assert!(
        asked.contains("`update, delete on public.orders`"),
        "{asked}"
    );
    assert_eq!(
        text(&revoked),
        "*Access revoked* by `carol`: `ada` in `shop` for 1 hour."
    );
    assert!(revoked.contains("Decided by `carol`"), "{revoked}");
}

/// The states are chosen for grants and requests each.
#[tokio::test]
async fn only_the_chosen_states_are_told() {
    let receiver = Receiver::start().await;
    let settings = WebhookSettings {
        events: vec![State::Approved],
        grant_events: vec![access::State::Revoked],
        ..webhook("audit", &receiver.url)
    };
    let stage = Stage::start(vec![settings]).await;
    let id = stage.ask_for_access(ask()).await;
    stage.decide_access(id, Verdict::Approve, "bob").await;
    stage.decide_access(id, Verdict::Revoke, "carol").await;
    let request = stage.ask(returned("DELETE FROM orders")).await;
    stage
        .decide(request, crate::approvals::Verdict::Approve)
        .await;
    let received = receiver.until(2).await;
    let mut kinds = [0, 1].map(|at| received[at].json()["type"].clone());
    kinds.sort_by_key(|kind| kind.to_string());
    assert_eq!(kinds, ["approval.approved", "grant.revoked"]);
    stage.webhooks.stop().await;
    assert_eq!(receiver.all().len(), 2);
}

#[tokio::test]
async fn what_a_gateway_left_is_delivered_by_the_next() {
    for (place, _folder) in places() {
        let receiver = Receiver::start().await;
        let first = Stage::at(&place, Vec::new()).await;
        let audit = webhook("audit", &receiver.url);
        let subscribed = first.approvals.subscribe(&audit.subscription()).await;
        subscribed.expect("a subscription");
        let id = first.ask_for_access(ask()).await;
        drop(first);
        let _stage = Stage::at(&place, vec![audit]).await;
        let received = receiver.until(1).await;
        assert_eq!(received[0].json()["grant"]["id"], id.to_string());
    }
}
