//! Framing.

use crate::frame::{FrameError, Header, Run, Side, next_frame, next_header, scan_run};

const MAX: usize = 1 << 20;

fn message(tag: u8, body: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    bytes.extend((body.len() as u32 + 4).to_be_bytes());
    bytes.extend(body);
    bytes
}

#[test]
fn accepts_exactly_the_defined_tags_of_each_side() {
    let known = |side| {
        (0..=255u8)
            .filter(|&tag| next_header(&message(tag, b""), side, MAX).is_ok())
            .collect::<Vec<_>>()
    };
    assert_eq!(known(Side::Frontend), b"BCDEFHPQSXcdfp");
    assert_eq!(known(Side::Backend), b"123ACDEGHIKNRSTVWZcdnstv");
}

#[test]
fn rejects_an_unknown_tag_before_the_length_arrives() {
    assert_eq!(next_header(b"", Side::Frontend, MAX), Ok(None));
    assert_eq!(next_header(b"Q\0\0\0", Side::Frontend, MAX), Ok(None));
    assert_eq!(
        next_header(b"Q\0\0\0\x08", Side::Frontend, MAX),
        Ok(Some(Header {
            tag: b'Q',
            length: 8
        }))
    );
    assert_eq!(
        next_header(b"!", Side::Frontend, MAX),
        Err(FrameError::UnknownTag { tag: b'!' })
    );
}

#[test]
fn rejects_invalid_lengths() {
    for length in 0..4u8 {
        let bytes = [b'Q', 0, 0, 0, length];
        let expected = FrameError::LengthTooSmall {
            tag: b'Q',
            length: length.into(),
        };
        assert_eq!(next_header(&bytes, Side::Frontend, MAX), Err(expected));
    }
    for bytes in [b"Q\x80\0\0\0", b"Q\xff\xff\xff\xff"] {
        assert!(matches!(
            next_header(bytes, Side::Frontend, usize::MAX),
            Err(FrameError::TooLong { .. })
        ));
    }
    assert!(next_header(b"Q\0\x10\0\0", Side::Frontend, MAX).is_ok());
    assert!(matches!(
        next_header(b"Q\0\x10\0\x01", Side::Frontend, MAX),
        Err(FrameError::TooLong { limit: MAX, .. })
    ));
}

#[test]
fn applies_the_servers_limits_to_small_messages_from_the_client() {
    assert!(next_header(b"E\0\0\x27\x10", Side::Frontend, MAX).is_ok());
    let refused = next_header(b"E\0\0\x27\x11", Side::Frontend, MAX);
    assert_eq!(
        refused,
        Err(FrameError::TooLong {
            tag: b'E',
            length: 10_001,
            limit: 10_000
        })
    );
    assert!(next_header(b"E\0\0\x27\x11", Side::Backend, MAX).is_ok());
    assert!(next_header(b"p\0\0\xff\xff", Side::Frontend, MAX).is_ok());
    assert!(next_header(b"p\0\x01\0\0", Side::Frontend, MAX).is_err());
}

#[test]
fn returns_a_frame_once_it_is_complete() {
    let bytes = [message(b'Z', b"I"), message(b'D', b"\0\0")].concat();
    for end in 0..6 {
        assert_eq!(next_frame(&bytes[..end], Side::Backend, MAX), Ok(None));
    }
    let frame = next_frame(&bytes, Side::Backend, MAX).unwrap().unwrap();
    assert_eq!(
        (frame.tag, frame.body, frame.bytes),
        (b'Z', &b"I"[..], &bytes[..6])
    );
}

#[test]
fn a_run_ends_before_the_first_message_that_is_not_accepted_complete_and_valid() {
    let row = message(b'D', b"\0\x01\0\0\0\x01x");
    let rows = [row.clone(), row.clone(), row.clone()].concat();
    let is_row = |tag| tag == b'D';
    let whole = Run {
        bytes: rows.len(),
        frames: 3,
    };
    assert_eq!(scan_run(&rows, Side::Backend, is_row), whole);
    let with_end = [rows.clone(), message(b'C', b"SELECT 3\0")].concat();
    assert_eq!(scan_run(&with_end, Side::Backend, is_row), whole);
    let with_part = [&rows[..], &row[..row.len() - 1]].concat();
    assert_eq!(scan_run(&with_part, Side::Backend, is_row), whole);
    let with_bad = [&rows[..], b"D\0\0\0\x03"].concat();
    assert_eq!(scan_run(&with_bad, Side::Backend, |_| true), whole);
    assert_eq!(scan_run(&[], Side::Backend, |_| true), Run::default());
}
