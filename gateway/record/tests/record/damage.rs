//! Whatever is done to a segment is found, and where.

use gatewright_record::segment::{Damage, DamageKind, HEADER, Hash, scan};
use proptest::prelude::*;

use crate::samples::{a_session, header, segment, session};

fn sample() -> (Vec<u8>, Vec<usize>) {
    let id = session(1);
    let (bytes, ends, _) = segment(header(id, 0, Hash::default()), &a_session(id));
    (bytes, ends)
}

fn damages(bytes: &[u8]) -> Vec<Damage> {
    scan(bytes, &mut |_| {}).unwrap().damages
}

#[test]
fn an_untouched_segment_has_none() {
    let (bytes, ends) = sample();
    let mut events = 0;
    let read = scan(&*bytes, &mut |_| events += 1).unwrap();
    assert_eq!(read.damages, []);
    assert!(read.is_closed && read.header.is_some());
    assert_eq!((read.blocks, read.whole_to), (4, bytes.len() as u64));
    assert_eq!((events, ends.last()), (8, Some(&bytes.len())));
}

/// Every bit of the file, one after the other.
#[test]
fn a_flipped_bit_is_found_where_it_is() {
    let (bytes, ends) = sample();
    for bit in 0..bytes.len() * 8 {
        let mut edited = bytes.clone();
        edited[bit / 8] ^= 1 << (bit % 8);
        let found = damages(&edited);
        let at = (bit / 8) as u64;
        // The session's id, the number and the digest in the header show in the first block, whose hash is over them.
        let place = match bit / 8 {
            byte if (12..HEADER).contains(&byte) => HEADER as u64,
            _ => at,
        };
        let first = found
            .first()
            .unwrap_or_else(|| panic!("bit {bit} is not found"));
        assert!(
            first.from <= place && place < first.to,
            "bit {bit} in byte {at}: {found:?}"
        );
        let block = ends.iter().position(|end| place < *end as u64);
        let block = block.and_then(|block| block.checked_sub(1));
        let expected = match place as usize >= HEADER {
            true => block.map(|block| block as u32),
            false => None,
        };
        assert_eq!(first.block, expected, "bit {bit}: {found:?}");
    }
}

/// Only a wrong length keeps the blocks behind it from being read.
#[test]
fn what_is_behind_an_edited_block_is_still_read() {
    let (bytes, ends) = sample();
    let lengths = ends[1] + 8..ends[1] + 12;
    for byte in (ends[1] + 4..ends[2]).filter(|byte| !lengths.contains(byte)) {
        let mut edited = bytes.clone();
        edited[byte] ^= 0x10;
        let mut events = 0;
        let read = scan(&*edited, &mut |_| events += 1).unwrap();
        assert_eq!(read.damages.len(), 1, "byte {byte}: {:?}", read.damages);
        assert_eq!(read.damages[0].kind, DamageKind::Edited, "byte {byte}");
        assert_eq!(events, 6, "byte {byte}");
    }
}

#[test]
fn a_cut_is_found_where_it_is() {
    let (bytes, ends) = sample();
    for length in 0..bytes.len() {
        let read = scan(&bytes[..length], &mut |_| {}).unwrap();
        assert!(!read.is_closed, "cut to {length}");
        match ends.contains(&length) {
            true => assert_eq!(read.damages, [], "cut to {length}"),
            false => {
                assert_eq!(read.damages.len(), 1, "cut to {length}");
                assert_eq!(read.damages[0].kind, DamageKind::Cut);
                assert_eq!(read.damages[0].to, length as u64);
            }
        }
        let whole = ends.iter().rev().find(|end| **end <= length);
        assert_eq!(read.whole_to, whole.map_or(0, |end| *end as u64));
    }
}

fn block(bytes: &[u8], ends: &[usize], number: usize) -> Vec<u8> {
    bytes[ends[number]..ends[number + 1]].to_vec()
}

proptest! {
    #[test]
    fn blocks_in_another_order_are_found(order in Just(vec![0_usize, 1, 2, 3]).prop_shuffle()) {
        let (bytes, ends) = sample();
        let mut shuffled = bytes[..HEADER].to_vec();
        for number in &order {
            shuffled.extend(block(&bytes, &ends, *number));
        }
        let found = damages(&shuffled);
        let moved: Vec<u32> = found.iter().filter_map(|damage| damage.block).collect();
        let is_moved = order != [0, 1, 2, 3];
        prop_assert_eq!(is_moved, !found.is_empty());
        for damage in &found {
            let is_order = matches!(damage.kind, DamageKind::OutOfOrder { .. });
            prop_assert!(is_order, "{:?}", damage);
        }
        // Of two that changed places at least one is named.
        if let Some(first) = order.iter().zip(0..).find(|(number, place)| number != &place) {
            prop_assert!(moved.contains(&(*first.0 as u32)));
        }
    }

    #[test]
    fn a_block_that_is_missing_or_there_twice_is_found(number in 0_usize..4, twice: bool) {
        let (bytes, ends) = sample();
        let mut edited = bytes.clone();
        if twice {
            edited.splice(ends[number]..ends[number], block(&bytes, &ends, number));
        } else {
            edited.drain(ends[number]..ends[number + 1]);
        }
        let read = scan(&*edited, &mut |_| {}).unwrap();
        if !twice && number == 3 {
            // The end is missing.
            prop_assert!(!read.is_closed);
        } else {
            let kind = match twice {
                true => DamageKind::OutOfOrder { expected: number as u32 + 1 },
                false => DamageKind::OutOfOrder { expected: number as u32 },
            };
            prop_assert_eq!(read.damages.len(), 1, "{:?}", read.damages);
            prop_assert_eq!(read.damages[0].kind, kind);
        }
    }
}

/// What a block says of its lengths is not believed.
#[test]
fn lengths_are_limited() {
    let (bytes, ends) = sample();
    for (place, kind) in [(8, DamageKind::Unreadable), (12, DamageKind::Edited)] {
        let at = ends[0] + place;
        let mut edited = bytes.clone();
        edited[at..at + 4].copy_from_slice(&u32::MAX.to_be_bytes());
        let found = damages(&edited);
        assert_eq!((found.len(), found[0].kind), (1, kind));
    }
}
