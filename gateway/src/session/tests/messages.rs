//! What the client gets of notices and notifications.

use bytes::{Buf, BytesMut};
use gatewright_wire::backend::TransactionStatus;
use gatewright_wire::{ErrorFields, build};

use super::play::*;
use crate::session::Departure;

fn notice(out: &mut BytesMut) {
    let mut fields = ErrorFields::new("NOTICE", "00000", "it is ada@example.com");
    fields.set(b'F', "pl_exec.c");
    build::notice_response(out, &fields);
}

/// Functions that are declared immutable run when the server plans, which it does at Bind.
#[test]
fn notices_are_withheld_from_bind_on() {
    let mut play = Play::new();
    play.client(parse("", "code one"));
    play.client(|out| bind(out, ""));
    play.server(|out| {
        build::parse_complete(out);
        notice(out);
        build::bind_complete(out);
    });
    let seen = play.output.to_client.chunk().to_vec();
    assert!(!seen.windows(4).any(|window| window == b"ada@"), "{seen:?}");
    assert_eq!(play.replied().len(), 3);
}

#[test]
fn notices_of_other_statements_pass() {
    let mut play = Play::new();
    play.client(query("select 1"));
    play.server(notice);
    let seen = play.output.to_client.chunk().to_vec();
    assert!(seen.windows(4).any(|window| window == b"ada@"));
}

#[test]
fn notifications_are_judged() {
    let mut play = Play::new();
    play.server(notification(b"secret"));
    assert!(play.output.to_client.chunk().is_empty());
    // Nobody can judge what is not in the client's encoding.
    play.server(notification(b"\xff"));
    assert!(play.output.to_client.chunk().is_empty());
    play.server(notification(b"news"));
    assert!(!play.output.to_client.chunk().is_empty());
}

#[test]
fn a_notification_waits_for_its_judge_and_keeps_its_place() {
    let mut play = Play::new();
    play.client(query("select 1"));
    let mut bytes = BytesMut::new();
    row_description(&mut bytes, "a");
    notification(b"news")(&mut bytes);
    complete(&mut bytes);
    ready(TransactionStatus::Idle)(&mut bytes);
    play.judge.delays = vec![2];
    let used = play.server_piece(&bytes);
    assert_eq!(play.replied(), ["T"]);
    let mut left = bytes.split_off(used);
    while !left.is_empty() {
        let used = play.server_piece(&left);
        left = left.split_off(used);
    }
    assert_eq!(play.replied(), ["A", "C", "ZI"]);
}

#[test]
fn a_notification_that_is_judged_when_the_connection_ends_is_withdrawn() {
    let mut play = Play::new();
    play.judge.delays = vec![200];
    let mut bytes = BytesMut::new();
    notification(b"news")(&mut bytes);
    assert_eq!(play.server_piece(&bytes), 0);
    assert!(
        play.session
            .close(Departure::ClientLeft, &mut play.judge, &mut play.output)
    );
    assert_eq!(play.judge.withdrawn.get(), 1);
    assert!(play.judge.under_way.is_empty());
}
