use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::reader::{At, Section};
use crate::upstream::{Credential, PasswordCommand};

const TIMEOUT: Duration = Duration::from_secs(10);
const CACHE: Duration = Duration::from_secs(60);

/// Reads `password_command` and the two keys about it. They are a fault without it.
pub(super) fn credential(section: &Section<'_, '_>) -> Option<At<Credential>> {
    let limit = section.period("password_command_timeout");
    let keep = section.duration("password_command_cache");
    let Some(words) = words(section) else {
        let alone = limit.is_some() || keep.is_some();
        if alone && !section.has("password_command") {
            let why =
                "`password_command_timeout` and `password_command_cache` need a `password_command`";
            section.fault_here(why);
        }
        return None;
    };
    let mut words = words.into_iter();
    let first = words.next()?;
    let command = PasswordCommand::new(
        program(section, &first)?,
        words.map(|word| word.value).collect(),
        limit.unwrap_or(TIMEOUT),
        keep.unwrap_or(CACHE),
    );
    Some(At {
        value: Credential::Command(Arc::new(command)),
        at: first.at,
    })
}

/// The program and its arguments. One text would be taken for a shell's command line, and there is no shell.
fn words(section: &Section<'_, '_>) -> Option<Vec<At<String>>> {
    let value = section.value("password_command")?;
    let at = value.span().start;
    let what = "a list of the program and its arguments, such as [\"/usr/local/bin/db-token\", \"--host\", \"db\"]; no shell reads it";
    if value
        .get_ref()
        .as_array()
        .is_none_or(|items| items.is_empty())
    {
        section.fault(at, format!("`password_command` must be {what}"));
        return None;
    }
    section.texts("password_command")
}

/// A bare name is looked for in PATH, as a shell would; anything else is a path like all others in the file.
fn program(section: &Section<'_, '_>, word: &At<String>) -> Option<PathBuf> {
    let name = Path::new(&word.value);
    let bare = name.components().count() == 1 && !word.value.contains('/');
    let found = match bare {
        true => std::env::var_os("PATH").is_some_and(|path| {
            std::env::split_paths(&path).any(|folder| folder.join(name).is_file())
        }),
        false => section.source.folder().join(name).is_file(),
    };
    if !found {
        let place = if bare { "in PATH" } else { "there" };
        let message = format!("the program {} is not {place}", name.display());
        section.fault(word.at, message);
        return None;
    }
    Some(match bare {
        true => name.to_owned(),
        false => section.source.folder().join(name),
    })
}
