//! Owners, time windows and limits of policy state.

use super::*;

fn store() -> StateStore {
    StateStore::new(StateLimits {
        bytes: 1 << 20,
        keys: 1000,
    })
}

fn session_id(number: u64) -> SessionId {
    uuid::Uuid::from_u64_pair(0, number).into()
}

fn session(number: u64) -> Owner {
    Owner::Session(session_id(number))
}

#[test]
fn a_counter_window_starts_at_the_first_addition() {
    let store = store();
    assert_eq!(store.counter_add(Owner::Policy, "n", 2, 100, 1000), 2);
    assert_eq!(store.counter_add(Owner::Policy, "n", 3, 100, 1099), 5);
    assert_eq!(store.counter_add(Owner::Policy, "n", 1, 100, 1100), 1);
}

#[test]
fn a_counter_does_not_wrap() {
    let store = store();
    store.counter_add(Owner::Policy, "n", i64::MAX, 0, 0);
    assert_eq!(store.counter_add(Owner::Policy, "n", 1, 0, 0), i64::MAX);
}

#[test]
fn owners_and_kinds_have_separate_keys() {
    let store = store();
    store.counter_add(session(1), "k", 1, 0, 0);
    store.counter_add(Owner::Identity("a".into()), "k", 10, 0, 0);
    store.set_value(session(1), "k", b"v".to_vec(), 0, 0);
    assert_eq!(store.counter_add(session(1), "k", 1, 0, 0), 2);
    assert_eq!(store.counter_add(Owner::Task("a".into()), "k", 1, 0, 0), 1);
    assert_eq!(
        store.counter_add(Owner::NoTask("a".into()), "k", 1, 0, 0),
        1
    );
    assert_eq!(store.value(session(1), "k", 0), Some(b"v".to_vec()));
}

#[test]
fn a_set_counts_each_member_once() {
    let store = store();
    assert_eq!(store.distinct_add(Owner::Policy, "tables", "a", 10, 0), 1);
    assert_eq!(store.distinct_add(Owner::Policy, "tables", "b", 10, 0), 2);
    assert_eq!(store.distinct_add(Owner::Policy, "tables", "a", 10, 5), 2);
    assert_eq!(store.distinct_add(Owner::Policy, "tables", "a", 10, 10), 1);
}

#[test]
fn a_value_expires() {
    let store = store();
    store.set_value(Owner::Policy, "k", b"1".to_vec(), 10, 0);
    store.set_value(Owner::Policy, "k", b"2".to_vec(), 10, 5);
    assert_eq!(store.value(Owner::Policy, "k", 14), Some(b"2".to_vec()));
    assert_eq!(store.value(Owner::Policy, "k", 15), None);
}

#[test]
fn ending_a_session_removes_only_its_own_state() {
    let store = store();
    store.counter_add(session(1), "k", 1, 0, 0);
    store.counter_add(session(2), "k", 1, 0, 0);
    store.session_ended(session_id(1));
    assert_eq!(store.counter_add(session(1), "k", 1, 0, 0), 1);
    assert_eq!(store.counter_add(session(2), "k", 1, 0, 0), 2);
}

#[test]
fn a_full_store_evicts_the_least_recently_written() {
    let store = StateStore::new(StateLimits {
        bytes: usize::MAX,
        keys: 8,
    });
    for i in 0..8 {
        store.counter_add(Owner::Policy, &i.to_string(), 1, 0, 0);
    }
    store.counter_add(Owner::Policy, "0", 1, 0, 0);
    store.counter_add(Owner::Policy, "new", 1, 0, 0);
    assert_eq!(store.counter_add(Owner::Policy, "0", 1, 0, 0), 3);
    assert_eq!(store.counter_add(Owner::Policy, "1", 1, 0, 0), 1);
}

#[test]
fn expired_entries_are_evicted_before_live_ones() {
    let store = StateStore::new(StateLimits {
        bytes: usize::MAX,
        keys: 2,
    });
    store.counter_add(Owner::Policy, "old", 1, 0, 0);
    store.counter_add(Owner::Policy, "brief", 1, 5, 0);
    store.counter_add(Owner::Policy, "new", 1, 0, 10);
    assert_eq!(store.counter_add(Owner::Policy, "old", 1, 0, 10), 2);
}

#[test]
fn bytes_never_exceed_the_limit() {
    let limits = StateLimits {
        bytes: 100_000,
        keys: 10_000,
    };
    let store = StateStore::new(limits);
    for i in 0..2000_usize {
        store.set_value(
            session(i as u64 % 7),
            &i.to_string(),
            vec![0; i % 3000],
            0,
            0,
        );
        store.distinct_add(Owner::Policy, "set", &i.to_string(), 0, 0);
        let inner = store.lock();
        assert!(inner.bytes <= limits.bytes);
        assert_eq!(
            inner.bytes,
            inner
                .entries
                .values()
                .map(|entry| entry.bytes)
                .sum::<usize>()
        );
        assert_eq!(inner.order.len(), inner.entries.len());
    }
}
