//! Passwords from files and commands.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret;

use crate::upstream::{CommandError, Credential, CredentialError, PasswordCommand};

const HOUR: Duration = Duration::from_secs(3600);

fn command(words: &[&str], limit: Duration, keep: Duration) -> Credential {
    let arguments = words[1..].iter().map(|word| (*word).to_owned()).collect();
    Credential::Command(Arc::new(PasswordCommand::new(
        words[0].into(),
        arguments,
        limit,
        keep,
    )))
}

fn shell(script: &str) -> Credential {
    command(&["/bin/sh", "-c", script], HOUR, HOUR)
}

/// A command that prints the number of its run.
fn counting(directory: &Path, keep: Duration) -> Credential {
    let script = "echo run >> runs; wc -l < runs | tr -d ' '"
        .replace("runs", &directory.join("runs").display().to_string());
    command(&["/bin/sh", "-c", &script], HOUR, keep)
}

async fn password(credential: &Credential) -> String {
    let password = credential.password().await.unwrap().unwrap();
    password.expose_secret().to_owned()
}

async fn failure(credential: &Credential) -> Arc<CommandError> {
    match credential.password().await {
        Err(CredentialError::Command(error)) => error,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_file_is_read_at_each_login() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("password");
    let credential = Credential::File(path.clone());
    let missing = credential.password().await.unwrap_err();
    assert!(matches!(missing, CredentialError::Unreadable { .. }));
    for (written, expected) in [("one\n", "one"), ("two", "two"), (" three \r\n", " three ")] {
        std::fs::write(&path, written).unwrap();
        assert_eq!(password(&credential).await, expected);
    }
    let read = credential.password().await.unwrap().unwrap();
    assert!(credential.replacement(&read).await.unwrap().is_none());
    std::fs::write(&path, "four").unwrap();
    let other = credential.replacement(&read).await.unwrap().unwrap();
    assert_eq!(other.expose_secret(), "four");
    std::fs::write(&path, "\n").unwrap();
    let empty = credential.password().await.unwrap_err();
    assert!(matches!(empty, CredentialError::Empty { .. }));
}

#[tokio::test]
async fn a_command_is_run_without_a_shell() {
    let echo = |text| command(&["printf", "%s", text], HOUR, HOUR);
    assert_eq!(password(&echo("$HOME; `id` 'x'")).await, "$HOME; `id` 'x'");
    for (printed, expected) in [
        ("a\n", "a"),
        ("a\n\n", "a\n"),
        (" a \r\n", " a "),
        ("a", "a"),
    ] {
        assert_eq!(password(&echo(printed)).await, expected);
    }
}

#[tokio::test]
async fn errors_do_not_contain_the_output_of_a_command() {
    let empty = failure(&shell("echo")).await;
    assert!(matches!(*empty, CommandError::Empty { .. }), "{empty}");
    let long = failure(&shell("yes canary")).await;
    assert!(matches!(*long, CommandError::NotAPassword { .. }), "{long}");
    let bytes = failure(&shell(r"printf '\377'")).await;
    assert!(
        matches!(*bytes, CommandError::NotAPassword { .. }),
        "{bytes}"
    );
    let absent = failure(&command(&["/nonexistent/token"], HOUR, HOUR)).await;
    assert!(matches!(*absent, CommandError::NotRun { .. }), "{absent}");
    let failed = failure(&shell("echo canary; echo canary >&2; exit 3")).await;
    assert!(matches!(*failed, CommandError::Failed { .. }), "{failed}");
    assert!(failed.to_string().contains("exit status: 3"), "{failed}");
    assert!(!format!("{failed} {failed:?}").contains("canary"));
    let secret = shell("echo canary");
    password(&secret).await;
    assert!(!format!("{secret:?}").contains("canary"));
}

#[tokio::test]
async fn a_slow_command_times_out() {
    let slow = command(&["sleep", "600"], Duration::from_millis(50), HOUR);
    let error = failure(&slow).await;
    assert!(matches!(*error, CommandError::Slow { .. }), "{error}");
    // So does a command whose child process keeps the output open.
    let open = ["/bin/sh", "-c", "sleep 5 & echo done"];
    let error = failure(&command(&open, Duration::from_millis(200), HOUR)).await;
    assert!(matches!(*error, CommandError::Slow { .. }), "{error}");
}

#[tokio::test]
async fn the_output_of_a_command_is_cached() {
    let directory = tempfile::tempdir().unwrap();
    let cached = counting(directory.path(), HOUR);
    assert_eq!(password(&cached).await, "1");
    assert_eq!(password(&cached).await, "1");
    let directory = tempfile::tempdir().unwrap();
    let uncached = counting(directory.path(), Duration::ZERO);
    assert_eq!(password(&uncached).await, "1");
    assert_eq!(password(&uncached).await, "2");
}

#[tokio::test]
async fn a_rejected_password_causes_one_run() {
    let directory = tempfile::tempdir().unwrap();
    let credential = counting(directory.path(), HOUR);
    let first = credential.password().await.unwrap().unwrap();
    for _ in 0..3 {
        let other = credential.replacement(&first).await.unwrap().unwrap();
        assert_eq!(other.expose_secret(), "2");
    }
    let same = shell("echo same");
    let rejected = same.password().await.unwrap().unwrap();
    assert!(same.replacement(&rejected).await.unwrap().is_none());
    let fixed = Credential::Inline("fixed".into());
    assert!(fixed.replacement(&"fixed".into()).await.unwrap().is_none());
}

#[tokio::test]
async fn concurrent_callers_share_the_result_of_a_run() {
    let directory = tempfile::tempdir().unwrap();
    let runs = directory.path().join("runs");
    let script = format!("echo run >> {}; sleep 0.3; exit 1", runs.display());
    let credential = shell(&script);
    let all = futures_util::future::join_all((0..8).map(|_| credential.password())).await;
    assert!(all.iter().all(Result::is_err));
    assert_eq!(std::fs::read_to_string(&runs).unwrap(), "run\n");
    // A failure is not cached.
    assert!(credential.password().await.is_err());
    assert_eq!(std::fs::read_to_string(&runs).unwrap(), "run\nrun\n");
}
