//! Statements that run without waiting, and the people who look at them afterwards.

use super::*;
use crate::approvals::ending;

fn broken(statement: &str) -> Draft {
    Draft {
        break_glass: Some("production is down".to_owned()),
        ..draft(statement, ApprovalWait::ReturnId)
    }
}

/// Submits what runs at once.
async fn running(approvals: &Approvals, draft: Draft) -> RequestId {
    match approvals.submit(draft).await.expect("it is stored") {
        Submitted::Claimed { id, .. } => id,
        Submitted::Waiting { .. } => panic!("it waits"),
    }
}

async fn to_review(approvals: &Approvals, viewer: &Identity) -> Vec<RequestId> {
    let page = approvals.list_to_review(None, 100, viewer).await;
    let entries = page.expect("an answer").entries.into_iter();
    entries.map(|entry| entry.request.id).collect()
}

#[tokio::test]
async fn who_breaks_the_glass_does_not_wait_and_is_recorded() {
    for (place, _folder) in places() {
        // Neither limit is for what does not wait.
        let limited = ApprovalsSettings {
            max_held: 0,
            max_pending_per_identity: 0,
            ..settings()
        };
        let approvals = open(&place, limited).await;
        let id = running(&approvals, broken("DELETE 1")).await;
        let entry = approvals.request(id, &reviewer("bob")).await;
        let entry = entry.expect("an answer").expect("a request");
        let steps: Vec<_> = entry
            .history
            .iter()
            .map(|event| {
                let actor = event.actor.as_ref().map(|actor| actor.subject.as_str());
                (event.state, actor, event.reason.as_deref())
            })
            .collect();
        let reason = Some("production is down");
        assert_eq!(
            steps,
            [
                (State::Pending, Some("ada"), None),
                (State::Approved, Some("ada"), reason),
                (State::Claimed, Some("ada"), None),
            ]
        );
        let request = entry.request;
        assert_eq!(request.break_glass.as_deref(), reason);
        assert_eq!(request.decided_by.as_deref(), Some("ada"));
        assert_eq!(request.wait, ApprovalWait::Hold);
        // The same again needs a break of its own.
        assert_ne!(running(&approvals, broken("DELETE 1")).await, id);
        approvals.finished(id, Finished::Executed { rows: 1 });
        until(&approvals, id, State::Executed).await;
    }
}

#[tokio::test]
async fn a_reviewer_looks_at_it_once_it_has_ended() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let id = running(&approvals, broken("DELETE 1")).await;
        let review = |who: Identity| decision(id, Verdict::Review, who);
        let early = approvals.decide(review(reviewer("bob"))).await;
        let is_early = matches!(
            early,
            Err(DecisionError::NothingToReview {
                state: State::Claimed
            })
        );
        assert!(is_early, "{early:?}");
        assert_eq!(to_review(&approvals, &reviewer("bob")).await, []);
        approvals.finished(
            id,
            Finished::Failed {
                sqlstate: "40001".to_owned(),
            },
        );
        until(&approvals, id, State::Failed).await;
        assert_eq!(to_review(&approvals, &reviewer("bob")).await, [id]);
        assert_eq!(
            to_review(&approvals, &identity("carol", &["auditors"])).await,
            [id]
        );
        assert_eq!(
            to_review(&approvals, &identity("eve", &["staff"])).await,
            []
        );
        for (who, expected) in [
            (reviewer("ada"), "Requester"),
            (identity("carol", &["auditors"]), "NotAReviewer"),
            (identity("eve", &["staff"]), "NotFound"),
        ] {
            let refused = approvals.decide(review(who)).await.expect_err("refused");
            assert_eq!(format!("{refused:?}"), expected);
        }
        let entry = approvals
            .decide(review(reviewer("bob")))
            .await
            .expect("reviewed");
        assert_eq!(entry.request.state, State::Failed);
        assert_eq!(entry.request.reviewed_by.as_deref(), Some("bob"));
        let last = entry.history.last().expect("an event");
        assert_eq!(
            (last.before, last.state),
            (Some(State::Failed), State::Failed)
        );
        assert_eq!(last.reason.as_deref(), Some("checked"));
        assert_eq!(to_review(&approvals, &reviewer("bob")).await, []);
        let again = approvals.decide(review(reviewer("dan"))).await;
        assert!(
            matches!(again, Err(DecisionError::NothingToReview { .. })),
            "{again:?}"
        );
    }
}

#[tokio::test]
async fn what_was_approved_as_usual_is_not_reviewed() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let id = waiting(&approvals, draft("DELETE 1", ApprovalWait::ReturnId)).await;
        let reject = decision(id, Verdict::Reject, reviewer("bob"));
        approvals.decide(reject).await.expect("rejected");
        let review = approvals
            .decide(decision(id, Verdict::Review, reviewer("dan")))
            .await;
        assert!(
            matches!(review, Err(DecisionError::NothingToReview { .. })),
            "{review:?}"
        );
        assert_eq!(to_review(&approvals, &reviewer("bob")).await, []);
    }
}

#[tokio::test]
async fn what_nobody_has_reviewed_is_kept() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let id = running(&approvals, broken("DELETE 1")).await;
        approvals.finished(id, Finished::Executed { rows: 1 });
        until(&approvals, id, State::Executed).await;
        let prune = || {
            approvals
                .shared
                .store
                .run::<_, crate::store::StoreError, _>(|transaction| {
                    let later = transaction.now() + 1000;
                    ending::prune(transaction, later)
                })
        };
        prune().await.expect("an answer");
        assert_eq!(to_review(&approvals, &reviewer("bob")).await, [id]);
        let review = decision(id, Verdict::Review, reviewer("bob"));
        approvals.decide(review).await.expect("reviewed");
        prune().await.expect("an answer");
        let gone = approvals.request(id, &reviewer("bob")).await;
        assert_eq!(gone.expect("an answer"), None);
    }
}

#[tokio::test]
async fn only_people_in_the_groups_break_the_glass() {
    let (place, _folder) = places().remove(0);
    let approvals = open(
        &place,
        ApprovalsSettings {
            break_glass: vec!["sre".to_owned()],
            ..settings()
        },
    )
    .await;
    let sre = || identity("ada", &["staff", "sre"]);
    assert!(approvals.may_break_glass(&sre()));
    for other in [
        identity("ada", &["staff"]),
        Identity {
            agent: Some("helper".to_owned()),
            ..sre()
        },
        Identity {
            program: true,
            ..sre()
        },
        Identity {
            issuer: "https://ci.example.com".to_owned(),
            ..sre()
        },
    ] {
        assert!(!approvals.may_break_glass(&other), "{other:?}");
    }
    approvals.replace_settings(settings());
    assert!(!approvals.may_break_glass(&sre()));
}
