//! COPY FROM STDIN and every message that may arrive during it. The server ignores some, ends the session on others, and
//! reads all of them once the copy has failed.

use anyhow::Result;
use gatewright_harness::Version;
use gatewright_tests::raw::{self, message};

use super::edges::{Conversation, assert_identical};

on_each_version!(failed_copies_are_identical);

fn data(text: &str) -> Vec<u8> {
    message(b'd', &[text.as_bytes()])
}

fn done() -> Vec<u8> {
    message(b'c', &[])
}

/// Every message that may be sent during COPY FROM STDIN, in a COPY started by Query and by Execute, after data that is
/// valid, invalid at once, and invalid at the end.
fn copies() -> Vec<Conversation> {
    let starts = [
        raw::query("COPY w FROM STDIN"),
        [raw::extended("COPY w FROM STDIN", &[], 0), raw::flush()].concat(),
        [raw::extended("COPY w FROM STDIN", &[], 0), raw::sync()].concat(),
        raw::query("SELECT 'before'; COPY w FROM STDIN; COPY w FROM STDIN; SELECT 'after'"),
        // Fails when the statement starts, before any data.
        raw::query("COPY never FROM STDIN"),
        [raw::extended("COPY never FROM STDIN", &[], 0), raw::sync()].concat(),
    ];
    let ends: Vec<Conversation> = vec![
        ("CopyDone", done()),
        ("CopyFail", message(b'f', &[b"given up\0"])),
        ("CopyFail without a message", message(b'f', &[])),
        ("CopyDone with a body", message(b'c', &[b"x"])),
        (
            "Sync, CopyDone",
            [raw::sync(), done(), raw::sync()].concat(),
        ),
        (
            "Syncs and Flush among data",
            [
                raw::sync(),
                raw::flush(),
                data("2\n"),
                raw::sync(),
                done(),
                raw::sync(),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "Sync, CopyFail",
            [raw::sync(), message(b'f', &[b"no\0"]), raw::sync()].concat(),
        ),
        ("invalid data between Syncs", {
            [raw::sync(), data("x\n"), raw::sync(), done(), raw::sync()].concat()
        }),
        (
            "a Query",
            [raw::query("SELECT 'run?'"), raw::sync()].concat(),
        ),
        (
            "a Parse",
            [raw::parse("", "SELECT 1"), raw::sync()].concat(),
        ),
        ("an Execute", [raw::execute("", 0), raw::sync()].concat()),
        ("a Close", [raw::close(b'S', ""), raw::sync()].concat()),
        ("a Query after Syncs", {
            let syncs = [raw::sync(), raw::sync(), raw::query("SELECT 'run?'")];
            [syncs.concat(), raw::sync()].concat()
        }),
        ("a FunctionCall", [message(b'F', &[]), raw::sync()].concat()),
        ("an unknown message type", message(b'z', &[b"what"])),
    ];
    let mut all = Vec::new();
    for start in &starts {
        for first in ["1\n", "wrong\n"] {
            for (name, end) in &ends {
                // Ends a skipped batch and any COPY that is still in progress.
                let last = [raw::sync(), done(), raw::sync(), done(), raw::sync()].concat();
                let bytes = [start.as_slice(), &data(first), end, &last];
                all.push((*name, bytes.concat()));
            }
        }
    }
    all
}

fn failed_copies_are_identical(version: Version) -> Result<()> {
    let direct = assert_identical(version, &copies())?;
    for expected in [
        "unexpected message type 0x51 during COPY from stdin",
        "unexpected message type 0x7A during COPY from stdin",
        "protocol synchronization was lost",
        "given up",
        "run?\n",
    ] {
        assert!(direct.contains(expected), "{expected}: {direct}");
    }
    Ok(())
}
