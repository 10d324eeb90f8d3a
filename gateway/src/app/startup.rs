//! What a startup packet may not ask of the server, whatever the grant.

use gatewright_contract::{SettingChange, SettingValue};

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

/// The settings that the client gives as it connects.
pub(super) fn settings(startup: &StartupMessage) -> Vec<SettingChange> {
    const OTHERS: [&str; 4] = ["user", "database", "options", "replication"];
    let given = startup.parameters.iter();
    let own = given
        .filter(|(name, _)| !OTHERS.contains(&name.as_str()))
        .map(|(name, value)| change(name, value));
    let options = startup.parameter("options").unwrap_or_default();
    own.chain(words(options).iter().filter_map(|word| option(word)))
        .collect()
}

fn change(name: &str, value: &str) -> SettingChange {
    SettingChange {
        name: name.to_ascii_lowercase(),
        value: SettingValue::Constant(value.to_owned()),
        local: false,
    }
}

/// The words of a command line; a backslash keeps the next character as it is (`pg_split_opts`).
fn words(options: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut rest = options.chars();
    while let Some(letter) = rest.next() {
        let kept = match letter {
            '\\' => rest.next(),
            ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c' => {
                words.push(String::new());
                None
            }
            other => Some(other),
        };
        if let (Some(kept), Some(word)) = (kept, words.last_mut()) {
            word.push(kept);
        }
    }
    words
}

/// `name=value`, behind `-c`, `--`, or flags and one of these (getopt).
fn option(word: &str) -> Option<SettingChange> {
    let (name, value) = word.split_once('=')?;
    let name = match name.strip_prefix('-') {
        Some(flags) => flags.split_once(['c', '-'])?.1,
        None => name,
    };
    Some(change(&name.replace('-', "_"), value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(parameters: &[(&str, &str)]) -> StartupMessage {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        StartupMessage {
            protocol: (3, 0),
            parameters: parameters.iter().map(owned).collect(),
            protocol_options: Vec::new(),
        }
    }

    fn refused(parameters: &[(&str, &str)]) -> bool {
        let startup = message(parameters);
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
    fn settings_are_read_as_the_server_reads_them() {
        let of = |parameters: &[(&str, &str)]| {
            let startup = message(parameters);
            let found = settings(&startup).into_iter().map(|change| {
                let SettingValue::Constant(value) = change.value else {
                    panic!("a value that is not constant");
                };
                format!("{}={value}", change.name)
            });
            found.collect::<Vec<_>>().join(" ")
        };
        for options in [
            "-c work_mem=1MB",
            "-cwork_mem=1MB",
            "--work-mem=1MB",
            "-ecWORK_MEM=1MB",
            "-e-work_mem=1MB",
            r"-c wor\k_mem=1MB",
        ] {
            assert_eq!(of(&[("options", options)]), "work_mem=1MB", "{options}");
        }
        assert_eq!(
            of(&[
                ("user", "ada"),
                ("TimeZone", "UTC"),
                ("options", r"-c a.b=x\ y -c c=")
            ]),
            "timezone=UTC a.b=x y c="
        );
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
