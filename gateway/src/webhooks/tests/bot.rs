//! One message of Slack for each request and access grant, which shows what has become of it.

use super::slack_api::{Channel, Slack, TOKEN, Trouble};
use super::*;
use crate::access::Verdict as GrantVerdict;
use crate::store::tests::places;

fn bot(slack: &Slack, statement: Disclosure) -> WebhookSettings {
    WebhookSettings {
        format: Format::SlackApi(Bot {
            token: SecretString::from(TOKEN),
            channel: "#approvals".to_owned(),
        }),
        secret: None,
        statement,
        ..webhook("chat", &slack.url)
    }
}

fn methods(channel: &Channel) -> Vec<&str> {
    let calls = channel.calls.iter();
    calls.map(|(method, _)| method.as_str()).collect()
}

fn headlines(channel: &Channel) -> Vec<String> {
    let shown = channel.shown.iter();
    let text = |message: &Value| message["text"].as_str().unwrap_or_default().to_owned();
    shown.map(|(_, message)| text(message)).collect()
}

#[tokio::test]
async fn the_same_message_says_who_decided() {
    for (place, _folder) in places() {
        let slack = Slack::start().await;
        let stage = Stage::at(&place, vec![bot(&slack, Disclosure::Whole)]).await;
        let id = stage.ask(plain("DELETE FROM orders WHERE id = 7")).await;
        let asked = slack.until(|channel| channel.shown.len() == 1).await;
        let message = asked.shown[0].1.to_string();
        assert_eq!(asked.shown[0].1["channel"], "#approvals");
        assert!(message.contains("Approval wanted"), "{message}");
        assert!(message.contains("?decide=approve"), "{message}");
        stage.decide(id, Verdict::Reject).await;
        let decided = slack.until(|channel| methods(channel).len() == 2).await;
        let decided = match decided.calls[1].1 {
            true => decided,
            false => slack.until(|channel| channel.calls[1].1).await,
        };
        assert_eq!(methods(&decided), ["chat.postMessage", "chat.update"]);
        assert_eq!(
            headlines(&decided),
            ["*Rejected* by `bob`: `DELETE` on `shop` as `writer`, sent by `ada`."]
        );
        // What was decided about is still there, and nothing to decide.
        let message = decided.shown[0].1.to_string();
        for part in [
            "DELETE FROM orders WHERE id = 7",
            "Decided by `bob`",
            "checked",
        ] {
            assert!(message.contains(part), "{part}: {message}");
        }
        assert!(!message.contains("?decide=approve"), "{message}");
        assert!(!message.contains("Decide before"), "{message}");
    }
}

#[tokio::test]
async fn an_access_grant_has_its_own_message() {
    let slack = Slack::start().await;
    let stage = Stage::start(vec![bot(&slack, Disclosure::Redacted)]).await;
    stage.ask(returned("DELETE FROM orders WHERE id = 7")).await;
    let id = stage.ask_for_access(grants::ask()).await;
    stage.decide_access(id, GrantVerdict::Approve, "bob").await;
    stage.decide_access(id, GrantVerdict::Revoke, "carol").await;
    let is_told = |channel: &Channel| headlines(channel).iter().any(|one| one.contains("revoked"));
    let channel = slack.until(is_told).await;
    assert_eq!(channel.shown.len(), 2);
    let text = channel.shown[1].1.to_string() + &channel.shown[0].1.to_string();
    assert!(text.contains("*Access revoked* by `carol`"), "{text}");
    assert!(text.contains("`update, delete on public.orders`"), "{text}");
    assert!(
        !text.contains("canary") && !text.contains("id = 7"),
        "{text}"
    );
}

/// Whichever gateway posted it, the other one finds it.
#[tokio::test]
async fn gateways_that_share_a_store_change_one_message() {
    for (place, _folder) in places() {
        let slack = Slack::start().await;
        let first = Stage::at(&place, vec![bot(&slack, Disclosure::Redacted)]).await;
        let id = first.ask(returned("DELETE FROM orders")).await;
        slack.until(|channel| channel.shown.len() == 1).await;
        first.webhooks.stop().await;
        let other = Stage::at(&place, vec![bot(&slack, Disclosure::Redacted)]).await;
        other.decide(id, Verdict::Reject).await;
        let is_told = |channel: &Channel| headlines(channel)[0].starts_with("*Rejected*");
        let channel = slack.until(is_told).await;
        assert_eq!(channel.shown.len(), 1);
    }
}

/// Nothing more is sent until it may be, of whatever request.
#[tokio::test]
async fn a_rate_limit_is_kept() {
    let slack = Slack::scripted(|number, _| (number == 0).then_some(Trouble::TooMuch(600))).await;
    let stage = Stage::start(vec![bot(&slack, Disclosure::Redacted)]).await;
    stage.ask(returned("DELETE 1")).await;
    stage.counts.until("chat", Outcome::Failed, 1).await;
    for number in 2..6 {
        stage.ask(returned(&format!("DELETE {number}"))).await;
    }
    // What is due is sent before it has stopped.
    stage.webhooks.stop().await;
    let channel = slack.until(|_| true).await;
    assert_eq!((channel.calls.len(), channel.shown.len()), (1, 0));
    // Whoever knows of no limit sends the others.
    let again = vec![bot(&slack, Disclosure::Redacted)];
    stage.webhooks.replace(again).await.expect("webhooks");
    slack.until(|channel| channel.shown.len() == 4).await;
    stage.webhooks.stop().await;
    let channel = slack.until(|_| true).await;
    assert_eq!((channel.calls.len(), channel.shown.len()), (5, 4));
}

/// What cannot be changed any more is shown anew, and followed from there on.
#[tokio::test]
async fn a_message_that_is_gone_is_replaced() {
    let slack = Slack::start().await;
    let stage = Stage::start(vec![bot(&slack, Disclosure::Redacted)]).await;
    let id = stage.ask(returned("DELETE FROM orders")).await;
    stage.counts.until("chat", Outcome::Delivered, 1).await;
    slack.clear();
    stage.decide(id, Verdict::Approve).await;
    stage.counts.until("chat", Outcome::Delivered, 2).await;
    stage.decide(id, Verdict::Revoke).await;
    stage.counts.until("chat", Outcome::Delivered, 3).await;
    let channel = slack.until(|channel| channel.shown.len() == 1).await;
    assert_eq!(
        methods(&channel),
        [
            "chat.postMessage",
            "chat.update",
            "chat.postMessage",
            "chat.update"
        ]
    );
    assert!(headlines(&channel)[0].starts_with("*Approval taken back* by `bob`"));
}

#[tokio::test]
async fn what_slack_does_not_take_is_sent_again() {
    let troubles = [
        Trouble::Error("not_in_channel"),
        Trouble::Status(503),
        Trouble::NoJson,
    ];
    let slack = Slack::scripted(move |number, _| troubles.get(number).copied()).await;
    let stage = Stage::start(vec![bot(&slack, Disclosure::Redacted)]).await;
    stage.ask(returned("DELETE FROM orders")).await;
    let channel = slack.until(|channel| channel.shown.len() == 1).await;
    assert_eq!(channel.calls.len(), 4);
    stage.counts.until("chat", Outcome::Failed, 3).await;
}
