//! Statements that are held for a decision: what goes out meanwhile, and what becomes of them.

use bytes::{Buf, BytesMut};
use gatewright_wire::backend::TransactionStatus;
use gatewright_wire::{ErrorFields, build};

use super::super::{Departure, Notice, Outcome, Refusal};
use super::play::*;
use crate::session::refusal::STAND_IN;

fn nothing() -> Vec<String> {
    Vec::new()
}

#[test]
fn a_held_query_runs_once_it_is_approved_and_what_follows_keeps_its_place() {
    let mut play = Play::new();
    play.client(query("hold this"));
    play.client(query("select 1"));
    assert_eq!(play.sent(), nothing());
    assert!(play.session.waits_for_decision());
    play.judge.decide(None);
    play.offer();
    assert_eq!(play.sent(), ["Q hold this", "Q select 1"]);
    assert_eq!(play.judge.asked, ["hold this", "select 1"]);
}

#[test]
fn a_rejected_query_is_refused_and_the_session_goes_on() {
    let mut play = Play::new();
    play.client(query("hold this"));
    play.judge.decide(Some(Refusal::new("42501", "rejected")));
    play.offer();
    assert_eq!(play.sent(), [format!("Q {STAND_IN}")]);
    play.server(|out| {
        syntax_error(out);
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    assert_eq!(play.replied(), ["E 42501 rejected", "ZI"]);
    assert!(play.session.is_idle());
}

#[test]
fn a_cancelled_query_is_withdrawn_and_refused_as_cancelled() {
    let mut play = Play::new();
    play.client(query("hold this"));
    assert!(play.session.cancel(&mut play.judge, &mut play.output));
    assert_eq!(play.judge.withdrawn.get(), 1);
    play.offer();
    assert_eq!(play.sent(), [format!("Q {STAND_IN}")]);
    play.server(|out| {
        syntax_error(out);
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    let cancelled = "E 57014 canceling statement due to user request";
    assert_eq!(play.replied(), [cancelled, "ZI"]);
    assert_eq!(play.judge.refused, ["57014"]);
}

#[test]
fn a_cancel_is_the_servers_business_when_nothing_is_held() {
    let mut play = Play::new();
    play.client(query("select 1"));
    assert!(!play.session.cancel(&mut play.judge, &mut play.output));
    assert_eq!(play.sent(), ["Q select 1"]);
}

#[test]
fn a_query_that_is_judged_for_long_can_be_cancelled() {
    let mut play = Play::new();
    play.judge.delays = vec![200];
    play.client(query("select 1"));
    assert!(play.session.can_cancel() && !play.session.waits_for_decision());
    assert!(play.session.cancel(&mut play.judge, &mut play.output));
    assert!(play.judge.under_way.is_empty());
    play.offer();
    assert_eq!(play.sent(), [format!("Q {STAND_IN}")]);
    play.server(|out| {
        syntax_error(out);
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    let cancelled = "E 57014 canceling statement due to user request";
    assert_eq!(play.replied(), [cancelled, "ZI"]);
}

#[test]
fn a_cancel_is_the_servers_business_while_it_runs_something() {
    let mut play = Play::new();
    play.client(query("select 1"));
    play.judge.delays = vec![200];
    play.client(query("select 2"));
    assert!(!play.session.can_cancel());
    assert!(!play.session.cancel(&mut play.judge, &mut play.output));
    assert_eq!(play.judge.under_way.len(), 1);
}

#[test]
fn a_result_whose_batch_is_judged_for_long_can_be_cancelled() {
    let mut play = Play::new();
    play.client(query("mask 2"));
    assert_eq!(play.sent(), ["P mask 2", "D", "C", "H"]);
    play.server(|out| {
        build::parse_complete(out);
        out.extend_from_slice(b"t\0\0\0\x06\0\0");
        row_description(out, "a");
        build::close_complete(out);
    });
    play.sent();
    play.judge.delays = vec![200];
    let mut bytes = BytesMut::new();
    row_description(&mut bytes, "a");
    row(&mut bytes);
    let used = play.server_piece(&bytes);
    assert_eq!(used, bytes.len());
    assert!(play.session.can_cancel());
    assert!(play.session.cancel(&mut play.judge, &mut play.output));
    assert!(play.judge.under_way.is_empty() && play.output.cancel);
    play.judge.delays = vec![];
    play.server(|out| {
        row(out);
        let error = ErrorFields::new("ERROR", "57014", "canceled");
        build::error_response(out, &error);
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    let cancelled = "E 57014 canceling statement due to user request";
    assert_eq!(play.replied(), ["T", cancelled, "ZI"]);
    assert_eq!(play.judge.completed.len(), 1);
}

#[test]
fn in_the_extended_protocol_the_bind_is_held() {
    let mut play = Play::new();
    play.client(|out| {
        parse("", "hold this")(out);
        bind(out, "");
        build::execute(out, "", 0).expect("an Execute");
        build::sync(out);
    });
    assert_eq!(play.sent(), ["P hold this", "H"]);
    play.judge.decide(None);
    play.offer();
    assert_eq!(play.sent(), ["B", "E", "S"]);
}

#[test]
fn what_needs_approval_is_bound_and_not_executed() {
    let mut play = Play::new();
    play.client(|out| {
        parse("", "ask")(out);
        bind(out, "");
        build::execute(out, "", 0).expect("an Execute");
        build::sync(out);
    });
    // So that what came before is answered meanwhile.
    assert_eq!(play.sent(), ["P ask", "B", "H"]);
    assert!(play.session.waits_for_decision());
    play.judge.decide(None);
    play.offer();
    assert_eq!(play.sent(), ["E", "S"]);
}

#[test]
fn the_client_is_told_that_it_is_held_but_not_within_a_message() {
    let mut play = Play::new();
    let notice = Notice {
        message: "held for approval".to_owned(),
        detail: "{}".to_owned(),
        hint: "wait".to_owned(),
    };
    play.judge.notices = vec![notice.clone(), notice.clone()];
    play.client(query("ask"));
    assert_eq!(play.replied(), ["N"]);
    play.offer();
    assert_eq!(play.replied(), ["N"]);
    play.offer();
    assert_eq!(play.replied(), nothing());
    play.judge.decide(None);
    play.offer();
    assert_eq!(play.sent(), ["Q ask"]);

    let mut play = Play::new();
    play.client(query("select 1"));
    play.client(query("ask"));
    // The beginning of a long row.
    let mut row = b"D\0\x02\0\0\0\x01\0\x01\xff\xf6".to_vec();
    row.resize(70_000, b'x');
    let mut bytes = BytesMut::new();
    row_description(&mut bytes, "a");
    bytes.extend_from_slice(&row[..66_000]);
    play.judge.notices = vec![notice];
    let used = play.server_piece(&bytes);
    assert_eq!(used, bytes.len());
    play.output.to_client.advance(play.output.to_client.len());
    assert_eq!(play.judge.notices.len(), 1);
    play.server_piece(&vec![b'x'; 131_073 - 66_000]);
    play.offer();
    let rest = play.output.to_client.len() - (131_073 - 66_000);
    play.output.to_client.advance(131_073 - 66_000);
    assert!(rest > 0 && play.judge.notices.is_empty());
    assert_eq!(play.replied(), ["N"]);
}

#[test]
fn a_cancelled_bind_skips_to_sync() {
    let mut play = Play::new();
    play.client(|out| {
        parse("", "hold this")(out);
        bind(out, "");
        build::execute(out, "", 0).expect("an Execute");
        build::sync(out);
    });
    assert!(play.session.cancel(&mut play.judge, &mut play.output));
    play.offer();
    let sent = play.sent();
    assert_eq!(
        sent[..3],
        [
            "P hold this".to_owned(),
            "H".to_owned(),
            format!("P {STAND_IN}")
        ]
    );
    play.server(|out| {
        build::parse_complete(out);
        syntax_error(out);
    });
    play.server(ready(TransactionStatus::Idle));
    let cancelled = "E 57014 canceling statement due to user request";
    assert_eq!(play.replied(), ["1", cancelled, "ZI"]);
}

#[test]
fn a_held_function_call_runs_once_it_is_approved() {
    let mut play = Play::new();
    play.client(|out| out.extend_from_slice(b"F\0\0\0\x0e\0\0\0\x04\0\0\0\0\0\0"));
    assert_eq!(play.sent(), nothing());
    play.judge.decide(None);
    play.offer();
    assert_eq!(play.sent(), ["F"]);
}

#[test]
fn an_error_in_front_takes_the_held_statement_with_it() {
    let mut play = Play::new();
    play.client(|out| {
        parse("s", "fail")(out);
        parse("t", "hold this")(out);
        bind(out, "t");
        build::sync(out);
    });
    assert_eq!(play.sent(), ["P fail", "P hold this", "H"]);
    play.server(syntax_error);
    assert_eq!(play.judge.withdrawn.get(), 1);
    assert!(!play.session.waits_for_decision());
    assert_eq!(play.sent(), ["S"]);
}

#[test]
fn what_a_client_left_never_runs() {
    let mut play = Play::new();
    play.client(query("hold this"));
    assert!(
        play.session
            .close(Departure::ClientLeft, &mut play.judge, &mut play.output)
    );
    assert_eq!(play.judge.withdrawn.get(), 1);
    play.judge.decide(None);
    assert_eq!(play.sent(), nothing());
}

#[test]
fn a_statement_in_flight_ends_as_lost_with_its_connection() {
    let mut play = Play::new();
    play.client(query("select 1;select 2"));
    play.server(|out| {
        row_description(out, "a");
        row(out);
    });
    assert!(
        play.session
            .close(Departure::ClientLeft, &mut play.judge, &mut play.output)
    );
    let outcomes: Vec<_> = play
        .judge
        .completed
        .iter()
        .map(|done| (done.outcome, done.rows))
        .collect();
    assert_eq!(outcomes, [(Outcome::Lost, 1), (Outcome::Lost, 0)]);
    assert!(play.judge.ledger.borrow().is_balanced());
}

#[test]
fn statements_behind_one_that_fails_end_as_skipped() {
    let mut play = Play::new();
    play.client(|out| {
        for text in ["fail", "select 1"] {
            parse("", text)(out);
            bind(out, "");
            build::execute(out, "", 0).expect("an Execute");
        }
        build::sync(out);
    });
    play.server(|out| {
        build::parse_complete(out);
        build::bind_complete(out);
        syntax_error(out);
    });
    let outcomes: Vec<_> = play
        .judge
        .completed
        .iter()
        .map(|done| done.outcome)
        .collect();
    assert_eq!(outcomes, [Outcome::Failed, Outcome::Skipped]);
}

#[test]
fn a_suspended_portal_ends_each_time_with_the_rows_it_gave() {
    let mut play = Play::new();
    play.client(|out| {
        parse("", "select 2")(out);
        bind(out, "");
        for _ in 0..2 {
            build::execute(out, "", 1).expect("an Execute");
        }
        build::sync(out);
    });
    play.server(|out| {
        build::parse_complete(out);
        build::bind_complete(out);
        row(out);
        out.extend_from_slice(b"s\0\0\0\x04");
        row(out);
        complete(out);
    });
    let ends: Vec<_> = play
        .judge
        .completed
        .iter()
        .map(|done| (done.outcome, done.rows))
        .collect();
    assert_eq!(ends, [(Outcome::Suspended, 1), (Outcome::Completed, 1)]);
}

#[test]
fn the_session_counts_what_it_refuses_itself() {
    let mut play = Play::new();
    play.client(parse("", "select 1;select 2"));
    play.client(query("deny this"));
    // The judge has counted its own.
    assert_eq!(
        play.judge.refused.first().map(String::as_str),
        Some("42601")
    );
}

#[test]
fn a_message_waits_until_the_judge_is_up_to_date() {
    let mut play = Play::new();
    play.judge.catch_ups = vec![Ok(())];
    // Only the first answer takes time.
    play.judge.delays = vec![0, 1, 0, 0, 0, 0, 0, 0];
    play.client(query("select 1"));
    play.offer();
    assert_eq!((play.sent(), play.judge.asked.len()), (nothing(), 0));
    play.offer();
    assert_eq!(play.sent(), ["Q select 1"]);
}

#[test]
fn a_message_is_refused_when_the_judge_cannot_be_brought_up_to_date() {
    let mut play = Play::new();
    let late = || Err(Refusal::new("57P03", "too late"));
    play.judge.catch_ups = vec![late(), late()];
    play.client(query("select 1"));
    assert_eq!(play.sent(), [format!("Q {STAND_IN}")]);
    play.server(|out| {
        syntax_error(out);
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    assert_eq!(play.replied(), ["E 57P03 too late", "ZI"]);
    play.client(parse("", "select 1"));
    assert!(play.judge.asked.is_empty());
}

#[test]
fn a_message_that_an_error_skips_does_not_wait_for_the_judge() {
    let mut play = Play::new();
    play.client(parse("", "select 1"));
    play.judge.catch_ups = vec![Ok(())];
    play.judge.delays = vec![9];
    play.client(|out| bind(out, ""));
    play.server(syntax_error);
    assert_eq!(play.judge.withdrawn.get(), 1);
    play.client(build::sync);
    play.server(|out| build::ready_for_query(out, TransactionStatus::Idle));
    assert!(play.session.is_idle());
}
