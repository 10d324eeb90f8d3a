//! What the client gets of notices and notifications.

use bytes::{Buf, BytesMut};
use gatewright_wire::{ErrorFields, build};

use super::play::*;

fn notice(out: &mut BytesMut) {
    let mut fields = ErrorFields::new("NOTICE", "00000", "it is ada@example.com");
    fields.set(b'F', "pl_exec.c");
    build::notice_response(out, &fields);
}

/// Functions that are declared immutable run when the server plans, which it does at Bind.
#[test]
fn notices_are_withheld_from_bind_on() {
    let mut play = Play::new();
    play.client(parse("", "code one"));
    play.client(|out| bind(out, ""));
    play.server(|out| {
        build::parse_complete(out);
        notice(out);
        build::bind_complete(out);
    });
    let seen = play.output.to_client.chunk().to_vec();
    assert!(!seen.windows(4).any(|window| window == b"ada@"), "{seen:?}");
    assert_eq!(play.replied().len(), 3);
}

#[test]
fn notices_of_other_statements_pass() {
    let mut play = Play::new();
    play.client(query("select 1"));
    play.server(notice);
    let seen = play.output.to_client.chunk().to_vec();
    assert!(seen.windows(4).any(|window| window == b"ada@"));
}

#[test]
fn notifications_are_judged() {
    let notification = |channel: &'static [u8]| {
        move |out: &mut BytesMut| {
            let body = [&[0, 0, 0, 1], channel, b"\0ada@\0"].concat();
            out.extend_from_slice(b"A");
            let length = u32::try_from(body.len() + 4).expect("short");
            out.extend_from_slice(&length.to_be_bytes());
            out.extend_from_slice(&body);
        }
    };
    let mut play = Play::new();
    play.server(notification(b"secret"));
    assert!(play.output.to_client.chunk().is_empty());
    // Nobody can judge what is not in the client's encoding.
    play.server(notification(b"\xff"));
    assert!(play.output.to_client.chunk().is_empty());
    play.server(notification(b"news"));
    assert!(!play.output.to_client.chunk().is_empty());
}
