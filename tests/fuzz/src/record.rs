//! Fuzz target: files of the record, and what is in them.

use gatewright_record::framing::{self, Joiner};
use gatewright_record::log::Entry;
use gatewright_record::sealed::Identities;
use gatewright_record::segment::{Codec, Hash, Header, Version, Writer, scan, scan_as};

/// Reads the bytes as a segment, as the events of a block, and as an entry of the log.
///
/// # Panics
/// If a reader panics, damage lies outside of the file, or events are not written as they were read.
pub fn record(bytes: &[u8]) {
    let read = scan(bytes, &mut |_| {}).expect("reading from memory does not fail");
    assert!(read.whole_to <= bytes.len() as u64);
    for damage in &read.damages {
        assert!(damage.from <= damage.to);
    }
    let identities = Identities::default();
    let again = scan_as(bytes, &identities, Some(bytes), &mut |_| {});
    assert_eq!(again.expect("reading from memory does not fail"), read);
    events(bytes);
    if let Some(entry) = Entry::from_bytes(bytes) {
        assert_eq!(entry.to_bytes(), bytes);
    }
    in_a_segment(bytes);
}

fn events(bytes: &[u8]) {
    let mut written = Vec::new();
    let mut read = Vec::new();
    let outcome = Joiner::default().read(bytes, &mut |event| read.push(event.into_owned()));
    for event in &read {
        framing::append(&mut written, event).expect("what was read can be written");
    }
    let mut again = Vec::new();
    Joiner::default()
        .read(&written, &mut |event| again.push(event.into_owned()))
        .expect("what was written can be read");
    assert_eq!(again, read, "{outcome:?}");
}

/// With hashes that fit, so that what is behind them is reached.
fn in_a_segment(bytes: &[u8]) {
    let header = Header {
        session: gatewright_contract::SessionId::default(),
        number: 0,
        previous: Hash::default(),
        version: Version::Clear,
    };
    let mut codec = Codec::new().expect("memory for a codec");
    let mut writer = Writer::begin(Vec::new(), header).expect("writing to memory does not fail");
    writer
        .append(bytes, &mut codec)
        .expect("writing to memory does not fail");
    let segment = std::mem::take(writer.out());
    let read = scan(&*segment, &mut |_| {}).expect("reading from memory does not fail");
    assert_eq!((read.blocks, read.digest), (1, writer.digest()));
}
