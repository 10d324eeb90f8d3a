//! Messages that the session adds to the stream. None can be left out, or the server would owe one reply less than the
//! queue says; one that cannot be built is replaced by the stand-in, which the server refuses.

use bytes::BytesMut;
use gatewright_wire::build;
use gatewright_wire::frontend::Subject;

use super::refusal::STAND_IN;

pub(super) fn query(out: &mut BytesMut, text: &str) {
    if build::query(out, text).is_err() {
        stand_in_query(out);
    }
}

pub(super) fn parse(out: &mut BytesMut, name: &str, text: &str, types: &[u32]) {
    if build::parse(out, name, text, types).is_err() {
        stand_in_parse(out, STAND_IN);
    }
}

pub(super) fn stand_in_query(out: &mut BytesMut) {
    let built = build::query(out, STAND_IN);
    debug_assert!(
        built.is_ok(),
        "the stand-in is a short text without zero bytes"
    );
}

/// `name` was a string of the client's, so it has no zero byte, and is no longer than a message may be.
pub(super) fn stand_in_parse(out: &mut BytesMut, name: &str) {
    if build::parse(out, name, STAND_IN, &[]).is_err() {
        let built = build::parse(out, STAND_IN, STAND_IN, &[]);
        debug_assert!(
            built.is_ok(),
            "the stand-in is a short text without zero bytes"
        );
    }
}

pub(super) fn execute(out: &mut BytesMut, portal: &str) {
    if build::execute(out, portal, 0).is_err() {
        stand_in_parse(out, STAND_IN);
    }
}

pub(super) fn describe_statement(out: &mut BytesMut, name: &str) {
    if build::describe(out, Subject::Statement(name)).is_err() {
        stand_in_parse(out, STAND_IN);
    }
}

pub(super) fn close_statement(out: &mut BytesMut, name: &str) {
    if build::close(out, Subject::Statement(name)).is_err() {
        stand_in_parse(out, STAND_IN);
    }
}
