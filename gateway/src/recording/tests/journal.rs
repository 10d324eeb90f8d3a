//! What several sessions have on disk at once, and what a crash of the machine leaves of their files.

use std::fs::{self, OpenOptions};
use std::path::PathBuf;

use super::*;
use crate::recording::start::prepare;
use crate::recording::writer::RecordWriter;

/// A recorder whose rounds a test begins.
struct Rounds {
    core: Arc<Core>,
    writer: RecordWriter,
}

impl Rounds {
    fn begin(settings: &RecordSettings) -> Self {
        let core = Arc::new(Core::new(settings.durability, None, Arc::new(Uncounted)));
        let writer = prepare(settings.clone(), Arc::clone(&core)).unwrap().writer;
        Rounds { core, writer }
    }

    fn open(&self) -> OpenRecord {
        let id = SessionId::generate();
        OpenRecord::begin(&self.core, opened(id), None).unwrap()
    }
}

fn id_of(open: &OpenRecord) -> SessionId {
    open.session().open().unwrap().id
}

fn first_segment(settings: &RecordSettings, id: SessionId) -> PathBuf {
    Directory::new(&settings.directory).segment(id, 0)
}

/// The machine stops: of a file, only its beginning was on disk. `None`: not even its name.
fn crash(settings: &RecordSettings, id: SessionId, kept: Option<u64>) {
    let path = first_segment(settings, id);
    match kept {
        None => fs::remove_file(path).unwrap(),
        Some(length) => {
            let file = OpenOptions::new().write(true).open(path).unwrap();
            file.set_len(length).unwrap();
        }
    }
}

#[test]
fn what_several_sessions_attempted_outlives_the_machine() {
    for keeps in [None, Some(0), Some(100)] {
        let scratch = tempfile::tempdir().unwrap();
        let settings = settings(scratch.path());
        let mut rounds = Rounds::begin(&settings);
        let open: Vec<OpenRecord> = (0..3).map(|_| rounds.open()).collect();
        for _ in 0..3 {
            for open in &open {
                open.session().delivered(b"rows");
                open.session().attempted(Attempted::default()).unwrap();
                assert!(Barrier::new(open.session()).is_closed());
            }
            rounds.writer.round(false).unwrap();
            let mut all = open.iter().map(|open| Barrier::new(open.session()));
            assert!(all.all(|barrier| !barrier.is_closed()));
        }
        drop(rounds);
        let ids: Vec<SessionId> = open.iter().map(id_of).collect();
        for id in &ids {
            crash(&settings, *id, keeps);
        }
        start(&settings).finish();
        for id in ids {
            let events = events_of(&settings, id);
            let attempts = events.iter();
            let attempts = attempts.filter(|event| matches!(event, Event::Attempted(_)));
            assert_eq!(attempts.count(), 3, "{:?}", names(&events));
            assert_eq!(names(&events).last(), Some(&"ended"));
        }
        assert_verifies(&settings, 3);
    }
}

/// Its room is used again when all files are on disk, and what it had before is not put into them any more.
#[test]
fn a_journal_that_is_full_begins_again() {
    let scratch = tempfile::tempdir().unwrap();
    let settings = settings(scratch.path());
    let mut rounds = Rounds::begin(&settings);
    let open = [rounds.open(), rounds.open()];
    let ids = [id_of(&open[0]), id_of(&open[1])];
    let rows: Vec<u8> = (0..100_000_u32).map(|n| (n ^ (n >> 7)) as u8).collect();
    let journal = Directory::new(&settings.directory).journal();
    let size = fs::metadata(&journal).unwrap().len();
    for _ in 0..200 {
        for open in &open {
            open.session().attempted(Attempted::default()).unwrap();
            open.session().delivered(&rows);
        }
        rounds.writer.round(false).unwrap();
    }
    assert_eq!(fs::metadata(&journal).unwrap().len(), size);
    drop(rounds);
    start(&settings).finish();
    for id in ids {
        let events = events_of(&settings, id);
        let attempts = events.iter();
        let attempts = attempts.filter(|event| matches!(event, Event::Attempted(_)));
        assert_eq!(attempts.count(), 200);
    }
    assert_verifies(&settings, 2);
}

/// A session that was deleted does not come back.
#[test]
fn nothing_is_put_into_segments_that_are_logged() {
    let scratch = tempfile::tempdir().unwrap();
    let settings = settings(scratch.path());
    let mut rounds = Rounds::begin(&settings);
    let open = [rounds.open(), rounds.open()];
    let ids = [id_of(&open[0]), id_of(&open[1])];
    rounds.writer.round(false).unwrap();
    drop(open);
    // Both ends, and the log.
    rounds.core.stop();
    rounds.writer.run();
    crash(&settings, ids[0], None);
    start(&settings).finish();
    assert!(!first_segment(&settings, ids[0]).exists());
    assert!(first_segment(&settings, ids[1]).exists());
}
