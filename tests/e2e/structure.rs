//! Architecture checks: modules import only what is below them, and links in the documentation lead to existing files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gatewright_harness::locate::workspace;

/// The crates below the binary crate, which do not use each other, but for the parser, which `sql` alone uses.
const CRATES: &[(&str, &str)] = &[
    ("gateway/parser", "gatewright-parser"),
    ("gateway/wire", "gatewright-wire"),
    ("gateway/sql", "gatewright-sql"),
    ("gateway/policy-host", "gatewright-policy-host"),
    ("gateway/record", "gatewright-record"),
];

/// The modules of the binary crate from the top, as in the table of ARCHITECTURE.md. A module may use those below it.
fn modules() -> Result<Vec<String>> {
    let page = std::fs::read_to_string(workspace().join("ARCHITECTURE.md"))?;
    let rows = page.lines().filter_map(|line| line.strip_prefix("| ["));
    let modules: Vec<String> = rows
        .filter_map(|row| {
            let (name, rest) = row.split_once("](gateway/src/")?;
            rest.starts_with(&format!("{name}/mod.rs)"))
                .then(|| name.to_owned())
        })
        .collect();
    assert!(modules.len() > 10, "only {modules:?} are in the table");
    Ok(modules)
}

#[test]
fn imports_point_down() -> Result<()> {
    let modules = modules()?;
    let source = workspace().join("gateway/src");
    let mut errors = Vec::new();
    let mut read = 0;
    for file in rust_files(&source)? {
        let inside = file.strip_prefix(&source)?;
        let first = inside.components().next().context("a file has a name")?;
        let module = first.as_os_str().to_string_lossy();
        let module = module.trim_end_matches(".rs");
        // Tests may use modules above their own; `main` and `lib` only declare them.
        let test = inside.components().any(|part| {
            let part = part.as_os_str().to_string_lossy();
            part.trim_end_matches(".rs") == "tests"
        });
        if ["main", "lib"].contains(&module) || test {
            continue;
        }
        let Some(place) = modules.iter().position(|name| name == module) else {
            errors.push(format!(
                "{} is not in a module of the table",
                inside.display()
            ));
            continue;
        };
        read += 1;
        for (line, used) in modules_used(&std::fs::read_to_string(&file)?) {
            let other = modules.iter().position(|name| *name == used);
            if other.is_some_and(|other| other < place) {
                errors.push(format!(
                    "{}:{line} imports `{used}`, a module above it",
                    inside.display()
                ));
            }
        }
    }
    assert!(read > 10, "only {read} files were read");
    assert!(errors.is_empty(), "{}", errors.join("\n"));
    Ok(())
}

/// The files of these folders import each other without cycles.
#[test]
fn files_have_no_import_cycles() -> Result<()> {
    for (folder, root) in [
        ("gateway/src/session", "session"),
        ("gateway/sql/src", ""),
        ("gateway/parser/src", ""),
    ] {
        let files = module_files(&workspace().join(folder), root)?;
        assert!(files.len() > 3, "only {} files were read", files.len());
        let mut uses: BTreeMap<&str, Vec<String>> = files
            .iter()
            .map(|(name, text)| (name.as_str(), files_used(name, text, &files)))
            .collect();
        // A file that uses none of the remaining files is not part of a cycle.
        loop {
            let left: Vec<String> = uses.keys().map(|name| (*name).to_owned()).collect();
            uses.retain(|_, used| used.iter().any(|name| left.contains(name)));
            if uses.len() == left.len() {
                break;
            }
        }
        assert!(uses.is_empty(), "{folder}: an import cycle among {uses:?}");
    }
    Ok(())
}

/// The code of each file by the path of its module, without comments and the tests at its end. Files of tests, and files
/// that only name other files, are left out.
fn module_files(folder: &Path, root: &str) -> Result<BTreeMap<String, String>> {
    let mut files = BTreeMap::new();
    for file in rust_files(folder)? {
        let inside = file.strip_prefix(folder)?.with_extension("");
        let parts = inside
            .components()
            .map(|part| part.as_os_str().to_string_lossy());
        let mut parts: Vec<String> = std::iter::once(root.into())
            .chain(parts)
            .map(|part| part.into_owned())
            .filter(|part| !part.is_empty())
            .collect();
        if parts.iter().any(|part| part.contains("test")) || parts == ["lib"] {
            continue;
        }
        let text = std::fs::read_to_string(&file)?;
        let code = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        let lines = code.lines().filter_map(|line| line.split("//").next());
        let code = lines.collect::<Vec<_>>().join("\n");
        let declares = ["fn ", "struct ", "enum ", "impl"]
            .iter()
            .any(|word| code.contains(word));
        if parts.last().is_some_and(|part| part == "mod") {
            parts.pop();
            if !declares {
                continue;
            }
        }
        files.insert(parts.join("::"), code);
    }
    Ok(files)
}

/// The files behind `crate::…` and `super::…`, and behind the names of a folder's own files.
fn files_used(name: &str, code: &str, files: &BTreeMap<String, String>) -> Vec<String> {
    let parent = name.rsplit_once("::").map_or("", |(parent, _)| parent);
    let mut paths = Vec::new();
    for (word, base) in [("crate::", ""), ("super::", parent)] {
        for rest in code.split(word).skip(1) {
            paths.extend(spelled_out(rest).into_iter().map(|path| join(base, &path)));
        }
    }
    // `mod.rs` uses its files by name.
    let inside = format!("{name}::");
    let own = files.keys().filter_map(|file| file.strip_prefix(&inside));
    paths.extend(
        own.filter(|own| code.contains(&format!("{own}::")))
            .map(|own| join(name, own)),
    );
    let mut used: Vec<String> = paths
        .iter()
        .filter_map(|path| file_of(path, files))
        .collect();
    used.retain(|other| other != name);
    used.sort();
    used.dedup();
    used
}

fn join(base: &str, path: &str) -> String {
    match base {
        "" => path.to_owned(),
        base => format!("{base}::{path}"),
    }
}

fn identifier(text: &str) -> String {
    text.chars()
        .take_while(|character| character.is_alphanumeric() || *character == '_')
        .collect()
}

/// The paths in `a::b::c` or `a::{b, c::d}`.
fn spelled_out(text: &str) -> Vec<String> {
    let is_part = |character: char| character.is_alphanumeric() || "_:".contains(character);
    let first: String = text
        .chars()
        .take_while(|character| is_part(*character))
        .collect();
    let rest = text.get(first.len()..).unwrap_or_default();
    match rest.strip_prefix('{').and_then(|list| list.split_once('}')) {
        Some((list, _)) => list
            .split(',')
            .map(|item| format!("{first}{}", item.trim()))
            .collect(),
        None => vec![first],
    }
}

/// The file that the longest part of the path names.
fn file_of(path: &str, files: &BTreeMap<String, String>) -> Option<String> {
    let mut path = path.trim_end_matches(':');
    loop {
        if files.contains_key(path) {
            return Some(path.to_owned());
        }
        path = path.rsplit_once("::")?.0;
    }
}

#[test]
fn the_lower_crates_do_not_use_each_other() -> Result<()> {
    for (folder, own) in CRATES {
        let dependencies = dependencies(folder)?;
        for (_, other) in CRATES.iter().filter(|(_, other)| other != own) {
            if (*own, *other) == ("gatewright-sql", "gatewright-parser") {
                continue;
            }
            assert!(!dependencies.contains(other), "{folder} depends on {other}");
        }
        assert!(!dependencies.contains("tokio"), "{folder} depends on tokio");
    }
    let contract = dependencies("gateway/contract")?;
    assert!(
        !contract.contains("gatewright-"),
        "the contract depends on a crate of the gateway"
    );
    assert!(
        !contract.contains("wasmtime"),
        "the contract depends on wasmtime"
    );
    Ok(())
}

fn dependencies(folder: &str) -> Result<String> {
    let manifest = std::fs::read_to_string(workspace().join(folder).join("Cargo.toml"))?;
    let (_, dependencies) = manifest
        .split_once("[dependencies]")
        .with_context(|| format!("{folder} lists its dependencies"))?;
    let own = dependencies.split("[dev-dependencies]").next();
    Ok(own.unwrap_or_default().to_owned())
}

#[test]
fn every_module_is_in_the_table_of_the_architecture() -> Result<()> {
    let modules = modules()?;
    let library = std::fs::read_to_string(workspace().join("gateway/src/lib.rs"))?;
    let declared = library
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub mod ")?.strip_suffix(';'));
    for module in declared {
        assert!(
            modules.iter().any(|name| name == module),
            "ARCHITECTURE.md does not list `{module}`"
        );
    }
    Ok(())
}

#[test]
fn links_in_the_documentation_lead_to_files() -> Result<()> {
    let root = workspace();
    let mut pages = vec![
        root.join("README.md"),
        root.join("ARCHITECTURE.md"),
        root.join("CHANGELOG.md"),
    ];
    pages.extend(markdown_files(&root.join("docs"))?);
    pages.extend(markdown_files(&root.join("policies"))?);
    pages.extend(markdown_files(&root.join("policy-sdk"))?);
    let mut dead = Vec::new();
    for page in pages {
        let text = std::fs::read_to_string(&page).with_context(|| page.display().to_string())?;
        let folder = page.parent().context("a page has a folder")?;
        for link in links(&text) {
            let path = link.split('#').next().unwrap_or_default();
            if !path.is_empty() && !folder.join(path).exists() {
                dead.push(format!("{}: {link}", page.strip_prefix(&root)?.display()));
            }
        }
    }
    assert!(dead.is_empty(), "dead links:\n{}", dead.join("\n"));
    Ok(())
}

/// Every `crate::<module>` in `use` lines and paths, with its line number; comments are ignored.
fn modules_used(text: &str) -> Vec<(usize, String)> {
    let mut used = Vec::new();
    for (number, line) in text.lines().enumerate() {
        let code = line.split("//").next().unwrap_or_default();
        for after in code.split("crate::").skip(1) {
            let names: Vec<&str> = match after.strip_prefix('{') {
                Some(group) => group.split(',').collect(),
                None => vec![after],
            };
            for name in names {
                used.push((number + 1, identifier(name.trim())));
            }
        }
    }
    used
}

/// The relative targets of inline links.
fn links(text: &str) -> Vec<&str> {
    let targets = text
        .split("](")
        .skip(1)
        .filter_map(|after| after.split(')').next());
    targets
        .filter(|target| !target.contains("://") && !target.starts_with("mailto:"))
        .collect()
}

fn rust_files(folder: &Path) -> Result<Vec<PathBuf>> {
    files_ending(folder, "rs")
}

fn markdown_files(folder: &Path) -> Result<Vec<PathBuf>> {
    if folder.exists() {
        files_ending(folder, "md")
    } else {
        Ok(Vec::new())
    }
}

fn files_ending(folder: &Path, ending: &str) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = entry?.path();
        if path.is_dir()
            && path
                .file_name()
                .is_none_or(|name| name != "target" && name != "node_modules")
        {
            found.extend(files_ending(&path, ending)?);
        } else if path
            .extension()
            .is_some_and(|extension| extension == ending)
        {
            found.push(path);
        }
    }
    Ok(found)
}
