//! A policy directory while files are added, changed and removed.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use gatewright_contract::*;
use gatewright_policy_host::*;

use crate::module::{Module, constant};
use crate::world::{World, denial, facts, statement};

fn settings(path: &Path) -> DirectorySettings {
    DirectorySettings {
        path: path.to_owned(),
        policies: BTreeMap::new(),
        default: PolicySettings::default(),
        order: Vec::new(),
    }
}

/// A policy that denies with this code, to tell versions apart.
fn denying(code: &str) -> Vec<u8> {
    let mut module = Module::new("fixture");
    let reply = module.deny(&Denial {
        code: code.into(),
        ..denial()
    });
    module.statement(&constant(reply)).wasm()
}

fn code_of(policy: &Arc<Policy>) -> String {
    match policy.on_statement(&statement(), &facts()).wait() {
        Ok(Verdict::Deny(denial)) => denial.code,
        other => panic!("{other:?}"),
    }
}

fn names(set: &PolicySet) -> Vec<&str> {
    set.policies.iter().map(|policy| policy.name()).collect()
}

/// Waits until the set in force satisfies `wanted`, and returns how long that took.
fn until(directory: &Directory, wanted: impl Fn(&PolicySet) -> bool) -> Duration {
    let started = Instant::now();
    while !wanted(&directory.current()) {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "{:?} {:?}",
            names(&directory.current()),
            directory.current().missing
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    started.elapsed()
}

#[test]
fn a_new_file_takes_effect_and_holders_keep_their_set() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    fs::write(folder.path().join("a.wasm"), denying("one")).unwrap();
    let directory = Directory::open(world.host.clone(), settings(folder.path())).unwrap();
    let held = directory.current();
    assert_eq!(names(&held), ["a"]);
    fs::write(folder.path().join("a.wasm"), denying("two")).unwrap();
    until(&directory, |set| {
        set.generation > held.generation && code_of(&set.policies[0]) == "two"
    });
    assert_eq!(code_of(&held.policies[0]), "one");
}

#[test]
fn the_old_policy_stays_until_the_new_file_is_complete() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let file = folder.path().join("a.wasm");
    fs::write(&file, denying("one")).unwrap();
    let directory = Directory::open(world.host.clone(), settings(folder.path())).unwrap();
    let whole = denying("two");
    fs::write(&file, &whole[..whole.len() / 2]).unwrap();
    let failed =
        |event: &ReloadEvent| matches!(event.outcome, ReloadOutcome::Failed { kept: true, .. });
    let started = Instant::now();
    while !world.observer.reloads.lock().unwrap().iter().any(failed) {
        assert!(started.elapsed() < Duration::from_secs(10));
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(code_of(&directory.current().policies[0]), "one");
    fs::write(&file, &whole).unwrap();
    until(&directory, |set| code_of(&set.policies[0]) == "two");
}

#[test]
fn deleting_a_policy_removes_it_or_reports_it_missing_if_required() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    for name in ["optional", "required"] {
        fs::write(folder.path().join(format!("{name}.wasm")), denying(name)).unwrap();
    }
    let mut wanted = settings(folder.path());
    wanted.policies.insert(
        "required".into(),
        PolicySettings {
            required: true,
            ..PolicySettings::default()
        },
    );
    let directory = Directory::open(world.host.clone(), wanted).unwrap();
    assert_eq!(names(&directory.current()), ["optional", "required"]);
    fs::remove_file(folder.path().join("optional.wasm")).unwrap();
    until(&directory, |set| names(set) == ["required"]);
    assert!(directory.current().missing.is_empty());
    fs::remove_file(folder.path().join("required.wasm")).unwrap();
    until(&directory, |set| {
        set.missing.len() == 1 && set.policies.is_empty()
    });
    assert_eq!(directory.current().missing[0].name, "required");
}

#[test]
fn a_required_policy_that_fails_to_load_is_missing_with_a_reason() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    fs::write(folder.path().join("broken.wasm"), b"not wasm").unwrap();
    let mut wanted = settings(folder.path());
    for name in ["broken", "absent"] {
        wanted.policies.insert(
            name.into(),
            PolicySettings {
                required: true,
                ..PolicySettings::default()
            },
        );
    }
    let directory = Directory::open(world.host.clone(), wanted).unwrap();
    let set = directory.current();
    let reasons: Vec<&str> = set
        .missing
        .iter()
        .map(|missing| missing.reason.as_str())
        .collect();
    assert_eq!(
        reasons,
        [
            "there is no absent.wasm in the policy directory",
            "policy broken is not a valid WebAssembly file: it does not begin with a WebAssembly header"
        ]
    );
}

#[test]
fn listed_policies_come_first_then_by_name_and_off_is_skipped() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    for name in ["a", "b", "c", "d"] {
        fs::write(folder.path().join(format!("{name}.wasm")), denying(name)).unwrap();
    }
    let mut wanted = settings(folder.path());
    wanted.order = vec!["d".into(), "b".into()];
    wanted.policies.insert(
        "a".into(),
        PolicySettings {
            mode: Mode::Off,
            ..PolicySettings::default()
        },
    );
    let directory = Directory::open(world.host.clone(), wanted).unwrap();
    assert_eq!(names(&directory.current()), ["d", "b", "c"]);
}

#[test]
fn a_policy_that_rejects_new_settings_keeps_its_old_ones() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let mut module = Module::new("a");
    let (fine, refusal) = (
        module.registration("a", Hooks::all()),
        module.init_error("a list is required"),
    );
    let wasm = module.init(&format!("(select (i32.const {refusal}) (i32.const {fine}) (i32.gt_u (local.get $length) (i32.const 2)))")).wasm();
    fs::write(folder.path().join("a.wasm"), wasm).unwrap();
    let directory = Directory::open(world.host.clone(), settings(folder.path())).unwrap();
    let before = directory.current();
    let mut bad = settings(folder.path());
    bad.default.settings = serde_json::json!({"deny": 7});
    let error = directory.replace_settings(bad).unwrap_err().to_string();
    assert!(
        error.contains("policy a rejected its settings: a list is required"),
        "{error}"
    );
    assert!(std::sync::Arc::ptr_eq(
        &before.policies[0],
        &directory.current().policies[0]
    ));
    let mut good = settings(folder.path());
    good.default.mode = Mode::Shadow;
    directory.replace_settings(good).unwrap();
    assert_eq!(directory.current().policies[0].mode(), Mode::Shadow);
}

#[test]
fn swapped_symbolic_links_are_followed() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let path = folder.path();
    for version in ["v1", "v2"] {
        fs::create_dir(path.join(version)).unwrap();
        fs::write(path.join(version).join("a.wasm"), denying(version)).unwrap();
    }
    let link =
        |target: &str, name: &str| std::os::unix::fs::symlink(target, path.join(name)).unwrap();
    link("v1", "..data");
    link("..data/a.wasm", "a.wasm");
    let directory = Directory::open(world.host.clone(), settings(path)).unwrap();
    assert_eq!(code_of(&directory.current().policies[0]), "v1");
    link("v2", "..data_tmp");
    fs::rename(path.join("..data_tmp"), path.join("..data")).unwrap();
    until(&directory, |set| code_of(&set.policies[0]) == "v2");
}

/// A directory with the policy `a`, and a place outside of it.
fn with_one_policy() -> (World, tempfile::TempDir, tempfile::TempDir) {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let elsewhere = tempfile::tempdir().unwrap();
    fs::write(elsewhere.path().join("a.wasm"), denying("kept")).unwrap();
    (world, folder, elsewhere)
}

fn fails_and_is_kept(world: &World, directory: &Directory, reason: &str) {
    let started = Instant::now();
    let failed = |event: &ReloadEvent| matches!(&event.outcome, ReloadOutcome::Failed { kept: true, reason: told } if told.contains(reason));
    while !world.observer.reloads.lock().unwrap().iter().any(failed) {
        assert!(
            started.elapsed() < Duration::from_secs(10),
            "{:?} {:?}",
            names(&directory.current()),
            world.observer.reloads.lock().unwrap()
        );
        std::thread::sleep(Duration::from_millis(5));
    }
    assert_eq!(code_of(&directory.current().policies[0]), "kept");
}

#[test]
fn a_link_whose_target_is_gone_keeps_its_policy() {
    let (world, folder, elsewhere) = with_one_policy();
    let link = folder.path().join("a.wasm");
    std::os::unix::fs::symlink(elsewhere.path().join("a.wasm"), &link).unwrap();
    let directory = Directory::open(world.host.clone(), settings(folder.path())).unwrap();
    fs::remove_file(elsewhere.path().join("a.wasm")).unwrap();
    fails_and_is_kept(&world, &directory, "No such file");
    fs::remove_file(&link).unwrap();
    std::os::unix::fs::symlink("a.wasm", &link).unwrap();
    fails_and_is_kept(&world, &directory, "symbolic links");
    fs::remove_file(&link).unwrap();
    fs::create_dir(&link).unwrap();
    fails_and_is_kept(&world, &directory, "not a regular file");
    fs::remove_dir(&link).unwrap();
    until(&directory, |set| set.policies.is_empty());
    assert!(directory.current().missing.is_empty());
}

#[test]
fn what_cannot_be_read_from_the_start_is_missing() {
    use std::os::unix::ffi::OsStrExt;
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    std::os::unix::fs::symlink("nowhere", folder.path().join("a.wasm")).unwrap();
    let name = std::ffi::OsStr::from_bytes(b"b\xff.wasm");
    fs::write(folder.path().join(name), denying("b")).unwrap();
    let directory = Directory::open(world.host.clone(), settings(folder.path())).unwrap();
    let set = directory.current();
    let missing: Vec<&str> = set.missing.iter().map(|one| one.name.as_str()).collect();
    assert_eq!(missing, ["a", "b\u{fffd}"]);
}

#[test]
fn a_file_larger_than_any_policy_is_not_read() {
    let (world, folder) = (World::new(), tempfile::tempdir().unwrap());
    let file = folder.path().join("a.wasm");
    fs::write(&file, denying("kept")).unwrap();
    let directory = Directory::open(world.host.clone(), settings(folder.path())).unwrap();
    let huge = folder.path().join(".huge");
    // Reading so much would not end in time.
    fs::File::create(&huge).unwrap().set_len(1 << 42).unwrap();
    fs::rename(&huge, &file).unwrap();
    fails_and_is_kept(&world, &directory, "4398046511104 bytes");
}

#[test]
fn an_empty_directory_in_place_of_the_other_removes_no_policy() {
    let (world, outer) = (World::new(), tempfile::tempdir().unwrap());
    let path = outer.path().join("policies");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("a.wasm"), denying("kept")).unwrap();
    let directory = Directory::open(world.host.clone(), settings(&path)).unwrap();
    fs::rename(&path, outer.path().join("away")).unwrap();
    fs::create_dir(&path).unwrap();
    // Longer than the directory is polled.
    std::thread::sleep(Duration::from_millis(2500));
    assert_eq!(code_of(&directory.current().policies[0]), "kept");
    // A directory that has others is taken at its word.
    fs::write(path.join("b.wasm"), denying("b")).unwrap();
    until(&directory, |set| names(set) == ["b"]);
    fs::remove_file(path.join("b.wasm")).unwrap();
    until(&directory, |set| set.policies.is_empty());
}
