//! Property tests: no input makes a decoder panic, and decoded lists are consistent.

use proptest::prelude::*;

use crate::backend::*;
use crate::frontend::{Message, password};
use crate::{ErrorFields, Side, frame};

fn decode_all(body: &[u8]) {
    for tag in 0..=255u8 {
        if let Ok(Message::Bind(bind)) = Message::decode(tag, body) {
            assert_eq!(bind.parameters.iter().count(), bind.parameters.len());
            assert!(bind.formats.of(0).is_some());
        }
    }
    let _ = password(body);
    if let Ok(rows) = RowDescription::decode(body) {
        assert_eq!(rows.fields().count(), rows.len());
    }
    if let Ok(row) = DataRow::decode(body) {
        // At most one extra item: the error for trailing bytes.
        assert!(row.cells().count() <= row.len() + 1);
    }
    if let Ok(complete) = CommandComplete::decode(body) {
        let _ = complete.rows();
    }
    let _ = ReadyForQuery::decode(body);
    let _ = CopyResponse::decode(body);
    let _ = ParameterStatus::decode(body);
    let _ = BackendKeyData::decode(body);
    let _ = ParameterDescription::decode(body);
    let _ = Authentication::decode(body);
    let _ = NotificationResponse::decode(body);
    let _ = FunctionCallResponse::decode(body);
    let _ = NegotiateProtocolVersion::decode(body);
    if let Ok(fields) = ErrorFields::decode(body) {
        let _ = (
            fields.severity(),
            fields.sqlstate(),
            fields.message(),
            fields.position(),
        );
    }
}

proptest! {
    #[test]
    fn decoders_accept_arbitrary_bodies_without_panicking(body in proptest::collection::vec(any::<u8>(), 0..120)) {
        decode_all(&body);
    }

    // Mostly zero bytes and small numbers, so that counts and strings are often valid.
    #[test]
    fn decoders_accept_plausible_bodies_without_panicking(body in proptest::collection::vec(prop_oneof![4 => Just(0u8), 2 => 0u8..4, 1 => any::<u8>()], 0..120)) {
        decode_all(&body);
    }

    #[test]
    fn framing_accepts_arbitrary_streams_without_panicking(bytes in proptest::collection::vec(any::<u8>(), 0..120), max in 0usize..200) {
        for side in [Side::Frontend, Side::Backend] {
            let _ = frame::next_header(&bytes, side, max);
            let run = frame::scan_run(&bytes, side, |_| true);
            prop_assert!(run.bytes <= bytes.len());
            if let Ok(Some(frame)) = frame::next_frame(&bytes, side, max) {
                prop_assert_eq!(frame.bytes.len(), frame.body.len() + 5);
            }
        }
    }
}
