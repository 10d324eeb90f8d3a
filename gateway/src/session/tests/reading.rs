//! Texts whose reading depends on settings that change under way: none is forwarded before it is certain how the server reads it.

use bytes::BytesMut;
use gatewright_wire::backend::TransactionStatus;
use gatewright_wire::{ErrorFields, build};

use super::play::*;
use crate::session::refusal::STAND_IN;

/// With the setting off, one literal that ends at the last quote; with the setting on, two columns.
const AMBIGUOUS: &str = r"select '\', lower(email) --'";

const STRINGS: &str = "standard_conforming_strings";

/// A whole execution of a text.
fn run(out: &mut BytesMut, text: &str) {
    parse("", text)(out);
    bind(out, "");
    build::execute(out, "", 0).expect("an Execute");
}

fn ran(out: &mut BytesMut) {
    build::parse_complete(out);
    build::bind_complete(out);
    complete(out);
}

fn told(out: &mut BytesMut, name: &str, value: &str) {
    build::parameter_status(out, name, value).expect("a setting");
}

/// The settings with which the ambiguous text was understood.
fn understood(play: &Play) -> Vec<bool> {
    let of_text = |(text, conforming): &(String, bool)| (text == AMBIGUOUS).then_some(*conforming);
    play.judge.analysed.iter().filter_map(of_text).collect()
}

/// A transaction in which the setting was changed, and the server told so.
fn changed_in_transaction(name: &str, value: &str) -> Play {
    let mut play = Play::new();
    play.client(query("begin"));
    play.server(|out| {
        complete(out);
        build::ready_for_query(out, TransactionStatus::InTransaction);
    });
    play.client(query(&format!("set {name}")));
    play.server(|out| {
        complete(out);
        told(out, name, value);
        build::ready_for_query(out, TransactionStatus::InTransaction);
    });
    play.sent();
    play.replied();
    play
}

/// The server's answer to the gateway's question for its settings.
fn shown(out: &mut BytesMut, encoding: &str, strings: &str) {
    for value in [encoding, strings] {
        build::parse_complete(out);
        build::bind_complete(out);
        build::data_row(out, &[Some(value.as_bytes())]).expect("a row");
        build::command_complete(out, "SHOW").expect("a tag");
        build::close_complete(out);
        build::close_complete(out);
    }
}

const ASKED: [&str; 11] = [
    "P SHOW client_encoding",
    "B",
    "E",
    "C",
    "C",
    "P SHOW standard_conforming_strings",
    "B",
    "E",
    "C",
    "C",
    "H",
];

#[test]
fn what_follows_a_change_in_a_series_waits_until_the_server_was_asked() {
    let mut play = Play::new();
    play.client(|out| {
        run(out, "set standard_conforming_strings");
        run(out, AMBIGUOUS);
        run(out, AMBIGUOUS);
        build::sync(out);
    });
    assert_eq!(
        play.sent(),
        ["P set standard_conforming_strings", "B", "E", "H"]
    );
    // From PostgreSQL 14 the server tells of the setting with ReadyForQuery only.
    play.server(ran);
    assert_eq!(play.sent(), ASKED);
    assert_eq!(understood(&play), [] as [bool; 0]);
    play.server(|out| shown(out, "UTF8", "off"));
    let text = format!("P {AMBIGUOUS}");
    // The first of the two may fail, which would undo the change.
    assert_eq!(
        play.sent(),
        [&[text.as_str(), "B", "E"], &ASKED[..]].concat()
    );
    assert_eq!(understood(&play), [false]);
    play.server(|out| {
        ran(out);
        shown(out, "UTF8", "off");
    });
    assert_eq!(play.sent(), [&text, "B", "E", "S"]);
    play.server(|out| {
        ran(out);
        told(out, STRINGS, "off");
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    assert_eq!(
        play.replied(),
        ["1", "2", "C", "1", "2", "C", "1", "2", "C", "S", "ZI"]
    );
    assert!(play.session.is_idle());
}

#[test]
fn a_question_for_settings_that_fails_ends_the_series() {
    let mut play = Play::new();
    play.client(|out| {
        run(out, "set standard_conforming_strings");
        run(out, AMBIGUOUS);
        build::sync(out);
    });
    play.server(ran);
    play.sent();
    play.server(|out| {
        build::error_response(out, &ErrorFields::new("ERROR", "57014", "too slow"));
    });
    assert_eq!(play.sent(), ["S"]);
    play.server(ready(TransactionStatus::Idle));
    assert_eq!(play.replied(), ["1", "2", "C", "E 57014 too slow", "ZI"]);
    assert_eq!(understood(&play), [] as [bool; 0]);
    assert!(play.session.is_idle());
}

#[test]
fn texts_that_read_alike_either_way_follow_a_change_in_a_series() {
    let mut play = Play::new();
    play.client(|out| {
        run(out, "set client_encoding");
        run(out, "select 'plain'");
        build::sync(out);
    });
    play.server(ran);
    let sent = play.sent();
    assert_eq!(sent[3..], ["H", "P select 'plain'", "B", "E", "S"]);
}

#[test]
fn what_follows_the_end_of_a_transaction_is_read_as_after_it() {
    for end in ["commit", "rollback"] {
        let mut play = changed_in_transaction(STRINGS, "off");
        play.client(|out| {
            query(end)(out);
            query(AMBIGUOUS)(out);
        });
        assert_eq!(play.sent(), [format!("Q {end}")]);
        assert_eq!(understood(&play), [] as [bool; 0]);
        play.server(|out| {
            complete(out);
            told(out, STRINGS, "on");
            build::ready_for_query(out, TransactionStatus::Idle);
        });
        assert_eq!(play.sent(), [format!("Q {AMBIGUOUS}")]);
        assert_eq!(understood(&play), [true]);
    }
}

#[test]
fn what_follows_a_statement_that_may_fail_is_read_as_after_it() {
    let mut play = changed_in_transaction(STRINGS, "off");
    play.client(|out| {
        run(out, "select wrong");
        build::sync(out);
        run(out, AMBIGUOUS);
        build::sync(out);
    });
    assert_eq!(play.sent(), ["P select wrong", "B", "E", "S"]);
    play.server(|out| {
        build::error_response(out, &ErrorFields::new("ERROR", "42703", "no such column"));
        told(out, STRINGS, "on");
        build::ready_for_query(out, TransactionStatus::Failed);
    });
    assert_eq!(understood(&play), [true]);
}

#[test]
fn while_nothing_is_outstanding_the_settings_are_as_told() {
    let mut play = changed_in_transaction(STRINGS, "off");
    play.client(query(AMBIGUOUS));
    assert_eq!(play.sent(), [format!("Q {AMBIGUOUS}")]);
    assert_eq!(understood(&play), [false]);
}

#[test]
fn once_the_change_is_committed_nothing_waits() {
    let mut play = changed_in_transaction(STRINGS, "off");
    play.client(query("commit"));
    play.server(|out| {
        complete(out);
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    play.sent();
    play.client(|out| {
        query("select 1")(out);
        query(AMBIGUOUS)(out);
    });
    assert_eq!(play.sent(), ["Q select 1", &format!("Q {AMBIGUOUS}")]);
    assert_eq!(understood(&play), [false]);
}

#[test]
fn a_change_behind_the_end_of_a_transaction_is_not_forgotten() {
    let mut play = changed_in_transaction(STRINGS, "off");
    play.client(|out| {
        query("commit")(out);
        run(out, "set standard_conforming_strings");
        build::sync(out);
        query(AMBIGUOUS)(out);
    });
    play.server(|out| {
        complete(out);
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    assert_eq!(understood(&play), [] as [bool; 0]);
    play.server(ran);
    play.server(|out| {
        told(out, STRINGS, "on");
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    assert_eq!(understood(&play), [true]);
}

#[test]
fn a_prepared_change_counts_when_it_is_executed() {
    for change in ["prepare p;execute p", "execute p"] {
        let mut play = Play::new();
        play.client(|out| {
            query(change)(out);
            query("begin")(out);
            query(AMBIGUOUS)(out);
        });
        assert_eq!(understood(&play), [] as [bool; 0], "{change}");
        play.server(|out| {
            for _ in change.split(';') {
                complete(out);
            }
            build::ready_for_query(out, TransactionStatus::Idle);
        });
        assert_eq!(understood(&play), [true], "{change}");
    }
}

#[test]
fn letters_wait_for_the_encoding_they_are_in() {
    let mut play = changed_in_transaction("client_encoding", "GBK");
    play.client(|out| {
        query("rollback")(out);
        query("select 'é'")(out);
    });
    assert_eq!(play.sent(), ["Q rollback"]);
    play.server(|out| {
        complete(out);
        told(out, "client_encoding", "UTF8");
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    assert_eq!(play.sent(), ["Q select 'é'"]);
}

#[test]
fn names_outside_ascii_wait_for_the_encoding_they_are_in() {
    let mut play = changed_in_transaction("client_encoding", "LATIN1");
    play.client(|out| {
        query("rollback")(out);
        parse("é", "select 1")(out);
    });
    assert_eq!(play.sent(), ["Q rollback"]);
    play.server(|out| {
        complete(out);
        told(out, "client_encoding", "UTF8");
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    assert_eq!(play.sent(), ["P select 1"]);
}

fn described(out: &mut BytesMut) {
    build::parse_complete(out);
    out.extend_from_slice(b"t\0\0\0\x06\0\0");
    row_description(out, "a");
    build::close_complete(out);
}

#[test]
fn rows_of_copy_are_edited_in_utf8_only() {
    for (encoding, served) in [
        ("maskcopy", true),
        ("maskcopy utf-8", true),
        ("maskcopy UNICODE", true),
        ("maskcopy GBK", true),
        ("maskcopy latin1", true),
        ("maskcopy nonsense", false),
        ("maskcopy JOHAB", false),
    ] {
        let mut play = Play::new();
        play.client(query(encoding));
        play.sent();
        play.server(described);
        let sent = play.sent();
        assert_eq!(
            sent == [format!("Q {encoding}")],
            served,
            "{encoding}: {sent:?}"
        );
    }
}

#[test]
fn rows_of_copy_are_not_edited_while_their_encoding_is_in_doubt() {
    // In the same message, and in the same series.
    let mut play = Play::new();
    play.client(query("set client_encoding;maskcopy"));
    play.sent();
    play.server(described);
    assert_eq!(play.sent(), [format!("Q {STAND_IN}")]);

    let mut play = Play::new();
    play.client(|out| {
        run(out, "set client_encoding");
        run(out, "maskcopy");
    });
    play.server(ran);
    play.server(|out| {
        build::parse_complete(out);
        described(out);
    });
    let sent = play.sent();
    let describing = ["P maskcopy", "P select", "D", "C", "H", "B"];
    // Bound, it waits for the encoding, which is another now.
    assert_eq!(sent[4..], [&describing[..], &ASKED].concat());
    play.server(|out| {
        build::bind_complete(out);
        shown(out, "GBK", "on");
    });
    assert_eq!(play.sent(), [format!("P {STAND_IN}")]);
}

#[test]
fn names_that_another_encoding_cuts_elsewhere_are_refused() {
    let text = format!("select {}", "é".repeat(40));
    for (encoding, served) in [("UTF8", true), ("LATIN1", false)] {
        let mut play = Play::of_database(encoding);
        play.client(query(&text));
        assert_eq!(play.sent() == [format!("Q {text}")], served, "{encoding}");
    }
}

#[test]
fn masked_rows_are_edited_in_utf8_only() {
    for (text, served) in [
        ("set jit;mask a", true),
        ("set client_encoding;mask a", false),
        ("set all;mask a", false),
    ] {
        let mut play = Play::new();
        play.client(query(text));
        play.sent();
        play.server(described);
        assert_eq!(play.sent() == [format!("Q {text}")], served, "{text}");
    }
}

#[test]
fn a_portal_is_edited_in_utf8_only_whatever_it_was_when_it_was_bound() {
    for (encoding, sent) in [("UTF8", "E"), ("GBK", &format!("P {STAND_IN}"))] {
        let mut play = Play::new();
        play.client(|out| {
            parse("", "mask a")(out);
            bind(out, "");
        });
        play.server(described_statement);
        play.server(build::bind_complete);
        play.client(|out| {
            parse("s", "set client_encoding")(out);
            build::bind(out, "p", "s", &[], &[], &[]).expect("a Bind");
            build::execute(out, "p", 0).expect("an Execute");
            build::execute(out, "", 0).expect("an Execute");
        });
        play.server(ran);
        play.sent();
        play.server(|out| shown(out, encoding, "on"));
        assert_eq!(play.sent(), [sent], "{encoding}");
    }
}

/// ParseComplete, and the description that the gateway has asked for.
fn described_statement(out: &mut BytesMut) {
    build::parse_complete(out);
    out.extend_from_slice(b"t\0\0\0\x06\0\0");
    row_description(out, "a");
}
