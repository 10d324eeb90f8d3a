//! Large objects as libpq accesses them: by FunctionCall, in a transaction.

use anyhow::Result;
use gatewright_harness::{Dsn, Version};
use gatewright_tests::raw::{self, Client, message};

use super::wire::to_marker_or_end;
use super::{assert_same, both};

on_each_version!(large_objects_are_written_and_read_identically);

/// The OID of the object that is created.
const OBJECT: i32 = 424_242;
// Functions by their OID in pg_proc.dat.
const CREATE: u32 = 715;
const OPEN: u32 = 952;
const CLOSE: u32 = 953;
const READ: u32 = 954;
const WRITE: u32 = 955;
const SEEK: u32 = 956;
const TELL: u32 = 958;
const UNLINK: u32 = 964;
const TRUNCATE: u32 = 1004;

/// A FunctionCall with arguments and result in binary.
fn call(function: u32, arguments: &[&[u8]]) -> Vec<u8> {
    let mut body = function.to_be_bytes().to_vec();
    body.extend([0, 1, 0, 1]);
    body.extend(u16::try_from(arguments.len()).unwrap_or(0).to_be_bytes());
    for argument in arguments {
        body.extend(u32::try_from(argument.len()).unwrap_or(0).to_be_bytes());
        body.extend_from_slice(argument);
    }
    body.extend([0, 1]);
    message(b'F', &[&body])
}

fn conversation() -> Vec<u8> {
    let number = |value: i32| value.to_be_bytes();
    let (object, file) = (number(OBJECT), number(0));
    let data: Vec<u8> = (0..=255).cycle().take(70_000).collect();
    let (for_both, for_reading) = (number(0x60000), number(0x40000));
    [
        call(CREATE, &[&object]),
        raw::query("BEGIN"),
        call(OPEN, &[&object, &for_both]),
        call(WRITE, &[&file, &data]),
        call(TELL, &[&file]),
        call(SEEK, &[&file, &number(65_000), &number(0)]),
        call(READ, &[&file, &number(100_000)]),
        call(TRUNCATE, &[&file, &number(10)]),
        call(CLOSE, &[&file]),
        raw::query("COMMIT"),
        raw::query("SELECT lo_get(424242)"),
        raw::query("BEGIN"),
        call(OPEN, &[&object, &for_reading]),
        // The descriptor is read-only.
        call(WRITE, &[&file, b"more"]),
        call(READ, &[&file, &number(10)]),
        raw::query("ROLLBACK"),
        // Descriptors are closed at the end of the transaction.
        call(READ, &[&file, &number(10)]),
        raw::query("SELECT lo_put(424242, 5, 'five'); SELECT lo_get(424242, 0, 100)"),
        call(UNLINK, &[&object]),
        call(UNLINK, &[&object]),
    ]
    .concat()
}

fn large_objects_are_written_and_read_identically(version: Version) -> Result<()> {
    let script = |dsn: &Dsn| {
        let whole = to_marker_or_end(&mut Client::connect(dsn)?, &conversation());
        let split = to_marker_or_end(&mut Client::connect_byte_by_byte(dsn)?, &conversation());
        Ok(format!("{whole:?}\n{split:?}").replace("\\n", "\n"))
    };
    let (direct, through) = both(version, "large_objects", script)?;
    for reported in ["55000", "66697665", "42704"] {
        assert!(direct.contains(reported), "{reported}: {direct:.4000}");
    }
    assert_same(&direct, &through);
    Ok(())
}
