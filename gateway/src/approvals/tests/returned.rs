//! Statements that are refused with an id, and sent again.

use super::*;

const RETURN: ApprovalWait = ApprovalWait::ReturnId;

#[tokio::test]
async fn the_same_statement_sent_again_uses_the_approval_once() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let id = waiting(&approvals, draft("DELETE 1", RETURN)).await;
        // Sent again before anybody decided, it asks nobody anew.
        assert_eq!(waiting(&approvals, draft("DELETE 1", RETURN)).await, id);
        let approve = decision(id, Verdict::Approve, reviewer("bob"));
        approvals.decide(approve).await.expect("approved");
        let claimed = approvals.submit(draft("DELETE 1", RETURN)).await;
        let approved = Approved {
            by: "bob".to_owned(),
            reason: Some("checked".to_owned()),
            effect: None,
        };
        assert_eq!(claimed, Ok(Submitted::Claimed { id, approved }));
        approvals.finished(
            id,
            Finished::Failed {
                sqlstate: "23503".to_owned(),
            },
        );
        until(&approvals, id, State::Failed).await;
        // It is used up, whatever came of it.
        assert_ne!(waiting(&approvals, draft("DELETE 1", RETURN)).await, id);
    }
}

#[tokio::test]
async fn whatever_differs_needs_an_approval_of_its_own() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let id = waiting(&approvals, draft("DELETE 1", RETURN)).await;
        let approve = decision(id, Verdict::Approve, reviewer("bob"));
        approvals.decide(approve).await.expect("approved");
        let changes: [fn(&mut Binding); 10] = [
            |b| b.subject = "eve".into(),
            |b| b.issuer = "https://other.example.com".into(),
            |b| b.agent = Some("helper".into()),
            |b| b.database = "other".into(),
            |b| b.role = "owner".into(),
            |b| b.statement = b"DELETE 2".to_vec(),
            |b| b.parameters[0].value = ParameterValue::Text("8".into()),
            |b| b.search_path = vec!["other".into()],
            |b| b.settings = vec![("standard_conforming_strings".into(), "off".into())],
            |b| b.policies = "v2".into(),
        ];
        for change in changes {
            let mut other = draft("DELETE 1", RETURN);
            change(&mut other.binding);
            assert_ne!(waiting(&approvals, other).await, id);
        }
        assert_eq!(state(&approvals, id).await, State::Approved);
    }
}

#[tokio::test]
async fn a_revoked_approval_cannot_be_used() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let id = waiting(&approvals, draft("DELETE 1", RETURN)).await;
        for verdict in [Verdict::Approve, Verdict::Revoke] {
            let decision = decision(id, verdict, reviewer("bob"));
            approvals.decide(decision).await.expect("decided");
        }
        assert_ne!(waiting(&approvals, draft("DELETE 1", RETURN)).await, id);
        let steps = [State::Pending, State::Approved, State::Revoked];
        assert_eq!(history(&approvals, id).await, steps);
    }
}

#[tokio::test]
async fn of_two_gateways_that_race_for_an_approval_one_gets_it() {
    for (place, _folder) in places() {
        let (here, there) = (
            open(&place, settings()).await,
            open(&place, settings()).await,
        );
        for round in 0..200 {
            let statement = format!("DELETE {round}");
            let id = waiting(&here, draft(&statement, RETURN)).await;
            let approve = decision(id, Verdict::Approve, reviewer("bob"));
            there.decide(approve).await.expect("approved");
            let (one, other) = tokio::join!(
                here.submit(draft(&statement, RETURN)),
                there.submit(draft(&statement, RETURN)),
            );
            let claimed = [&one, &other].into_iter().filter(|submitted| {
                matches!(submitted, Ok(Submitted::Claimed { id: claimed, .. }) if *claimed == id)
            });
            assert_eq!(claimed.count(), 1, "round {round}: {one:?} {other:?}");
            let asked = [&one, &other].into_iter().filter(|submitted| {
                matches!(submitted, Ok(Submitted::Waiting { id: new, .. }) if *new != id)
            });
            assert_eq!(asked.count(), 1, "round {round}: {one:?} {other:?}");
        }
    }
}

#[tokio::test]
async fn the_same_statement_sent_twice_at_once_asks_once() {
    for (place, _folder) in places() {
        let (here, there) = (
            open(&place, settings()).await,
            open(&place, settings()).await,
        );
        for round in 0..40 {
            let statement = format!("DELETE {round}");
            let (one, other) = tokio::join!(
                waiting(&here, draft(&statement, RETURN)),
                waiting(&there, draft(&statement, RETURN)),
            );
            assert_eq!(one, other, "round {round}");
        }
    }
}

#[tokio::test]
async fn an_identity_cannot_flood_the_reviewers() {
    for (place, _folder) in places() {
        let few = ApprovalsSettings {
            max_pending_per_identity: 3,
            ..settings()
        };
        let approvals = open(&place, few).await;
        for number in 0..3 {
            waiting(&approvals, draft(&format!("DELETE {number}"), RETURN)).await;
        }
        let refused = approvals.submit(draft("DELETE 3", RETURN)).await;
        assert_eq!(refused, Err(ApprovalsError::TooMany));
        let mut other = draft("DELETE 3", RETURN);
        other.binding.subject = "eve".to_owned();
        waiting(&approvals, other).await;
        let long = "x".repeat(1 << 20);
        let refused = approvals.submit(draft(&long, RETURN)).await;
        assert_eq!(refused, Err(ApprovalsError::TooLong));
    }
}
