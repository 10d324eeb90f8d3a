//! Clients that leave, gateways that die, and stores that are lost.

use super::*;
use gatewright_harness::Postgres;

use crate::store::StoreError;

const HOLD: ApprovalWait = ApprovalWait::Hold;

#[tokio::test]
async fn what_the_client_left_is_withdrawn() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let id = waiting(&approvals, draft("DELETE 1", HOLD)).await;
        approvals.withdraw(id, Withdrawal::ClientLeft);
        assert_eq!(approvals.outcome(id).await, Outcome::Withdrawn);
        until(&approvals, id, State::Withdrawn).await;
        assert_too_late(&approvals, id, State::Withdrawn).await;
    }
}

/// Whichever comes first, an approval that was handed out is used up, and one that was withdrawn is not handed out.
#[tokio::test]
async fn a_client_that_leaves_as_the_reviewer_agrees_leaves_one_truth() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        for round in 0..40 {
            let id = waiting(&approvals, draft(&format!("DELETE {round}"), HOLD)).await;
            let outcome = tokio::spawn({
                let approvals = approvals.clone();
                async move { approvals.outcome(id).await }
            });
            let (approved, ()) = tokio::join!(
                approvals.decide(decision(id, Verdict::Approve, reviewer("bob"))),
                async {
                    tokio::time::sleep(Duration::from_micros(round * 150)).await;
                    approvals.withdraw(id, Withdrawal::ClientLeft);
                },
            );
            if let Err(error) = approved {
                assert!(matches!(error, DecisionError::State { .. }), "{error:?}");
            }
            let outcome = outcome.await.expect("an end");
            assert!(
                matches!(outcome, Outcome::Withdrawn | Outcome::Approved(_)),
                "{outcome:?}"
            );
            until(&approvals, id, State::Withdrawn).await;
            let steps = history(&approvals, id).await;
            if matches!(outcome, Outcome::Approved(_)) {
                assert!(steps.contains(&State::Claimed), "{steps:?}");
            }
        }
    }
}

/// A submit or an outcome that is dropped half-way leaves nothing that could run.
#[tokio::test]
async fn futures_that_are_dropped_withdraw() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        for round in 0..20 {
            let submit = approvals.submit(draft(&format!("DELETE {round}"), HOLD));
            let limit = Duration::from_micros(round * 200);
            if let Ok(Ok(Submitted::Waiting { id, .. })) = tokio::time::timeout(limit, submit).await
            {
                approvals.withdraw(id, Withdrawal::ClientLeft);
            }
        }
        let viewer = identity("carol", &["auditors"]);
        let mut events = approvals.last_event();
        loop {
            let open = vec![State::Pending, State::Approved, State::Claimed];
            let page = approvals
                .list(open, None, 100, &viewer)
                .await
                .expect("a page");
            if page.entries.is_empty() && approvals.shared.held.is_empty() {
                break;
            }
            tokio::select! {
                _ = events.changed() => {}
                () = tokio::time::sleep(Duration::from_millis(100)) => {}
            }
        }
    }
}

#[tokio::test]
async fn a_gateway_that_stops_withdraws_what_it_holds() {
    for (place, _folder) in places() {
        let (here, there) = (
            open(&place, settings()).await,
            open(&place, settings()).await,
        );
        let id = waiting(&here, draft("DELETE 1", HOLD)).await;
        let returned = waiting(&here, draft("DELETE 2", ApprovalWait::ReturnId)).await;
        here.stop().await;
        // Where the store took too long, the end is there later.
        until(&there, id, State::Withdrawn).await;
        assert_eq!(state(&there, returned).await, State::Pending);
        let refused = here.submit(draft("DELETE 3", HOLD)).await;
        assert_eq!(refused, Err(ApprovalsError::Stopping));
    }
}

#[test]
fn what_a_dead_gateway_held_is_withdrawn_by_others() {
    for (place, _folder) in places() {
        let runtime = || {
            tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
        };
        let dying = runtime().expect("a runtime");
        let (approvals, ids) = dying.block_on(async {
            let approvals = open(&place, settings()).await;
            let pending = waiting(&approvals, draft("DELETE 1", HOLD)).await;
            let claimed = waiting(&approvals, draft("DELETE 2", HOLD)).await;
            let returned = waiting(&approvals, draft("DELETE 3", ApprovalWait::ReturnId)).await;
            let approve = decision(claimed, Verdict::Approve, reviewer("bob"));
            approvals.decide(approve).await.expect("approved");
            let outcome = approvals.outcome(claimed).await;
            assert!(matches!(outcome, Outcome::Approved(_)), "{outcome:?}");
            (approvals, [pending, claimed, returned])
        });
        // Its tasks end with it.
        drop(dying);
        let living = runtime().expect("a runtime");
        living.block_on(async {
            let other = open(&place, settings()).await;
            let own = waiting(&other, draft("DELETE 4", HOLD)).await;
            let [pending, claimed, returned] = ids;
            until(&other, pending, State::Withdrawn).await;
            until(&other, claimed, State::Failed).await;
            let entry = other
                .request(claimed, &reviewer("bob"))
                .await
                .expect("an answer");
            assert_eq!(
                entry.expect("a request").request.ended.as_deref(),
                Some("lost")
            );
            assert_eq!(state(&other, returned).await, State::Pending);
            assert_eq!(state(&other, own).await, State::Pending);
        });
        drop(approvals);
    }
}

/// The store goes away while a statement is held: it stays held, new ones are refused, and the decision reaches it once the
/// store is back.
#[tokio::test]
async fn a_lost_store_holds_what_is_held_and_takes_nothing_new() {
    let mut server = Postgres::start().expect("a PostgreSQL server");
    let target = server.dsn().url().parse().expect("a connection string");
    let place = StoreSettings::Postgres(target);
    let approvals = open(&place, settings()).await;
    let id = waiting(&approvals, draft("DELETE 1", HOLD)).await;
    let outcome = tokio::spawn({
        let approvals = approvals.clone();
        async move { approvals.outcome(id).await }
    });
    server.stop().expect("it stops");
    let refused = approvals.submit(draft("DELETE 2", HOLD)).await;
    assert_eq!(refused, Err(ApprovalsError::StoreUnavailable));
    assert!(!outcome.is_finished());
    server.restart().expect("it starts");
    let approve = || approvals.decide(decision(id, Verdict::Approve, reviewer("bob")));
    while let Err(error) = approve().await {
        assert!(matches!(error, DecisionError::Store(_)), "{error:?}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let outcome = outcome.await.expect("an end");
    assert!(matches!(outcome, Outcome::Approved(_)), "{outcome:?}");
}

/// A gateway starts without its store, and serves requests once the store is there.
#[tokio::test]
async fn a_gateway_starts_before_its_store() {
    let mut server = Postgres::start().expect("a PostgreSQL server");
    let target = server.dsn().url().parse().expect("a connection string");
    let place = StoreSettings::Postgres(target);
    server.stop().expect("it stops");
    let approvals = open(&place, settings()).await;
    assert_eq!(*approvals.last_event().borrow(), None);
    let refused = approvals.submit(draft("DELETE 1", HOLD)).await;
    assert_eq!(refused, Err(ApprovalsError::StoreUnavailable));
    server.restart().expect("it starts");
    let id = loop {
        match approvals.submit(draft("DELETE 1", HOLD)).await {
            Ok(Submitted::Waiting { id, .. }) => break id,
            Ok(other) => panic!("{other:?}"),
            Err(error) => assert_eq!(error, ApprovalsError::StoreUnavailable),
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    // Each thread of the store has a connection of its own, and has waited for its server by itself.
    loop {
        let approve = decision(id, Verdict::Approve, reviewer("bob"));
        match approvals.decide(approve).await {
            Err(DecisionError::Store(StoreError::Unavailable(_))) => {
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            decided => {
                decided.expect("approved");
                break;
            }
        }
    }
    let outcome = approvals.outcome(id).await;
    assert!(matches!(outcome, Outcome::Approved(_)), "{outcome:?}");
}

/// A statement whose store stays away is held until its clock, and what was withdrawn meanwhile is withdrawn later.
#[tokio::test]
async fn ends_reach_a_store_that_comes_back() {
    let mut server = Postgres::start().expect("a PostgreSQL server");
    let target = server.dsn().url().parse().expect("a connection string");
    let place = StoreSettings::Postgres(target);
    let approvals = open(&place, settings()).await;
    let left = waiting(&approvals, draft("DELETE 1", HOLD)).await;
    let mut brief = draft("DELETE 2", HOLD);
    brief.wanted.hold_ms = 1500;
    let held = waiting(&approvals, brief).await;
    server.stop().expect("it stops");
    approvals.withdraw(left, Withdrawal::Cancelled);
    assert_eq!(approvals.outcome(held).await, Outcome::Expired);
    server.restart().expect("it starts");
    let settled = async || {
        for id in [left, held] {
            let found = approvals.request(id, &reviewer("bob")).await.ok().flatten();
            if !found.is_some_and(|entry| entry.request.state.is_end()) {
                return false;
            }
        }
        true
    };
    while !settled().await {
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(
        history(&approvals, left).await,
        [State::Pending, State::Withdrawn]
    );
    assert_eq!(
        history(&approvals, held).await,
        [State::Pending, State::Expired]
    );
}

/// A store that nobody can reach: nothing has been stored, so there is nothing to take back.
#[tokio::test]
async fn nothing_is_queued_for_a_store_that_is_away() {
    let away = crate::upstream::Target::new(vec![("127.0.0.1".to_owned(), 1)], "gone", "gateway");
    let approvals = open(&StoreSettings::Postgres(away), settings()).await;
    for round in 0..20 {
        for wait in [HOLD, ApprovalWait::ReturnId] {
            let refused = approvals
                .submit(draft(&format!("DELETE {round}"), wait))
                .await;
            assert_eq!(refused, Err(ApprovalsError::StoreUnavailable));
        }
    }
    assert_eq!(*approvals.shared.ending.borrow(), 0);
    assert!(approvals.shared.held.is_empty());
}
