//! COPY FROM STDIN and everything that may be sent while the server takes its data: the server ignores some of it, ends the session over some,
//! and reads all of it once the copy has failed.

use anyhow::Result;
use gatewright_harness::Version;
use gatewright_tests::raw::{self, message};

use super::edges::{Conversation, alike};

on_each_version!(copies_fail_alike);

fn data(text: &str) -> Vec<u8> {
    message(b'd', &[text.as_bytes()])
}

fn done() -> Vec<u8> {
    message(b'c', &[])
}

/// Everything that may be sent to a server that copies in, each in a COPY of a Query and of an Execute, and each behind data
/// that is right, that is wrong at once, and that is wrong at the end.
fn copies() -> Vec<Conversation> {
    let starts = [
        raw::query("COPY w FROM STDIN"),
        [raw::extended("COPY w FROM STDIN", &[], 0), raw::flush()].concat(),
        [raw::extended("COPY w FROM STDIN", &[], 0), raw::sync()].concat(),
        raw::query("SELECT 'before'; COPY w FROM STDIN; COPY w FROM STDIN; SELECT 'after'"),
        // Fails when its statement begins, ahead of any data.
        raw::query("COPY never FROM STDIN"),
        [raw::extended("COPY never FROM STDIN", &[], 0), raw::sync()].concat(),
    ];
    let ends: Vec<Conversation> = vec![
        ("CopyDone", done()),
        ("CopyFail", message(b'f', &[b"given up\0"])),
        ("CopyFail without words", message(b'f', &[])),
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
        ("wrong data between Syncs", {
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
        ("a Query behind Syncs", {
            let syncs = [raw::sync(), raw::sync(), raw::query("SELECT 'run?'")];
            [syncs.concat(), raw::sync()].concat()
        }),
        ("a FunctionCall", [message(b'F', &[]), raw::sync()].concat()),
        ("no type of message", message(b'z', &[b"what"])),
    ];
    let mut all = Vec::new();
    for start in &starts {
        for first in ["1\n", "wrong\n"] {
            for (name, end) in &ends {
                // What ends a skipped series, and any COPY that is still open.
                let last = [raw::sync(), done(), raw::sync(), done(), raw::sync()].concat();
                let bytes = [start.as_slice(), &data(first), end, &last];
                all.push((*name, bytes.concat()));
            }
        }
    }
    all
}

fn copies_fail_alike(version: Version) -> Result<()> {
    let direct = alike(version, &copies())?;
    for told in [
        "unexpected message type 0x51 during COPY from stdin",
        "unexpected message type 0x7A during COPY from stdin",
        "protocol synchronization was lost",
        "given up",
        "run?\n",
    ] {
        assert!(direct.contains(told), "{told}: {direct}");
    }
    Ok(())
}
