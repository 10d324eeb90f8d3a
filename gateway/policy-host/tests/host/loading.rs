//! Which files load, which are refused, and the error messages.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use gatewright_contract::Verdict;
use gatewright_policy_host::{HostSettings, PolicySettings};

use crate::module::Module;
use crate::world::{World, facts, statement};

fn refused(wasm: &[u8]) -> String {
    World::new()
        .host
        .load("deny-list", wasm, &PolicySettings::default())
        .unwrap_err()
        .to_string()
}

#[test]
fn an_import_that_is_not_granted_is_named() {
    let core = wat::parse_str(r#"(module (import "env" "abort" (func)))"#).unwrap();
    assert!(refused(&core).starts_with("policy deny-list imports env.abort, which is not granted"));
    let core =
        wat::parse_str(r#"(module (import "wasi_snapshot_preview1" "fd_write" (func)))"#).unwrap();
    assert!(
        refused(&core)
            .starts_with("policy deny-list imports wasi_snapshot_preview1.fd_write, which")
    );
    let component =
        wat::parse_str(r#"(component (import "wasi:filesystem/types@0.2.0" (instance)))"#).unwrap();
    assert!(
        refused(&component).starts_with(
            "policy deny-list imports wasi:filesystem/types@0.2.0, which is not granted"
        )
    );
}

#[test]
fn another_contract_version_is_named() {
    let wasm = Module::new("deny-list").version("0.9.0").wasm();
    assert_eq!(
        refused(&wasm),
        "policy deny-list was built for contract version 0.9.0; this gateway supports 0.1.0, 0.2.0"
    );
}

#[test]
fn a_file_that_is_not_a_policy_is_refused() {
    assert!(refused(b"").contains("it is empty"));
    assert!(refused(b"MZ..").contains("does not begin with a WebAssembly header"));
    assert!(
        refused(&wat::parse_str("(module)").unwrap())
            .contains("does not export gatewright:policy/module")
    );
    assert!(
        refused(&wat::parse_str("(component)").unwrap())
            .contains("does not export gatewright:policy/module")
    );
    let wasm = Module::new("deny-list").wasm();
    let world = World::new();
    // Without the names of functions, which come last, it is whole. Before them are the kind and the length of their section.
    let names = wasm.windows(5).rposition(|bytes| bytes == b"\x04name");
    for length in (8..names.unwrap() - 4).step_by(7) {
        assert!(
            world
                .host
                .load("p", &wasm[..length], &PolicySettings::default())
                .is_err(),
            "{length}"
        );
    }
}

#[test]
fn the_policy_explains_why_it_rejects_settings() {
    let mut module = Module::new("deny-list");
    let refusal = module.init_error("`tables` must be a list");
    assert_eq!(
        refused(&module.init(&format!("(i32.const {refusal})")).wasm()),
        "policy deny-list rejected its settings: `tables` must be a list"
    );
}

#[test]
fn compiled_code_is_cached_and_a_damaged_copy_is_recompiled() {
    let folder = tempfile::tempdir().unwrap();
    let cache = folder.path().join("code");
    let world = || {
        World::with(HostSettings {
            cache_directory: Some(cache.clone()),
            total_instances: 4,
            ..HostSettings::default()
        })
    };
    let wasm = Module::new("fixture").wasm();
    world().load(&wasm);
    let files: Vec<_> = fs::read_dir(&cache)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert_eq!(files.len(), 1);
    let whole = fs::read(&files[0]).unwrap();
    let mut damaged = whole.clone();
    let last = damaged.len() - 1;
    damaged[last] ^= 1;
    fs::write(&files[0], &damaged).unwrap();
    world().load(&wasm);
    assert_ne!(fs::read(&files[0]).unwrap(), damaged);
    world().load(&wasm);
}

#[test]
fn a_code_directory_open_to_others_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    fs::set_permissions(folder.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let settings = HostSettings {
        cache_directory: Some(folder.path().to_owned()),
        ..HostSettings::default()
    };
    let error = gatewright_policy_host::PolicyHost::new(
        settings,
        Arc::new(crate::world::Remembering::default()),
    );
    assert!(error.is_err_and(|error| {
        error
            .to_string()
            .contains("other users can access it (mode 755)")
    }));
}

/// The policy guard-table built with the Rust SDK of contract 0.1: a released contract stays supported.
#[test]
fn a_policy_built_for_contract_0_1_still_runs() {
    let world = World::new();
    let policy = world
        .host
        .load(
            "guard-table",
            include_bytes!("../fixtures/guard-table-0.1.wasm"),
            &PolicySettings::default(),
        )
        .unwrap();
    assert!(matches!(
        policy.on_statement(&statement(), &facts()).wait(),
        Ok(Verdict::Allow(_))
    ));
    let mut guarded = facts();
    let known = Arc::make_mut(&mut guarded.statement);
    known.tables[0].schema = "public".into();
    known.tables[0].name = "products".into();
    assert!(matches!(
        policy.on_statement(&statement(), &guarded).wait(),
        Ok(Verdict::Deny(_))
    ));
}
