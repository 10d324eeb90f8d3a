//! Messages of the right length whose fields are wrong: the server answers with an error and goes on, and so does the gateway.

use anyhow::Result;
use gatewright_harness::{Dsn, Version};
use gatewright_tests::raw::{self, Client, message};

use super::wire::to_marker;
use super::{assert_same, both};

on_each_version!(malformed_messages_are_answered_alike);

fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let with_sync = |bytes: Vec<u8>| [bytes, raw::sync()].concat();
    vec![
        (
            "a Parse without the end of its text",
            with_sync(message(b'P', &[b"\0SELECT 1"])),
        ),
        (
            "a Parse with fewer types than it says",
            with_sync(message(b'P', &[b"\0SELECT 1\0\0\x02\0\0\0\x17"])),
        ),
        (
            "a Parse with bytes behind it",
            with_sync(message(b'P', &[b"\0SELECT 1\0\0\0\0"])),
        ),
        (
            "a Bind with bytes behind it",
            with_sync(
                [
                    raw::parse("", "SELECT 1"),
                    message(b'B', &[b"\0\0\0\0\0\0\0\0\0"]),
                ]
                .concat(),
            ),
        ),
        (
            "a Describe of what there is not",
            with_sync(message(b'D', &[b"X\0"])),
        ),
        (
            "a Close of what there is not",
            with_sync(message(b'C', &[b"Xs\0"])),
        ),
        ("a short Execute", with_sync(message(b'E', &[b"\0\0"]))),
        ("a Query without its end", message(b'Q', &[b"SELECT 1"])),
        (
            "a Query of two texts",
            message(b'Q', &[b"SELECT 1\0SELECT 2\0"]),
        ),
        ("a short FunctionCall", message(b'F', &[b"\0\0"])),
        (
            "what is prepared outlives a malformed Query",
            [
                raw::parse("", "SELECT 'kept'"),
                raw::sync(),
                message(b'Q', &[b"SELECT 1"]),
                raw::bind("", "", &[], 0),
                raw::execute("", 0),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "a malformed message aborts the transaction",
            [
                raw::query("BEGIN"),
                with_sync(message(b'D', &[b"X\0"])),
                raw::query("SELECT 1"),
                raw::query("ROLLBACK"),
            ]
            .concat(),
        ),
        (
            "what follows one is skipped up to Sync",
            [
                raw::parse("", "SELECT 1"),
                message(b'E', &[b"\0"]),
                raw::extended("SELECT 'skipped'", &[], 0),
                message(b'Q', &[b"SELECT 'skipped too'"]),
                message(b'F', &[b"\0\0"]),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "a malformed Query behind an error is skipped too",
            [
                raw::parse("", "SELECT FRO"),
                message(b'Q', &[b"SELECT 1"]),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "messages left over from a copy",
            [
                message(b'd', &[b"1\n"]),
                message(b'c', &[]),
                raw::query("SELECT 1"),
            ]
            .concat(),
        ),
    ]
}

fn transcript(mut client: Client) -> Result<String> {
    let mut text = String::new();
    for (name, bytes) in bodies() {
        text.push_str(&format!("-- {name}\n"));
        text.push_str(&to_marker(&mut client, &bytes)?);
    }
    Ok(text)
}

fn malformed_messages_are_answered_alike(version: Version) -> Result<()> {
    let script = |dsn: &Dsn| {
        let whole = transcript(Client::connect(dsn)?)?;
        let split = transcript(Client::connect_byte_by_byte(dsn)?)?;
        Ok(format!("{whole}\n-- byte by byte\n{split}"))
    };
    let (direct, through) = both(version, "malformed", script)?;
    assert!(direct.matches("08P01").count() >= 22, "{direct}");
    assert_same(&direct, &through);
    Ok(())
}
