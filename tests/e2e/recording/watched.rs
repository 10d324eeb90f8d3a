//! Somebody watches a replay in a terminal: pauses, goes to statements, and leaves.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Version, locate};

use super::fixture::Recorded;

/// Presses keys in a pseudo-terminal, each after what is awaited has been shown. Prints everything that was.
const WATCHER: &str = r###"
import os, pty, re, select, sys, termios
pid, terminal = pty.fork()
if pid == 0:
    os.execv(sys.argv[1], sys.argv[1:])
before = None
shown = ""
def until(text):
    global shown
    begin = len(shown)
    while text not in shown[begin:]:
        ready, _, _ = select.select([terminal], [], [], 30)
        if not ready:
            sys.exit(f"{text!r} did not come: {shown!r}")
        try:
            shown += os.read(terminal, 65536).decode()
        except OSError:
            sys.exit(f"it ended before {text!r}: {shown!r}")
def press(keys):
    os.write(terminal, keys.encode())
until("q ends")
flags = termios.tcgetattr(terminal)[3]
assert not flags & (termios.ICANON | termios.ECHO), "keys are heard at once"
press("n")
until("#1")
press("n")
until("#2")
press("\x1b[D")
until("#1")
press("g3\r")
until("#3")
press("  n")
until("ended")
_, status = os.waitpid(pid, 0)
assert os.waitstatus_to_exitcode(status) == 0
flags = termios.tcgetattr(terminal)[3]
assert flags & termios.ICANON and flags & termios.ECHO, "the terminal is as before"
print(shown)
"###;

#[test]
fn whoever_watches_pauses_and_goes_to_statements() -> Result<()> {
    let recorded = Recorded::start(Version::Installed, "record_watched", "")?;
    let mut client = recorded.served.client("ada")?;
    for sql in ["SELECT 'first'", "SELECT 'second'", "SELECT 'third'"] {
        client.query(sql)?;
    }
    drop(client);
    let (id, _) = recorded.sessions(1)?.pop().context("a session")?;
    // Nothing would come for days.
    let output = Command::new("python3")
        .args(["-c", WATCHER])
        .arg(locate::gateway()?)
        .args(["replay", &id.to_string(), "--speed", "0.000001"])
        .args(["--directory", &recorded.directory.display().to_string()])
        .output()
        .context("python3")?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "{errors}");
    let shown = String::from_utf8_lossy(&output.stdout);
    ensure!(shown.matches("#1").count() == 2, "{shown}");
    ensure!(shown.contains("SELECT 'third'"), "{shown}");
    // Without a terminal it begins where it is told to.
    let from = ["replay", &id.to_string(), "--at-once", "--from", "3"];
    let (text, code) = recorded.command(&from)?;
    ensure!(code == Some(0) && text.contains("third"), "{text}");
    ensure!(!text.contains("second"), "{text}");
    let beyond = ["replay", &id.to_string(), "--at-once", "--from", "4"];
    let (text, _) = recorded.command(&beyond)?;
    ensure!(text.contains("-- the last statement is #3"), "{text}");
    Ok(())
}
