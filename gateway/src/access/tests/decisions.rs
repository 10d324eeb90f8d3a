//! Who may decide, and how many have to.

use super::*;

#[tokio::test]
async fn several_may_have_to_agree() {
    for (place, _folder) in places() {
        let two = ApprovalsSettings {
            needed: 2,
            ..settings()
        };
        let grants = open_with(&place, two).await;
        let id = asked(&grants, ask()).await;
        let approve = |by| decision(id, Verdict::Approve, reviewer(by));
        let entry = grants.decide(approve("bob")).await.expect("one agrees");
        assert_eq!(entry.grant.state, State::Pending);
        let again = grants.decide(approve("bob")).await.expect_err("refused");
        assert!(
            matches!(again, GrantError::AlreadyDecided { .. }),
            "{again:?}"
        );
        assert!(holder(&grants, "ada", None, "shop").active().is_empty());
        let entry = grants.decide(approve("dan")).await.expect("two agree");
        assert_eq!(entry.grant.state, State::Approved);
        assert_eq!(entry.grant.decided_by.as_deref(), Some("bob, dan"));
        assert!(!holder(&grants, "ada", None, "shop").active().is_empty());
    }
}

#[tokio::test]
async fn a_decision_is_made_once_and_in_the_state_that_was_seen() {
    for (place, _folder) in places() {
        let grants = open(&place).await;
        let id = asked(&grants, ask()).await;
        let mut approve = decision(id, Verdict::Approve, reviewer("bob"));
        approve.idempotency_key = Some("k1".to_owned());
        approve.expected_state = Some(State::Pending);
        for _ in 0..2 {
            let entry = grants.decide(approve.clone()).await.expect("approved");
            assert_eq!(entry.grant.state, State::Approved);
            assert_eq!(entry.history.len(), 2);
        }
        approve.reason = Some("another".to_owned());
        let reused = grants.decide(approve.clone()).await.expect_err("refused");
        assert!(matches!(reused, GrantError::KeyReused), "{reused:?}");
        approve.idempotency_key = None;
        let late = grants.decide(approve).await.expect_err("refused");
        assert!(
            matches!(
                late,
                GrantError::State {
                    state: State::Approved
                }
            ),
            "{late:?}"
        );
    }
}

#[tokio::test]
async fn whoever_asked_can_take_it_back() {
    for (place, _folder) in places() {
        let grants = open(&place).await;
        let ada = || identity("ada", &["staff"]);
        for id in [asked(&grants, ask()).await, approved(&grants, ask()).await] {
            let withdraw = decision(id, Verdict::Withdraw, ada());
            let entry = grants.decide(withdraw.clone()).await.expect("withdrawn");
            assert_eq!(entry.grant.state, State::Withdrawn);
            let again = grants.decide(withdraw).await.expect_err("refused");
            assert!(matches!(again, GrantError::State { .. }), "{again:?}");
        }
        assert!(holder(&grants, "ada", None, "shop").active().is_empty());
    }
}

#[tokio::test]
async fn too_many_cannot_wait() {
    for (place, _folder) in places() {
        let few = ApprovalsSettings {
            max_pending_per_identity: 2,
            ..settings()
        };
        let grants = open_with(&place, few).await;
        let first = asked(&grants, ask()).await;
        asked(&grants, ask()).await;
        let refused = grants.ask(ask()).await.expect_err("refused");
        assert!(matches!(refused, GrantError::TooMany), "{refused:?}");
        let reject = decision(first, Verdict::Reject, reviewer("bob"));
        grants.decide(reject).await.expect("rejected");
        asked(&grants, ask()).await;
    }
}

#[tokio::test]
async fn pages_go_on_where_they_ended() {
    for (place, _folder) in places() {
        let grants = open(&place).await;
        let mut ids = Vec::new();
        for _ in 0..3 {
            ids.push(asked(&grants, ask()).await);
        }
        ids.reverse();
        let viewer = reviewer("bob");
        let page = grants
            .list(Vec::new(), None, 2, &viewer)
            .await
            .expect("a page");
        let shown = |page: &Page| {
            page.entries
                .iter()
                .map(|entry| entry.grant.id)
                .collect::<Vec<_>>()
        };
        assert_eq!(shown(&page), ids[..2]);
        let rest = grants
            .list(Vec::new(), page.next, 2, &viewer)
            .await
            .expect("a page");
        assert_eq!((shown(&rest), rest.next), (ids[2..].to_vec(), None));
        let none = grants
            .list(vec![State::Approved], None, 2, &viewer)
            .await
            .expect("a page");
        assert!(none.entries.is_empty());
        let eves = grants
            .list(Vec::new(), None, 2, &identity("eve", &[]))
            .await
            .expect("a page");
        assert!(eves.entries.is_empty());
    }
}
