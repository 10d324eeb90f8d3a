//! Statements, portals and cursors that were made before the catalog or the policies changed.

use bytes::BytesMut;
use gatewright_wire::backend::TransactionStatus;
use gatewright_wire::build;

use super::play::*;

fn analyses(play: &Play, text: &str) -> usize {
    let analysed = play.judge.analysed.iter();
    analysed.filter(|(analysed, _)| analysed == text).count()
}

fn suspended(out: &mut BytesMut) {
    build::parse_complete(out);
    build::bind_complete(out);
    row(out);
    out.extend_from_slice(b"s\0\0\0\x04");
}

/// A portal of which one row was read.
fn begun(play: &mut Play, sync: bool) {
    play.client(|out| {
        parse("", "select many")(out);
        bind(out, "");
        build::execute(out, "", 1).expect("an Execute");
        match sync {
            true => build::sync(out),
            false => build::flush(out),
        }
    });
    play.server(suspended);
    if sync {
        play.server(ready(TransactionStatus::InTransaction));
    }
    play.sent();
    play.replied();
}

fn in_transaction() -> Play {
    let mut play = Play::new();
    play.client(query("begin"));
    play.server(|out| {
        complete(out);
        build::ready_for_query(out, TransactionStatus::InTransaction);
    });
    play
}

fn go_on(out: &mut BytesMut) {
    build::execute(out, "", 1).expect("an Execute");
}

#[test]
fn a_suspended_portal_goes_on_under_the_policies_that_it_was_bound_with() {
    for sync in [true, false] {
        let mut play = in_transaction();
        begun(&mut play, sync);
        play.client(go_on);
        assert_eq!(play.sent(), ["E"]);
    }
}

#[test]
fn a_suspended_portal_ends_with_the_policies_that_it_was_bound_with() {
    for (mut play, sync) in [
        (in_transaction(), true),
        (in_transaction(), false),
        (Play::new(), false),
    ] {
        begun(&mut play, sync);
        play.judge.generation += 1;
        play.client(go_on);
        play.server(syntax_error);
        assert_eq!(
            play.replied(),
            [
                "E 55000 the policies, or the access grants in force, changed after this portal was bound"
            ]
        );
    }
}

#[test]
fn a_prepared_statement_is_understood_anew_once_the_catalog_has_changed() {
    let mut play = Play::new();
    play.prepare("s", "select 1");
    let run = |play: &mut Play| {
        play.client(|out| {
            bind(out, "s");
            build::sync(out);
        });
        assert_eq!(play.sent().last().map(String::as_str), Some("S"));
        play.server(|out| {
            build::bind_complete(out);
            build::ready_for_query(out, TransactionStatus::Idle);
        });
    };
    run(&mut play);
    assert_eq!(analyses(&play, "select 1"), 1);
    play.judge.catalog += 1;
    run(&mut play);
    run(&mut play);
    assert_eq!(analyses(&play, "select 1"), 2);
}

#[test]
fn what_a_name_stands_for_is_understood_anew_once_the_catalog_has_changed() {
    for (make, run) in [("prepare p", "execute p"), ("declare p", "fetch p")] {
        let mut play = in_transaction();
        play.client(query(make));
        play.server(|out| {
            complete(out);
            build::ready_for_query(out, TransactionStatus::InTransaction);
        });
        play.sent();
        play.judge.catalog += 1;
        // An answer that takes time, too.
        play.judge.delays = vec![1];
        play.client(query(run));
        for _ in 0..8 {
            play.offer();
        }
        assert_eq!(play.sent(), [format!("Q {run}")]);
        assert_eq!(analyses(&play, make), 2, "{make}");
    }
}

#[test]
fn a_cursor_that_has_come_to_do_something_else_is_not_read() {
    let mut play = in_transaction();
    play.client(query("declare p"));
    play.server(|out| {
        complete(out);
        build::ready_for_query(out, TransactionStatus::InTransaction);
    });
    play.sent();
    play.judge.catalog += 1;
    play.judge.redefined = true;
    play.client(query("fetch p"));
    play.server(syntax_error);
    assert_eq!(
        play.replied().last().map(String::as_str),
        Some("E 55000 what this cursor reads or calls has changed since it was made")
    );
}

#[test]
fn a_portal_that_has_come_to_mean_something_else_is_judged_anew() {
    for (text, served) in [("select 1", true), ("mask 1", false)] {
        for delays in [vec![], vec![1]] {
            let mut play = Play::new();
            play.client(|out| {
                parse("", text)(out);
                bind(out, "");
            });
            play.server(|out| {
                build::parse_complete(out);
                if !served {
                    out.extend_from_slice(b"t\0\0\0\x06\0\0");
                    row_description(out, "a");
                }
            });
            play.server(build::bind_complete);
            play.sent();
            let judged = play.judge.asked.len();
            play.judge.catalog += 1;
            play.judge.redefined = true;
            play.judge.delays = delays;
            play.client(|out| build::execute(out, "", 0).expect("an Execute"));
            for _ in 0..8 {
                play.offer();
            }
            assert_eq!(play.judge.asked.len(), judged + 1);
            assert_eq!(play.sent() == ["E"], served, "{text}");
        }
    }
}

#[test]
fn a_portal_that_was_begun_and_has_come_to_mean_something_else_ends() {
    let mut play = in_transaction();
    begun(&mut play, true);
    play.judge.catalog += 1;
    play.judge.redefined = true;
    play.client(go_on);
    play.server(syntax_error);
    assert_eq!(
        play.replied(),
        ["E 55000 what this portal reads or calls has changed since it was made"]
    );
}
