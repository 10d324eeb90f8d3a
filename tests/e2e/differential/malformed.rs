//! Messages of valid length with invalid fields: the server answers with an error and continues, and so must the gateway.

use anyhow::Result;
use gatewright_harness::{Dsn, Version};
use gatewright_tests::raw::{self, Client, message};

use super::wire::to_marker;
use super::{assert_same, both};

on_each_version!(malformed_messages_get_identical_replies);

fn bodies() -> Vec<(&'static str, Vec<u8>)> {
    let with_sync = |bytes: Vec<u8>| [bytes, raw::sync()].concat();
    vec![
        (
            "a Parse without the terminator of its query string",
            with_sync(message(b'P', &[b"\0SELECT 1"])),
        ),
        (
            "a Parse with fewer parameter types than announced",
            with_sync(message(b'P', &[b"\0SELECT 1\0\0\x02\0\0\0\x17"])),
        ),
        (
            "a Parse with trailing bytes",
            with_sync(message(b'P', &[b"\0SELECT 1\0\0\0\0"])),
        ),
        (
            "a Bind with trailing bytes",
            with_sync(
                [
                    raw::parse("", "SELECT 1"),
                    message(b'B', &[b"\0\0\0\0\0\0\0\0\0"]),
                ]
                .concat(),
            ),
        ),
        (
            "a Describe of an unknown kind",
            with_sync(message(b'D', &[b"X\0"])),
        ),
        (
            "a Close of an unknown kind",
            with_sync(message(b'C', &[b"Xs\0"])),
        ),
        ("a short Execute", with_sync(message(b'E', &[b"\0\0"]))),
        (
            "a Query without a terminator",
            message(b'Q', &[b"SELECT 1"]),
        ),
        (
            "a Query with two strings",
            message(b'Q', &[b"SELECT 1\0SELECT 2\0"]),
        ),
        ("a short FunctionCall", message(b'F', &[b"\0\0"])),
        (
            "prepared statements survive a malformed Query",
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
            "messages after a malformed one are skipped up to Sync",
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
            "a malformed Query after an error is skipped",
            [
                raw::parse("", "SELECT FRO"),
                message(b'Q', &[b"SELECT 1"]),
                raw::sync(),
            ]
            .concat(),
        ),
        (
            "messages left over from COPY",
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

fn malformed_messages_get_identical_replies(version: Version) -> Result<()> {
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
