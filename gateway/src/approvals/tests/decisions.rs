//! Who may decide, and what a decision does.

use super::*;

#[tokio::test]
async fn a_held_statement_is_approved_once_and_runs() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let id = waiting(&approvals, draft("DELETE FROM orders", ApprovalWait::Hold)).await;
        let outcome = tokio::spawn({
            let approvals = approvals.clone();
            async move { approvals.outcome(id).await }
        });
        let approve = decision(id, Verdict::Approve, reviewer("bob"));
        let entry = approvals.decide(approve).await.expect("approved");
        assert_eq!(entry.approvals[0].by.subject, "bob");
        let approved = Approved {
            by: "bob".to_owned(),
            reason: Some("checked".to_owned()),
            effect: None,
        };
        assert_eq!(outcome.await.expect("an end"), Outcome::Approved(approved));
        // The approval is not handed out again.
        assert_eq!(approvals.outcome(id).await, Outcome::Withdrawn);
        approvals.finished(id, Finished::Executed { rows: 3 });
        until(&approvals, id, State::Executed).await;
        let steps = [
            State::Pending,
            State::Approved,
            State::Claimed,
            State::Executed,
        ];
        assert_eq!(history(&approvals, id).await, steps);
        // Told twice, or otherwise, nothing changes.
        approvals.finished(id, Finished::Lost);
        approvals.withdraw(id, Withdrawal::ClientLeft);
        assert_eq!(state(&approvals, id).await, State::Executed);
        let entry = approvals
            .request(id, &reviewer("bob"))
            .await
            .expect("an answer");
        assert_eq!(entry.expect("a request").request.rows, Some(3));
    }
}

#[tokio::test]
async fn a_rejection_says_by_whom_and_why() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let id = waiting(&approvals, draft("DELETE FROM orders", ApprovalWait::Hold)).await;
        let reject = decision(id, Verdict::Reject, reviewer("bob"));
        approvals.decide(reject.clone()).await.expect("rejected");
        let rejected = Outcome::Rejected {
            by: "bob".to_owned(),
            reason: Some("checked".to_owned()),
        };
        assert_eq!(approvals.outcome(id).await, rejected);
        let again = approvals.decide(reject).await;
        let state = match again {
            Err(DecisionError::State { state }) => state,
            other => panic!("{other:?}"),
        };
        assert_eq!(state, State::Rejected);
    }
}

#[tokio::test]
async fn only_people_among_the_reviewers_decide_and_never_their_own() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let id = waiting(&approvals, draft("DELETE FROM orders", ApprovalWait::Hold)).await;
        let agent = Identity {
            agent: Some("helper".to_owned()),
            ..reviewer("bob")
        };
        let program = Identity {
            program: true,
            ..reviewer("bob")
        };
        let elsewhere = Identity {
            issuer: "https://ci.example.com".to_owned(),
            ..reviewer("bob")
        };
        let own_agent = Identity {
            agent: Some("helper".to_owned()),
            ..reviewer("ada")
        };
        for (who, expected) in [
            (agent, "NotAPerson"),
            (program, "NotAPerson"),
            (elsewhere, "NotAPerson"),
            (own_agent, "NotAPerson"),
            (reviewer("ada"), "Requester"),
            (identity("carol", &["auditors"]), "NotAReviewer"),
            (identity("olga", &["audit", "dba"]), "Auditor"),
            (identity("eve", &["staff"]), "NotFound"),
        ] {
            for verdict in [Verdict::Approve, Verdict::Reject, Verdict::Revoke] {
                let refused = approvals.decide(decision(id, verdict, who.clone())).await;
                let error = format!("{:?}", refused.expect_err("refused"));
                assert_eq!(error, expected, "{who:?} {verdict:?}");
            }
        }
        assert_eq!(history(&approvals, id).await, [State::Pending]);
    }
}

#[tokio::test]
async fn a_policy_names_who_decides() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let mut named = draft("DELETE FROM orders", ApprovalWait::Hold);
        named.wanted.reviewers = vec!["owners".to_owned(), "dora".to_owned()];
        named.wanted.approvals = 2;
        let id = waiting(&approvals, named).await;
        let refused = approvals
            .decide(decision(id, Verdict::Approve, reviewer("bob")))
            .await;
        assert!(
            matches!(refused, Err(DecisionError::NotFound)),
            "{refused:?}"
        );
        let by_group = decision(id, Verdict::Approve, identity("olga", &["owners"]));
        let entry = approvals
            .decide(by_group.clone())
            .await
            .expect("one of two");
        assert_eq!(entry.request.state, State::Pending);
        let twice = approvals.decide(by_group).await;
        assert!(
            matches!(
                twice,
                Err(DecisionError::AlreadyDecided {
                    state: State::Pending
                })
            ),
            "{twice:?}"
        );
        let by_name = decision(id, Verdict::Approve, identity("dora", &[]));
        let entry = approvals.decide(by_name).await.expect("two of two");
        assert_eq!(entry.request.state, State::Approved);
        assert_eq!(entry.request.decided_by.as_deref(), Some("olga, dora"));
    }
}

#[tokio::test]
async fn two_reviewers_at_once_are_both_counted() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        for round in 0..20 {
            let mut two = draft(&format!("DELETE {round}"), ApprovalWait::ReturnId);
            two.wanted.approvals = 2;
            let id = waiting(&approvals, two).await;
            let (one, other) = tokio::join!(
                approvals.decide(decision(id, Verdict::Approve, reviewer("bob"))),
                approvals.decide(decision(id, Verdict::Approve, reviewer("dan"))),
            );
            one.expect("counted");
            other.expect("counted");
            assert_eq!(state(&approvals, id).await, State::Approved);
        }
    }
}

#[tokio::test]
async fn approve_and_reject_at_once_leave_one_of_them() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        for round in 0..20 {
            let one = draft(&format!("DELETE {round}"), ApprovalWait::ReturnId);
            let id = waiting(&approvals, one).await;
            let (yes, no) = tokio::join!(
                approvals.decide(decision(id, Verdict::Approve, reviewer("bob"))),
                approvals.decide(decision(id, Verdict::Reject, reviewer("dan"))),
            );
            let expected = match (&yes, &no) {
                (Ok(_), Err(DecisionError::State { .. })) => State::Approved,
                (Err(DecisionError::State { .. }), Ok(_)) => State::Rejected,
                other => panic!("{other:?}"),
            };
            assert_eq!(history(&approvals, id).await, [State::Pending, expected]);
        }
    }
}

#[tokio::test]
async fn what_was_seen_must_be_what_is_decided() {
    for (place, _folder) in places() {
        let rules = ApprovalsSettings {
            reason_required: true,
            ..settings()
        };
        let approvals = open(&place, rules).await;
        let id = waiting(
            &approvals,
            draft("DELETE FROM orders", ApprovalWait::ReturnId),
        )
        .await;
        let approve = decision(id, Verdict::Approve, reviewer("bob"));
        let with = |change: &dyn Fn(&mut Decision)| {
            let mut changed = approve.clone();
            change(&mut changed);
            changed
        };
        for (wrong, expected) in [
            (with(&|d| d.reason = None), "Text(ReasonRequired)"),
            (
                with(&|d| d.reason = Some(" ".into())),
                "Text(ReasonRequired)",
            ),
            (with(&|d| d.reason = Some("x".repeat(2001))), "Text(Reason)"),
            (
                with(&|d| d.reason = Some("\u{1b}[2J".into())),
                "Text(Reason)",
            ),
            (
                with(&|d| d.idempotency_key = Some(String::new())),
                "Text(Key)",
            ),
            (
                with(&|d| d.expected_state = Some(State::Approved)),
                "State { state: Pending }",
            ),
            (
                with(&|d| d.effect_digest = Some("other".into())),
                "EffectDigest { state: Pending }",
            ),
            (
                with(&|d| d.verdict = Verdict::Revoke),
                "State { state: Pending }",
            ),
        ] {
            let refused = approvals.decide(wrong).await.expect_err("refused");
            assert_eq!(format!("{refused:?}"), expected);
        }
        assert_eq!(history(&approvals, id).await, [State::Pending]);
    }
}

#[tokio::test]
async fn a_decision_sent_again_is_made_once() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let id = waiting(
            &approvals,
            draft("DELETE FROM orders", ApprovalWait::ReturnId),
        )
        .await;
        let mut approve = decision(id, Verdict::Approve, reviewer("bob"));
        approve.idempotency_key = Some("k1".to_owned());
        approve.expected_state = Some(State::Pending);
        for _ in 0..3 {
            let entry = approvals.decide(approve.clone()).await.expect("approved");
            assert_eq!(entry.request.state, State::Approved);
        }
        assert_eq!(history(&approvals, id).await.len(), 2);
        let mut other = approve.clone();
        other.verdict = Verdict::Revoke;
        other.expected_state = None;
        let reused = approvals.decide(other.clone()).await;
        assert!(
            matches!(reused, Err(DecisionError::KeyReused)),
            "{reused:?}"
        );
        // Another reviewer's key is another key.
        other.reviewer = reviewer("dan");
        let entry = approvals.decide(other).await.expect("revoked");
        assert_eq!(entry.request.state, State::Revoked);
    }
}

#[tokio::test]
async fn requests_are_seen_by_those_they_concern() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let mut by_agent = draft("DELETE 1", ApprovalWait::ReturnId);
        by_agent.binding.agent = Some("helper".to_owned());
        let agents = waiting(&approvals, by_agent).await;
        let own = waiting(&approvals, draft("DELETE 2", ApprovalWait::ReturnId)).await;
        let mut ids = Vec::new();
        for (who, agent) in [
            (identity("ada", &[]), None),
            (identity("ada", &[]), Some("helper")),
            (identity("ada", &[]), Some("other")),
            (reviewer("bob"), None),
            (reviewer("bob"), Some("helper")),
            (identity("carol", &["auditors"]), None),
            (identity("eve", &["staff"]), None),
        ] {
            let who = Identity {
                agent: agent.map(str::to_owned),
                ..who
            };
            let page = approvals
                .list(Vec::new(), None, 10, &who)
                .await
                .expect("a page");
            assert_eq!(page.next, None);
            let seen: Vec<_> = page.entries.iter().map(|entry| entry.request.id).collect();
            for id in [agents, own] {
                let one = approvals.request(id, &who).await.expect("an answer");
                assert_eq!(one.is_some(), seen.contains(&id), "{who:?}");
            }
            let (events, last) = approvals.events(0, &who).await.expect("events");
            assert_eq!(events.len(), seen.len());
            assert_eq!(last, 2);
            ids.push(seen);
        }
        let both = vec![own, agents];
        let (one, none) = (vec![agents], Vec::new());
        let expected = [
            both.clone(),
            one,
            none.clone(),
            both.clone(),
            none.clone(),
            both,
            none,
        ];
        assert_eq!(ids, expected);
    }
}

#[tokio::test]
async fn pages_follow_each_other_without_gaps() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let mut made = Vec::new();
        for number in 0..25 {
            let one = draft(&format!("DELETE {number}"), ApprovalWait::ReturnId);
            made.push(waiting(&approvals, one).await);
        }
        let reject = decision(made[3], Verdict::Reject, reviewer("bob"));
        approvals.decide(reject).await.expect("rejected");
        let viewer = identity("carol", &["auditors"]);
        let (mut seen, mut before) = (Vec::new(), None);
        loop {
            let pending = vec![State::Pending];
            let page = approvals
                .list(pending, before, 7, &viewer)
                .await
                .expect("a page");
            assert!(page.entries.len() <= 7);
            seen.extend(page.entries.into_iter().map(|entry| entry.request.id));
            // What comes meanwhile does not shift the pages.
            let late = draft(&format!("LATE {}", seen.len()), ApprovalWait::ReturnId);
            waiting(&approvals, late).await;
            before = page.next;
            if before.is_none() {
                break;
            }
        }
        made.remove(3);
        made.reverse();
        assert_eq!(seen, made);
    }
}
