//! Events come back as they were written, and nothing else is taken for one.

use gatewright_contract::Outcome;
use gatewright_record::Event;
use gatewright_record::event::*;
use gatewright_record::framing::{self, Joiner, MAX_BLOCK, NotEvents};
use gatewright_record::segment::scan;
use proptest::collection::vec;
use proptest::prelude::*;
use uuid::Uuid;

use crate::samples::{self, a_session, bytes_of, session};

fn read(blocks: &[&[u8]]) -> Result<Vec<Event<'static>>, NotEvents> {
    let mut joiner = Joiner::default();
    let mut events = Vec::new();
    for block in blocks {
        joiner.read(block, &mut |event| events.push(event.into_owned()))?;
    }
    Ok(events)
}

fn any_event() -> impl Strategy<Value = Event<'static>> {
    let outcome = prop_oneof![
        Just(Outcome::Completed),
        Just(Outcome::Suspended),
        Just(Outcome::Failed),
        Just(Outcome::Skipped),
        Just(Outcome::Lost),
    ];
    let value = proptest::option::of(vec(any::<u8>(), 0..40));
    let parameter = (any::<u32>(), any::<i16>(), value);
    prop_oneof![
        (any::<u128>(), any::<u64>(), ".*", ".*").prop_map(|(id, at, text, subject)| {
            Event::Opened(Box::new(Opened {
                session: Uuid::from_u128(id).into(),
                at,
                database: text,
                subject,
                ..Opened::default()
            }))
        }),
        (any::<u128>(), ".*", proptest::option::of(".*")).prop_map(|(id, text, instead)| {
            Event::Judged(Box::new(Judged {
                statement: Uuid::from_u128(id).into(),
                text,
                instead,
                ..Judged::default()
            }))
        }),
        (any::<u64>(), vec(parameter, 0..5)).prop_map(|(execution, parameters)| {
            let parameters = parameters.into_iter();
            let parameters = parameters.map(|(type_oid, format, value)| Parameter {
                type_oid,
                format,
                value,
                withheld: None,
            });
            Event::Attempted(Attempted {
                execution,
                parameters: parameters.collect(),
                ..Attempted::default()
            })
        }),
        vec(any::<u8>(), 0..5000).prop_map(samples::delivered),
        (any::<u64>(), any::<u64>(), outcome, ".*").prop_map(
            |(execution, rows, outcome, sqlstate)| {
                Event::Completed(Completed {
                    execution,
                    at: 0,
                    outcome,
                    rows,
                    bytes: 0,
                    masked_cells: 0,
                    changed: Some(rows),
                    sqlstate,
                    elapsed_us: 1,
                })
            }
        ),
        (any::<u64>(), ".*").prop_map(|(at, why)| Event::Ended(Ended { at, why })),
    ]
}

proptest! {
    #[test]
    fn events_come_back(events in vec(any_event(), 0..20)) {
        let bytes = bytes_of(&events);
        let blocks: Vec<&[u8]> = framing::blocks(&bytes).collect();
        prop_assert_eq!(blocks.concat(), bytes.clone());
        prop_assert_eq!(read(&blocks).unwrap(), events);
    }

    #[test]
    fn arbitrary_bytes_are_no_events_and_no_segment(bytes in vec(any::<u8>(), 0..2000)) {
        let _ = read(&[&bytes]);
        let read = scan(&*bytes, &mut |_| {}).unwrap();
        prop_assert!(read.header.is_none() && read.damages.len() == 1);
    }

    /// The same where the header is a header and blocks begin as blocks do.
    #[test]
    fn arbitrary_blocks_are_found_to_be_none(
        blocks in vec((any::<[u8; 12]>(), 0_u32..100, vec(any::<u8>(), 32..200)), 1..10),
    ) {
        let id = session(1);
        let (mut file, _, _) = samples::segment(samples::header(id, 0, Default::default()), &[]);
        for (_, length, rest) in &blocks {
            file.extend_from_slice(b"GWBK\0\0\0\0");
            file.extend_from_slice(&length.to_be_bytes());
            file.extend_from_slice(&u32::MAX.to_be_bytes()[..2]);
            file.extend_from_slice(rest);
        }
        let read = scan(&*file, &mut |_| {}).unwrap();
        prop_assert!(!read.damages.is_empty() && read.blocks == 0);
    }
}

#[test]
fn an_event_longer_than_a_block_is_cut_and_joined() {
    let long: Vec<u8> = (0..9_000_000_u32)
        .map(|n| n as u8 ^ (n >> 8) as u8)
        .collect();
    let events = [
        samples::opened(session(1)),
        samples::delivered(long),
        samples::ended(),
    ];
    let bytes = bytes_of(&events);
    let blocks: Vec<&[u8]> = framing::blocks(&bytes).collect();
    assert!(blocks.len() > 8, "{} blocks", blocks.len());
    assert!(blocks.iter().all(|block| block.len() <= MAX_BLOCK));
    assert_eq!(read(&blocks).unwrap(), events);
    // Without its beginning it is none, and what follows it is not taken for its end.
    let (_, rest) = blocks.split_at(2);
    assert_eq!(read(rest), Err(NotEvents::NoBeginning));
}

#[test]
fn a_reader_passes_over_fields_that_it_does_not_know() {
    // Ended, with a key 99.
    let mut bytes = Vec::new();
    let mut encoder = minicbor::Encoder::new(&mut bytes);
    encoder.array(2).unwrap().u8(8).unwrap();
    encoder.array(1).unwrap().map(3).unwrap();
    encoder.u8(0).unwrap().u64(5).unwrap();
    encoder.u8(99).unwrap().str("new").unwrap();
    encoder.u8(1).unwrap().str("done").unwrap();
    let mut block = u32::try_from(bytes.len()).unwrap().to_be_bytes().to_vec();
    block.extend(bytes);
    let ended = Event::Ended(Ended {
        at: 5,
        why: "done".to_owned(),
    });
    assert_eq!(read(&[&block]).unwrap(), [ended]);
}

#[test]
fn an_unknown_kind_of_event_is_an_error() {
    let block = [0, 0, 0, 4, 0x82, 0x18, 99, 0x80];
    assert_eq!(read(&[&block]), Err(NotEvents::Unreadable));
}

#[test]
fn every_kind_of_event_comes_back() {
    let mut events: Vec<_> = a_session(session(1)).concat();
    events.push(Event::Viewed(Viewed {
        at: 1_764_522_000_460_000,
        what: View::Search,
        sessions: vec![session(1), session(2)],
        statement: Some(3),
        search: Some("email".to_owned()),
    }));
    assert_eq!(read(&[&bytes_of(&events)]).unwrap(), events);
}
