//! `password_command`, as a program and its arguments.

use super::*;
use crate::upstream::Credential;

fn with(line: &str) -> String {
    LEAST.replace("role =", &format!("{line}\nrole ="))
}

#[test]
fn a_command_is_read_with_its_arguments_and_shown_without() {
    let folder = Folder::new();
    folder.write("bin/token", "");
    for (word, program) in [
        ("sh", PathBuf::from("sh")),
        ("/bin/sh", PathBuf::from("/bin/sh")),
        ("bin/token", folder.path("bin/token")),
    ] {
        let line = format!("password_command = [\"{word}\", \"-x\", \"hunter2\"]");
        let config = folder.load(&with(&line)).unwrap();
        let Credential::Command(command) = &config.grants.rules()[0].credential else {
            panic!("{word}");
        };
        assert_eq!((command.program(), command.arguments()), (&*program, 2));
        assert_eq!(command.keep(), Duration::from_secs(60));
        assert_eq!(command.limit(), Duration::from_secs(10));
        let shown = config.to_string();
        assert!(!shown.contains("hunter2"), "{shown}");
        assert!(shown.contains("password_command_cache = \"1m\""), "{shown}");
        assert!(!format!("{config:?}").contains("hunter2"));
    }
}

#[test]
fn commands_that_cannot_be_run_are_errors() {
    let folder = Folder::new();
    for (line, wanted) in [
        ("password_command = \"sh -c x\"", "not passed to a shell"),
        ("password_command = []", "not passed to a shell"),
        ("password_command = [\"\"]", "list of strings"),
        (
            "password_command = [\"no-such-program\"]",
            "no-such-program is not in PATH",
        ),
        (
            "password_command = [\"bin/absent\"]",
            "bin/absent does not exist",
        ),
        (
            "password_command_cache = \"5s\"",
            "no effect without `password_command`",
        ),
        (
            "password_command = [\"sh\"]\npassword = \"x\"",
            "only one of",
        ),
        (
            "password_command = [\"sh\"]\npassword_command_timeout = \"0s\"",
            "greater than zero",
        ),
    ] {
        let errors = folder.errors(&with(line));
        assert!(
            errors
                .iter()
                .any(|(_, _, message)| message.contains(wanted)),
            "{line}: {errors:?}"
        );
    }
}
