//! A session can be read while it grows, and again from any event.

use std::fs;

use gatewright_record::Event;
use gatewright_record::event::*;
use gatewright_record::follow::{Follower, Place, Reached, Wants};
use gatewright_record::segment::Hash;

use crate::samples::{
    Sample, a_session, attempted, completed, delivered, ended, header, judged, opened, segment,
    session,
};

fn follower(sample: &Sample) -> Follower {
    Follower::new(sample.directory.clone(), session(1))
}

fn read(follower: &mut Follower) -> (Vec<(Place, Event<'static>)>, Reached) {
    let mut events = Vec::new();
    let reached = follower.read(&mut |place, event| {
        events.push((place, event.into_owned()));
        Wants::More
    });
    (events, reached.unwrap())
}

/// Two segments, the first with an event that is longer than a block.
fn long(sample: &Sample) -> Vec<Event<'static>> {
    let id = session(1);
    let continued = Event::Continued(Continued { at: 5, segment: 1 });
    let first = vec![
        vec![opened(id), judged(1)],
        vec![attempted(1, 1)],
        vec![delivered(vec![7; 40])],
        vec![completed(1), continued],
    ];
    let second = vec![vec![attempted(2, 1), completed(2)], vec![ended()]];
    let entry = sample.write(header(id, 0, Hash::default()), &first);
    sample.write(header(id, 1, entry.digest), &second);
    first.into_iter().chain(second).flatten().collect()
}

#[test]
fn what_is_there_is_passed_on_once_as_it_comes() {
    let id = session(1);
    let blocks = a_session(id);
    let (bytes, ends, _) = segment(header(id, 0, Hash::default()), &blocks);
    let sample = Sample::new();
    let path = sample.directory.segment(id, 0);
    let mut follower = follower(&sample);
    let mut seen = Vec::new();
    let mut reached = Reached::End;
    for length in 0..=bytes.len() {
        fs::write(&path, &bytes[..length]).unwrap();
        let (events, now) = read(&mut follower);
        reached = now;
        seen.extend(events.into_iter().map(|(_, event)| event));
        let whole = ends.iter().skip(1).filter(|end| **end <= length).count();
        let expected: Vec<_> = blocks.iter().take(whole).flatten().cloned().collect();
        assert_eq!(seen, expected, "at byte {length}");
    }
    assert_eq!(reached, Reached::Over);
    assert_eq!(seen, blocks.concat());
    assert_eq!(follower.damages(), 0);
}

#[test]
fn an_event_is_read_again_from_its_place() {
    let sample = Sample::new();
    let all = long(&sample);
    let (events, reached) = read(&mut follower(&sample));
    assert_eq!(reached, Reached::Over);
    assert_eq!(events.len(), all.len());
    for (index, (place, event)) in events.iter().enumerate() {
        assert_eq!(*event, all[index]);
        assert_eq!(Place::from_bytes(&place.to_bytes()), Some(*place));
        let mut again = Follower::from(sample.directory.clone(), session(1), *place);
        let (rest, reached) = read(&mut again);
        assert_eq!(reached, Reached::Over);
        let rest: Vec<_> = rest.into_iter().map(|(_, event)| event).collect();
        assert!(all.ends_with(&rest) && rest.contains(event), "{event:?}");
    }
}

#[test]
fn the_rest_of_a_long_event_is_passed_over() {
    let id = session(1);
    let sample = Sample::new();
    let long = delivered((0..3_000_000).map(|number| number as u8).collect());
    let events = [opened(id), long, attempted(1, 1), ended()];
    let mut bytes = Vec::new();
    for event in &events {
        gatewright_record::framing::append(&mut bytes, event).unwrap();
    }
    let mut codec = gatewright_record::segment::Codec::new().unwrap();
    let file = fs::File::create(sample.directory.segment(id, 0)).unwrap();
    let header = header(id, 0, Hash::default());
    let mut writer = gatewright_record::segment::Writer::begin(file, header).unwrap();
    for block in gatewright_record::framing::blocks(&bytes) {
        writer.append(block, &mut codec).unwrap();
    }
    let (read_events, _) = read(&mut follower(&sample));
    let place = read_events[2].0;
    // The attempt stands behind the end of the long event, in the same block.
    let mut again = Follower::from(sample.directory.clone(), id, place);
    let (rest, reached) = read(&mut again);
    let rest: Vec<_> = rest.into_iter().map(|(_, event)| event).collect();
    assert_eq!(rest, events[2..]);
    assert_eq!(reached, Reached::Over);
    assert_eq!(again.damages(), 0);
    // And the long one from its own beginning.
    let mut again = Follower::from(sample.directory.clone(), id, read_events[1].0);
    let (rest, _) = read(&mut again);
    assert!(rest.iter().any(|(_, event)| *event == events[1]));
}

#[test]
fn a_damaged_block_is_left_out() {
    let sample = Sample::new();
    let all = long(&sample);
    let (_, ends, _) = segment(
        header(session(1), 0, Hash::default()),
        &[
            vec![opened(session(1)), judged(1)],
            vec![attempted(1, 1)],
            vec![delivered(vec![7; 40])],
        ],
    );
    sample.change(session(1), |bytes| bytes[ends[2] + 60] ^= 1);
    let mut follower = follower(&sample);
    let (events, reached) = read(&mut follower);
    let events: Vec<_> = events.into_iter().map(|(_, event)| event).collect();
    let without: Vec<_> = all
        .into_iter()
        .filter(|event| !matches!(event, Event::Delivered(_)))
        .collect();
    assert_eq!((events, reached), (without, Reached::Over));
    assert_eq!(follower.damages(), 1);
}

#[test]
fn reading_stops_behind_the_block_that_was_enough() {
    let sample = Sample::new();
    let all = long(&sample);
    let mut follower = follower(&sample);
    let mut seen = Vec::new();
    loop {
        let reached = follower.read(&mut |_, event| {
            seen.push(event.into_owned());
            Wants::Nothing
        });
        match reached.unwrap() {
            Reached::Enough => {}
            Reached::Over => break,
            Reached::End => panic!("the session has an end"),
        }
    }
    assert_eq!(seen, all);
}
