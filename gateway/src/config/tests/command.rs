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
fn what_is_no_command_is_a_fault() {
    let folder = Folder::new();
    for (line, wanted) in [
        ("password_command = \"sh -c x\"", "no shell reads it"),
        ("password_command = []", "no shell reads it"),
        ("password_command = [\"\"]", "list of texts"),
        (
            "password_command = [\"no-such-program\"]",
            "no-such-program is not in PATH",
        ),
        (
            "password_command = [\"bin/absent\"]",
            "bin/absent is not there",
        ),
        (
            "password_command_cache = \"5s\"",
            "need a `password_command`",
        ),
        (
            "password_command = [\"sh\"]\npassword = \"x\"",
            "give one of",
        ),
        (
            "password_command = [\"sh\"]\npassword_command_timeout = \"0s\"",
            "longer than nothing",
        ),
    ] {
        let faults = folder.faults(&with(line));
        assert!(
            faults
                .iter()
                .any(|(_, _, message)| message.contains(wanted)),
            "{line}: {faults:?}"
        );
    }
}
