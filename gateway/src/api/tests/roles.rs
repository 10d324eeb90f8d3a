//! What each role may do with each route.

use super::*;
use crate::access;
use crate::api::GrantDecisionBody;
use crate::api::grants::tests::{ask, asked};

#[tokio::test]
async fn agents_requesters_and_strangers_do_not_decide() {
    let stage = Stage::start().await;
    let id = waiting(
        &stage.approvals,
        stage.draft("DELETE FROM orders", ApprovalWait::Hold),
    )
    .await;
    let id = id.to_string();
    for (client, expected) in [
        (
            stage.client("bob", &["dba"], Some("helper")),
            "not-a-person",
        ),
        (
            stage.client("ada", &["dba"], Some("helper")),
            "not-a-person",
        ),
        (stage.client("ada", &["dba"], None), "requester"),
        (stage.client("carol", &["auditors"], None), "not-a-reviewer"),
        (stage.client("olga", &["audit", "dba"], None), "auditor"),
        (
            stage.client("olga", &["audit"], Some("helper")),
            "not-a-person",
        ),
        (stage.client("eve", &["staff"], None), "not-found"),
    ] {
        for verdict in [Verdict::Approve, Verdict::Reject, Verdict::Revoke] {
            let refused = client.decide(&id, verdict, &DecisionBody::default()).await;
            assert_eq!(code(&refused.expect_err("refused")), expected);
        }
    }
    let hidden = stage.client("eve", &["staff"], None).show(&id).await;
    assert_eq!(code(&hidden.expect_err("hidden")), "not-found");
    let shown = stage.reviewer().show(&id).await.expect("a request");
    assert_eq!(shown.state, State::Pending);
}

/// Whoever looks after the others sees what they see, by every route that reads.
#[tokio::test]
async fn auditors_see_everything_and_decide_nothing() {
    let stage = Stage::start().await;
    let draft = stage.draft("DELETE FROM orders", ApprovalWait::Hold);
    let olga = stage.client("olga", &["audit", "dba"], None);
    let mut events = olga.watch(None).await.expect("a stream");
    let mut grant_events = olga.watch_grants(None).await.expect("a stream");
    let id = waiting(&stage.approvals, draft).await.to_string();
    let ada = stage.client("ada", &["staff"], None);
    let grant = asked(&ada, &ask()).await.id;
    let page = olga.list(&[], None).await.expect("a page");
    assert!(page.requests[0].id == id && !page.requests[0].may_decide);
    assert_eq!(page.requests[0].statement, "DELETE FROM orders");
    assert!(!olga.show(&id).await.expect("a request").may_decide);
    let due = olga.list_to_review(None).await.expect("a page");
    assert!(due.requests.is_empty());
    let page = olga.grants(&[], None).await.expect("a page");
    assert!(page.grants[0].id == grant && !page.grants[0].may_decide);
    assert!(!olga.grant(&grant).await.expect("a grant").may_decide);
    let told = events.next().await.expect("no fault").expect("an event");
    assert_eq!(told.request, id);
    let told = grant_events.next().await.expect("no fault");
    assert_eq!(told.expect("an event").grant, grant);
    for verdict in [
        Verdict::Approve,
        Verdict::Reject,
        Verdict::Revoke,
        Verdict::Review,
    ] {
        let refused = olga.decide(&id, verdict, &DecisionBody::default()).await;
        assert_eq!(code(&refused.expect_err("refused")), "auditor");
    }
    let body = GrantDecisionBody::default();
    for (verdict, expected) in [
        (access::Verdict::Approve, "auditor"),
        (access::Verdict::Reject, "auditor"),
        (access::Verdict::Revoke, "auditor"),
        (access::Verdict::Withdraw, "not-the-requester"),
    ] {
        let refused = olga.decide_grant(&grant, verdict, &body).await;
        assert_eq!(code(&refused.expect_err("refused")), expected);
    }
    // Agents look after nobody.
    let agent = stage.client("olga", &["audit"], Some("helper"));
    assert!(
        agent
            .list(&[], None)
            .await
            .expect("a page")
            .requests
            .is_empty()
    );
    assert!(
        agent
            .grants(&[], None)
            .await
            .expect("a page")
            .grants
            .is_empty()
    );
}
