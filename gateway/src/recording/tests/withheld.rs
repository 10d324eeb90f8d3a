//! Values that are not recorded, and sessions that have used up their limit.

use super::*;

#[test]
fn where_literals_are_redacted_no_values_are_recorded() {
    let scratch = tempfile::tempdir().unwrap();
    let settings = settings(scratch.path());
    let recorder = start(&settings);
    let id = SessionId::generate();
    let database = DatabaseRecord {
        literals: Some(Literals::Redact),
        ..DatabaseRecord::default()
    };
    let open = recorder.open(opened(id), database).unwrap();
    let record = open.session();
    assert_eq!(record.literals(), Literals::Redact);
    record.received(b"1\tcanary\n");
    record.delivered(b"E\0\0\0\x0eMcan");
    record.delivered(b"ary\0\0Z\0\0\0\x05I");
    drop(open);
    recorder.finish();
    let events = events_of(&settings, id);
    let [
        Event::Opened(begun),
        Event::Received(copied),
        Event::Delivered(first),
        Event::Ended(_),
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(begun.literals, Some(Literals::Redact));
    assert_eq!((copied.withheld, copied.bytes.len()), (Some(9), 0));
    let text = String::from_utf8_lossy(&first.bytes);
    assert!(
        text.contains("not recorded") && !text.contains("can"),
        "{text}"
    );
}

#[test]
fn a_session_that_has_used_up_its_limit_says_so_once_and_goes_on_without_rows() {
    let scratch = tempfile::tempdir().unwrap();
    let settings = RecordSettings {
        session_limit: Some(100_000),
        ..settings(scratch.path())
    };
    let recorder = start(&settings);
    let id = SessionId::generate();
    let open = recorder
        .open(opened(id), DatabaseRecord::default())
        .unwrap();
    let record = open.session();
    let mut delivered = 0;
    for _ in 0..30 {
        let (attempt, _) = record.attempted(Attempted::default()).unwrap();
        record.delivered(&[b'x'; 10_000]);
        record.received(b"more");
        record.completed(completed(attempt.execution));
    }
    drop(open);
    recorder.finish();
    let events = events_of(&settings, id);
    let mut attempts = 0;
    let mut truncated = 0;
    for event in &events {
        match event {
            Event::Delivered(event) => {
                assert_eq!(truncated, 0, "rows behind the limit");
                delivered += event.bytes.len();
            }
            Event::Received(_) => assert_eq!(truncated, 0, "COPY data behind the limit"),
            Event::Attempted(_) => attempts += 1,
            Event::Truncated(event) => {
                assert_eq!(event.keep, Some(Keep::Statements));
                truncated += 1;
            }
            _ => {}
        }
    }
    assert_eq!((attempts, truncated), (30, 1));
    assert!((90_000..120_000).contains(&delivered), "{delivered}");
    assert_verifies(&settings, 1);
}
