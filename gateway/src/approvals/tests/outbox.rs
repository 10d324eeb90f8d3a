//! What others are told: everything, in order, once.

use super::*;

const HOLD: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3600);

fn subscription() -> Subscription {
    Subscription {
        name: "audit".to_owned(),
        topics: vec![Topic::of::<Request>(&State::ALL)],
        max_age: DAY,
    }
}

/// An event of a request.
type Told = Due<(Event, Request)>;

async fn due(approvals: &Approvals, subscription: &Subscription) -> Vec<Told> {
    outbox(approvals, subscription, 100).await.due
}

async fn outbox(
    approvals: &Approvals,
    subscription: &Subscription,
    most: usize,
) -> Outbox<(Event, Request)> {
    let found = approvals.outbox(subscription, most, HOLD, event_with::<Request>);
    found.await.expect("the store answers")
}

/// The states that are told now, each held by this gateway from now on.
async fn told(approvals: &Approvals, subscription: &Subscription) -> Vec<State> {
    let due = due(approvals, subscription).await;
    due.iter().map(|one| one.told.0.state).collect()
}

async fn delivered(approvals: &Approvals, notifications: &[Told]) {
    for one in notifications {
        let noted = approvals.delivered("audit", one.sequence, None).await;
        noted.expect("the store answers");
    }
}

async fn pending(approvals: &Approvals, subscription: &Subscription) -> i64 {
    outbox(approvals, subscription, 0).await.pending
}

/// A request that was made and approved.
async fn approved(approvals: &Approvals, statement: &str) -> RequestId {
    let id = waiting(approvals, draft(statement, ApprovalWait::ReturnId)).await;
    let approve = decision(id, Verdict::Approve, reviewer("bob"));
    approvals.decide(approve).await.expect("approved");
    id
}

#[tokio::test]
async fn what_happened_before_a_subscription_is_not_told() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let id = waiting(&approvals, draft("DELETE 1", ApprovalWait::ReturnId)).await;
        let audit = subscription();
        approvals.subscribe(&audit).await.expect("a subscription");
        assert_eq!(told(&approvals, &audit).await, []);
        let approve = decision(id, Verdict::Approve, reviewer("bob"));
        approvals.decide(approve).await.expect("approved");
        assert_eq!(told(&approvals, &audit).await, [State::Approved]);
    }
}

#[tokio::test]
async fn events_of_one_request_are_told_one_after_the_other() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let audit = subscription();
        approvals.subscribe(&audit).await.expect("a subscription");
        let one = approved(&approvals, "DELETE 1").await;
        let other = waiting(&approvals, draft("DELETE 2", ApprovalWait::ReturnId)).await;
        assert_eq!(pending(&approvals, &audit).await, 3);
        let first = due(&approvals, &audit).await;
        let seen: Vec<_> = first
            .iter()
            .map(|one| (one.told.0.about, one.told.0.state))
            .collect();
        assert_eq!(seen, [(one, State::Pending), (other, State::Pending)]);
        assert_eq!(first[0].told.1.text, "DELETE 1");
        // The next one of the same request waits for its turn.
        assert_eq!(told(&approvals, &audit).await, []);
        delivered(&approvals, &first).await;
        assert_eq!(told(&approvals, &audit).await, [State::Approved]);
        assert_eq!(pending(&approvals, &audit).await, 1);
    }
}

#[tokio::test]
async fn gateways_that_share_a_store_tell_everything_once() {
    for (place, _folder) in places() {
        let gateways = [
            open(&place, settings()).await,
            open(&place, settings()).await,
        ];
        let audit = subscription();
        gateways[0].subscribe(&audit).await.expect("a subscription");
        for number in 0..20 {
            let statement = format!("DELETE {number}");
            waiting(
                &gateways[number % 2],
                draft(&statement, ApprovalWait::ReturnId),
            )
            .await;
        }
        let mut seen = Vec::new();
        while seen.len() < 20 {
            let (one, other) = tokio::join!(
                outbox(&gateways[0], &audit, 3),
                outbox(&gateways[1], &audit, 3),
            );
            let found = [one.due, other.due];
            for (gateway, due) in gateways.iter().zip(found) {
                delivered(gateway, &due).await;
                seen.extend(due.into_iter().map(|one| one.sequence));
            }
        }
        let distinct: std::collections::BTreeSet<_> = seen.iter().collect();
        assert_eq!((seen.len(), distinct.len()), (20, 20));
        assert_eq!(pending(&gateways[0], &audit).await, 0);
    }
}

/// Its gateway is gone: another one tells it again.
#[tokio::test]
async fn what_is_held_too_long_is_told_by_others() {
    for (place, _folder) in places() {
        let gone = open(&place, settings()).await;
        let audit = subscription();
        gone.subscribe(&audit).await.expect("a subscription");
        waiting(&gone, draft("DELETE 1", ApprovalWait::ReturnId)).await;
        let found = gone
            .outbox(&audit, 100, Duration::ZERO, event_with::<Request>)
            .await;
        let held = found.expect("an answer").due;
        let other = open(&place, settings()).await;
        let again = due(&other, &audit).await;
        assert_eq!(again[0].told.0, held[0].told.0);
        // It comes too late to take it from the other one.
        delivered(&gone, &held).await;
        let late = gone.not_delivered(&audit, held[0].sequence, DAY).await;
        assert_eq!(late.expect("an answer"), Fate::TriedAgain);
        assert_eq!(pending(&other, &audit).await, 1);
        delivered(&other, &again).await;
        assert_eq!(pending(&other, &audit).await, 0);
    }
}

/// Nobody was there to tell it: it is told by the next who is.
#[tokio::test]
async fn what_happens_while_nobody_tells_is_told_later() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        approvals
            .subscribe(&subscription())
            .await
            .expect("a subscription");
        let id = approved(&approvals, "DELETE 1").await;
        drop(approvals);
        let next = open(&place, settings()).await;
        let first = due(&next, &subscription()).await;
        assert_eq!(first[0].told.0.about, id);
        delivered(&next, &first).await;
        assert_eq!(told(&next, &subscription()).await, [State::Approved]);
    }
}

#[tokio::test]
async fn what_is_too_old_is_given_up_and_makes_room() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let audit = subscription();
        approvals.subscribe(&audit).await.expect("a subscription");
        approved(&approvals, "DELETE 1").await;
        let first = due(&approvals, &audit).await[0].sequence;
        let fate = approvals.not_delivered(&audit, first, Duration::ZERO).await;
        assert_eq!(fate.expect("an answer"), Fate::TriedAgain);
        let again = due(&approvals, &audit).await;
        assert_eq!((again[0].sequence, again[0].attempts), (first, 1));
        let fate = approvals.not_delivered(&audit, first, DAY).await;
        assert_eq!(fate.expect("an answer"), Fate::GivenUp);
        assert_eq!(told(&approvals, &audit).await, [State::Approved]);
    }
}

#[tokio::test]
async fn a_pause_is_kept() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let audit = subscription();
        approvals.subscribe(&audit).await.expect("a subscription");
        approved(&approvals, "DELETE 1").await;
        let first = due(&approvals, &audit).await[0].sequence;
        let pause = DAY / 2;
        let fate = approvals.not_delivered(&audit, first, pause).await;
        assert_eq!(fate.expect("an answer"), Fate::TriedAgain);
        // Nor does the next one overtake it.
        assert_eq!(told(&approvals, &audit).await, []);
        assert_eq!(pending(&approvals, &audit).await, 2);
    }
}

fn post(message: &str) -> Post {
    Post {
        channel: "C1".to_owned(),
        message: message.to_owned(),
    }
}

/// What shows a request in a chat is known with all that follows, also to the gateway that lost the delivery to another one.
#[tokio::test]
async fn the_message_of_a_chat_is_kept() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let audit = subscription();
        approvals.subscribe(&audit).await.expect("a subscription");
        let id = approved(&approvals, "DELETE 1").await;
        let other = waiting(&approvals, draft("DELETE 2", ApprovalWait::ReturnId)).await;
        let first = due(&approvals, &audit).await;
        assert_eq!((first[0].told.1.id, &first[0].post), (id, &None));
        for message in ["1.1", "1.2"] {
            let noted = approvals.delivered("audit", first[0].sequence, Some(post(message)));
            noted.await.expect("the store answers");
        }
        let second = due(&approvals, &audit).await;
        assert_eq!(second[0].post, Some(post("1.2")));
        delivered(&approvals, &first[1..]).await;
        let reject = decision(other, Verdict::Reject, reviewer("bob"));
        approvals.decide(reject).await.expect("rejected");
        let third = due(&approvals, &audit).await;
        assert_eq!((third[0].told.1.id, &third[0].post), (other, &None));
    }
}

#[tokio::test]
async fn only_the_states_that_were_asked_for_are_told() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let chosen = Subscription {
            topics: vec![Topic::of::<Request>(&[State::Approved, State::Revoked])],
            ..subscription()
        };
        approvals.subscribe(&chosen).await.expect("a subscription");
        let id = approved(&approvals, "DELETE 1").await;
        let revoke = decision(id, Verdict::Revoke, reviewer("bob"));
        approvals.decide(revoke).await.expect("revoked");
        let first = due(&approvals, &chosen).await;
        assert_eq!(first[0].told.0.state, State::Approved);
        delivered(&approvals, &first).await;
        assert_eq!(told(&approvals, &chosen).await, [State::Revoked]);
    }
}

/// Two webhooks do not wait for each other, and a request that is deleted leaves nothing to tell.
#[tokio::test]
async fn subscriptions_are_apart_and_end_with_their_requests() {
    for (place, _folder) in places() {
        let approvals = open(&place, settings()).await;
        let audit = subscription();
        let chat = Subscription {
            name: "chat".to_owned(),
            ..subscription()
        };
        for one in [&audit, &chat] {
            approvals.subscribe(one).await.expect("a subscription");
        }
        let id = waiting(&approvals, draft("DELETE 1", ApprovalWait::ReturnId)).await;
        let reject = decision(id, Verdict::Reject, reviewer("bob"));
        approvals.decide(reject).await.expect("rejected");
        delivered(&approvals, &due(&approvals, &audit).await).await;
        let shown = due(&approvals, &audit).await[0].sequence;
        let post = approvals.delivered("audit", shown, Some(post("1.2")));
        post.await.expect("the store answers");
        assert_eq!(told(&approvals, &chat).await, [State::Pending]);
        assert_eq!(pending(&approvals, &chat).await, 2);
        let pruned = approvals.shared.store.run(|transaction| {
            let later = transaction.now() + 1000;
            super::ending::prune(transaction, later)?;
            let left = "SELECT (SELECT count(*) FROM delivery) + (SELECT count(*) FROM post)";
            transaction.query(left, &[])?[0].integer()
        });
        assert_eq!(pruned.await.expect("an answer"), 0);
        // The subscription was not used for so long that it was forgotten; it begins anew.
        assert_eq!(told(&approvals, &chat).await, []);
    }
}
