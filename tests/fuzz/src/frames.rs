//! Fuzz target: streams of messages in both directions, and the first packet of a connection.

use bytes::BytesMut;
use gatewright_wire::backend::{
    Authentication, BackendKeyData, CommandComplete, CopyResponse, DataRow, FunctionCallResponse,
    NegotiateProtocolVersion, NotificationResponse, ParameterDescription, ParameterStatus,
    ReadyForQuery, RowDescription,
};
use gatewright_wire::frame::{self, Side};
use gatewright_wire::frontend::Message;
use gatewright_wire::startup::Packet;
use gatewright_wire::{ErrorFields, build};

/// The maximum message length.
const LIMIT: usize = 1 << 20;

/// Decodes the bytes as messages of each side and as the first packet of a connection.
///
/// # Panics
/// If a decoder panics, a run of messages differs from its single messages, or encoding does not restore what was decoded.
pub fn frames(bytes: &[u8]) {
    for side in [Side::Frontend, Side::Backend] {
        decode_stream(bytes, side);
    }
    startup_packet(bytes);
}

fn decode_stream(bytes: &[u8], side: Side) {
    let mut rest = bytes;
    let mut frames = 0;
    while let Ok(Some(frame)) = frame::next_frame(rest, side, LIMIT) {
        assert_eq!(frame.bytes.len(), frame.body.len() + frame::HEADER_BYTES);
        match side {
            Side::Frontend => drop(Message::decode(frame.tag, frame.body)),
            Side::Backend => backend(frame.body),
        }
        rest = &rest[frame.bytes.len()..];
        frames += 1;
    }
    let run = frame::scan_run(bytes, side, |_| true);
    assert!(run.frames >= frames, "a run ends before its last message");
    if frames == run.frames {
        assert_eq!(run.bytes, bytes.len() - rest.len());
    }
}

fn backend(body: &[u8]) {
    if let Ok(rows) = RowDescription::decode(body) {
        assert_eq!(rows.fields().count(), rows.len());
    }
    if let Ok(row) = DataRow::decode(body) {
        assert!(row.cells().count() <= row.len() + 1);
    }
    if let Ok(fields) = ErrorFields::decode(body) {
        let mut out = BytesMut::new();
        build::error_response(&mut out, &fields);
        let again = ErrorFields::decode(&out[frame::HEADER_BYTES..]);
        assert_eq!(again.as_ref(), Ok(&fields));
    }
    let _ = Authentication::decode(body);
    let _ = BackendKeyData::decode(body);
    let _ = CommandComplete::decode(body);
    let _ = CopyResponse::decode(body);
    let _ = FunctionCallResponse::decode(body);
    let _ = NegotiateProtocolVersion::decode(body);
    let _ = NotificationResponse::decode(body);
    let _ = ParameterDescription::decode(body);
    let _ = ParameterStatus::decode(body);
    let _ = ReadyForQuery::decode(body);
}

fn startup_packet(bytes: &[u8]) {
    let Ok(Some((packet, used))) = Packet::decode(bytes) else {
        return;
    };
    assert!(used <= bytes.len());
    let mut out = BytesMut::new();
    match &packet {
        Packet::Startup(startup) => {
            let _ = startup.negotiate();
            if startup.encode(&mut out).is_err() {
                return;
            }
        }
        Packet::Cancel(request) => request.encode(&mut out),
        Packet::SslRequest | Packet::GssEncRequest => return,
    }
    assert_eq!(Packet::decode(&out), Ok(Some((packet, out.len()))));
}
