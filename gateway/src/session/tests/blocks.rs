//! Whether a statement runs in a transaction block, and what is asked about only behind everything else.

use gatewright_wire::backend::TransactionStatus;
use gatewright_wire::build;

use super::play::*;

/// Parse, Bind and Execute.
fn run(text: &str) -> impl FnOnce(&mut bytes::BytesMut) + '_ {
    move |out| {
        parse("", text)(out);
        bind(out, "");
        build::execute(out, "", 0).expect("an Execute");
    }
}

/// Whether what was judged last, which is the Bind, is in a block.
fn is_in_block(play: &Play) -> bool {
    *play.judge.in_block.last().expect("something was judged")
}

fn answered(play: &mut Play, tag: &str) {
    play.server(|out| {
        build::parse_complete(out);
        build::bind_complete(out);
        build::command_complete(out, tag).expect("a tag");
    });
}

#[test]
fn a_begin_counts_up_to_the_next_sync() {
    let mut play = Play::new();
    play.client(run("select 1"));
    assert!(!is_in_block(&play));
    play.client(run("begin"));
    play.client(run("select 2"));
    assert!(is_in_block(&play));
    play.client(build::sync);
    // The server may have skipped the BEGIN.
    play.client(run("select 3"));
    assert!(!is_in_block(&play));
    for tag in ["SELECT 1", "BEGIN", "SELECT 1"] {
        answered(&mut play, tag);
    }
    play.server(ready(TransactionStatus::InTransaction));
    // More is outstanding.
    play.client(run("select 4"));
    assert!(!is_in_block(&play));
    play.client(build::sync);
    answered(&mut play, "SELECT 1");
    answered(&mut play, "SELECT 1");
    play.server(ready(TransactionStatus::InTransaction));
    play.client(run("select 5"));
    assert!(is_in_block(&play));
}

#[test]
fn what_follows_the_end_of_a_block_is_not_in_it() {
    for end in ["commit", "rollback"] {
        let mut play = Play::new();
        play.client(query("begin"));
        play.server(complete);
        play.server(ready(TransactionStatus::InTransaction));
        play.client(run("select 1"));
        assert!(is_in_block(&play));
        play.client(run(end));
        play.client(run("select 2"));
        assert!(!is_in_block(&play), "{end}");
        // It says that the block is open, and was said before it was ended.
        play.client(build::sync);
        play.client(query("select 3"));
        assert!(!is_in_block(&play), "{end}");
    }
}

#[test]
fn a_query_with_a_begin_may_fail_before_it() {
    let mut play = Play::new();
    play.client(query("fail;begin"));
    play.client(query("select 1"));
    assert!(!is_in_block(&play));
}

#[test]
fn a_commit_that_is_reviewed_waits_for_all_answers() {
    let mut play = Play::new();
    play.client(run("select 1"));
    play.client(run("askall"));
    play.client(build::sync);
    assert_eq!(play.sent(), ["P select 1", "B", "E", "P askall", "B", "H"]);
    assert!(!play.session.waits_for_decision());
    answered(&mut play, "SELECT 1");
    play.server(|out| {
        build::parse_complete(out);
        build::bind_complete(out);
    });
    assert!(play.session.waits_for_decision());
    play.judge.decide(None);
    play.offer();
    assert_eq!(play.sent(), ["E", "S"]);
}
