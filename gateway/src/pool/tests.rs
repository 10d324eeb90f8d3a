//! The books that a pool keeps.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use gatewright_wire::build;
use tokio::runtime::Handle;
use tokio::time::{sleep, timeout};

use super::{
    Closed, GroupMetrics, Handed, Parameters, PoolMetrics, PoolSettings, Pools, Serial, Statements,
};
use crate::upstream::Target;

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

struct Uncounted;

impl PoolMetrics for Uncounted {
    fn of_database(&self, _: &str) -> Arc<dyn GroupMetrics> {
        Arc::new(Uncounted)
    }
}

impl GroupMetrics for Uncounted {
    fn handed_out(&self, _: Handed) {}
    fn closed(&self, _: Closed) {}
    fn open(&self, _: f64) {}
    fn idle(&self, _: f64) {}
    fn waiting(&self, _: f64) {}
    fn timed_out(&self) {}
}

#[tokio::test]
async fn groups_that_nobody_uses_are_forgotten() {
    let pools = Pools::new(Arc::new(Uncounted), Handle::current());
    let target = Target::new(vec![("db.internal".to_owned(), 5432)], "shop", "");
    let of_role = |role: &str| {
        let target = Target {
            user: role.to_owned(),
            ..target.clone()
        };
        pools.group("shop", &target, &PoolSettings::default())
    };
    let until = async |left: usize| {
        let reached = async {
            while pools.groups().by_place.len() > left {
                sleep(Duration::from_millis(10)).await;
            }
        };
        timeout(Duration::from_secs(30), reached).await.is_ok()
    };
    // The keeper ends with the last of them, and the next begins another.
    for _ in 0..2 {
        let used = of_role("ada");
        for number in 0..100 {
            of_role(&format!("role_{number}"));
        }
        assert!(until(1).await, "one is used");
        assert!(Arc::ptr_eq(&used, &of_role("ada")));
        drop(used);
        assert!(until(0).await, "none is used");
    }
}
