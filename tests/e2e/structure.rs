//! Architecture checks: modules import only what is below them, and links in the documentation lead to existing files.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use gatewright_harness::locate::workspace;

/// The modules of the binary crate from the top; a module may use those after it. `main` and `lib` only declare them.
const MODULES: &[&str] = &[
    "cli", "app", "config", "admin", "suggest", "proxy", "login", "relay", "gate", "session",
    "results", "catalog", "identity", "upstream", "listener",
];

/// The crates below the binary crate, which do not depend on each other.
const CRATES: &[(&str, &str)] = &[
    ("gateway/wire", "gatewright_wire"),
    ("gateway/sql", "gatewright_sql"),
    ("gateway/policy-host", "gatewright_policy_host"),
];

#[test]
fn no_module_imports_upward() -> Result<()> {
    let source = workspace().join("gateway/src");
    let mut violations = Vec::new();
    let mut read = 0;
    for file in rust_files(&source)? {
        let inside = file.strip_prefix(&source)?;
        let first = inside.components().next().context("a file has a name")?;
        let module = first
            .as_os_str()
            .to_string_lossy()
            .trim_end_matches(".rs")
            .to_owned();
        // Tests may use modules from above.
        let test = inside
            .components()
            .any(|part| part.as_os_str().to_string_lossy().trim_end_matches(".rs") == "tests");
        if ["main", "lib"].contains(&module.as_str()) || test {
            continue;
        }
        let Some(place) = MODULES.iter().position(|name| *name == module) else {
            violations.push(format!(
                "{} is not in a module of this test's list",
                inside.display()
            ));
            continue;
        };
        read += 1;
        for (line, used) in modules_used(&std::fs::read_to_string(&file)?) {
            let upward = MODULES
                .iter()
                .position(|name| *name == used)
                .is_some_and(|other| other < place);
            if upward {
                violations.push(format!(
                    "{}:{line} imports `{used}` from a module above",
                    inside.display()
                ));
            }
        }
    }
    assert!(read > 10, "only {read} files were read");
    assert!(violations.is_empty(), "{}", violations.join("\n"));
    Ok(())
}

#[test]
fn the_lower_crates_are_independent() -> Result<()> {
    for (folder, own) in CRATES {
        let manifest = std::fs::read_to_string(workspace().join(folder).join("Cargo.toml"))?;
        let dependencies = manifest
            .split("[dev-dependencies]")
            .next()
            .unwrap_or_default();
        for (_, other) in CRATES.iter().filter(|(_, other)| other != own) {
            let name = other.replace('_', "-");
            assert!(!dependencies.contains(&name), "{folder} depends on {name}");
        }
        assert!(!dependencies.contains("tokio"), "{folder} depends on tokio");
    }
    Ok(())
}

#[test]
fn the_list_of_modules_matches_the_architecture() -> Result<()> {
    let library = std::fs::read_to_string(workspace().join("gateway/src/lib.rs"))?;
    let declared = library
        .lines()
        .filter_map(|line| line.trim().strip_prefix("pub mod ")?.strip_suffix(';'));
    let page = std::fs::read_to_string(workspace().join("ARCHITECTURE.md"))?;
    for module in declared {
        assert!(
            MODULES.contains(&module),
            "`{module}` is not in this test's list"
        );
        assert!(
            page.contains(&format!("gateway/src/{module}")),
            "ARCHITECTURE.md does not mention {module}"
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
                let name: String = name
                    .trim()
                    .chars()
                    .take_while(|character| character.is_alphanumeric() || *character == '_')
                    .collect();
                used.push((number + 1, name));
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
