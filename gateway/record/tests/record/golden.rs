//! The format as it is documented: files that this version must read, and writes the same. `GATEWRIGHT_UPDATE_GOLDEN=1` writes them anew.

use std::fs;
use std::path::PathBuf;

use gatewright_record::framing::Joiner;
use gatewright_record::log::{Deleted, Entry, Log, LogWriter, PublicKey, Reason, SigningKey};
use gatewright_record::segment::{Hash, scan};

use crate::samples::{a_redacted_session, a_session, bytes_of, header, segment, session};

pub fn golden(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

/// Compares what is written now with what was written then.
fn assert_golden(name: &str, bytes: &[u8]) {
    let path = golden(name);
    if std::env::var_os("GATEWRIGHT_UPDATE_GOLDEN").is_some() {
        fs::write(&path, bytes).unwrap();
    }
    assert!(
        fs::read(&path).unwrap() == bytes,
        "{name} is written in another way"
    );
}

#[test]
fn events_are_written_as_before() {
    let id = session(1);
    let bytes = bytes_of(&a_session(id).concat());
    assert_golden("events-v1.cbor", &bytes);
}

/// What came later is left out where it does not apply, so that a version without it reads the rest.
#[test]
fn events_of_a_session_with_redacted_literals_are_written_as_before() {
    let bytes = bytes_of(&a_redacted_session(session(2)));
    assert_golden("redacted-v1.cbor", &bytes);
    let mut events = Vec::new();
    let read = Joiner::default().read(&bytes, &mut |event| events.push(event.into_owned()));
    assert_eq!((read, events), (Ok(()), a_redacted_session(session(2))));
}

#[test]
fn an_entry_is_written_as_before() {
    let entry = Entry {
        session: session(1),
        segment: 0,
        digest: Hash([0xab; 32]),
        length: 1234,
        at: 1_764_522_000_500_000,
        is_last: true,
        deleted: None,
    };
    let tombstone = Entry {
        deleted: Some(Deleted {
            reason: Reason::Retention,
            retention: Some(7_776_000),
            ended: 1_764_522_000_500_000,
        }),
        ..entry
    };
    assert_golden("tombstone-v1.cbor", &tombstone.to_bytes());
    assert_eq!(Entry::from_bytes(&tombstone.to_bytes()), Some(tombstone));
    assert_golden("entry-v1.cbor", &entry.to_bytes());
    assert_eq!(Entry::from_bytes(&entry.to_bytes()), Some(entry));
}

/// The frames are zstd's, and another version of it may compress in another way: what was written then is read.
#[test]
fn a_segment_is_read_as_before() {
    let id = session(1);
    let blocks = a_session(id);
    if std::env::var_os("GATEWRIGHT_UPDATE_GOLDEN").is_some() {
        let (bytes, _, _) = segment(header(id, 0, Hash::default()), &blocks);
        fs::write(golden("segment-v1.gwr"), bytes).unwrap();
    }
    let bytes = fs::read(golden("segment-v1.gwr")).unwrap();
    let mut events = Vec::new();
    let read = scan(&*bytes, &mut |event| events.push(event.into_owned())).unwrap();
    assert_eq!((read.damages, read.is_closed), (vec![], true));
    assert_eq!(read.header, Some(header(id, 0, Hash::default())));
    assert_eq!(events, blocks.concat());
    let digest = "693c6ddaf6fc1f453ae1c3102309cdd90acb09cb032c51a6059ba5c96e82ac74";
    assert_eq!(read.digest.to_string(), digest);
}

/// A new key makes another log, whose checkpoint is signed with it.
fn write_log() {
    let key = SigningKey::generate("gatewright.example/record").unwrap();
    let mut log = LogWriter::open(golden("log-v1"), key).unwrap();
    for number in 0..3 {
        let entry = Entry {
            session: session(number),
            segment: 0,
            digest: Hash([number as u8; 32]),
            length: 1234,
            at: 1_764_522_000_500_000,
            is_last: true,
            deleted: None,
        };
        log.append(&[entry]).unwrap();
    }
}

#[test]
fn a_log_is_read_as_before() {
    if std::env::var_os("GATEWRIGHT_UPDATE_GOLDEN").is_some() {
        let _ = fs::remove_dir_all(golden("log-v1"));
        fs::create_dir(golden("log-v1")).unwrap();
        write_log();
    }
    let key = fs::read_to_string(golden("log-v1/key.pub")).unwrap();
    let key = PublicKey::from_text(&key).unwrap();
    let log = Log::open(golden("log-v1"), &key).unwrap();
    let entries = log.entries().unwrap();
    assert_eq!(log.len(), 3);
    log.prove_all(&entries).unwrap();
    assert_eq!(entries[1].session, session(1));
    log.prove(1, &entries[1]).unwrap();
}
