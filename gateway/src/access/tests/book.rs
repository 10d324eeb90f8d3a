//! What is known in memory, where answers of the store come late or not at all.

use std::sync::Arc;
use std::time::Instant;

use super::super::book::Book;
use super::super::grant::AccessGrant;
use super::super::lease::LEASE;
use super::super::reading::Approved;
use super::*;

fn grant() -> AccessGrant {
    AccessGrant {
        id: AccessGrantId::generate(),
        state: State::Approved,
        subject: "ada".to_owned(),
        issuer: ISSUER.to_owned(),
        agent: None,
        asked_by_agent: None,
        groups: Vec::new(),
        databases: vec!["shop".to_owned()],
        tables: vec![table(&["delete"])],
        row_budget: None,
        rows_used: 0,
        duration_ms: 60_000,
        not_before: None,
        reason: "ticket 4711".to_owned(),
        statement_id: None,
        needed: 1,
        created_at: 0,
        changed_at: 0,
        expires_at: 0,
        active_from: Some(0),
        active_until: Some(60_000),
        decided_by: None,
        decided_reason: None,
        ended: None,
    }
}

fn answer(event: i64, grants: &[&AccessGrant]) -> Approved {
    Approved {
        event,
        now: 0,
        grants: grants.iter().map(|grant| (*grant).clone()).collect(),
    }
}

fn session(book: &Arc<Book>) -> Holder {
    let identity = contract::Identity {
        subject: "ada".to_owned(),
        issuer: ISSUER.to_owned(),
        ..contract::Identity::default()
    };
    Holder::new(Arc::clone(book), &identity, "shop")
}

#[test]
fn an_older_answer_brings_nothing_back() {
    let book = Arc::new(Book::new());
    let mut session = session(&book);
    let (granted, now) = (grant(), Instant::now());
    book.follow(answer(1, &[&granted]), now);
    let active = session.active();
    assert!(!active.is_empty() && active.hold());
    book.follow(answer(2, &[]), now);
    book.follow(answer(1, &[&granted]), now);
    assert!(!active.hold() && session.active().is_empty());
}

#[test]
fn what_was_taken_back_here_does_not_come_back() {
    let book = Arc::new(Book::new());
    let mut session = session(&book);
    let (granted, now) = (grant(), Instant::now());
    book.follow(answer(1, &[&granted]), now);
    let active = session.active();
    book.end(granted.id);
    assert!(!active.hold() && session.active().is_empty());
    // The store was asked before.
    book.follow(answer(1, &[&granted]), now);
    assert!(!active.hold() && session.active().is_empty());
}

#[test]
fn without_its_store_a_gateway_takes_no_grant_into_account() {
    let book = Arc::new(Book::new());
    let mut session = session(&book);
    let (granted, now) = (grant(), Instant::now());
    let long_ago = now - LEASE;
    book.follow(answer(1, &[&granted]), long_ago);
    assert!(session.active().is_empty());
    book.unchanged(now);
    let active = session.active();
    assert!(!active.is_empty() && active.hold());
}
