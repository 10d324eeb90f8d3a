//! Simple queries, and COPY by way of them.

use gatewright_wire::backend::TransactionStatus;
use gatewright_wire::{ErrorFields, build};

use super::super::Violation;
use super::play::*;
use super::server::NOVEL;
use crate::session::refusal::STAND_IN;

#[test]
fn a_permitted_query_passes_with_its_reply() {
    let mut play = Play::new();
    play.client(query("select 1"));
    assert_eq!(play.sent(), ["Q select 1"]);
    play.server(|out| row_description(out, "a"));
    play.server(row);
    play.server(complete);
    play.server(ready(TransactionStatus::Idle));
    assert_eq!(play.replied(), ["T", "D", "C", "ZI"]);
    assert_eq!(play.judge.completed[0].rows, 1);
    assert!(play.session.is_idle());
}

#[test]
fn a_refused_query_is_replaced_and_its_error_dressed() {
    let mut play = Play::new();
    play.client(query("deny this"));
    assert_eq!(play.sent(), [format!("Q {STAND_IN}")]);
    play.server(syntax_error);
    play.server(ready(TransactionStatus::Failed));
    assert_eq!(play.replied(), ["E 42501 denied by word", "ZE"]);
}

#[test]
fn one_refused_statement_refuses_the_whole_message() {
    let mut play = Play::new();
    play.client(query("select 1;deny this;select 2"));
    assert_eq!(play.sent(), [format!("Q {STAND_IN}")]);
    assert_eq!(play.judge.asked, ["select 1", "deny this"]);
}

#[test]
fn a_masked_query_is_described_before_it_runs() {
    let mut play = Play::new();
    play.client(query("mask a"));
    assert_eq!(play.sent(), ["P mask a", "D", "C", "H"]);
    play.server(|out| {
        build::parse_complete(out);
        out.extend_from_slice(b"t\0\0\0\x06\0\0");
        row_description(out, "a");
        build::close_complete(out);
    });
    assert_eq!(play.replied(), Vec::<String>::new());
    assert_eq!(play.sent(), ["Q mask a"]);
    play.server(|out| {
        row_description(out, "a");
        row(out);
        complete(out);
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    let out = take(&mut play.output.to_client);
    assert!(!out.windows(5).any(|window| window == b"value"));
    let backend = gatewright_wire::frame::Side::Backend;
    assert_eq!(tags(&out, backend), ["T", "D", "C", "ZI"]);
}

#[test]
fn a_column_refused_by_its_description_never_runs() {
    let mut play = Play::new();
    play.client(query("mask secret"));
    play.sent();
    play.server(|out| {
        build::parse_complete(out);
        out.extend_from_slice(b"t\0\0\0\x06\0\0");
        row_description(out, "secret");
        build::close_complete(out);
    });
    assert_eq!(play.sent(), [format!("Q {STAND_IN}")]);
}

#[test]
fn an_error_of_the_description_is_the_error_of_the_query() {
    let mut play = Play::new();
    play.client(query("mask nothing"));
    play.sent();
    play.server(|out| {
        build::error_response(
            out,
            &ErrorFields::new("ERROR", "42703", "column \"nothing\" does not exist"),
        )
    });
    assert_eq!(play.sent(), ["S"]);
    play.server(ready(TransactionStatus::Idle));
    assert_eq!(
        play.replied(),
        ["E 42703 column \"nothing\" does not exist", "ZI"]
    );
    assert!(play.waiting.is_empty());
    assert!(play.session.is_idle());
}

#[test]
fn a_result_over_its_limit_ends_with_an_error() {
    let mut play = Play::new();
    play.client(query("limit a"));
    play.server(|out| {
        row_description(out, "a");
        row(out);
        row(out);
        row(out);
    });
    assert!(play.output.cancel);
    play.server(|out| {
        build::error_response(
            out,
            &ErrorFields::new("ERROR", "57014", "canceling statement due to user request"),
        )
    });
    play.server(ready(TransactionStatus::Idle));
    assert_eq!(
        play.replied(),
        ["T", "D", "D", "E 54000 too many rows", "ZI"]
    );
}

#[test]
fn a_limit_reached_too_late_to_cancel_aborts_the_transaction() {
    let mut play = Play::new();
    play.client(query("limit a"));
    play.sent();
    play.server(|out| {
        row_description(out, "a");
        row(out);
        row(out);
        row(out);
        complete(out);
    });
    play.server(ready(TransactionStatus::InTransaction));
    assert_eq!(play.replied(), ["T", "D", "D", "E 54000 too many rows"]);
    assert_eq!(play.sent(), [format!("Q {STAND_IN}")]);
    play.server(syntax_error);
    play.server(ready(TransactionStatus::Failed));
    assert_eq!(play.replied(), ["ZE"]);
}

#[test]
fn a_query_inside_copy_in_is_judged_when_the_copy_has_failed() {
    let mut play = Play::new();
    play.client(query("copy t from stdin"));
    play.server(|out| out.extend_from_slice(b"G\0\0\0\x07\0\0\0"));
    play.sent();
    play.client(|out| {
        out.extend_from_slice(b"Q\0\0\0\x0edeny this\0");
    });
    // One of its type that is empty, and what tells which Syncs were read.
    let sent = take(&mut play.output.to_server);
    assert!(sent.starts_with(b"Q\0\0\0\x04S"), "{sent:?}");
    play.server(|out| {
        build::error_response(out, &ErrorFields::new("ERROR", "22P02", "bad data"));
        build::ready_for_query(out, TransactionStatus::Idle);
        build::error_response(out, &ErrorFields::new("ERROR", "08P01", "invalid string"));
        // Its own, that of the first Sync, and that of the second.
        build::ready_for_query(out, TransactionStatus::Idle);
        build::ready_for_query(out, TransactionStatus::Idle);
        build::close_complete(out);
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    assert_eq!(play.replied(), ["G", "E 22P02 bad data", "ZI"]);
    assert_eq!(play.sent(), [format!("Q {STAND_IN}")]);
}

fn call(function: u32) -> impl FnOnce(&mut bytes::BytesMut) {
    move |out| {
        // No arguments, result as text.
        out.extend_from_slice(b"F\0\0\0\x0e");
        out.extend_from_slice(&function.to_be_bytes());
        out.extend_from_slice(&[0; 6]);
    }
}

#[test]
fn a_function_call_is_judged_and_its_end_reported() {
    let mut play = Play::new();
    play.client(call(1));
    assert_eq!(play.sent(), ["F"]);
    play.server(|out| out.extend_from_slice(b"V\0\0\0\x09\0\0\0\x01x"));
    play.server(ready(TransactionStatus::Idle));
    assert_eq!(play.replied(), ["V", "ZI"]);
    let done = &play.judge.completed[0];
    assert_eq!((done.rows, done.sqlstate.as_str()), (1, "00000"));
    play.client(call(1));
    play.sent();
    play.server(|out| {
        build::error_response(out, &ErrorFields::new("ERROR", "42883", "no such function"));
    });
    play.server(ready(TransactionStatus::Idle));
    assert_eq!(play.replied(), ["E 42883 no such function", "ZI"]);
    assert_eq!(play.judge.completed[1].sqlstate, "42883");
    assert!(play.session.is_idle());
}

#[test]
fn a_function_call_that_may_not_run_is_not_forwarded() {
    // Refused, and one whose result a policy would have to edit.
    for function in [9, 3] {
        let mut play = Play::new();
        play.client(call(function));
        // An empty one fails.
        assert_eq!(&take(&mut play.output.to_server)[..], b"F\0\0\0\x04");
        play.server(syntax_error);
        play.server(ready(TransactionStatus::Idle));
        assert_eq!(play.replied().len(), 2);
        assert_eq!(play.judge.completed.len(), 0);
    }
}

#[test]
fn what_follows_a_function_call_waits_to_be_read_as_the_server_reads_it() {
    let mut play = Play::new();
    play.client(call(1));
    play.client(query("select 1"));
    assert_eq!(play.sent(), ["F"]);
    assert_eq!(play.judge.asked, ["call 1"]);
    play.server(|out| {
        out.extend_from_slice(b"V\0\0\0\x08\xff\xff\xff\xff");
        build::parameter_status(out, "standard_conforming_strings", "off").expect("a setting");
    });
    play.server(ready(TransactionStatus::Idle));
    assert_eq!(play.sent(), ["Q select 1"]);
}

#[test]
fn nothing_follows_a_function_call_that_may_be_stopped() {
    let mut play = Play::new();
    play.client(call(2));
    play.client(query("select 1"));
    assert_eq!(play.sent(), ["F"]);
    play.server(|out| out.extend_from_slice(b"V\0\0\0\x09\0\0\0\x01x"));
    play.server(ready(TransactionStatus::Idle));
    assert_eq!(play.sent(), ["Q select 1"]);
}

#[test]
fn replication_begun_by_the_server_ends_the_connection() {
    let mut play = Play::new();
    play.client(query("select 1"));
    let copy_both = b"W\0\0\0\x07\0\0\0";
    let outcome = play
        .session
        .server_bytes(copy_both, &mut play.judge, &mut play.output);
    assert_eq!(outcome.err(), Some(Violation::Replication));
}

#[test]
fn an_unreadable_text_is_closed_before_anything_else_is_read() {
    let mut play = Play::new();
    play.client(query("novel"));
    let stand_in = format!("P {STAND_IN}");
    assert_eq!(play.sent(), ["P novel", "C", &stand_in, "S"]);
    play.server(|out| {
        build::parse_complete(out);
        build::close_complete(out);
    });
    play.server(syntax_error);
    assert_eq!(play.replied(), [format!("E 0A000 {NOVEL}")]);
    assert_eq!(play.judge.refused, ["0A000"]);
}

#[test]
fn an_error_about_names_in_an_unreadable_text_is_withheld() {
    let mut play = Play::new();
    play.client(query("novel"));
    play.server(|out| {
        let mut fields = ErrorFields::new("ERROR", "42703", "column \"salary\" does not exist");
        fields.set(b'F', "parse_relation.c");
        build::error_response(out, &fields);
    });
    assert_eq!(play.replied(), [format!("E 0A000 {NOVEL}")]);
}
