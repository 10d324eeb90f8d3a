//! What time ends.

use super::*;

/// Short enough to wait for; what is asserted is what follows, not when.
const SHORT: Duration = Duration::from_millis(50);

#[tokio::test]
async fn a_request_that_nobody_decides_expires() {
    for (place, _folder) in places() {
        let short = ApprovalsSettings {
            pending_ttl: SHORT,
            ..settings()
        };
        let approvals = open(&place, short).await;
        for wait in [ApprovalWait::Hold, ApprovalWait::ReturnId] {
            let id = waiting(&approvals, draft("DELETE 1", wait)).await;
            tokio::time::sleep(SHORT * 2).await;
            // Too late, whether or not anything has noted it yet.
            assert_too_late(&approvals, id, State::Expired).await;
            if wait == ApprovalWait::Hold {
                assert_eq!(approvals.outcome(id).await, Outcome::Expired);
            }
            assert_eq!(
                history(&approvals, id).await,
                [State::Pending, State::Expired]
            );
        }
    }
}

/// Hours that begin in two to three days.
fn later() -> Hours {
    let today = jiff::Timestamp::now().to_zoned(jiff::tz::TimeZone::UTC);
    let day = today.date().weekday().wrapping_add(3);
    let names = ["Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"];
    let place = usize::try_from(day.to_monday_zero_offset()).expect("a day");
    let text = format!("{} 00:00-24:00", names[place]);
    Hours::parse(vec![text], "UTC".to_owned()).expect("hours")
}

#[tokio::test]
async fn a_request_outside_of_hours_waits_for_them() {
    let least = Duration::from_secs(24 * 3600);
    for (place, _folder) in places() {
        let approvals = open(
            &place,
            ApprovalsSettings {
                hours: Some(later()),
                pending_ttl: SHORT,
                ..settings()
            },
        )
        .await;
        let asked = approvals.submit(draft("DELETE 1", ApprovalWait::ReturnId));
        let Ok(Submitted::Waiting {
            id,
            expires_at,
            reviewers_from,
            ..
        }) = asked.await
        else {
            panic!("nobody has approved it")
        };
        let from = reviewers_from.expect("people are away");
        let now = SystemTime::now();
        assert!(from > now + least && expires_at > now + least);
        // Who is there all the same decides.
        let approve = decision(id, Verdict::Approve, reviewer("bob"));
        approvals.decide(approve).await.expect("approved");
        approvals.replace_settings(settings());
        let again = approvals.submit(draft("DELETE 2", ApprovalWait::ReturnId));
        let Ok(Submitted::Waiting { reviewers_from, .. }) = again.await else {
            panic!("nobody has approved it")
        };
        assert_eq!(reviewers_from, None);
    }
}

#[tokio::test]
async fn what_is_overdue_ends_by_itself() {
    for (place, _folder) in places() {
        let short = ApprovalsSettings {
            pending_ttl: SHORT,
            approval_ttl: SHORT,
            ..settings()
        };
        let approvals = open(&place, short).await;
        let pending = waiting(&approvals, draft("DELETE 1", ApprovalWait::ReturnId)).await;
        until(&approvals, pending, State::Expired).await;
        approvals.replace_settings(ApprovalsSettings {
            approval_ttl: SHORT,
            ..settings()
        });
        let approved = waiting(&approvals, draft("DELETE 2", ApprovalWait::ReturnId)).await;
        let approve = decision(approved, Verdict::Approve, reviewer("bob"));
        approvals.decide(approve).await.expect("approved");
        until(&approvals, approved, State::Expired).await;
    }
}

#[tokio::test]
async fn an_approval_that_is_too_old_is_not_used() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let mut brief = draft("DELETE 1", ApprovalWait::ReturnId);
        brief.wanted.valid_ms = 1;
        let id = waiting(&approvals, brief.clone()).await;
        let approve = decision(id, Verdict::Approve, reviewer("bob"));
        approvals.decide(approve).await.expect("approved");
        tokio::time::sleep(SHORT).await;
        assert_ne!(waiting(&approvals, brief).await, id);
        assert_eq!(state(&approvals, id).await, State::Expired);
    }
}

#[tokio::test]
async fn a_statement_is_held_no_longer_than_allowed() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let mut brief = draft("DELETE 1", ApprovalWait::Hold);
        brief.wanted.hold_ms = 80;
        let id = waiting(&approvals, brief).await;
        assert_eq!(approvals.outcome(id).await, Outcome::Expired);
        until(&approvals, id, State::Expired).await;
        assert_too_late(&approvals, id, State::Expired).await;
    }
}

#[tokio::test]
async fn what_has_ended_is_deleted_in_the_end() {
    for (place, _folder) in places() {
        let store = Store::open(place.clone()).await.expect("a store");
        let approvals = open(&place, settings()).await;
        let ended = waiting(&approvals, draft("DELETE 1", ApprovalWait::ReturnId)).await;
        let open = waiting(&approvals, draft("DELETE 2", ApprovalWait::ReturnId)).await;
        let reject = decision(ended, Verdict::Reject, reviewer("bob"));
        approvals.decide(reject).await.expect("rejected");
        let pruned = store.run(|transaction| {
            let later = transaction.now() + 1000;
            super::super::ending::prune(transaction, later)
        });
        let pruned: Result<bool, crate::store::StoreError> = pruned.await;
        assert!(!pruned.expect("pruned"));
        let viewer = identity("carol", &["auditors"]);
        let found = approvals.request(ended, &viewer).await.expect("an answer");
        assert_eq!(found, None);
        assert_eq!(history(&approvals, open).await, [State::Pending]);
    }
}
