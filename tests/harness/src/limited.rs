//! Runs a program to its end or to a time limit, since programs found on a machine may hang.

use std::fs::File;
use std::io::{Read, Seek, Write};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus, Output, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// Runs `command` without input and returns its output.
///
/// # Errors
/// When it cannot be started, or is still running after `limit`. It is then killed with all its descendants.
pub fn output(command: &mut Command, limit: Duration) -> Result<Output> {
    // Files instead of pipes: nothing has to read while the program runs, and a surviving grandchild does not block the
    // reader.
    let (mut stdout, mut stderr) = (tempfile::tempfile()?, tempfile::tempfile()?);
    command
        .stdout(stdout.try_clone()?)
        .stderr(stderr.try_clone()?);
    let status = status(command, limit)?;
    Ok(Output {
        status,
        stdout: written(&mut stdout)?,
        stderr: written(&mut stderr)?,
    })
}

/// Like `output`, but keeps the stdout and stderr of `command`.
pub fn status(command: &mut Command, limit: Duration) -> Result<ExitStatus> {
    let name = command.get_program().display().to_string();
    let mut process = command
        .stdin(Stdio::null())
        .process_group(0)
        .spawn()
        .with_context(|| format!("starting {name}"))?;
    let guard = match Guard::over(process.id()) {
        Ok(guard) => guard,
        Err(error) => {
            process.kill()?;
            process.wait()?;
            return Err(error);
        }
    };
    let start = Instant::now();
    loop {
        if let Some(status) = process.try_wait()? {
            guard.release()?;
            return Ok(status);
        }
        if start.elapsed() > limit {
            guard.kill()?;
            process.wait()?;
            bail!("{name} was still running after {limit:?} and was killed");
        }
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Kills a process group on request, and when this process exits for any reason. Ctrl-C does not reach other groups.
struct Guard {
    shell: std::process::Child,
}

const GUARD: &str =
    r#"trap "" INT TERM HUP; read -r word && exit 0; kill -s KILL -- "-$0" 2>/dev/null; exit 0"#;

impl Guard {
    fn over(leader: u32) -> Result<Self> {
        let shell = Command::new("sh")
            .args(["-c", GUARD])
            .arg(leader.to_string())
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("starting a guard")?;
        Ok(Self { shell })
    }

    fn release(mut self) -> Result<()> {
        if let Some(mut input) = self.shell.stdin.take() {
            input.write_all(b"released\n")?;
        }
        self.shell.wait()?;
        Ok(())
    }

    fn kill(mut self) -> Result<()> {
        drop(self.shell.stdin.take());
        self.shell.wait()?;
        Ok(())
    }
}

fn written(file: &mut File) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    const LONG: Duration = Duration::from_secs(20);

    #[test]
    fn returns_output_and_status() -> Result<()> {
        let ended = output(
            Command::new("sh").args(["-c", "echo out; echo err >&2; exit 3"]),
            LONG,
        )?;
        assert_eq!(ended.status.code(), Some(3));
        assert_eq!(
            (&*ended.stdout, &*ended.stderr),
            (&b"out\n"[..], &b"err\n"[..])
        );
        Ok(())
    }

    #[test]
    fn a_program_that_hangs_is_killed_with_its_children() -> Result<()> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("child");
        let mut command = Command::new("sh");
        command
            .args(["-c", r#"sleep 600 & echo $! > "$0"; wait"#])
            .arg(&file);
        let error = output(&mut command, Duration::from_millis(500)).unwrap_err();
        assert!(error.to_string().contains("still running"), "{error}");
        let child = std::fs::read_to_string(&file)?;
        // An orphan without a reaper remains as a zombie; the signal takes effect when the child is scheduled.
        let is_dead = || {
            let status = std::fs::read_to_string(format!("/proc/{}/status", child.trim()));
            status.map_or(true, |status| status.contains("State:\tZ"))
        };
        let start = Instant::now();
        while !is_dead() {
            assert!(start.elapsed() < LONG, "the child still runs");
            std::thread::sleep(Duration::from_millis(10));
        }
        Ok(())
    }

    #[test]
    fn a_surviving_grandchild_does_not_block() -> Result<()> {
        let start = Instant::now();
        output(Command::new("sh").args(["-c", "sleep 5 & exit 0"]), LONG)?;
        assert!(start.elapsed() < Duration::from_secs(4));
        Ok(())
    }
}
