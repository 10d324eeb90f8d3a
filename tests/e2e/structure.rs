//! Architecture checks: modules import only what is below them, and links in the documentation lead to existing files.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gatewright_harness::locate::workspace;

/// The crates below the binary crate, which do not use each other.
const CRATES: &[(&str, &str)] = &[
    ("gateway/wire", "gatewright-wire"),
    ("gateway/sql", "gatewright-sql"),
    ("gateway/policy-host", "gatewright-policy-host"),
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

/// The session's files import each other without cycles.
#[test]
fn session_files_have_no_import_cycles() -> Result<()> {
    let folder = workspace().join("gateway/src/session");
    let mut uses: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for file in rust_files(&folder)? {
        let inside = file.strip_prefix(&folder)?.with_extension("");
        let name = inside.to_string_lossy().replace('/', "::");
        // `mod.rs` files name the others, and tests may use anything.
        if name.ends_with("mod") || name.starts_with("tests") {
            continue;
        }
        uses.insert(name, session_files_used(&std::fs::read_to_string(&file)?));
    }
    assert!(uses.len() > 20, "only {} files were read", uses.len());
    // A file that uses none of the remaining files is not part of a cycle.
    loop {
        let left: Vec<String> = uses.keys().cloned().collect();
        uses.retain(|_, used| used.iter().any(|name| left.contains(name)));
        if uses.len() == left.len() {
            break;
        }
    }
    assert!(uses.is_empty(), "an import cycle among {:?}", uses.keys());
    Ok(())
}

/// The files behind `crate::session::…` in code, as `file` or `folder::file`; comments and the tests at the end of a file do not count.
fn session_files_used(text: &str) -> Vec<String> {
    let code = text.split("#[cfg(test)]").next().unwrap_or_default();
    let lines = code.lines().filter_map(|line| line.split("//").next());
    let paths = lines.flat_map(|line| line.split("crate::session::").skip(1));
    let mut used = Vec::new();
    for path in paths {
        let first = identifier(path);
        let second = path.strip_prefix(&format!("{first}::")).map(identifier);
        if let Some(second) = second {
            used.push(format!("{first}::{second}"));
        }
        used.push(first);
    }
    used
}

fn identifier(text: &str) -> String {
    text.chars()
        .take_while(|character| character.is_alphanumeric() || *character == '_')
        .collect()
}

#[test]
fn the_lower_crates_do_not_use_each_other() -> Result<()> {
    for (folder, own) in CRATES {
        let dependencies = dependencies(folder)?;
        for (_, other) in CRATES.iter().filter(|(_, other)| other != own) {
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
