//! The extended protocol.

use bytes::BytesMut;
use gatewright_wire::backend::TransactionStatus;
use gatewright_wire::frontend::Subject;
use gatewright_wire::{ErrorFields, build};

use super::play::*;
use crate::session::refusal::STAND_IN;

#[test]
fn a_refusal_in_a_pipeline_skips_to_sync() {
    let mut play = Play::new();
    play.client(|out| {
        parse("", "select 1")(out);
        bind(out, "");
        build::execute(out, "", 0).expect("an Execute");
        parse("", "deny this")(out);
        bind(out, "");
        build::execute(out, "", 0).expect("an Execute");
        build::sync(out);
    });
    let sent = play.sent();
    assert_eq!(
        sent[..4],
        ["P select 1", "B", "E", &format!("P {STAND_IN}")]
    );
    assert!(!sent.iter().any(|message| message.contains("deny")));
    play.server(|out| {
        build::parse_complete(out);
        build::bind_complete(out);
        row(out);
        complete(out);
        syntax_error(out);
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    assert_eq!(
        play.replied(),
        ["1", "2", "D", "C", "E 42501 denied by word", "ZI"]
    );
    assert!(play.session.is_idle());
}

#[test]
fn a_name_that_may_have_changed_waits_for_the_reply() {
    let mut play = Play::new();
    play.client(|out| {
        parse("s", "select 1")(out);
        build::sync(out);
        bind(out, "s");
        build::sync(out);
    });
    assert_eq!(play.sent(), ["P select 1", "S"]);
    // The name was taken: the Parse fails, and the Bind means a statement that was never prepared here.
    play.server(|out| {
        build::error_response(
            out,
            &ErrorFields::new("ERROR", "42P05", "prepared statement \"s\" already exists"),
        );
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    // Closed first, the name is one that the server does not know either.
    assert_eq!(play.sent(), ["C", "B", "S"]);
    let unknown = "prepared statement \"s\" does not exist";
    play.server(|out| {
        build::close_complete(out);
        build::error_response(out, &ErrorFields::new("ERROR", "26000", unknown));
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    let replies = play.replied();
    assert_eq!(
        replies[0],
        "E 42P05 prepared statement \"s\" already exists"
    );
    assert_eq!(replies[2], format!("E 26000 {unknown}"));
    assert!(play.session.is_idle());
}

#[test]
fn only_what_changes_nothing_follows_a_result_that_may_be_stopped() {
    let mut play = Play::new();
    play.client(|out| {
        parse("", "limit a")(out);
        bind(out, "");
        build::execute(out, "", 0).expect("an Execute");
        bind(out, "");
        build::execute(out, "", 0).expect("an Execute");
        parse("", "begin")(out);
        bind(out, "");
        build::execute(out, "", 0).expect("an Execute");
        build::sync(out);
    });
    let sent = ["P limit a", "B", "E", "B", "E", "P begin", "B", "H"];
    assert_eq!(play.sent(), sent);
    play.server(|out| {
        build::parse_complete(out);
        for _ in 0..2 {
            build::bind_complete(out);
            row(out);
            complete(out);
        }
        build::parse_complete(out);
        build::bind_complete(out);
    });
    assert_eq!(play.sent(), ["E", "S"]);
}

/// For its client, it was skipped.
#[test]
fn what_ran_behind_a_stop_is_not_told() {
    for with_sync in [true, false] {
        let mut play = Play::new();
        play.client(|out| {
            parse("", "limit a")(out);
            bind(out, "");
            build::execute(out, "", 0).expect("an Execute");
            bind(out, "");
            build::execute(out, "", 0).expect("an Execute");
            match with_sync {
                true => build::sync(out),
                false => build::flush(out),
            }
        });
        play.sent();
        play.server(|out| {
            build::parse_complete(out);
            build::bind_complete(out);
            (0..3).for_each(|_| row(out));
            complete(out);
            build::bind_complete(out);
            row(out);
            complete(out);
        });
        if with_sync {
            play.server(ready(TransactionStatus::Idle));
        } else {
            assert_eq!(play.sent(), [format!("P {STAND_IN}")]);
            play.server(syntax_error);
            play.client(|out| bind(out, ""));
            play.client(build::sync);
            assert_eq!(play.sent(), ["S"]);
            play.server(ready(TransactionStatus::Idle));
        }
        let replies = play.replied();
        let tags: String = replies
            .iter()
            .filter_map(|reply| reply.chars().next())
            .collect();
        assert_eq!(tags, "12DDEZ", "{replies:?}");
        assert!(play.session.is_idle());
    }
}

/// The client may be told that the transaction failed.
#[test]
fn a_sync_that_commits_waits_for_a_result_that_may_be_stopped() {
    let mut play = Play::new();
    play.client(|out| {
        parse("", "set a")(out);
        bind(out, "");
        build::execute(out, "", 0).expect("an Execute");
    });
    play.server(|out| {
        build::parse_complete(out);
        build::bind_complete(out);
        complete(out);
    });
    play.sent();
    play.client(|out| {
        parse("", "limit a")(out);
        bind(out, "");
        build::execute(out, "", 0).expect("an Execute");
        build::sync(out);
    });
    assert_eq!(play.sent(), ["P limit a", "B", "E", "H"]);
    play.server(|out| {
        build::parse_complete(out);
        build::bind_complete(out);
        (0..3).for_each(|_| row(out));
        complete(out);
    });
    assert_eq!(play.sent(), [&format!("P {STAND_IN}"), "S"]);
}

/// A limit of two rows holds for all parts of a result together.
#[test]
fn a_portal_in_parts_is_limited_as_a_whole() {
    let mut play = Play::new();
    play.client(query("begin"));
    play.server(complete);
    play.server(ready(TransactionStatus::InTransaction));
    play.client(|out| {
        parse("", "limit a")(out);
        bind(out, "");
    });
    play.server(|out| {
        build::parse_complete(out);
        build::bind_complete(out);
    });
    for _ in 0..2 {
        play.client(|out| build::execute(out, "", 1).expect("an Execute"));
        play.server(|out| {
            row(out);
            out.extend_from_slice(b"s\0\0\0\x04");
        });
    }
    assert!(!play.output.cancel);
    play.client(|out| build::execute(out, "", 1).expect("an Execute"));
    play.server(row);
    assert!(play.output.cancel);
}

#[test]
fn a_cursor_in_parts_is_limited_as_a_whole() {
    let mut play = Play::new();
    let step = |play: &mut Play, text: &str, rows: usize| {
        play.client(query(text));
        play.server(|out| {
            if rows > 0 {
                row_description(out, "a");
            }
            (0..rows).for_each(|_| row(out));
        });
        let cancelled = play.output.cancel;
        if !cancelled {
            play.server(complete);
            play.server(ready(TransactionStatus::InTransaction));
        }
        cancelled
    };
    assert!(!step(&mut play, "declare c", 0));
    assert!(!step(&mut play, "limit fetch c", 1));
    assert!(!step(&mut play, "limit fetch c", 1));
    // Declared anew, it is another one.
    assert!(!step(&mut play, "declare c", 0));
    assert!(!step(&mut play, "limit fetch c", 2));
    assert!(step(&mut play, "limit fetch c", 1));
}

#[test]
fn a_sync_swallowed_by_copy_in_is_not_awaited() {
    let mut play = Play::new();
    play.client(|out| {
        parse("", "copy t from stdin")(out);
        bind(out, "");
        build::execute(out, "", 0).expect("an Execute");
        build::sync(out);
    });
    play.server(|out| {
        build::parse_complete(out);
        build::bind_complete(out);
        out.extend_from_slice(b"G\0\0\0\x07\0\0\0");
    });
    play.sent();
    play.client(|out| {
        build::copy_data(out, b"1\n").expect("data");
        build::copy_done(out);
        build::sync(out);
    });
    assert_eq!(play.sent(), ["d", "c", "S"]);
    play.server(complete);
    play.server(ready(TransactionStatus::Idle));
    assert!(play.session.is_idle());
}

#[test]
fn a_statement_prepared_in_sql_is_known_to_bind() {
    let mut play = Play::new();
    play.client(query("prepare s as select 1"));
    play.server(complete);
    play.server(ready(TransactionStatus::Idle));
    play.sent();
    play.client(|out| bind(out, "s"));
    assert_eq!(play.sent(), ["B"]);
}

#[test]
fn every_split_of_the_bytes_gives_the_same_messages() {
    let mut whole = BytesMut::new();
    parse("s", "select 1")(&mut whole);
    bind(&mut whole, "s");
    build::describe(&mut whole, Subject::Portal("")).expect("a Describe");
    build::execute(&mut whole, "", 0).expect("an Execute");
    build::sync(&mut whole);
    query("deny this")(&mut whole);
    let mut expected = Play::new();
    expected.client(|out| out.extend_from_slice(&whole));
    let expected = expected.sent();
    for split in 1..whole.len() {
        let mut play = Play::new();
        play.client(|out| out.extend_from_slice(&whole[..split]));
        play.client(|out| out.extend_from_slice(&whole[split..]));
        assert_eq!(play.sent(), expected, "split at byte {split}");
    }
}

#[test]
fn a_message_that_cannot_be_read_is_an_error_and_the_session_goes_on() {
    for (tag, body, sqlstate) in [
        (b'P', &b"s\0select 1\0\0\x05"[..], "08P01"),
        (b'P', b"s\0select 1", "08P01"),
        (b'P', b"s\0select \xff\0\0\0", "22021"),
        (b'B', b"\0\0\0\0", "08P01"),
        (b'D', b"X\0", "08P01"),
        (b'C', b"Xs\0", "08P01"),
        (b'E', b"\0", "08P01"),
    ] {
        let mut play = Play::new();
        play.client(|out| {
            message(out, tag, body);
            parse("", "select 1")(out);
            build::sync(out);
        });
        // An empty one cannot be read either.
        let sent = take(&mut play.output.to_server);
        assert!(sent.starts_with(&[tag, 0, 0, 0, 4]), "{sent:?}");
        play.server(|out| {
            syntax_error(out);
            build::ready_for_query(out, TransactionStatus::Idle);
        });
        let replied = play.replied();
        assert!(
            replied[0].starts_with(&format!("E {sqlstate}")),
            "{replied:?}"
        );
        assert_eq!(replied[1..], ["ZI"]);
        assert!(play.session.is_idle());
    }
    for (tag, body) in [(b'Q', &b"select 1"[..]), (b'F', b"\0\0")] {
        let mut play = Play::new();
        play.client(|out| message(out, tag, body));
        play.server(|out| {
            syntax_error(out);
            build::ready_for_query(out, TransactionStatus::Idle);
        });
        let replied = play.replied();
        assert!(replied[0].starts_with("E 08P01"), "{replied:?}");
        assert_eq!(replied[1..], ["ZI"]);
    }
}

fn message(out: &mut BytesMut, tag: u8, body: &[u8]) {
    out.extend_from_slice(&[tag]);
    out.extend_from_slice(&u32::try_from(body.len() + 4).expect("short").to_be_bytes());
    out.extend_from_slice(body);
}

#[test]
fn a_cursor_in_place_of_a_portal_is_judged_as_what_it_is() {
    let mut play = Play::new();
    play.client(|out| {
        parse("", "select 1")(out);
        build::bind(out, "p", "", &[], &[], &[]).expect("a Bind");
        build::sync(out);
    });
    play.server(|out| {
        build::parse_complete(out);
        build::bind_complete(out);
        build::ready_for_query(out, TransactionStatus::InTransaction);
    });
    play.sent();
    // Closing the portal is nothing that the session hears of. What p is, only the end of the Query tells.
    play.client(|out| {
        query("declare p")(out);
        build::execute(out, "p", 0).expect("an Execute");
        build::sync(out);
    });
    assert_eq!(play.sent(), ["Q declare p"]);
    play.server(|out| {
        build::command_complete(out, "DECLARE CURSOR").expect("a tag");
        build::ready_for_query(out, TransactionStatus::InTransaction);
    });
    assert_eq!(play.sent(), ["E", "S"]);
    assert_eq!(
        play.judge.asked.last().expect("a question"),
        "FETCH ALL FROM \"p\""
    );
}
