//! The recorder on real files.

mod journal;
mod withheld;

use std::fs;
use std::future::poll_fn;
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use gatewright_contract::{Outcome, SessionId};
use gatewright_record::directory::Directory;
use gatewright_record::log::{PublicKey, SigningKey};
use gatewright_record::sealed::Identities;
use gatewright_record::verify::{self, Report, Trust};
use gatewright_record::{Event, session};

use super::recorder::{Core, Unwinding};
use super::*;

pub struct Uncounted;

impl RecordMetrics for Uncounted {
    fn written(&self, _: u64, _: u64) {}
    fn waited(&self, _: f64) {}
    fn failed(&self) {}
    fn truncated(&self) {}
    fn deleted(&self, _: u64) {}
    fn checkpoint(&self, _: bool) {}
    fn uploaded(&self, _: bool) {}
    fn backlog(&self, _: u64) {}
}

/// The record of a session that is on disk when a test says so.
pub struct Unwritten {
    core: Arc<Core>,
    open: OpenRecord,
}

impl Unwritten {
    pub fn begin() -> Self {
        let core = Arc::new(Core::new(Durability::Statement, None, Arc::new(Uncounted)));
        let open = OpenRecord::begin(&core, Opened::default(), None).unwrap();
        Unwritten { core, open }
    }

    pub fn session(&self) -> SessionRecord {
        self.open.session()
    }

    pub fn attempt(&self) -> Attempt {
        self.session().attempted(Attempted::default()).unwrap().0
    }

    /// It is on disk now.
    pub fn write(&self) {
        for queued in self.core.take_queue() {
            let taken = queued.take();
            queued.set_written(taken.position);
            queued.set_synced(taken.position);
        }
    }
}

fn settings(root: &Path) -> RecordSettings {
    RecordSettings {
        directory: root.join("record"),
        key_file: root.join("log.key"),
        durability: Durability::Statement,
        when_unwritable: WhenUnwritable::Refuse,
        interval: Duration::from_millis(50),
        keep: Keep::Rows,
        literals: Literals::Keep,
        session_limit: None,
        retention: Retention::default(),
        recipients: None,
        origins: false,
        max_segment: 1 << 20,
        store: None,
        keep_local: None,
        upload_backlog: None,
        checkpoints: None,
        checkpoint_interval: Duration::from_millis(20),
    }
}

fn start(settings: &RecordSettings) -> Recorder {
    Recorder::start(settings.clone(), Arc::new(Uncounted)).unwrap()
}

fn only(keep: Keep) -> DatabaseRecord {
    DatabaseRecord {
        keep: Some(keep),
        ..DatabaseRecord::default()
    }
}

fn opened(id: SessionId) -> Opened {
    Opened {
        session: id,
        subject: "ada".to_owned(),
        ..Opened::default()
    }
}

fn completed(execution: u64) -> Completed {
    Completed {
        execution,
        at: now(),
        outcome: Outcome::Completed,
        rows: 1,
        bytes: 1,
        masked_cells: 0,
        changed: None,
        sqlstate: "00000".to_owned(),
        elapsed_us: 1,
    }
}

fn events_of(settings: &RecordSettings, id: SessionId) -> Vec<Event<'static>> {
    let segments = Directory::new(&settings.directory).of(id).unwrap();
    let mut events = Vec::new();
    session::read(&segments, &mut |event| events.push(event.into_owned())).unwrap();
    events
}

fn verified(settings: &RecordSettings) -> Report {
    let key = fs::read_to_string(&settings.key_file).unwrap();
    let trust = Trust {
        key: SigningKey::from_text(&key).unwrap().public(),
        older: Vec::new(),
        identities: Identities::default(),
    };
    verify::all(&Directory::new(&settings.directory), &trust).unwrap()
}

fn assert_verifies(settings: &RecordSettings, sessions: usize) {
    let report = verified(settings);
    let found: Vec<_> = report.findings.iter().map(ToString::to_string).collect();
    assert!(report.is_good() && report.open.is_empty(), "{found:?}");
    assert_eq!(report.sessions, sessions);
}

fn names(events: &[Event<'_>]) -> Vec<&'static str> {
    let name = |event: &Event<'_>| match event {
        Event::Opened(_) => "opened",
        Event::Judged(_) => "judged",
        Event::Attempted(_) => "attempted",
        Event::Delivered(_) => "delivered",
        Event::Received(_) => "received",
        Event::Completed(_) => "completed",
        Event::Truncated(_) => "truncated",
        Event::Continued(_) => "continued",
        Event::Ended(_) => "ended",
        Event::Sealed(_) => "sealed",
        Event::Viewed(_) => "viewed",
    };
    events.iter().map(name).collect()
}

#[tokio::test]
async fn what_may_leave_is_on_disk_before_the_session_ends() {
    for durability in [
        Durability::Statement,
        Durability::Interval,
        Durability::None,
    ] {
        let scratch = tempfile::tempdir().unwrap();
        let settings = RecordSettings {
            durability,
            ..settings(scratch.path())
        };
        let recorder = start(&settings);
        let id = SessionId::generate();
        let open = recorder
            .open(opened(id), DatabaseRecord::default())
            .unwrap();
        let record = open.session();
        record.judged(Judged::default());
        let (attempt, settling) = record.attempted(Attempted::default()).unwrap();
        assert_eq!(attempt.execution, 1);
        assert!(settling.is_none(), "there is room");
        let mut barrier = Barrier::new(record.clone());
        poll_fn(|context| barrier.poll_open(context)).await;
        assert!(record.may_be_sent(attempt));
        if durability == Durability::Statement {
            let events = events_of(&settings, id);
            assert_eq!(names(&events), ["opened", "judged", "attempted"]);
        }
        record.delivered(b"Z\0\0\0\x05I");
        record.received(b"d\0\0\0\x04");
        record.completed(completed(attempt.execution));
        open.end("client_left");
        recorder.finish();
        let events = events_of(&settings, id);
        let expected = [
            "opened",
            "judged",
            "attempted",
            "delivered",
            "received",
            "completed",
            "ended",
        ];
        assert_eq!(names(&events), expected);
        assert_verifies(&settings, 1);
    }
}

#[test]
fn a_database_may_keep_less() {
    let scratch = tempfile::tempdir().unwrap();
    let settings = settings(scratch.path());
    let recorder = start(&settings);
    for (keep, expected) in [
        (Keep::Nothing, vec!["opened", "ended"]),
        (
            Keep::Statements,
            vec!["opened", "judged", "attempted", "completed", "ended"],
        ),
    ] {
        let id = SessionId::generate();
        let open = recorder.open(opened(id), only(keep)).unwrap();
        let record = open.session();
        record.judged(Judged::default());
        let (attempt, _) = record.attempted(Attempted::default()).unwrap();
        record.delivered(b"rows");
        record.received(b"rows");
        record.completed(completed(attempt.execution));
        drop(open);
        // Nothing follows the end.
        record.judged(Judged::default());
        let again = Recorder::clone(&recorder);
        drop(again);
        while !names(&events_of(&settings, id)).contains(&"ended") {
            std::thread::yield_now();
        }
        assert_eq!(names(&events_of(&settings, id)), expected);
    }
    recorder.finish();
    assert_verifies(&settings, 2);
}

#[test]
fn a_long_session_has_many_segments() {
    let scratch = tempfile::tempdir().unwrap();
    let settings = RecordSettings {
        max_segment: 1,
        ..settings(scratch.path())
    };
    let recorder = start(&settings);
    let id = SessionId::generate();
    let open = recorder
        .open(opened(id), DatabaseRecord::default())
        .unwrap();
    let rows: Vec<u8> = (0..3_000_000_u32).map(|n| (n ^ (n >> 7)) as u8).collect();
    open.session().delivered(&rows);
    drop(open);
    recorder.finish();
    let segments = Directory::new(&settings.directory).of(id).unwrap();
    assert!(segments.len() > 2, "{} segments", segments.len());
    let mut delivered = Vec::new();
    for event in events_of(&settings, id) {
        if let Event::Delivered(event) = event {
            delivered.extend_from_slice(&event.bytes);
        }
    }
    assert!(delivered == rows);
    assert_verifies(&settings, 1);
}

#[test]
fn a_session_with_much_to_write_waits_for_room() {
    let core = Arc::new(Core::new(Durability::Interval, None, Arc::new(Uncounted)));
    let open = OpenRecord::begin(&core, Opened::default(), None).unwrap();
    let record = open.session();
    let mut context = Context::from_waker(Waker::noop());
    assert!(!record.is_full() && record.poll_room(&mut context).is_pending());
    record.delivered(&vec![0; 2 << 20]);
    assert!(record.is_full());
    let (_, settling) = record.attempted(Attempted::default()).unwrap();
    let mut settling = Box::pin(settling.unwrap().settled());
    assert!(settling.as_mut().poll(&mut context).is_pending());
    assert!(record.poll_room(&mut context).is_pending());
    for queued in core.take_queue() {
        let taken = queued.take();
        assert!(taken.bytes.len() > 2 << 20);
        queued.set_written(taken.position);
    }
    assert!(!record.is_full());
    assert_eq!(record.poll_room(&mut context), Poll::Ready(()));
    assert!(record.poll_room(&mut context).is_pending());
    assert_eq!(settling.as_mut().poll(&mut context), Poll::Ready(Ok(())));
}

#[test]
fn nothing_leaves_before_it_is_on_disk() {
    let unwritten = Unwritten::begin();
    let mut context = Context::from_waker(Waker::noop());
    let mut barrier = Barrier::new(unwritten.session());
    assert_eq!(
        barrier.poll_open(&mut context),
        Poll::Ready(()),
        "nothing is attempted"
    );
    let first = unwritten.attempt();
    let second = unwritten.attempt();
    assert!(barrier.poll_open(&mut context).is_pending());
    assert!(!unwritten.session().may_be_sent(first));
    unwritten.write();
    assert_eq!(barrier.poll_open(&mut context), Poll::Ready(()));
    assert!(unwritten.session().may_be_sent(second));
    let third = unwritten.attempt();
    assert!(barrier.is_closed() && !unwritten.session().may_be_sent(third));
}

#[tokio::test]
async fn what_cannot_be_written_fails_and_is_written_later() {
    let scratch = tempfile::tempdir().unwrap();
    let settings = settings(scratch.path());
    let recorder = start(&settings);
    let sessions = settings.directory.join("sessions");
    let aside = scratch.path().join("aside");
    fs::rename(&sessions, &aside).unwrap();
    let id = SessionId::generate();
    let open = recorder
        .open(opened(id), DatabaseRecord::default())
        .unwrap();
    let record = open.session();
    let attempted = record.attempted(Attempted::default());
    assert_eq!(recorder.failed().await, Failure::Io);
    if let Ok((attempt, _)) = attempted {
        assert!(Barrier::new(record.clone()).is_closed() && !record.may_be_sent(attempt));
    }
    assert!(record.attempted(Attempted::default()).is_err());
    let other = SessionId::generate();
    assert_eq!(
        recorder
            .open(opened(other), DatabaseRecord::default())
            .err(),
        Some(Failure::Io)
    );
    record.completed(completed(1));
    open.end("unrecorded");
    fs::rename(&aside, &sessions).unwrap();
    let open = loop {
        match recorder.open(opened(other), DatabaseRecord::default()) {
            Ok(open) => break open,
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    open.session().attempted(Attempted::default()).unwrap();
    let mut barrier = Barrier::new(open.session());
    poll_fn(|context| barrier.poll_open(context)).await;
    drop(open);
    recorder.finish();
    let events = events_of(&settings, id);
    assert_eq!(
        names(&events),
        ["opened", "attempted", "completed", "ended"]
    );
    assert_verifies(&settings, 2);
}

#[tokio::test]
async fn what_cannot_be_written_waits_where_it_is_to() {
    for durability in [Durability::Statement, Durability::Interval] {
        let scratch = tempfile::tempdir().unwrap();
        let settings = RecordSettings {
            durability,
            when_unwritable: WhenUnwritable::Hold,
            ..settings(scratch.path())
        };
        let recorder = start(&settings);
        let sessions = settings.directory.join("sessions");
        let aside = scratch.path().join("aside");
        fs::rename(&sessions, &aside).unwrap();
        let id = SessionId::generate();
        let open = recorder
            .open(opened(id), DatabaseRecord::default())
            .unwrap();
        let record = open.session();
        while recorder.failure().is_none() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
        let mut failed = Box::pin(recorder.failed());
        let mut context = Context::from_waker(Waker::noop());
        assert!(
            failed.as_mut().poll(&mut context).is_pending(),
            "no session ends"
        );
        let (attempt, settling) = record.attempted(Attempted::default()).unwrap();
        let settling = settling.unwrap();
        assert!(settling.is_held());
        let mut settled = Box::pin(settling.settled());
        assert!(settled.as_mut().poll(&mut context).is_pending());
        let mut barrier = Barrier::new(record.clone());
        let is_statement = durability == Durability::Statement;
        assert_eq!(barrier.is_stuck(), is_statement);
        fs::rename(&aside, &sessions).unwrap();
        assert_eq!(settled.await, Ok(()));
        poll_fn(|context| barrier.poll_open(context)).await;
        record.completed(completed(attempt.execution));
        drop(open);
        recorder.finish();
        let events = events_of(&settings, id);
        assert_eq!(
            names(&events),
            ["opened", "attempted", "completed", "ended"]
        );
        assert_verifies(&settings, 1);
    }
}

#[test]
fn nothing_is_recorded_once_the_thread_that_writes_has_panicked() {
    for holds in [false, true] {
        nothing_is_recorded_without_a_writer(holds);
    }
}

fn nothing_is_recorded_without_a_writer(holds: bool) {
    let core = Core::new(Durability::Statement, None, Arc::new(Uncounted));
    let core = Arc::new(core.holding(holds));
    let (ended, panicked) = (Unwinding(Arc::clone(&core)), Unwinding(Arc::clone(&core)));
    std::thread::spawn(move || drop(ended)).join().unwrap();
    let open = OpenRecord::begin(&core, Opened::default(), None).unwrap();
    let thread = std::thread::spawn(move || {
        let _panicked = panicked;
        panic!("a test");
    });
    assert!(thread.join().is_err());
    assert_eq!(core.failure(), Some(Failure::Io));
    let attempted = open.session().attempted(Attempted::default());
    assert_eq!(attempted.err(), Some(Failure::Io));
    assert_eq!(
        OpenRecord::begin(&core, Opened::default(), None).err(),
        Some(Failure::Io)
    );
}

#[test]
fn a_directory_is_recorded_in_by_one_gateway_with_its_key() {
    let scratch = tempfile::tempdir().unwrap();
    let settings = settings(scratch.path());
    let recorder = start(&settings);
    drop(
        recorder
            .open(opened(SessionId::generate()), DatabaseRecord::default())
            .unwrap(),
    );
    let second = Recorder::start(settings.clone(), Arc::new(Uncounted));
    assert!(matches!(second.err(), Some(StartError::InUse(_))));
    recorder.finish();
    let again = start(&settings);
    again.finish();
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(&settings.key_file)
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o777, 0o600);
    let public = settings.directory.join("log/key.pub");
    assert!(PublicKey::from_text(&fs::read_to_string(public).unwrap()).is_ok());
    fs::remove_file(&settings.key_file).unwrap();
    let other = Recorder::start(settings.clone(), Arc::new(Uncounted));
    assert!(matches!(other.err(), Some(StartError::Log(_))));
}

/// What a gateway leaves that was killed.
#[test]
fn a_session_without_an_end_gets_one_at_the_next_start() {
    let scratch = tempfile::tempdir().unwrap();
    let settings = settings(scratch.path());
    let recorder = start(&settings);
    let id = SessionId::generate();
    let open = recorder
        .open(opened(id), DatabaseRecord::default())
        .unwrap();
    open.session().attempted(Attempted::default()).unwrap();
    // The process would be gone here.
    recorder.finish();
    std::mem::forget(open);
    assert_eq!(verified(&settings).open, [id]);
    let again = start(&settings);
    let events = events_of(&settings, id);
    assert_eq!(
        names(&events),
        ["opened", "attempted", "completed", "ended"]
    );
    let Event::Completed(completed) = &events[2] else {
        panic!("{events:?}");
    };
    assert_eq!((completed.execution, completed.outcome), (1, Outcome::Lost));
    assert_verifies(&settings, 1);
    again.finish();
}

/// With less, it waits for more to be written with it.
#[test]
fn a_session_with_much_to_write_does_not_wait_for_others() {
    let core = Arc::new(Core::new(Durability::Interval, None, Arc::new(Uncounted)));
    let record = OpenRecord::begin(&core, opened(SessionId::generate()), None).unwrap();
    record.session().delivered(&[0; 100]);
    assert!(!core.is_urgent());
    for _ in 0..4 {
        record.session().delivered(&[0; 100_000]);
    }
    assert!(core.is_urgent());
    // The thread takes all there is.
    core.take_queue();
    assert!(!core.is_urgent());
}
