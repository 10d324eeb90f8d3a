//! A child process that never outlives its owner.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{ChildStdin, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Waits for the owner. On "released" it exits; on end of input the owner died without stopping the child.
const GUARD: &str = r#"
trap "" INT TERM HUP
read -r word && [ "$word" = released ] && exit 0
kill -s "$1" "$2" 2>/dev/null
n=0
while kill -0 "$2" 2>/dev/null && [ $n -lt 50 ]; do sleep 0.1; n=$((n + 1)); done
kill -s KILL "$2" 2>/dev/null
shift 2
[ $# -eq 0 ] || rm -rf -- "$@"
"#;

/// A running program and its guard: a shell that stops the program if this process is killed, interrupted or aborted,
/// when `Drop` does not run.
pub struct Child {
    name: String,
    process: std::process::Child,
    stop_signal: &'static str,
    guard: std::process::Child,
    guard_input: Option<ChildStdin>,
}

impl Child {
    /// Starts `command` in its own process group, so that Ctrl-C reaches the owner first. `stop_signal` ("TERM", "INT")
    /// asks it to exit; `directories` are deleted if the owner dies.
    pub fn start(
        name: &str,
        command: &mut Command,
        stop_signal: &'static str,
        directories: &[PathBuf],
    ) -> Result<Self> {
        let process = command
            .process_group(0)
            .spawn()
            .with_context(|| format!("starting {name} ({})", command.get_program().display()))?;
        let mut guard = Command::new("sh")
            .args(["-c", GUARD, "guard", stop_signal])
            .arg(process.id().to_string())
            .args(directories)
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .with_context(|| format!("starting the guard of {name}"))?;
        let guard_input = guard.stdin.take();
        Ok(Self {
            name: name.to_owned(),
            process,
            stop_signal,
            guard,
            guard_input,
        })
    }

    /// Process id.
    pub fn id(&self) -> u32 {
        self.process.id()
    }

    /// The exit status, or `None` while it is running.
    pub fn exited(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.process.try_wait()?)
    }

    /// Sends the signal with this name, without "SIG".
    pub fn signal(&self, name: &str) -> Result<()> {
        let status = Command::new("sh")
            .args(["-c", r#"kill -s "$0" "$1""#, name])
            .arg(self.id().to_string())
            .stderr(Stdio::null())
            .status()?;
        if !status.success() {
            bail!(
                "{} (process {}) did not receive SIG{name}; it has already exited",
                self.name,
                self.id()
            );
        }
        Ok(())
    }

    /// Waits at most `limit` for it to exit.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let start = Instant::now();
        loop {
            if let Some(status) = self.exited()? {
                return Ok(status);
            }
            if start.elapsed() > limit {
                bail!(
                    "{} (process {}) is still running after {limit:?}",
                    self.name,
                    self.id()
                );
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Stops it with the stop signal, then with SIGKILL after ten seconds.
    pub fn stop(&mut self) -> Result<()> {
        if self.exited()?.is_none() {
            // It may exit between the check and the signal; the wait below handles both.
            let _ = self.signal(self.stop_signal);
            if self.wait(Duration::from_secs(10)).is_err() {
                self.process.kill()?;
                self.process.wait()?;
            }
        }
        if let Some(mut input) = self.guard_input.take() {
            let _ = input.write_all(b"released\n");
        }
        self.guard.wait()?;
        Ok(())
    }

    /// The resident set size in bytes, from /proc.
    pub fn resident_bytes(&self) -> Result<u64> {
        memory_of(self.id(), "VmRSS:")
    }

    /// The most that it ever was, or since that was reset (proc_pid_clear_refs(5)).
    pub fn peak_bytes(&self) -> Result<u64> {
        peak_bytes(self.id())
    }

    /// The CPU time that the process has used, from /proc, in steps of 10 ms.
    pub fn cpu_time(&self) -> Result<CpuTime> {
        // The kernel reports in units of USER_HZ, which is 100 on every platform that has /proc (proc_pid_stat(5)).
        const TICK: Duration = Duration::from_millis(10);
        let path = format!("/proc/{}/stat", self.id());
        let stat = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
        // The program's name, in parentheses, may contain spaces. utime and stime are the 12th and 13th field after it.
        let after_name = stat.rsplit(") ").next().unwrap_or_default();
        let ticks: Vec<u32> = after_name
            .split(' ')
            .skip(11)
            .take(2)
            .map_while(|field| field.parse().ok())
            .collect();
        let [user, system] = ticks[..] else {
            bail!("no CPU times in {path}")
        };
        Ok(CpuTime {
            user: TICK * user,
            system: TICK * system,
        })
    }
}

/// CPU time of a process.
#[derive(Clone, Copy, Debug)]
pub struct CpuTime {
    pub user: Duration,
    /// In the kernel.
    pub system: Duration,
}

impl CpuTime {
    pub fn total(self) -> Duration {
        self.user + self.system
    }
}

impl Drop for Child {
    fn drop(&mut self) {
        if let Err(error) = self.stop() {
            eprintln!("stopping {}: {error:#}", self.name);
        }
    }
}

/// The largest resident set that a process had, in bytes.
pub(crate) fn peak_bytes(process: u32) -> Result<u64> {
    memory_of(process, "VmHWM:")
}

fn memory_of(process: u32, name: &str) -> Result<u64> {
    let path = format!("/proc/{process}/status");
    let status = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let line = status.lines().find_map(|line| line.strip_prefix(name));
    let kibibytes = line
        .and_then(|rest| rest.trim().strip_suffix("kB"))
        .and_then(|number| number.trim().parse::<u64>().ok())
        .with_context(|| format!("no {name} in {path}"))?;
    Ok(kibibytes * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_child_and_its_directories_are_removed_when_the_owner_dies() -> Result<()> {
        let folder = tempfile::tempdir()?.keep();
        let mut child = Child::start(
            "sleep",
            Command::new("sleep").arg("600"),
            "TERM",
            std::slice::from_ref(&folder),
        )?;
        // This is what the kernel does to the pipe when the owner is killed.
        drop(child.guard_input.take());
        assert!(!child.wait(Duration::from_secs(5))?.success());
        child.guard.wait()?;
        assert!(!folder.exists());
        Ok(())
    }

    #[test]
    fn a_child_that_ignores_the_request_is_killed() -> Result<()> {
        let mut command = Command::new("sh");
        command
            .args([
                "-c",
                "trap '' TERM; echo ready; while :; do sleep 0.05; done",
            ])
            .stdout(Stdio::piped());
        let mut child = Child::start("stubborn", &mut command, "TERM", &[])?;
        let mut line = [0; 6];
        std::io::Read::read_exact(child.process.stdout.as_mut().context("no pipe")?, &mut line)?;
        child.signal("TERM")?;
        assert!(child.wait(Duration::from_millis(200)).is_err());
        child.process.kill()?;
        child.stop()
    }

    #[test]
    fn a_busy_child_uses_cpu_time_and_an_idle_one_does_not() -> Result<()> {
        let mut spin = Command::new("sh");
        let busy = Child::start(
            "spin",
            spin.args(["-c", "while :; do :; done"]),
            "TERM",
            &[],
        )?;
        let idle = Child::start("sleep", Command::new("sleep").arg("600"), "TERM", &[])?;
        while busy.cpu_time()?.total() < Duration::from_millis(50) {
            std::thread::sleep(Duration::from_millis(10));
        }
        assert!(idle.cpu_time()?.total() < Duration::from_millis(50));
        Ok(())
    }

    #[test]
    fn a_released_guard_leaves_the_child_alone() -> Result<()> {
        let mut child = Child::start("true", &mut Command::new("true"), "TERM", &[])?;
        assert!(child.wait(Duration::from_secs(5))?.success());
        child.stop()
    }
}
