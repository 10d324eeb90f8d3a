//! A disk on which every write takes long. strace holds each write and sync of the thread that writes the record back: nothing else is
//! slowed, and the files are real.

use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use gatewright_harness::Version;
use gatewright_record::Event;

use super::fixture::{Recorded, delivered};
use crate::world::eventually;

/// Each write and each sync, in microseconds.
const DELAY: &str = "inject=write,writev,fsync,fdatasync:delay_enter=40000";

/// What the gateway may need more while it waits: the session's buffers, and some blocks.
const MOST: u64 = 64 << 20;

struct Slowed(Child);

impl Slowed {
    /// `None`: there is no strace, or it may not.
    fn attach(process: u32) -> Result<Option<Self>> {
        let thread = record_thread(process)?;
        let strace = Command::new("strace")
            .args([
                "-qq",
                "-e",
                "trace=write,writev,fsync,fdatasync",
                "-e",
                DELAY,
            ])
            .args(["-o", "/dev/null", "-p", &thread])
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .spawn();
        let Ok(mut strace) = strace else {
            return Ok(None);
        };
        let status = format!("/proc/{process}/task/{thread}/status");
        let mut is_attached = false;
        eventually("strace has attached or given up", || {
            let status = std::fs::read_to_string(&status)?;
            is_attached = !status.contains("TracerPid:\t0\n");
            Ok(is_attached || strace.try_wait()?.is_some())
        })?;
        Ok(is_attached.then_some(Slowed(strace)))
    }
}

impl Drop for Slowed {
    fn drop(&mut self) {
        // strace detaches when it is told to end.
        let id = self.0.id().to_string();
        let _ = Command::new("kill").args(["-TERM", &id]).status();
        let _ = self.0.wait();
    }
}

fn record_thread(process: u32) -> Result<String> {
    for task in std::fs::read_dir(format!("/proc/{process}/task"))? {
        let path = task?.path();
        if std::fs::read_to_string(path.join("comm"))?.trim() == "record" {
            let name = path.file_name().and_then(|name| name.to_str());
            return Ok(name.context("a thread")?.to_owned());
        }
    }
    anyhow::bail!("no thread writes the record")
}

#[test]
fn on_a_slow_disk_statements_wait_nothing_is_unrecorded_and_memory_is_bounded() -> Result<()> {
    let recorded = Recorded::start(
        Version::Installed,
        "record_slow",
        "durability = \"statement\"",
    )?;
    let gateway = recorded.served.gateway.process();
    let process = gateway.id();
    let mut client = recorded.served.client("ada")?;
    client.query("SELECT 'warm', repeat('x', 1000000)")?;
    let Some(slowed) = Slowed::attach(process)? else {
        eprintln!("skipped: strace is not here, or may not attach");
        return Ok(());
    };
    for number in 0..20 {
        let sql = format!("SELECT 'slow-{number}'");
        client.query(&sql)?;
        // The client has its result, so the attempt is on disk.
        let sessions = recorded.read()?;
        let (_, events) = sessions.first().context("a session")?;
        let is_attempted = is_attempted(events, &sql);
        ensure!(is_attempted, "{sql} ran and is not recorded");
    }
    std::fs::write(format!("/proc/{process}/clear_refs"), "5")?;
    let before = gateway.peak_bytes()?;
    let rows = "SELECT repeat(md5(n::text), 300) FROM generate_series(1, 6000) n";
    let (count, bytes) = client.scan(rows)?;
    ensure!(
        count == 6000 && bytes > 50 << 20,
        "{count} rows, {bytes} bytes"
    );
    let grown = gateway.peak_bytes()?.saturating_sub(before);
    ensure!(grown < MOST, "{grown} bytes more for {bytes} bytes of rows");
    drop(slowed);
    drop(client);
    let sessions = recorded.sessions(1)?;
    let kept = delivered(&sessions[0].1).len() as u64;
    ensure!(kept > bytes, "{kept} of {bytes} bytes are recorded");
    recorded.assert_verifies()
}

fn is_attempted(events: &[Event<'_>], sql: &str) -> bool {
    let judged = events.iter().find_map(|event| match event {
        Event::Judged(event) if event.text == sql => Some(event.statement),
        _ => None,
    });
    events.iter().any(|event| match event {
        Event::Attempted(event) => Some(event.statement) == judged,
        _ => false,
    })
}
