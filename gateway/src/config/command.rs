//! `password_command` and the keys for it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::section::{At, Section};
use crate::upstream::{Credential, PasswordCommand};

/// Reads `password_command` and the two keys that have no effect without it.
pub(super) fn credential(section: &Section<'_, '_>) -> Option<At<Credential>> {
    let limit = section.duration("password_command_timeout");
    let keep = section.duration("password_command_cache");
    let alone = section.has("password_command_timeout") || section.has("password_command_cache");
    if !section.has("password_command") {
        if alone {
            let why = "`password_command_timeout` and `password_command_cache` have no effect without `password_command`";
            section.error_here(why);
        }
        return None;
    }
    let mut arguments = program_and_arguments(section)?.into_iter();
    let first = arguments.next()?;
    let command = PasswordCommand::new(
        program(section, &first)?,
        arguments.map(|argument| argument.value).collect(),
        limit.unwrap_or_default(),
        keep.unwrap_or_default(),
    );
    Some(At {
        value: Credential::Command(Arc::new(command)),
        at: first.at,
    })
}

/// A single string would be taken for a shell's command line, and there is no shell.
fn program_and_arguments(section: &Section<'_, '_>) -> Option<Vec<At<String>>> {
    let value = section.value("password_command")?;
    let at = value.span().start;
    let what = "a list of the program and its arguments, such as [\"/usr/local/bin/db-token\", \"--host\", \"db\"]; it is not passed to a shell";
    if value
        .get_ref()
        .as_array()
        .is_none_or(|items| items.is_empty())
    {
        section.error(at, format!("`password_command` must be {what}"));
        return None;
    }
    Some(section.strings("password_command"))
}

/// A bare name is looked up in PATH; anything else is a path like all others in the file.
fn program(section: &Section<'_, '_>, program: &At<String>) -> Option<PathBuf> {
    let name = Path::new(&program.value);
    let bare = name.components().count() == 1 && !program.value.contains('/');
    let found = match bare {
        true => std::env::var_os("PATH").is_some_and(|path| {
            std::env::split_paths(&path).any(|directory| directory.join(name).is_file())
        }),
        false => section.source.directory().join(name).is_file(),
    };
    if !found {
        let problem = if bare {
            "is not in PATH"
        } else {
            "does not exist"
        };
        let message = format!("the program {} {problem}", name.display());
        section.error(program.at, message);
        return None;
    }
    Some(match bare {
        true => name.to_owned(),
        false => section.source.directory().join(name),
    })
}
