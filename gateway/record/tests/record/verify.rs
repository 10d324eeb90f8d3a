//! Verification finds what was done to a record, and says where.

use std::fs;

use gatewright_record::Event;
use gatewright_record::directory::Directory;
use gatewright_record::event::*;
use gatewright_record::log::{LogWriter, SigningKey};
use gatewright_record::sealed::Identities;
use gatewright_record::segment::Hash;
use gatewright_record::verify::{self, Failed, Report, Trust};

use crate::samples::{Sample, a_session, attempted, header, opened, segment, session};

fn trust(sample: &Sample) -> Trust {
    Trust {
        key: sample.key.public(),
        older: Vec::new(),
        identities: Identities::default(),
    }
}

fn texts(report: &Report) -> Vec<String> {
    report.findings.iter().map(ToString::to_string).collect()
}

/// What is found in all sessions, and in the second alone.
fn found(sample: &Sample) -> (Vec<String>, Vec<String>) {
    let trust = trust(sample);
    let all = verify::all(&sample.directory, &trust).unwrap();
    let one = verify::one(&sample.directory, session(1), &trust).unwrap();
    (texts(&all), texts(&one))
}

#[test]
fn an_untouched_record_is_good() {
    let sample = Sample::with_sessions(5);
    assert_eq!(found(&sample), (vec![], vec![]));
    let report = verify::all(&sample.directory, &trust(&sample)).unwrap();
    assert_eq!((report.sessions, report.proven, report.log), (5, 5, 5));
    let unknown = verify::one(&sample.directory, session(77), &trust(&sample));
    assert!(matches!(unknown, Err(Failed::NoSession(_))));
}

#[test]
fn an_edited_byte_is_found_in_its_session_only() {
    let sample = Sample::with_sessions(3);
    sample.change(session(1), |bytes| bytes[200] ^= 4);
    let (all, one) = found(&sample);
    assert!(all.len() == 1 && all == one, "{all:?}");
    assert!(all[0].starts_with(&format!("session {}, segment 0: block ", session(1))));
    let report = verify::all(&sample.directory, &trust(&sample)).unwrap();
    assert_eq!(report.proven, 2);
    let other = verify::one(&sample.directory, session(2), &trust(&sample)).unwrap();
    assert!(other.is_good() && other.proven == 1);
}

/// With the hashes made to fit, the log tells.
#[test]
fn a_session_that_was_written_anew_is_found() {
    let sample = Sample::with_sessions(3);
    let id = session(1);
    let mut blocks = a_session(id);
    blocks[1].remove(1);
    sample.write(header(id, 0, Hash::default()), &blocks);
    let (all, one) = found(&sample);
    assert!(all.len() == 1 && all == one, "{all:?}");
    assert!(all[0].contains("is cut off at byte"), "{all:?}");
    blocks[1].push(crate::samples::delivered(vec![0; 500]));
    blocks.insert(1, vec![crate::samples::delivered((0..=255).collect())]);
    sample.write(header(id, 0, Hash::default()), &blocks);
    let (all, one) = found(&sample);
    assert!(all.len() == 1 && all == one, "{all:?}");
    assert!(all[0].contains("written anew"), "{all:?}");
}

#[test]
fn what_is_cut_off_is_found() {
    let sample = Sample::with_sessions(3);
    let id = session(1);
    let (bytes, ends, _) = segment(header(id, 0, Hash::default()), &a_session(id));
    for length in [ends[3], ends[3] + 5, 10] {
        fs::write(sample.directory.segment(id, 0), &bytes[..length]).unwrap();
        let (all, one) = found(&sample);
        assert_eq!(all, one);
        assert!(
            all[0].contains(&format!("cut off at byte {length}")),
            "{all:?}"
        );
    }
}

#[test]
fn what_is_appended_is_found() {
    let sample = Sample::with_sessions(3);
    sample.change(session(1), |bytes| bytes.push(0));
    let (all, _) = found(&sample);
    assert_eq!(all.len(), 1, "{all:?}");
}

#[test]
fn a_removed_session_is_found() {
    let sample = Sample::with_sessions(3);
    fs::remove_file(sample.directory.segment(session(1), 0)).unwrap();
    let (all, one) = found(&sample);
    assert!(all.len() == 1 && all == one, "{all:?}");
    assert!(all[0].ends_with("the file is missing, and the log has it"));
}

#[test]
fn sessions_that_changed_places_are_found() {
    let sample = Sample::with_sessions(3);
    let (one, two) = (session(1), session(2));
    let path = |id| sample.directory.segment(id, 0);
    let first = fs::read(path(one)).unwrap();
    fs::copy(path(two), path(one)).unwrap();
    fs::write(path(two), first).unwrap();
    let (all, _) = found(&sample);
    assert_eq!(all.len(), 4, "{all:?}");
    assert!(all.iter().any(|text| text.contains("does not belong")));
}

#[test]
fn a_session_that_was_added_is_found() {
    let sample = Sample::with_sessions(3);
    let id = session(9);
    sample.write(header(id, 0, Hash::default()), &a_session(id));
    let (all, one) = found(&sample);
    assert!(all.len() == 1 && one.is_empty(), "{all:?}");
    assert!(all[0].contains("the log does not have it"));
}

#[test]
fn a_session_that_goes_on_is_open() {
    let sample = Sample::with_sessions(2);
    let id = session(9);
    sample.write(
        header(id, 0, Hash::default()),
        &[vec![opened(id)], vec![attempted(1, 1)]],
    );
    let report = verify::all(&sample.directory, &trust(&sample)).unwrap();
    assert!(report.is_good() && report.open == [id]);
    // Its next block is being written.
    sample.change(id, |bytes| bytes.truncate(bytes.len() - 5));
    let report = verify::all(&sample.directory, &trust(&sample)).unwrap();
    assert!(report.is_good() && report.open == [id]);
    sample.change(id, |bytes| bytes[100] ^= 1);
    let report = verify::all(&sample.directory, &trust(&sample)).unwrap();
    assert_eq!(texts(&report).len(), 1);
}

#[test]
fn a_missing_segment_in_the_middle_is_found() {
    let mut sample = Sample::new();
    let id = session(1);
    let mut previous = Hash::default();
    let mut entries = Vec::new();
    for number in 0..3 {
        let last = match number {
            2 => crate::samples::ended(),
            number => Event::Continued(Continued {
                at: 1,
                segment: number + 1,
            }),
        };
        let entry = sample.write(header(id, number, previous), &[vec![opened(id), last]]);
        previous = entry.digest;
        entries.push(entry);
    }
    sample.log.append(&entries).unwrap();
    assert_eq!(found(&sample), (vec![], vec![]));
    fs::remove_file(sample.directory.segment(id, 1)).unwrap();
    let (all, one) = found(&sample);
    assert!(all.len() == 1 && all == one, "{all:?}");
    assert!(all[0].contains("segment 1: the file is missing"));
}

/// Whoever has the key writes everything anew, without one session.
#[test]
fn a_log_written_anew_is_found_by_an_older_checkpoint() {
    let sample = Sample::with_sessions(4);
    let older = sample.log.log().checkpoint().clone();
    let scratch = tempfile::tempdir().unwrap();
    let directory = Directory::new(scratch.path().join("record"));
    directory.create().unwrap();
    let key = SigningKey::from_text(sample.key.text()).unwrap();
    let mut forged = LogWriter::open(directory.log(), key.clone()).unwrap();
    let entries = sample.log.log().entries().unwrap();
    for entry in entries.iter().filter(|entry| entry.session != session(1)) {
        let (from, to) = (&sample.directory, &directory);
        let path = |directory: &Directory| directory.segment(entry.session, 0);
        fs::copy(path(from), path(to)).unwrap();
        forged.append(&[*entry]).unwrap();
    }
    let trust = |older| Trust {
        key: key.public(),
        older,
        identities: Identities::default(),
    };
    assert!(
        verify::all(&directory, &trust(Vec::new()))
            .unwrap()
            .is_good()
    );
    let report = verify::all(&directory, &trust(vec![older])).unwrap();
    let found = texts(&report);
    assert!(found[0].contains("entries were removed"), "{found:?}");
}
