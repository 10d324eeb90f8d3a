//! What cannot be recorded does not run.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use anyhow::{Context, Result, anyhow, ensure};
use gatewright_harness::{Psql, Version};
use gatewright_tests::raw::{Client, error, query};

use super::fixture::Recorded;
use crate::world::eventually;

/// A small file system of its own, with room for the journal. Mounting takes root: without it, the test says so and ends.
pub struct SmallDisk<'a>(&'a Path);

impl<'a> SmallDisk<'a> {
    pub fn mount(place: &'a Path) -> Result<Option<Self>> {
        std::fs::create_dir(place)?;
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=12m", "tmpfs"])
            .arg(place)
            .status();
        Ok(mounted
            .is_ok_and(|status| status.success())
            .then_some(SmallDisk(place)))
    }
}

impl Drop for SmallDisk<'_> {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("-l").arg(self.0).status();
    }
}

#[test]
fn a_full_disk_ends_sessions_and_refuses_statements_until_there_is_room() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let place = folder.path().join("disk");
    let Some(_disk) = SmallDisk::mount(&place)? else {
        eprintln!("skipped: a small file system cannot be mounted here");
        return Ok(());
    };
    let directory = place.join("record");
    let recorded = Recorded::start_in(
        Version::Installed,
        "record_full",
        "durability = \"statement\"",
        tempfile::tempdir()?,
        directory,
    )?;
    let mut client = recorded.served.client("ada")?;
    client.query("INSERT INTO notes VALUES (1, 'before')")?;
    let ballast = place.join("ballast");
    let filled = std::fs::write(&ballast, vec![1; 16 << 20]);
    ensure!(
        filled.is_err(),
        "the file system is larger than it should be"
    );
    let mut told = None;
    for number in 0.. {
        let sql = format!(
            "INSERT INTO notes VALUES (2, 'after {number}') -- {}",
            noise(number)
        );
        match client.query(&sql) {
            Ok(messages) => match error(&messages) {
                Some(fields) => {
                    told = Some(fields);
                    break;
                }
                None => continue,
            },
            Err(_) => break,
        }
    }
    if let Some(fields) = told {
        assert_eq!(
            fields.get(&'C').map(String::as_str),
            Some("53100"),
            "{fields:?}"
        );
    }
    let refusal = recorded.served.refusal("grace")?;
    assert!(
        refusal.contains("53100") || refusal.contains("disk is full"),
        "{refusal}"
    );
    // What ran is recorded, and nothing else ran.
    let ran: usize = Psql::new(&recorded.served.direct)?
        .query("SELECT count(*) FROM notes WHERE id = 2")?
        .parse()?;
    std::fs::remove_file(&ballast).context("the ballast")?;
    eventually("sessions are accepted again", || {
        Ok(recorded.served.client("grace").is_ok_and(|mut client| {
            client
                .query("SELECT 1")
                .is_ok_and(|messages| error(&messages).is_none())
        }))
    })?;
    eventually("the first session's end is recorded", || {
        let (list, _) = recorded.command(&["sessions", "list"])?;
        Ok(list
            .lines()
            .any(|line| line.contains("ada") && line.contains("unrecorded")))
    })?;
    let (list, _) = recorded.command(&["sessions", "list"])?;
    let line = list
        .lines()
        .find(|line| line.contains("ada"))
        .context("ada")?;
    let recorded_runs: usize = line
        .split_once(" run,")
        .and_then(|(before, _)| before.rsplit(' ').next()?.parse().ok())
        .context("a count")?;
    assert!(ran < recorded_runs, "{ran} ran: {line}");
    let metrics = recorded.served.metrics()?;
    let failures = metrics
        .lines()
        .find(|line| line.starts_with("gatewright_record_failures_total"))
        .context("the metric")?;
    assert!(!failures.ends_with(" 0"), "{failures}");
    eventually("the record verifies", || {
        Ok(recorded.command(&["record", "verify"])?.1 == Some(0))
    })
}

/// With `when_unwritable = "hold"`, on the same connection, unless its client has left by then.
#[test]
fn on_a_full_disk_statements_wait_where_they_are_to() -> Result<()> {
    for durability in ["statement", "interval"] {
        let folder = tempfile::tempdir()?;
        let place = folder.path().join("disk");
        let Some(_disk) = SmallDisk::mount(&place)? else {
            eprintln!("skipped: a small file system cannot be mounted here");
            return Ok(());
        };
        let recorded = Recorded::start_in(
            Version::Installed,
            &format!("record_full_{durability}"),
            &format!("durability = \"{durability}\"\nwhen_unwritable = \"hold\""),
            tempfile::tempdir()?,
            place.join("record"),
        )?;
        let mut clients = [
            recorded.served.client("ada")?,
            recorded.served.client("ada")?,
        ];
        for client in &mut clients {
            client.query("INSERT INTO notes VALUES (1, 'before')")?;
        }
        let ballast = place.join("ballast");
        let filled = std::fs::write(&ballast, vec![1; 16 << 20]);
        ensure!(
            filled.is_err(),
            "the file system is larger than it should be"
        );
        let [stays, mut leaves] = clients;
        let has_room = Arc::new(AtomicBool::new(false));
        let staying = {
            let has_room = Arc::clone(&has_room);
            let mut stays = stays;
            std::thread::spawn(move || -> Result<Client> {
                for number in 0.. {
                    let was_full = !has_room.load(Ordering::Acquire);
                    let sql = format!("INSERT INTO notes VALUES (2, 'x') -- {}", noise(number));
                    let done = stays.query(&sql)?;
                    ensure!(error(&done).is_none(), "{done:?}");
                    if !was_full {
                        break;
                    }
                }
                Ok(stays)
            })
        };
        eventually("the disk is full", || Ok(failures(&recorded)? > 0))?;
        leaves.send(&query("INSERT INTO notes VALUES (3, 'left')"))?;
        drop(leaves);
        let count = |id: u32| -> Result<String> {
            Psql::new(&recorded.served.direct)?
                .query(&format!("SELECT count(*) FROM notes WHERE id = {id}"))
        };
        eventually("the session of who left has ended", || {
            Ok(recorded
                .served
                .gateway
                .log()?
                .matches("session ends")
                .count()
                == 1)
        })?;
        std::fs::remove_file(&ballast).context("the ballast")?;
        has_room.store(true, Ordering::Release);
        let staying = staying.join();
        let mut stays = staying.map_err(|_| anyhow!("the client's thread panicked"))??;
        stays.query("INSERT INTO notes VALUES (4, 'after')")?;
        ensure!(count(4)? == "1" && count(3)? == "0", "{}", count(3)?);
        drop(stays);
        recorded.sessions(2)?;
        recorded.assert_verifies()?;
    }
    Ok(())
}

fn failures(recorded: &Recorded) -> Result<u64> {
    let metrics = recorded.served.metrics()?;
    let mut lines = metrics.lines();
    let line = lines.find_map(|line| line.strip_prefix("gatewright_record_failures_total "));
    // It is not there before there was one.
    Ok(line.unwrap_or("0").parse()?)
}

/// What does not compress.
fn noise(seed: u64) -> String {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        format!("{state:016x}")
    };
    (0..64).map(|_| next()).collect()
}
