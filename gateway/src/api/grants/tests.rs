//! Access grants over HTTP, with tokens of the development provider.

use serde_json::{Value, json};

use super::view::{AskBody, GrantDecisionBody, GrantView};
use crate::access::{GrantTable, State, Verbs, Verdict};
use crate::api::tests::{Stage, code, fits};
use crate::api::{ApiClient, ClientError, DESCRIPTION};

pub(in crate::api) fn ask() -> AskBody {
    AskBody {
        databases: vec!["shop".to_owned()],
        tables: vec![GrantTable {
            schema: "public".to_owned(),
            name: Some("orders".to_owned()),
            verbs: Verbs::from_names(["delete"]).expect("a verb"),
        }],
        duration_seconds: 3600,
        reason: "ticket 4711".to_owned(),
        ..AskBody::default()
    }
}

pub(in crate::api) async fn asked(client: &ApiClient, body: &AskBody) -> GrantView {
    client.ask_for_grant(body).await.expect("it is asked for")
}

async fn decide(client: &ApiClient, id: &str, verdict: Verdict) -> Result<GrantView, ClientError> {
    let body = GrantDecisionBody {
        reason: Some("checked".to_owned()),
        ..GrantDecisionBody::default()
    };
    client.decide_grant(id, verdict, &body).await
}

#[tokio::test]
async fn a_person_asks_and_another_decides() {
    let stage = Stage::start().await;
    let (ada, bob) = (stage.client("ada", &["staff"], None), stage.reviewer());
    let grant = asked(&ada, &ask()).await;
    assert_eq!((grant.state, grant.may_decide), (State::Pending, false));
    let listed = bob.grants(&[State::Pending], None).await.expect("a page");
    let [listed] = listed.grants.as_slice() else {
        panic!("{listed:?}")
    };
    assert!(listed.id == grant.id && listed.may_decide && listed.active_until.is_none());
    let approved = decide(&bob, &grant.id, Verdict::Approve).await;
    let approved = approved.expect("approved");
    assert_eq!(approved.state, State::Approved);
    assert!(approved.active_from.is_some() && approved.active_until.is_some());
    let again = decide(&bob, &grant.id, Verdict::Reject).await;
    let Err(ClientError::Refused { code, state, .. }) = again else {
        panic!("{again:?}")
    };
    assert_eq!(
        (code.as_str(), state.as_deref()),
        ("state", Some("approved"))
    );
    let revoked = decide(&bob, &grant.id, Verdict::Revoke).await;
    assert_eq!(revoked.expect("revoked").state, State::Revoked);
    let history = ada.grant(&grant.id).await.expect("hers").history;
    let states: Vec<State> = history.iter().map(|step| step.state).collect();
    assert_eq!(states, [State::Pending, State::Approved, State::Revoked]);
}

#[tokio::test]
async fn what_happens_to_grants_is_streamed() {
    let stage = Stage::start().await;
    let (ada, bob) = (stage.client("ada", &["staff"], None), stage.reviewer());
    let eve = stage.client("eve", &["staff"], None);
    let of_others = asked(&eve, &ask()).await;
    let mut stream = ada.watch_grants(Some("0")).await.expect("a stream");
    let grant = asked(&ada, &ask()).await;
    decide(&bob, &grant.id, Verdict::Approve)
        .await
        .expect("approved");
    // Neither what happens to others' grants, nor to requests.
    for (before, state, by) in [
        (None, State::Pending, "ada"),
        (Some(State::Pending), State::Approved, "bob"),
    ] {
        let event = stream.next().await.expect("no fault").expect("an event");
        assert_eq!(event.grant, grant.id);
        assert_eq!((event.before, event.state), (before, state));
        assert_eq!(event.by.as_deref(), Some(by));
    }
    let seen = stream.last_id().expect("an id").to_owned();
    let mut again = bob.watch_grants(Some("0")).await.expect("a stream");
    let first = again.next().await.expect("no fault").expect("an event");
    assert_eq!(first.grant, of_others.id);
    decide(&bob, &grant.id, Verdict::Revoke)
        .await
        .expect("revoked");
    let mut behind = ada.watch_grants(Some(&seen)).await.expect("a stream");
    let event = behind.next().await.expect("no fault").expect("an event");
    assert_eq!(event.state, State::Revoked);
}

#[tokio::test]
async fn only_people_decide_and_never_for_themselves() {
    let stage = Stage::start().await;
    let ada = stage.client("ada", &["staff"], None);
    let grant = asked(&ada, &ask()).await;
    for (client, expected) in [
        (stage.client("ada", &["dba"], None), "requester"),
        (
            stage.client("ada", &["dba"], Some("helper")),
            "not-a-person",
        ),
        (
            stage.client("bob", &["dba"], Some("helper")),
            "not-a-person",
        ),
        (stage.client("carol", &["auditors"], None), "not-a-reviewer"),
        (stage.client("olga", &["audit", "dba"], None), "auditor"),
        (stage.client("eve", &["staff"], None), "not-found"),
    ] {
        let refused = decide(&client, &grant.id, Verdict::Approve).await;
        assert_eq!(code(&refused.expect_err("refused")), expected);
    }
    let bob = stage.reviewer();
    let refused = decide(&bob, &grant.id, Verdict::Withdraw).await;
    assert_eq!(code(&refused.expect_err("refused")), "not-the-requester");
    // What an agent asked for is seen by its person, who cannot approve it either.
    let agent = stage.client("ada", &["staff"], Some("helper"));
    let agents = asked(&agent, &ask()).await;
    assert_eq!(agents.holder.agent.as_deref(), Some("helper"));
    let refused = decide(
        &stage.client("ada", &["dba"], None),
        &agents.id,
        Verdict::Approve,
    )
    .await;
    assert_eq!(code(&refused.expect_err("refused")), "requester");
    let other = stage.client("ada", &["staff"], Some("other"));
    assert_eq!(
        code(&other.grant(&agents.id).await.expect_err("hidden")),
        "not-found"
    );
    let withdrawn = decide(&ada, &agents.id, Verdict::Withdraw).await;
    assert_eq!(withdrawn.expect("withdrawn").state, State::Withdrawn);
}

#[tokio::test]
async fn what_is_asked_wrongly_is_named() {
    let stage = Stage::start().await;
    let ada = stage.client("ada", &["staff"], None);
    let wrong = |change: &dyn Fn(&mut AskBody)| {
        let mut body = ask();
        change(&mut body);
        body
    };
    for (body, expected) in [
        (
            wrong(&|body| body.reason = " ".to_owned()),
            "reason-required",
        ),
        (wrong(&|body| body.databases.clear()), "grant"),
        (wrong(&|body| body.tables.clear()), "grant"),
        (
            wrong(&|body| body.tables[0].verbs = Verbs::default()),
            "grant",
        ),
        (wrong(&|body| body.tables[0].schema.clear()), "grant"),
        (wrong(&|body| body.duration_seconds = 0), "grant"),
        (wrong(&|body| body.duration_seconds = 9 * 3600), "grant"),
        (wrong(&|body| body.duration_seconds = u64::MAX), "grant"),
        (wrong(&|body| body.row_budget = Some(0)), "grant"),
        (wrong(&|body| body.row_budget = Some(u64::MAX)), "grant"),
        (
            wrong(&|body| body.starts_at = Some("tomorrow".to_owned())),
            "grant",
        ),
        (
            wrong(&|body| body.starts_at = Some("2099-01-01T00:00:00Z".to_owned())),
            "grant",
        ),
        (
            wrong(&|body| body.from_statement = Some("x".to_owned())),
            "grant",
        ),
        (
            wrong(&|body| {
                body.tables.clear();
                body.from_statement = Some("019e8a2c-0000-7000-8000-000000000000".to_owned());
            }),
            "unknown-statement",
        ),
    ] {
        let refused = ada.ask_for_grant(&body).await.expect_err("refused");
        assert_eq!(code(&refused), expected, "{body:?}");
    }
    let agent = stage.client("ada", &["staff"], Some("helper"));
    let other = wrong(&|body| body.agent = Some("other".to_owned()));
    let refused = agent.ask_for_grant(&other).await.expect_err("refused");
    assert_eq!(code(&refused), "grant");
}

#[tokio::test]
async fn what_is_asked_for_again_is_asked_for_once() {
    let stage = Stage::start().await;
    let ada = stage.client("ada", &["staff"], None);
    let body = AskBody {
        idempotency_key: Some("k1".to_owned()),
        ..ask()
    };
    let first = asked(&ada, &body).await;
    assert_eq!(asked(&ada, &body).await.id, first.id);
    let other = AskBody {
        duration_seconds: 60,
        ..body.clone()
    };
    let refused = ada.ask_for_grant(&other).await.expect_err("refused");
    assert_eq!(code(&refused), "idempotency-key-reused");
    // Another's key is another's.
    let eve = stage.client("eve", &["staff"], None);
    assert_ne!(asked(&eve, &body).await.id, first.id);
}

#[tokio::test]
async fn the_description_is_of_these_grants() {
    let stage = Stage::start().await;
    let description: Value = serde_json::from_str(DESCRIPTION).expect("JSON");
    let states: Vec<&str> = State::ALL.iter().map(|state| state.name()).collect();
    assert_eq!(
        description["components"]["schemas"]["GrantState"]["enum"],
        json!(states)
    );
    let body = AskBody {
        agent: Some("helper".to_owned()),
        row_budget: Some(100),
        idempotency_key: Some("k".to_owned()),
        ..ask()
    };
    let grant = asked(&stage.client("ada", &["staff"], None), &body).await;
    let bob = stage.reviewer();
    decide(&bob, &grant.id, Verdict::Approve)
        .await
        .expect("approved");
    let shown = bob.grant(&grant.id).await.expect("a grant");
    let page = bob.grants(&[], None).await.expect("a page");
    let mut stream = bob.watch_grants(Some("0")).await.expect("a stream");
    let event = stream.next().await.expect("no fault").expect("an event");
    let full = AskBody {
        from_statement: Some("id".to_owned()),
        starts_at: Some("2026-11-30T14:00:00Z".to_owned()),
        ..body
    };
    let decision = GrantDecisionBody {
        reason: Some("fine".to_owned()),
        expected_state: Some(State::Pending),
        idempotency_key: Some("k".to_owned()),
    };
    for (name, value) in [
        ("Grant", serde_json::to_value(&shown)),
        ("GrantPage", serde_json::to_value(&page)),
        ("Ask", serde_json::to_value(&full)),
        ("GrantDecision", serde_json::to_value(&decision)),
        ("GrantEvent", serde_json::to_value(&event)),
    ] {
        let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
        fits(&description, &schema, &value.expect("JSON"), name);
    }
}
