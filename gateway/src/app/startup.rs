//! What a startup packet may not ask of the server, whatever the grant.

use crate::listener::{FatalError, StartupMessage};

/// Settings that change the role on the server.
const ROLE_SETTINGS: [&str; 2] = ["role", "session_authorization"];

/// Why this startup packet is refused. `lock_role`: it may not choose another role than the grant's.
pub(super) fn refusal(startup: &StartupMessage, lock_role: bool) -> Option<FatalError> {
    if startup
        .parameter("replication")
        .is_some_and(|value| !matches!(value, "false" | "off" | "no" | "0"))
    {
        return Some(FatalError::new(
            "0A000",
            "replication is not served by this gateway",
        ));
    }
    (lock_role && chooses_role(startup)).then(|| {
        FatalError::new(
            "42501",
            "the role on the server is set by the gateway and cannot be chosen at startup",
        )
        .with_hint("Connect with a grant for the role you need.")
    })
}

fn chooses_role(startup: &StartupMessage) -> bool {
    let options = startup.parameter("options").unwrap_or_default();
    ROLE_SETTINGS
        .iter()
        .any(|name| startup.setting(name).is_some() || options_set(options, name))
}

/// Whether `options`, which the server reads as a command line (`-c name=value`, `--name=value`), may set this setting.
///
/// The server drops backslashes, takes `-` in a name for `_`, knows no case, and allows flags in front of the `c`
/// (`-ecrole=x`). So every `name=` counts unless it is the end of a longer name; that refuses too much rather than too little.
fn options_set(options: &str, name: &str) -> bool {
    let text: String = options
        .chars()
        .filter(|c| *c != '\\')
        .map(|c| c.to_ascii_lowercase())
        .collect();
    let assigned = format!("{name}=");
    // Looked up in the original, where a dash in front of a name is not part of it.
    let folded = text.replace('-', "_");
    folded.match_indices(&assigned).any(|(at, _)| {
        let before = text.get(..at).and_then(|before| before.chars().next_back());
        !before.is_some_and(|c| c != 'c' && (c.is_ascii_alphanumeric() || "_.$".contains(c)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(parameters: &[(&str, &str)]) -> bool {
        let startup = StartupMessage {
            protocol: (3, 0),
            parameters: parameters
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect(),
            protocol_options: Vec::new(),
        };
        assert!(refusal(&startup, false).is_none(), "without the lock");
        refusal(&startup, true).is_some()
    }

    #[test]
    fn no_spelling_of_a_role_passes() {
        for options in [
            "-c role=boss",
            "-crole=boss",
            "--role=boss",
            "-c ROLE=boss",
            "-c\trole=boss",
            "-c\u{b}role=boss",
            r"-c r\o\le=boss",
            "-ecrole=boss",
            "-e-role=boss",
            "-c work_mem=1MB -c role=boss",
            "-c app.role=x -c role=boss",
            "role=boss",
            "-c session_authorization=boss",
            "--session-authorization=boss",
            "--Session-Authorization=boss",
        ] {
            assert!(refused(&[("options", options)]), "{options:?}");
        }
        assert!(refused(&[("Role", "boss")]));
        assert!(refused(&[("session_authorization", "boss")]));
    }

    #[test]
    fn other_options_pass() {
        for options in [
            "",
            "-c work_mem=3MB -c extra_float_digits=1",
            "--search-path=role,public",
            "-c app.role=x",
            "-c app.user_role=x",
            "-c role_name.x=1",
            r"-c application_name=my\ role",
        ] {
            assert!(!refused(&[("options", options)]), "{options:?}");
        }
        assert!(!refused(&[("application_name", "role=boss")]));
    }
}
