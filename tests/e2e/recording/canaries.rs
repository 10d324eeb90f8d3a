//! No raw value of a masked column is in the record, nor in what the gateway logs.

use std::path::Path;

use anyhow::{Result, ensure};
use gatewright_harness::{Psql, Version};
use gatewright_record::directory::Directory;
use gatewright_record::framing;
use gatewright_record::session;
use gatewright_tests::raw::{Client, extended, sync};

use super::fixture::Recorded;

on_each_version!(no_masked_value_is_recorded);

const CANARY: &[u8] = b"raw-canary";

fn no_masked_value_is_recorded(version: Version) -> Result<()> {
    let recorded = Recorded::start(version, "record_canaries", "")?;
    let direct = Psql::new(&recorded.served.direct)?;
    direct.query(
        "INSERT INTO customers SELECT n, 'name ' || n, 'raw-canary-' || n || '@example.com' FROM generate_series(201, 1000) n",
    )?;
    let dsn = recorded.served.dsn("ada")?;
    let output = Psql::new(&dsn)?.script(
        "SELECT * FROM customers;
         SELECT email, count(*) FROM customers GROUP BY email;
         COPY customers TO STDOUT;
         BEGIN;
         DECLARE c CURSOR FOR SELECT email FROM customers;
         FETCH ALL FROM c;
         COMMIT;
         SELECT email::int FROM customers;
         INSERT INTO customers SELECT id, name, email FROM customers;
         SELECT upper(email) FROM customers;
         SELECT to_jsonb(customers) FROM customers;",
    )?;
    assert!(output.stdout.contains("name 7"), "{output:?}");
    let mut client = Client::connect(&dsn)?;
    for format in [0, 1] {
        let select = extended("SELECT id, email FROM customers", &[], format);
        client.send(&[select, sync()].concat())?;
        client.until_ready()?;
    }
    drop(client);
    recorded.sessions(2)?;
    let mut bytes = 0;
    let directory = Directory::new(&recorded.directory);
    for segments in directory.list()?.values() {
        let mut events = Vec::new();
        let scans = session::read(segments, &mut |event| {
            if framing::append(&mut events, &event).is_err() {
                events.clear();
            }
        })?;
        assert!(scans.iter().all(|(_, scan)| scan.damages.is_empty()));
        bytes += events.len();
        ensure!(!has_canary(&events), "a raw value is in the record");
    }
    // The masked values are there.
    assert!(bytes > 20_000, "{bytes} bytes of events");
    each_file(&recorded.directory, &mut |path, bytes| {
        ensure!(!has_canary(bytes), "a raw value is in {}", path.display());
        Ok(())
    })?;
    ensure!(!has_canary(recorded.served.gateway.log()?.as_bytes()));
    ensure!(!has_canary(recorded.served.metrics()?.as_bytes()));
    recorded.assert_verifies()
}

fn has_canary(bytes: &[u8]) -> bool {
    let upper = CANARY.to_ascii_uppercase();
    let mut windows = bytes.windows(CANARY.len());
    windows.any(|window| window == CANARY || window == upper)
}

/// Every file in a folder and those in it.
pub fn each_file(folder: &Path, each: &mut dyn FnMut(&Path, &[u8]) -> Result<()>) -> Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        match path.is_dir() {
            true => each_file(&path, each)?,
            false => each(&path, &std::fs::read(&path)?)?,
        }
    }
    Ok(())
}
