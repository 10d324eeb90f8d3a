//! Sessions that are deleted: the log says so, and that is another thing than a session that is missing.

use std::time::Duration;

use gatewright_record::deletion::{self, Logged};
use gatewright_record::holds::{Held, Hold, Holds};
use gatewright_record::log::Entry;
use gatewright_record::sealed::Identities;
use gatewright_record::verify::{self, Report, Trust};

use crate::samples::{Sample, session};

fn verified(sample: &Sample) -> (Report, Vec<String>) {
    let trust = Trust {
        key: sample.key.public(),
        older: Vec::new(),
        identities: Identities::default(),
    };
    let report = verify::all(&sample.directory, &trust).unwrap();
    let found = report.findings.iter().map(ToString::to_string).collect();
    (report, found)
}

/// Logs that a session is deleted.
fn bury(sample: &mut Sample, number: u128) -> Entry {
    let entries = sample.log.log().entries().unwrap();
    let logged = Logged::of(&entries);
    let mut ended = logged.ended_before(100);
    let last = ended.find(|entry| entry.session == session(number));
    let tombstone = logged.tombstone(last.unwrap(), Duration::from_secs(90), 50);
    sample.log.append(&[tombstone]).unwrap();
    tombstone
}

#[test]
fn a_deleted_session_is_no_missing_one() {
    let mut sample = Sample::with_sessions(4);
    let tombstone = bury(&mut sample, 1);
    assert_eq!(Entry::from_bytes(&tombstone.to_bytes()), Some(tombstone));
    let (report, found) = verified(&sample);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(
        (report.deleting.as_slice(), report.deleted.len()),
        (&[session(1)][..], 0)
    );
    let segments = sample.directory.of(session(1)).unwrap();
    deletion::remove(&sample.directory, &segments).unwrap();
    let (report, found) = verified(&sample);
    assert!(found.is_empty(), "{found:?}");
    assert_eq!(report.deleted, [tombstone]);
    assert_eq!((report.proven, report.log), (3, 5));
    // Without a word in the log.
    let segments = sample.directory.of(session(2)).unwrap();
    deletion::remove(&sample.directory, &segments).unwrap();
    let (report, found) = verified(&sample);
    assert_eq!(report.deleted.len(), 1);
    assert!(
        found.len() == 1 && found[0].contains("is missing"),
        "{found:?}"
    );
    let one = |number| {
        let trust = Trust {
            key: sample.key.public(),
            older: Vec::new(),
            identities: Identities::default(),
        };
        verify::one(&sample.directory, session(number), &trust).unwrap()
    };
    assert!(one(1).is_good() && one(1).deleted == [tombstone]);
    assert!(!one(2).is_good());
    // What was deleted is not deleted again, and is no candidate.
    let entries = sample.log.log().entries().unwrap();
    let logged = Logged::of(&entries);
    let candidates: Vec<_> = logged
        .ended_before(100)
        .map(|entry| entry.session)
        .collect();
    assert_eq!(candidates, [session(0), session(2), session(3)]);
    assert_eq!(logged.ended_before(1).count(), 0);
    assert_eq!(logged.deleted().collect::<Vec<_>>(), [session(1)]);
}

#[test]
fn holds_keep_sessions_subjects_and_databases() {
    let sample = Sample::with_sessions(2);
    let segments = sample.directory.of(session(1)).unwrap();
    let opened = deletion::opened(&segments).unwrap().unwrap();
    let holds = Holds::of(&sample.directory);
    assert!(holds.list().unwrap().is_empty());
    for (of, is_held) in [
        (Held::Session(session(1)), true),
        (Held::Session(session(0)), false),
        (Held::Subject("ada".to_owned()), true),
        (Held::Subject("grace".to_owned()), false),
        (Held::Database("shop".to_owned()), true),
        (Held::Database("other".to_owned()), false),
    ] {
        let hold = Hold {
            of,
            since: 7,
            why: "a case".to_owned(),
        };
        let id = holds.add(&hold).unwrap();
        let listed = holds.list().unwrap();
        assert_eq!(listed, [(id, hold)]);
        assert_eq!(deletion::is_held(&opened, &listed), is_held);
        holds.remove(id).unwrap();
        assert!(holds.remove(id).is_err());
    }
    // Where a hold cannot be read, nobody knows what it keeps.
    std::fs::write(
        sample.directory.root().join("holds/nonsense.hold"),
        "nonsense",
    )
    .unwrap();
    assert!(holds.list().is_err());
}

#[test]
fn of_a_session_whose_beginning_is_damaged_nobody_knows_whose_it_was() {
    let sample = Sample::with_sessions(1);
    sample.change(session(0), |bytes| bytes[120] ^= 1);
    let segments = sample.directory.of(session(0)).unwrap();
    assert_eq!(deletion::opened(&segments).unwrap(), None);
}
