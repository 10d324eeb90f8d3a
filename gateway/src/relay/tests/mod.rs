//! The relay between two sockets, with a judge that holds statements: clients that leave, cancel, or wait.

mod stage;

use std::time::Duration;

use gatewright_wire::build;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio::time::timeout;

use super::End;
use crate::recording::tests::Unwritten;
use crate::session::Refusal;
use crate::tests::memory::held;
use stage::{Stage, replies};

/// Far longer than anything here takes.
const SOON: Duration = Duration::from_secs(5);

fn query(text: &str) -> Vec<u8> {
    let mut out = bytes::BytesMut::new();
    build::query(&mut out, text).expect("a text");
    out.to_vec()
}

#[tokio::test]
async fn a_held_statement_runs_on_the_same_connection_once_it_is_approved() {
    let (mut client, gateway) = duplex(1 << 16);
    let stage = Stage::begin(gateway);
    let seen = stage
        .run(async {
            client.write_all(&query("hold this")).await.expect("room");
            stage.until_held().await;
            stage.decision.say(Ok(()));
            replies(&mut client, 1).await
        })
        .await;
    assert_eq!(seen, ["C", "ZI"]);
    assert_eq!(stage.ran(), ["hold this"]);
}

#[tokio::test]
async fn a_rejected_statement_never_reaches_the_server() {
    let (mut client, gateway) = duplex(1 << 16);
    let stage = Stage::begin(gateway);
    let seen = stage
        .run(async {
            client.write_all(&query("hold this")).await.expect("room");
            stage.until_held().await;
            stage.decision.say(Err(Refusal::new("42501", "rejected")));
            client.write_all(&query("select 1")).await.expect("room");
            replies(&mut client, 2).await
        })
        .await;
    assert_eq!(seen, ["E 42501 rejected", "ZI", "T", "D", "C", "ZI"]);
    assert_eq!(stage.ran(), ["select 1"]);
}

#[tokio::test]
async fn a_cancel_request_reaches_the_statement_that_is_held() {
    let (mut client, gateway) = duplex(1 << 16);
    let stage = Stage::begin(gateway);
    let seen = stage
        .run(async {
            assert!(!stage.inbox.request(), "nothing is held yet");
            client.write_all(&query("hold this")).await.expect("room");
            stage.until_held().await;
            assert!(stage.inbox.request());
            replies(&mut client, 1).await
        })
        .await;
    assert_eq!(
        seen,
        ["E 57014 canceling statement due to user request", "ZI"]
    );
    assert_eq!(stage.withdrawn.get(), 1);
    assert_eq!(stage.cancels.get(), 0, "the server had nothing to cancel");
}

#[tokio::test]
async fn a_cancel_request_that_comes_too_late_is_passed_on() {
    let (mut client, gateway) = duplex(1 << 16);
    let stage = Stage::begin(gateway);
    stage
        .run(async {
            client.write_all(&query("hold this")).await.expect("room");
            stage.until_held().await;
            stage.decision.say(Ok(()));
            // The relay has not run since, so it still says that it holds the statement.
            assert!(stage.inbox.request());
            replies(&mut client, 1).await
        })
        .await;
    assert!(stage.cancels.get() + stage.withdrawn.get() == 1);
}

/// A whole pipeline waits for one write to disk. A cancel request must not reach the server before the statement does.
#[tokio::test]
async fn what_is_not_on_disk_is_not_sent_and_neither_is_a_cancel_request() {
    let unwritten = Unwritten::begin();
    let (mut client, gateway) = duplex(1 << 16);
    let stage = Stage::recorded(gateway, unwritten.session());
    stage
        .run(async {
            unwritten.attempt();
            let both = [query("select 1"), query("select 2")].concat();
            client.write_all(&both).await.expect("room");
            stage.until_held().await;
            assert!(stage.inbox.request(), "it is the gateway's");
            for _ in 0..100 {
                tokio::task::yield_now().await;
            }
            assert_eq!(stage.ran(), Vec::<String>::new());
            assert_eq!(stage.cancels.get(), 0);
            unwritten.write();
            replies(&mut client, 2).await
        })
        .await;
    assert_eq!(stage.ran(), ["select 1", "select 2"]);
    assert_eq!((stage.cancels.get(), stage.withdrawn.get()), (1, 0));
}

#[tokio::test]
async fn a_client_that_closes_withdraws_its_held_statement() {
    let (mut client, gateway) = duplex(1 << 16);
    let stage = Stage::begin(gateway);
    let end = stage
        .until_end(async {
            client.write_all(&query("hold this")).await.expect("room");
            stage.until_held().await;
            drop(client);
        })
        .await;
    assert!(
        matches!(end, End::ClientLeft | End::ClientGone(_)),
        "{end:?}"
    );
    assert_eq!(stage.withdrawn.get(), 1);
    assert_eq!(stage.ran(), Vec::<String>::new());
}

#[tokio::test]
async fn a_client_that_half_closes_withdraws_its_held_statement() {
    let (mut client, gateway) = duplex(1 << 16);
    let stage = Stage::begin(gateway);
    let end = stage
        .until_end(async {
            client.write_all(&query("hold this")).await.expect("room");
            stage.until_held().await;
            client.shutdown().await.expect("an open stream");
            let mut rest = Vec::new();
            let _ = timeout(SOON, client.read_to_end(&mut rest)).await;
        })
        .await;
    assert!(matches!(end, End::ClientLeft), "{end:?}");
    assert_eq!(stage.withdrawn.get(), 1);
    assert_eq!(stage.ran(), Vec::<String>::new());
}

/// The end of the stream may be there and unread when the decision is heard.
#[tokio::test]
async fn a_client_that_leaves_while_the_decision_is_made_has_left() {
    for text in ["hold this", "ask"] {
        let (mut client, gateway) = duplex(1 << 16);
        let stage = Stage::begin(gateway);
        let end = stage
            .until_end(async {
                client.write_all(&query(text)).await.expect("room");
                stage.until_held().await;
                stage.decision.meanwhile(move || drop(client));
                stage.decision.say(Ok(()));
            })
            .await;
        assert!(
            matches!(end, End::ClientLeft | End::ClientGone(_)),
            "{end:?}"
        );
        assert_eq!(stage.ran(), Vec::<String>::new());
        assert!(stage.ledger.borrow().is_balanced());
    }
}

/// So much that the relay stops reading, and so little that the kernel takes the rest: only then does the end of the stream arrive.
fn much() -> Vec<u8> {
    query("select 1").repeat(3 * super::READ_AHEAD / 2 / query("select 1").len())
}

#[tokio::test]
async fn a_client_that_leaves_unread_bytes_behind_is_noticed() {
    let (mut client, gateway) = stage::sockets().await;
    let stage = Stage::begin(gateway);
    let end = stage
        .until_end(async {
            client.write_all(&query("hold this")).await.expect("room");
            stage.until_held().await;
            client.write_all(&much()).await.expect("room");
            client.shutdown().await.expect("an open stream");
            tokio::time::sleep(Duration::from_millis(100)).await;
        })
        .await;
    assert!(matches!(end, End::ClientLeft), "{end:?}");
    assert_eq!(stage.ran(), Vec::<String>::new());
}

#[tokio::test]
async fn a_client_that_resets_its_connection_is_noticed() {
    let (mut client, gateway) = stage::sockets().await;
    let stage = Stage::begin(gateway);
    let end = stage
        .until_end(async {
            client.write_all(&query("hold this")).await.expect("room");
            stage.until_held().await;
            let _ = timeout(Duration::from_millis(200), client.write_all(&much())).await;
            reset(client);
        })
        .await;
    assert!(
        matches!(end, End::ClientLeft | End::ClientGone(_)),
        "{end:?}"
    );
    assert_eq!(stage.ran(), Vec::<String>::new());
}

#[tokio::test]
async fn a_server_that_goes_away_ends_what_was_admitted() {
    let (mut client, gateway) = duplex(1 << 16);
    let stage = Stage::silent(gateway);
    let end = stage
        .until_end(async {
            client.write_all(&query("select 1")).await.expect("room");
            stage.until_sent().await;
            stage.server_leaves();
        })
        .await;
    assert!(matches!(end, End::ServerGone(_)), "{end:?}");
    assert!(stage.ledger.borrow().is_balanced());
    assert_eq!(stage.ledger.borrow().admitted, 1);
}

/// It may take long until the ends of a client's last statements are noted. Until then, nothing else of the client is kept.
#[tokio::test]
async fn a_client_that_has_left_leaves_nothing_but_ends_behind() {
    let (mut client, gateway) = stage::sockets().await;
    let stage = Stage::begin(gateway);
    let end = stage
        .until_end(async {
            for name in ["a", "b", "c", "d"] {
                client
                    .write_all(&prepare(name, 1 << 19))
                    .await
                    .expect("room");
                replies(&mut client, 1).await;
            }
            stage.notes_late.set(true);
            client.write_all(&query("select 1")).await.expect("room");
            stage.until_ran("select 1").await;
            let with_names = held();
            reset(client);
            while held() > with_names - (8 << 19) {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            stage.decision.say(Ok(()));
        })
        .await;
    assert!(
        matches!(end, End::ClientLeft | End::ClientGone(_)),
        "{end:?}"
    );
    assert!(stage.ledger.borrow().is_balanced());
}

/// The client's connection breaks off.
fn reset(client: tokio::net::TcpStream) {
    socket2::SockRef::from(&client)
        .set_linger(Some(Duration::ZERO))
        .expect("a socket");
    drop(client);
}

/// A prepared statement of so many bytes.
fn prepare(name: &str, length: usize) -> Vec<u8> {
    let mut out = bytes::BytesMut::new();
    let text = format!("select {}", "x".repeat(length));
    build::parse(&mut out, name, text, &[]).expect("a text");
    build::sync(&mut out);
    out.to_vec()
}

/// Many statements of one client, all at once, and one of another client of the same thread.
#[tokio::test]
async fn a_session_with_much_to_do_lets_others_of_its_thread_have_their_turn() {
    for many in [query("slow").repeat(SLOW), query(&"slow;".repeat(SLOW))] {
        others_have_their_turn(&many).await;
    }
}

async fn others_have_their_turn(many: &[u8]) {
    let (mut busy, gateway) = duplex(1 << 16);
    let (mut other, gateway_of_other) = duplex(1 << 16);
    let (stage, stage_of_other) = (Stage::begin(gateway), Stage::begin(gateway_of_other));
    busy.write_all(many).await.expect("room");
    let answered = stage_of_other.run(async {
        other.write_all(&query("select 1")).await.expect("room");
        replies(&mut other, 1).await;
        stage.slow.get()
    });
    let messages = many.iter().filter(|byte| **byte == b'Q').count();
    let all = stage.run(replies(&mut busy, messages));
    let (all, done) = tokio::join!(all, answered);
    assert_eq!(all.iter().filter(|tag| *tag == "C").count(), SLOW);
    assert!(done < SLOW, "the other client was answered last");
}

const SLOW: usize = 200;
