//! Attempts, and what becomes of them.

use super::*;
use crate::store::tests::places;

#[tokio::test]
async fn messages_are_signed_and_tell_what_became_of_a_request() {
    let receiver = Receiver::start().await;
    let stage = Stage::start(vec![webhook("audit", &receiver.url)]).await;
    let id = stage.ask(returned("DELETE FROM orders WHERE id = 7")).await;
    stage.decide(id, Verdict::Approve).await;
    stage.decide(id, Verdict::Revoke).await;
    let received = receiver.until(3).await;
    let mut ids = Vec::new();
    for (one, kind) in received.iter().zip(["requested", "approved", "revoked"]) {
        let body = one.json();
        assert_eq!(body["type"], format!("approval.{kind}"), "{body}");
        assert_eq!(body["request"]["id"], id.to_string(), "{body}");
        assert_eq!(body["id"], one.header("webhook-id"), "{body}");
        assert_eq!(one.header("content-type"), "application/json");
        assert!(one.is_signed_with(SECRET), "{one:?}");
        ids.push(one.header("webhook-id").to_owned());
    }
    ids.dedup();
    assert_eq!(ids.len(), 3);
    let asked = received[0].json();
    assert_eq!(asked["by"]["subject"], "ada", "{asked}");
    assert_eq!(asked["request"]["state"], "pending", "{asked}");
    assert_eq!(asked["request"]["decided_by"], Value::Null, "{asked}");
    let approved = received[1].json();
    assert_eq!(approved["by"]["subject"], "bob", "{approved}");
    assert_eq!(approved["request"]["decided_by"], "bob", "{approved}");
    assert_eq!(approved["request"]["state"], "approved", "{approved}");
}

/// The receiver's check finds what was changed on the way, and what somebody else signed.
#[tokio::test]
async fn a_message_that_was_changed_is_not_verified() {
    let receiver = Receiver::start().await;
    let stage = Stage::start(vec![webhook("audit", &receiver.url)]).await;
    stage.ask(returned("DELETE FROM orders")).await;
    let one = receiver.until(1).await.remove(0);
    assert!(one.is_signed_with(SECRET));
    assert!(!one.is_signed_with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSx"));
    let mut changed = one.clone();
    changed.body = one.text().replace("orders", "order5").into_bytes().into();
    assert!(!changed.is_signed_with(SECRET));
    for name in ["webhook-id", "webhook-timestamp"] {
        let mut changed = one.clone();
        let value = format!("{}0", one.header(name)).parse().expect("a value");
        changed.headers.insert(name, value);
        assert!(!changed.is_signed_with(SECRET), "{name}");
    }
}

#[tokio::test]
async fn what_is_not_received_is_sent_again_in_its_order() {
    for (place, _folder) in places() {
        let receiver =
            Receiver::scripted(|number| Answer::status(if number < 3 { 500 } else { 200 })).await;
        let stage = Stage::at(&place, vec![webhook("audit", &receiver.url)]).await;
        let id = stage.ask(returned("DELETE FROM orders")).await;
        stage.decide(id, Verdict::Reject).await;
        let received = receiver.until(5).await;
        let kinds: Vec<_> = received
            .iter()
            .map(|one| one.json()["type"].clone())
            .collect();
        let (asked, rejected) = ("approval.requested", "approval.rejected");
        assert_eq!(kinds, [asked, asked, asked, asked, rejected]);
        let first = received[0].header("webhook-id");
        for again in &received[..4] {
            assert_eq!(again.header("webhook-id"), first);
            assert_eq!(again.body, received[0].body);
            assert!(again.is_signed_with(SECRET));
        }
        stage.counts.until("audit", Outcome::Failed, 3).await;
        stage.counts.until("audit", Outcome::Delivered, 2).await;
    }
}

#[tokio::test]
async fn one_that_is_slow_or_down_delays_no_other() {
    let slow = Receiver::scripted(|_| Answer {
        delay: Duration::from_secs(3600),
        ..Answer::status(200)
    })
    .await;
    let receiver = Receiver::start().await;
    // Nobody listens there.
    let port = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let nowhere = format!("http://{}/", port.local_addr().expect("an address"));
    drop(port);
    let stage = Stage::start(vec![
        WebhookSettings {
            timeout: Duration::from_millis(200),
            ..webhook("slow", &slow.url)
        },
        webhook("down", &nowhere),
        webhook("audit", &receiver.url),
    ])
    .await;
    for number in 0..10 {
        stage.ask(returned(&format!("DELETE {number}"))).await;
    }
    receiver.until(10).await;
    stage.counts.until("slow", Outcome::Failed, 2).await;
    stage.counts.until("down", Outcome::Failed, 2).await;
}

/// A redirect could lead to any host that this machine can reach.
#[tokio::test]
async fn redirects_are_not_followed() {
    let elsewhere = Receiver::start().await;
    let target = elsewhere.url.clone();
    let receiver = Receiver::scripted(move |number| match number {
        0 | 1 => Answer {
            headers: vec![("location", target.clone())],
            ..Answer::status(307)
        },
        _ => Answer::status(200),
    })
    .await;
    let stage = Stage::start(vec![webhook("audit", &receiver.url)]).await;
    stage.ask(returned("DELETE FROM orders")).await;
    receiver.until(3).await;
    stage.counts.until("audit", Outcome::Delivered, 1).await;
    assert!(elsewhere.all().is_empty());
}

#[tokio::test]
async fn what_cannot_be_delivered_in_time_is_given_up() {
    let receiver = Receiver::scripted(|_| Answer {
        headers: vec![("retry-after", "3600".to_owned())],
        ..Answer::status(503)
    })
    .await;
    let stage = Stage::start(vec![WebhookSettings {
        max_age: Duration::from_secs(3600),
        ..webhook("audit", &receiver.url)
    }])
    .await;
    stage.ask(returned("DELETE FROM orders")).await;
    stage.counts.until("audit", Outcome::GivenUp, 1).await;
}

/// A gateway that died between the state change and the delivery.
#[tokio::test]
async fn what_a_gateway_left_is_delivered_by_the_next() {
    for (place, _folder) in places() {
        let receiver = Receiver::start().await;
        let first = open(&place, settings()).await;
        let audit = webhook("audit", &receiver.url).subscription();
        first.subscribe(&audit).await.expect("a subscription");
        let id = waiting(&first, returned("DELETE FROM orders")).await;
        drop(first);
        let _stage = Stage::at(&place, vec![webhook("audit", &receiver.url)]).await;
        let received = receiver.until(1).await;
        assert_eq!(received[0].json()["request"]["id"], id.to_string());
    }
}

#[tokio::test]
async fn two_gateways_send_once() {
    for (place, _folder) in places() {
        let receiver = Receiver::start().await;
        let gateways = [
            Stage::at(&place, vec![webhook("audit", &receiver.url)]).await,
            Stage::at(&place, vec![webhook("audit", &receiver.url)]).await,
        ];
        for number in 0..30 {
            let asked = gateways[number % 2].ask(returned(&format!("DELETE {number}")));
            gateways[(number + 1) % 2]
                .decide(asked.await, Verdict::Reject)
                .await;
        }
        receiver.until(60).await;
        // Whatever one of them still sends is sent by now.
        for gateway in &gateways {
            gateway.webhooks.stop().await;
        }
        let mut ids: Vec<_> = receiver
            .all()
            .iter()
            .map(|one| one.header("webhook-id").to_owned())
            .collect();
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len(), receiver.all().len()), (60, 60));
    }
}

#[tokio::test]
async fn other_settings_apply_from_then_on() {
    let (one, other) = (Receiver::start().await, Receiver::start().await);
    let stage = Stage::start(vec![webhook("audit", &one.url)]).await;
    stage.ask(returned("DELETE 1")).await;
    one.until(1).await;
    let moved = vec![webhook("audit", &other.url), webhook("new", &other.url)];
    stage.webhooks.replace(moved).await.expect("webhooks");
    stage.ask(returned("DELETE 2")).await;
    other.until(2).await;
    stage.webhooks.replace(Vec::new()).await.expect("none");
    let last = stage.ask(returned("DELETE 3")).await;
    // One that is back is told what it missed.
    let back = vec![webhook("audit", &other.url)];
    stage.webhooks.replace(back).await.expect("webhooks");
    let received = other.until(3).await;
    assert_eq!(received[2].json()["request"]["id"], last.to_string());
    assert_eq!(one.all().len(), 1);
}

/// What the end of the gateway withdraws is told before it has stopped.
#[tokio::test]
async fn a_gateway_that_stops_tells_what_it_withdraws() {
    let receiver = Receiver::start().await;
    let stage = Stage::start(vec![webhook("audit", &receiver.url)]).await;
    waiting(&stage.approvals, draft("DELETE 1", ApprovalWait::Hold)).await;
    receiver.until(1).await;
    stage.approvals.stop().await;
    stage.webhooks.stop().await;
    let last = receiver.all().last().expect("a message").json();
    assert_eq!(last["type"], "approval.withdrawn", "{last}");
    assert_eq!(last["reason"], "gateway stopped", "{last}");
}

/// What waits is made anew when it is sent: settings that hide more hold for it, too.
#[tokio::test]
async fn what_waits_is_sent_by_the_settings_in_force() {
    let open = Arc::new(std::sync::atomic::AtomicBool::new(false));
    let is_open = Arc::clone(&open);
    let receiver = Receiver::scripted(move |_| {
        let open = is_open.load(std::sync::atomic::Ordering::SeqCst);
        Answer::status(if open { 200 } else { 500 })
    })
    .await;
    let whole = WebhookSettings {
        statement: Disclosure::Whole,
        ..webhook("audit", &receiver.url)
    };
    let stage = Stage::start(vec![whole]).await;
    stage.ask(plain("DELETE FROM orders WHERE id = 4711")).await;
    stage.counts.until("audit", Outcome::Failed, 1).await;
    // Nothing is under way any more.
    stage.webhooks.stop().await;
    open.store(true, std::sync::atomic::Ordering::SeqCst);
    let redacted = vec![webhook("audit", &receiver.url)];
    stage.webhooks.replace(redacted).await.expect("webhooks");
    stage.counts.until("audit", Outcome::Delivered, 1).await;
    assert!(receiver.all()[0].text().contains("4711"));
    let last = receiver.all().last().expect("a message").text();
    assert!(!last.contains("4711"), "{last}");
}
