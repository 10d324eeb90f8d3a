//! The books that a pool keeps.

use bytes::BytesMut;
use gatewright_wire::build;

use super::{Parameters, Serial, Statements};

#[test]
fn a_statement_is_found_where_it_was_made() {
    let mut statements = Statements::default();
    let (one, other) = (Serial::next(), Serial::next());
    assert_eq!(statements.find(one), None);
    let (place, closed) = statements.make(one);
    assert_eq!(closed, None);
    let found = statements.find(one).unwrap();
    assert_eq!((found.on_server, found.described), (place, false));
    statements.described(one);
    assert!(statements.find(one).unwrap().described);
    assert_eq!(statements.find(other), None);
    // The server has skipped it.
    statements.not_made(one);
    assert_eq!(statements.find(one), None);
    let (again, _) = statements.make(one);
    assert_ne!(again, place, "a name is used once");
    assert_eq!(statements.close(one), Some(again));
    assert_eq!(statements.close(one), None);
}

#[test]
fn the_statement_that_was_not_used_for_longest_makes_room() {
    let mut statements = Statements::default();
    let many: Vec<Serial> = (0..500).map(|_| Serial::next()).collect();
    for statement in &many {
        assert_eq!(statements.make(*statement).1, None);
    }
    let first = statements.find(many[0]).unwrap().on_server;
    let second = statements.find(many[1]).unwrap().on_server;
    statements.find(many[0]);
    for statement in &many[2..] {
        statements.find(*statement);
    }
    let (_, closed) = statements.make(Serial::next());
    assert_eq!(closed, Some(second));
    let (_, closed) = statements.make(Serial::next());
    assert_eq!(closed, Some(first));
}

#[test]
fn the_unnamed_statement_is_one_clients() {
    let mut statements = Statements::default();
    let own = Serial::next();
    statements.set_unnamed(Some(own));
    statements.described(own);
    assert_eq!(statements.unnamed(), Some((own, true)));
    statements.set_unnamed(Some(own));
    assert_eq!(statements.unnamed(), Some((own, false)));
    statements.not_made(own);
    assert_eq!(statements.unnamed(), None);
}

#[test]
fn closes_that_the_server_skipped_add_up_to_a_reset() {
    let mut statements = Statements::default();
    for _ in 0..64 {
        statements.not_closed();
        assert!(!statements.needs_reset());
    }
    statements.not_closed();
    assert!(statements.needs_reset());
    statements.clear();
    assert!(!statements.needs_reset());
}

#[test]
fn parameters_are_told_as_the_server_told_them() {
    let mut greeting = BytesMut::new();
    for (name, value) in [
        ("TimeZone", "UTC"),
        ("client_encoding", "UTF8"),
        ("TimeZone", "Asia/Tokyo"),
    ] {
        build::parameter_status(&mut greeting, name, value).unwrap();
    }
    let mut parameters = Parameters::of_greeting(&greeting);
    assert_eq!(parameters.value("TimeZone"), Some(&b"Asia/Tokyo"[..]));
    assert!(!parameters.set("client_encoding", b"UTF8"));
    assert!(parameters.set("client_encoding", b"LATIN1"));
    let mut told = BytesMut::new();
    parameters.encode(&mut told);
    let mut expected = BytesMut::new();
    for (name, value) in [("TimeZone", "Asia/Tokyo"), ("client_encoding", "LATIN1")] {
        build::parameter_status(&mut expected, name, value).unwrap();
    }
    assert_eq!(told, expected);
}
