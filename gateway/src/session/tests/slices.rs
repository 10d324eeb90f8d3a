//! Time slices: a session whose slice is over stops between messages, between the statements of a message and between rows, and goes on
//! in the next slice as if it had not stopped.

use bytes::BytesMut;
use gatewright_wire::backend::TransactionStatus;
use gatewright_wire::build;

use super::play::*;

/// Slices until all that waits is taken, and what was sent.
fn slices_to_take_all(play: &mut Play) -> (usize, Vec<String>) {
    let (mut slices, mut sent) = (0, Vec::new());
    while !play.waiting.is_empty() {
        play.slice(true);
        let before = (play.waiting.len(), play.judge.asked.len());
        play.offer();
        sent.extend(play.sent());
        slices += 1;
        let after = (play.waiting.len(), play.judge.asked.len());
        assert_ne!(before, after, "a slice in which nothing was done");
        assert!(
            after.1 - before.1 <= 4,
            "{} statements in a slice",
            after.1 - before.1
        );
    }
    (slices, sent)
}

#[test]
fn a_session_stops_between_messages() {
    let mut play = Play::new();
    for _ in 0..100 {
        parse("", "select 1")(&mut play.waiting);
    }
    build::sync(&mut play.waiting);
    let (slices, sent) = slices_to_take_all(&mut play);
    assert!(slices >= 25, "{slices}");
    assert_eq!(sent.len(), 101);
    assert_eq!(play.judge.asked.len(), 100);
}

#[test]
fn a_session_stops_between_the_statements_of_a_message() {
    let mut play = Play::new();
    let text = "select 1;".repeat(100);
    build::query(&mut play.waiting, &text).expect("a text");
    let (slices, sent) = slices_to_take_all(&mut play);
    assert!(slices >= 25, "{slices}");
    assert_eq!(sent, [format!("Q {text}")]);
    assert_eq!(play.judge.asked.len(), 100, "each is judged once");
    assert_eq!(play.judge.analysed.len(), 1);
}

#[test]
fn a_session_stops_between_rows() {
    let mut play = Play::new();
    play.client(query("mask a"));
    play.sent();
    play.server(|out| {
        build::parse_complete(out);
        row_description(out, "a");
        build::close_complete(out);
    });
    assert_eq!(play.sent(), ["Q mask a"]);
    let mut rest = BytesMut::new();
    row_description(&mut rest, "a");
    for _ in 0..100 {
        row(&mut rest);
    }
    complete(&mut rest);
    build::ready_for_query(&mut rest, TransactionStatus::Idle);
    let (mut slices, mut replied) = (0, Vec::new());
    while !rest.is_empty() {
        play.slice(true);
        let done = play.server_piece(&rest);
        assert!(done > 0, "a slice in which nothing was done");
        let _ = rest.split_to(done);
        replied.extend(play.replied());
        slices += 1;
    }
    assert!(slices >= 6, "{slices}");
    assert_eq!(
        replied.iter().filter(|tag| tag.starts_with('D')).count(),
        100
    );
}
