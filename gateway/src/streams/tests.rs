//! Events on disk, and what is lost.

use std::fs::{self, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use gatewright_contract::SessionId;
use serde_json::Value;

use super::spool::{Position, Spool};
use super::*;
use crate::recording::{Judged, Opened};

fn line(sequence: u64) -> Vec<u8> {
    format!("{{\"metadata\":{{\"sequence\":{sequence}}}}}\n").into_bytes()
}

fn all(spool: &Spool, from: Position) -> Vec<u8> {
    let (mut from, mut all) = (from, Vec::new());
    loop {
        let (lines, behind) = spool.read(from, 1).expect("lines");
        if lines.is_empty() {
            return all;
        }
        (from, all) = (behind, [all, lines].concat());
    }
}

#[test]
fn what_a_crash_has_left_of_a_line_is_cut_off() {
    let folder = tempfile::tempdir().expect("a directory");
    let mut spool = Spool::open(folder.path()).expect("a spool");
    assert_eq!(spool.next_sequence().expect("a number"), 1);
    spool.append(&[line(1), line(2)].concat()).expect("room");
    drop(spool);
    let path = folder.path().join("000000000000.jsonl");
    let mut file = OpenOptions::new().append(true).open(&path).expect("a file");
    file.write_all(b"{\"metadata\":{\"seq").expect("room");
    let mut spool = Spool::open(folder.path()).expect("a spool");
    assert_eq!(spool.next_sequence().expect("a number"), 3);
    spool.append(&line(3)).expect("room");
    let lines = all(&spool, Position::default());
    assert_eq!(lines, [line(1), line(2), line(3)].concat());
}

#[test]
fn only_one_process_uses_a_spool() {
    let folder = tempfile::tempdir().expect("a directory");
    let _spool = Spool::open(folder.path()).expect("a spool");
    assert!(Spool::open(folder.path()).is_err());
}

#[test]
fn files_go_once_every_stream_is_behind_them() {
    let folder = tempfile::tempdir().expect("a directory");
    let mut spool = Spool::open(folder.path()).expect("a spool");
    let first = spool.position("a").expect("a position");
    let padded = [vec![b' '; 9 << 20], line(1)].concat();
    for _ in 0..5 {
        spool.append(&padded).expect("room");
    }
    let files = || {
        let files = fs::read_dir(folder.path()).expect("a directory");
        files
            .filter(|file| {
                let path = file.as_ref().expect("a file").path();
                path.extension().is_some_and(|known| known == "jsonl")
            })
            .count()
    };
    assert_eq!(files(), 3);
    assert_eq!(spool.behind(first), 5 * padded.len() as u64);
    let (_, behind) = spool.read(first, 1).expect("lines");
    spool.remove_before(behind).expect("nothing to remove");
    assert_eq!(files(), 3);
    let (_, behind) = spool.read(behind, 1).expect("lines");
    let (_, behind) = spool.read(behind, 1).expect("lines");
    spool.set_position("a", behind).expect("room");
    spool.remove_before(behind).expect("files");
    assert_eq!(files(), 2);
    // One that is told of from now on begins at the end; the other goes on.
    assert_eq!(spool.position("a").expect("a position"), behind);
    let new = spool.position("new").expect("a position");
    assert_eq!(spool.behind(new), 0);
}

#[derive(Default)]
struct Lost(AtomicU64);

impl StreamMetrics for Lost {
    fn delivered(&self, _: &str, _: u64) {}
    fn failed(&self, _: &str) {}
    fn pending(&self, _: &str, _: u64) {}
    fn lost(&self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

fn settings(root: &Path, limit: u64) -> StreamsSettings {
    StreamsSettings {
        directory: root.join("spool"),
        limit,
        texts: Texts::Recorded,
        streams: vec![StreamSettings {
            name: "file".to_owned(),
            to: Destination::File(root.join("missing/events")),
        }],
    }
}

fn refuse(stream: &SessionStream, text: &str) {
    stream.ended(Statement {
        session: Arc::new(opened()),
        judged: Some(Arc::new(Judged {
            text: text.to_owned(),
            ..Judged::default()
        })),
        execution: None,
    });
}

fn opened() -> Opened {
    Opened {
        session: SessionId::generate(),
        subject: "ada".to_owned(),
        database: "shop".to_owned(),
        client_address: "127.0.0.1".to_owned(),
        ..Opened::default()
    }
}

/// Nothing waits for a receiver that is away: what does not fit is lost, and shows as a gap.
#[test]
fn what_does_not_fit_is_counted_and_leaves_a_gap() {
    let root = tempfile::tempdir().expect("a directory");
    let lost = Arc::new(Lost::default());
    let metrics = Arc::clone(&lost) as Arc<dyn StreamMetrics>;
    let streams = Streams::start(settings(root.path(), 20_000), metrics).expect("streams");
    let session = streams.session();
    for number in 0..100 {
        refuse(&session, &format!("SELECT {number}"));
    }
    streams.finish();
    let spool = root.path().join("spool/000000000000.jsonl");
    let kept = fs::read_to_string(&spool).expect("events").lines().count() as u64;
    assert!(kept > 5 && kept < 100, "{kept}");
    assert_eq!(lost.0.load(Ordering::Acquire), 100 - kept);
    // What is written is delivered once it can be.
    fs::create_dir(root.path().join("missing")).expect("a directory");
    let metrics = Arc::clone(&lost) as Arc<dyn StreamMetrics>;
    let streams = Streams::start(settings(root.path(), 1 << 20), metrics).expect("streams");
    refuse(&streams.session(), "SELECT 100");
    std::thread::sleep(Duration::from_millis(10));
    streams.finish();
    let delivered = fs::read_to_string(root.path().join("missing/events")).expect("events");
    let numbers: Vec<u64> = delivered
        .lines()
        .map(|line| {
            let event: Value = serde_json::from_str(line).expect("an event");
            event["metadata"]["sequence"].as_u64().expect("a number")
        })
        .collect();
    let expected: Vec<u64> = (1..=kept).chain([101]).collect();
    assert_eq!(numbers, expected);
}

/// What was delivered does not wait, although it is still in the file.
#[test]
fn only_what_is_not_delivered_counts_for_the_limit() {
    let root = tempfile::tempdir().expect("a directory");
    fs::create_dir(root.path().join("missing")).expect("a directory");
    let lost = Arc::new(Lost::default());
    let metrics = Arc::clone(&lost) as Arc<dyn StreamMetrics>;
    let streams = Streams::start(settings(root.path(), 100_000), metrics).expect("streams");
    let session = streams.session();
    let events = root.path().join("missing/events");
    for round in 1..=10 {
        for number in 0..20 {
            refuse(&session, &format!("SELECT {number}"));
        }
        while fs::read_to_string(&events).map_or(0, |text| text.lines().count()) < round * 20 {
            std::thread::sleep(Duration::from_millis(5));
            assert_eq!(lost.0.load(Ordering::Acquire), 0, "in round {round}");
        }
    }
    streams.finish();
    assert!(fs::metadata(&events).expect("events").len() > 100_000);
}
