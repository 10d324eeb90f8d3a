//! A crash at any byte leaves a session that gets an end, and loses nothing that was whole.

use std::collections::BTreeSet;
use std::fs;

use gatewright_contract::Outcome;
use gatewright_record::event::*;
use gatewright_record::log::Entry;
use gatewright_record::recovery::recover;
use gatewright_record::sealed::Identities;
use gatewright_record::segment::{Codec, Hash};
use gatewright_record::verify::{self, Trust};
use gatewright_record::{Event, session};

use crate::samples::{Sample, a_session, attempted, header, judged, opened, segment, session};

fn events_of(sample: &Sample) -> Vec<Event<'static>> {
    let segments = sample.directory.of(session(1)).unwrap();
    let mut events = Vec::new();
    session::read(&segments, &mut |event| events.push(event.into_owned())).unwrap();
    events
}

fn recovered(sample: &mut Sample) -> usize {
    recovered_with(sample, &[])
}

/// `logged`: the segments that are in the log already.
fn recovered_with(sample: &mut Sample, logged: &[u32]) -> usize {
    let id = session(1);
    let segments = sample.directory.of(id).unwrap();
    let mut codec = Codec::new().unwrap();
    let logged: BTreeSet<u32> = logged.iter().copied().collect();
    let entries = recover(&sample.directory, id, &segments, &logged, 7, &mut codec).unwrap();
    sample.log.append(&entries).unwrap();
    entries.len()
}

fn assert_verifies(sample: &Sample) {
    let trust = Trust {
        key: sample.key.public(),
        older: Vec::new(),
        identities: Identities::default(),
    };
    let report = verify::all(&sample.directory, &trust).unwrap();
    let found: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    assert!(report.is_good() && report.open.is_empty(), "{found:?}");
}

fn lost(execution: u64) -> Event<'static> {
    Event::Completed(Completed {
        execution,
        at: 7,
        outcome: Outcome::Lost,
        rows: 0,
        bytes: 0,
        masked_cells: 0,
        changed: None,
        sqlstate: String::new(),
        elapsed_us: 0,
    })
}

#[test]
fn a_session_cut_anywhere_is_recovered() {
    let id = session(1);
    let blocks = vec![vec![opened(id), judged(1)], vec![attempted(1, 1)]];
    let (bytes, ends, _) = segment(header(id, 0, Hash::default()), &blocks);
    let near = ends.iter().flat_map(|end| end - 1..=end + 1);
    let lengths = (0..bytes.len()).step_by(23).chain(near);
    for length in lengths.filter(|length| *length <= bytes.len()) {
        let mut sample = Sample::new();
        let path = sample.directory.segment(id, 0);
        fs::write(&path, &bytes[..length]).unwrap();
        assert_eq!(recovered(&mut sample), 1);
        assert_verifies(&sample);
        let mut expected = Vec::new();
        if length >= ends[1] {
            expected.extend(blocks[0].clone());
        }
        if length == ends[2] {
            expected.extend(blocks[1].clone());
        }
        let mut events = events_of(&sample);
        let ended = events.pop();
        assert!(
            matches!(ended, Some(Event::Ended(Ended { at: 7, .. }))),
            "cut to {length}"
        );
        if length == ends[2] {
            assert_eq!(events.pop(), Some(lost(1)));
        }
        if !ends.contains(&length) {
            let truncated = events.pop();
            assert!(
                matches!(truncated, Some(Event::Truncated(_))),
                "cut to {length}"
            );
        }
        assert_eq!(events, expected, "cut to {length}");
        let kept = path.with_extension("torn");
        let torn = length - ends.iter().rev().find(|end| **end <= length).unwrap_or(&0);
        if length >= ends[0] && torn > 0 {
            assert_eq!(fs::read(kept).unwrap(), bytes[length - torn..length]);
        }
    }
}

#[test]
fn a_session_that_was_about_to_go_on_is_recovered() {
    let id = session(1);
    let mut sample = Sample::new();
    let blocks = [vec![
        opened(id),
        attempted(1, 1),
        Event::Continued(Continued { at: 6, segment: 1 }),
    ]];
    let entry = sample.write(header(id, 0, Hash::default()), &blocks);
    let entry = Entry {
        is_last: false,
        ..entry
    };
    sample.log.append(&[entry]).unwrap();
    assert_eq!(recovered_with(&mut sample, &[0]), 1);
    assert_verifies(&sample);
    let events = events_of(&sample);
    assert_eq!(events[3], lost(1));
    assert!(matches!(events[4], Event::Ended(_)) && events.len() == 5);
    // At the next start there is nothing to do.
    assert_eq!(recovered_with(&mut sample, &[0, 1]), 0);
    assert_eq!(events_of(&sample).len(), 5);
}

#[test]
fn a_session_that_had_ended_is_only_logged() {
    let id = session(1);
    let mut sample = Sample::new();
    sample.write(header(id, 0, Hash::default()), &a_session(id));
    let before = fs::read(sample.directory.segment(id, 0)).unwrap();
    assert_eq!(recovered(&mut sample), 1);
    assert_eq!(fs::read(sample.directory.segment(id, 0)).unwrap(), before);
    assert_verifies(&sample);
}

/// What no crash does stays, and shows.
#[test]
fn an_edited_block_is_not_recovered_away() {
    let id = session(1);
    let mut sample = Sample::new();
    let blocks = [vec![opened(id)], vec![judged(1)], vec![attempted(1, 1)]];
    let (mut bytes, ends, _) = segment(header(id, 0, Hash::default()), &blocks);
    bytes[ends[1] + 60] ^= 1;
    fs::write(sample.directory.segment(id, 0), &bytes).unwrap();
    recovered(&mut sample);
    let after = fs::read(sample.directory.segment(id, 0)).unwrap();
    assert_eq!(after[..bytes.len()], bytes);
    let trust = Trust {
        key: sample.key.public(),
        older: Vec::new(),
        identities: Identities::default(),
    };
    let report = verify::all(&sample.directory, &trust).unwrap();
    let found: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    let place = format!("block 1, bytes {} to {}", ends[1], ends[2]);
    assert!(found.len() == 1 && found[0].contains(&place), "{found:?}");
}
