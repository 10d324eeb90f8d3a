//! What a session may keep: names, and texts that are still to be answered.

use super::play::*;
use crate::session::refusal::STAND_IN;
use crate::session::state::names::MAX_PREPARED;
use bytes::BytesMut;
use gatewright_wire::backend::TransactionStatus;
use gatewright_wire::build;
use gatewright_wire::frontend::Subject;

fn prepared(play: &mut Play, count: usize) {
    play.server(|out| {
        for _ in 0..count {
            build::parse_complete(out);
        }
    });
}

/// Names statements until all but `left` are taken.
fn nearly_full(left: usize) -> Play {
    let mut play = Play::new();
    for n in 0..MAX_PREPARED - left {
        play.client(|out| {
            parse(&format!("s{n}"), "select 1")(out);
            build::sync(out);
        });
        play.server(|out| {
            build::parse_complete(out);
            build::ready_for_query(out, TransactionStatus::Idle);
        });
        play.sent();
        play.replied();
    }
    play
}

#[test]
fn a_session_names_no_more_statements_than_there_is_room_for() {
    let mut play = nearly_full(0);
    play.client(|out| {
        parse("one_more", "select 1")(out);
        build::sync(out);
    });
    assert_eq!(play.sent(), [format!("P {STAND_IN}"), "S".to_owned()]);
    play.server(|out| {
        syntax_error(out);
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    let replied = play.replied();
    assert!(replied[0].starts_with("E 54000"), "{replied:?}");
    // One that is closed makes room.
    play.client(|out| {
        build::close(out, Subject::Statement("s7")).expect("a Close");
        build::sync(out);
    });
    play.server(|out| {
        build::close_complete(out);
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    play.client(|out| {
        parse("one_more", "select 1")(out);
        build::sync(out);
    });
    play.server(|out| {
        build::parse_complete(out);
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    assert_eq!(play.replied(), ["3", "ZI", "1", "ZI"]);
}

#[test]
fn names_that_are_on_their_way_count_too() {
    let mut play = nearly_full(2);
    let many: Vec<String> = (0..5).map(|n| format!("more{n}")).collect();
    play.client(|out| {
        for name in &many {
            parse(name, "select 1")(out);
        }
        build::sync(out);
    });
    // Whether the third may come hangs on what becomes of the first two.
    assert_eq!(play.sent(), ["P select 1", "P select 1", "H"]);
    prepared(&mut play, 2);
    let refused = format!("P {STAND_IN}");
    assert_eq!(play.sent(), [&refused, &refused, &refused, "S"]);
}

#[test]
fn texts_that_are_not_answered_are_kept_up_to_a_bound() {
    let mut play = Play::new();
    let long = format!("select {}", "1".repeat(1_000_000));
    let mut bytes = BytesMut::new();
    for _ in 0..160 {
        parse("", &long)(&mut bytes);
    }
    build::sync(&mut bytes);
    let mut rounds = 0;
    play.client(|out| out.extend_from_slice(&bytes));
    let mut all = 0;
    while all < 160 {
        // The rest waits for room to write, too.
        let mut now = 0;
        loop {
            let sent = play.sent();
            let parses = sent
                .iter()
                .filter(|message| message.starts_with('P'))
                .count();
            now += parses;
            if parses == 0 {
                break;
            }
            play.offer();
        }
        assert!((1..=68).contains(&now), "{now} texts");
        (all, rounds) = (all + now, rounds + 1);
        prepared(&mut play, now);
    }
    assert!(rounds > 2, "{rounds}");
}
