//! Encrypted segments: who can read what, and that they are verified by those who cannot.

use std::collections::BTreeSet;
use std::fs;

use age::secrecy::ExposeSecret;
use gatewright_record::directory::key_path;
use gatewright_record::log::Entry;
use gatewright_record::recovery::recover;
use gatewright_record::sealed::{Identities, NoKey, Recipients};
use gatewright_record::segment::{Codec, DamageKind, Hash, Reader, Writer, scan, scan_as};
use gatewright_record::verify::{self, Trust};
use gatewright_record::{Event, session};

use crate::golden::golden;
use crate::samples::{
    Sample, a_session, attempted, bytes_of, completed, delivered, header, judged, opened, session,
};

fn recipients(texts: &[&str]) -> Recipients {
    let texts: Vec<String> = texts.iter().map(|text| (*text).to_owned()).collect();
    Recipients::from_texts(&texts).unwrap().unwrap()
}

/// A new person: identity and recipient.
fn person() -> (Identities, String) {
    let identity = age::x25519::Identity::generate();
    let text = identity.to_string();
    let identities = Identities::from_text(text.expose_secret()).unwrap();
    (identities, identity.to_public().to_string())
}

fn sealed(blocks: &[Vec<Event<'_>>], recipients: &Recipients) -> Vec<u8> {
    let mut codec = Codec::new().unwrap();
    let head = header(session(1), 0, Hash::default());
    let mut writer = Writer::begin_sealed(Vec::new(), head, recipients).unwrap();
    for block in blocks {
        writer.append(&bytes_of(block), &mut codec).unwrap();
    }
    std::mem::take(writer.out())
}

fn read(bytes: &[u8], identities: &Identities) -> (Vec<Event<'static>>, bool, Vec<DamageKind>) {
    let mut events = Vec::new();
    let read = scan_as(bytes, identities, None, &mut |event| {
        events.push(event.into_owned());
    });
    let read = read.unwrap();
    let damages = read.damages.iter().map(|damage| damage.kind).collect();
    (events, read.is_sealed, damages)
}

/// Every kind of event, and one that is cut into pieces.
fn blocks() -> Vec<Vec<Event<'static>>> {
    let mut blocks = a_session(session(1));
    let end = blocks.pop().unwrap();
    blocks.push(vec![delivered(vec![7; 100_000]), completed(9)]);
    blocks.push(end);
    blocks
}

#[test]
fn each_recipient_reads_everything_and_nobody_else_does() {
    let (ada, for_ada) = person();
    let (grace, for_grace) = person();
    let (eve, _) = person();
    let bytes = sealed(&blocks(), &recipients(&[&for_ada, &for_grace]));
    for reader in [&ada, &grace] {
        assert_eq!(read(&bytes, reader), (blocks().concat(), false, vec![]));
    }
    for reader in [&eve, &Identities::default()] {
        let (events, is_sealed, damages) = read(&bytes, reader);
        assert!(is_sealed && damages.is_empty(), "{damages:?}");
        let mut kinds = Vec::new();
        for event in &events {
            match event {
                Event::Sealed(sealed) => kinds.push(sealed.kind),
                Event::Judged(_)
                | Event::Attempted(_)
                | Event::Delivered(_)
                | Event::Received(_) => panic!("{event:?}"),
                Event::Opened(_)
                | Event::Completed(_)
                | Event::Truncated(_)
                | Event::Continued(_)
                | Event::Ended(_)
                | Event::Viewed(_) => {}
            }
        }
        assert_eq!(kinds, [1, 2, 3, 4, 3].map(Some));
        assert_eq!(events.len(), blocks().concat().len());
    }
    let text = String::from_utf8_lossy(&bytes).into_owned();
    assert!(!text.contains("customers"), "{text}");
}

#[test]
fn an_event_in_pieces_is_encrypted_in_pieces() {
    let (ada, for_ada) = person();
    let Event::Judged(mut long) = judged(1) else {
        panic!("a judgement");
    };
    long.text = "x".repeat(3 << 20);
    let events = vec![opened(session(1)), Event::Judged(long), completed(1)];
    let all = bytes_of(&events);
    let mut codec = Codec::new().unwrap();
    let head = header(session(1), 0, Hash::default());
    let mut writer = Writer::begin_sealed(Vec::new(), head, &recipients(&[&for_ada])).unwrap();
    for block in gatewright_record::framing::blocks(&all) {
        writer.append(block, &mut codec).unwrap();
    }
    let bytes = std::mem::take(writer.out());
    assert_eq!(read(&bytes, &ada), (events, false, vec![]));
    let (seen, _, damages) = read(&bytes, &Identities::default());
    assert!(damages.is_empty(), "{damages:?}");
    let sealed = seen
        .iter()
        .filter(|event| matches!(event, Event::Sealed(_)));
    assert_eq!(sealed.count(), 4);
}

#[test]
fn what_was_done_to_it_shows_without_a_key() {
    let (ada, for_ada) = person();
    let whole = sealed(&blocks(), &recipients(&[&for_ada]));
    for at in (0..whole.len()).step_by(11) {
        let mut edited = whole.clone();
        edited[at] ^= 1;
        let without = scan(&*edited, &mut |_| {}).unwrap();
        let with = scan_as(&*edited, &ada, None, &mut |_| {}).unwrap();
        assert!(!without.damages.is_empty(), "byte {at} was edited");
        assert!(!with.damages.is_empty(), "byte {at} was edited");
    }
    // A block of another segment with the same key would need the key; one of this segment at another place is found as ever.
    let text: &[u8] = b"GWBK";
    let starts: Vec<usize> = (0..whole.len() - 4)
        .filter(|at| &whole[*at..*at + 4] == text)
        .collect();
    let mut swapped = whole[..starts[1]].to_vec();
    swapped.extend_from_slice(&whole[starts[2]..starts[3]]);
    swapped.extend_from_slice(&whole[starts[1]..starts[2]]);
    swapped.extend_from_slice(&whole[starts[3]..]);
    assert!(!scan(&*swapped, &mut |_| {}).unwrap().damages.is_empty());
}

#[test]
fn a_crash_in_an_encrypted_session_is_recovered_without_the_key() {
    let (ada, for_ada) = person();
    let blocks = vec![
        vec![opened(session(1)), judged(1)],
        vec![attempted(1, 1), completed(1), attempted(2, 1)],
    ];
    let whole = sealed(&blocks, &recipients(&[&for_ada]));
    let second = (0..whole.len() - 4)
        .rfind(|at| &whole[*at..*at + 4] == b"GWBK")
        .unwrap();
    for (length, lost) in [(whole.len(), 1), (whole.len() - 1, 0), (second, 0)] {
        let mut sample = Sample::new();
        let path = sample.directory.segment(session(1), 0);
        fs::write(&path, &whole[..length]).unwrap();
        let segments = sample.directory.of(session(1)).unwrap();
        let logged = BTreeSet::new();
        let mut codec = Codec::new().unwrap();
        let entries: Vec<Entry> = recover(
            &sample.directory,
            session(1),
            &segments,
            &logged,
            7,
            &mut codec,
        )
        .unwrap();
        sample.log.append(&entries).unwrap();
        let mut events = Vec::new();
        let read = session::read_as(&segments, &ada, &mut |event| {
            events.push(event.into_owned());
        });
        assert!(
            read.unwrap()
                .iter()
                .all(|(_, scan)| scan.damages.is_empty())
        );
        let ends = events.iter().filter(|event| {
            matches!(event, Event::Completed(end) if end.outcome == gatewright_contract::Outcome::Lost && end.execution == 2)
        });
        assert_eq!(ends.count(), lost, "{length} bytes");
        assert!(matches!(events.last(), Some(Event::Ended(_))));
        let trust = Trust {
            key: sample.key.public(),
            older: Vec::new(),
            identities: Identities::default(),
        };
        let report = verify::all(&sample.directory, &trust).unwrap();
        assert!(report.is_good(), "{:?}", report.findings);
        assert_eq!(report.sealed, 1);
    }
}

#[test]
fn a_key_can_be_wrapped_for_others_later() {
    let (ada, for_ada) = person();
    let (grace, for_grace) = person();
    let mut sample = Sample::new();
    let whole = sealed(&blocks(), &recipients(&[&for_ada]));
    let path = sample.directory.segment(session(1), 0);
    fs::write(&path, &whole).unwrap();
    let scan = scan(&*whole, &mut |_| {}).unwrap();
    sample
        .log
        .append(&[Entry {
            session: session(1),
            segment: 0,
            digest: scan.digest,
            length: whole.len() as u64,
            at: 1,
            is_last: true,
            deleted: None,
        }])
        .unwrap();
    let segments = sample.directory.of(session(1)).unwrap();
    let is_sealed = |reader: &Identities| {
        let scans = session::read_as(&segments, reader, &mut |_| {}).unwrap();
        scans[0].1.is_sealed
    };
    assert!(!is_sealed(&ada) && is_sealed(&grace));
    let mut reader = Reader::open(&*whole).unwrap().unwrap();
    assert!(reader.rewrap(&recipients(&[&for_grace])).is_none());
    reader.unseal(&ada, None);
    let wrapped = reader.rewrap(&recipients(&[&for_grace])).unwrap().unwrap();
    fs::write(key_path(&path), wrapped).unwrap();
    assert!(!is_sealed(&ada) && !is_sealed(&grace));
    let trust = Trust {
        key: sample.key.public(),
        older: Vec::new(),
        identities: grace,
    };
    let report = verify::all(&sample.directory, &trust).unwrap();
    assert!(
        report.is_good() && report.sealed == 0,
        "{:?}",
        report.findings
    );
}

#[test]
fn what_is_no_key_is_named() {
    let texts = ["age1nonsense".to_owned()];
    let expected = NoKey::Recipient(texts[0].clone());
    assert_eq!(Recipients::from_texts(&texts), Err(expected));
    assert_eq!(Recipients::from_texts(&[]), Ok(None));
    let file = "# created: 2026-11-30\nAGE-SECRET-KEY-1NONSENSE\n";
    let identities = Identities::from_text(file);
    assert_eq!(identities.err(), Some(NoKey::Identity(2)));
    assert_eq!(Identities::from_text("\n").err(), Some(NoKey::Nothing));
}

/// Keys and nonces are random, so it is written anew only on demand, and read.
#[test]
fn an_encrypted_segment_is_read_as_before() {
    let path = golden("segment-v2.gwr");
    if std::env::var_os("GATEWRIGHT_UPDATE_GOLDEN").is_some() {
        let identity = age::x25519::Identity::generate();
        fs::write(golden("identity.txt"), identity.to_string().expose_secret()).unwrap();
        let recipient = identity.to_public().to_string();
        fs::write(&path, sealed(&blocks(), &recipients(&[&recipient]))).unwrap();
    }
    let bytes = fs::read(path).unwrap();
    let identity = fs::read_to_string(golden("identity.txt")).unwrap();
    let ada = Identities::from_text(&identity).unwrap();
    assert_eq!(read(&bytes, &ada), (blocks().concat(), false, vec![]));
}
