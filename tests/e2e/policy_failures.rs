//! Policies that fail. A failing policy refuses the statement it was asked about, with a clear reason, and affects
//! nothing else. A policy that cannot be loaded leaves the previous version in force.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use gatewright_tests::raw;
use serde_json::Value;

use crate::guest::{self, OnDelete};
use crate::world::{World, bundled, eventually, put};

fn world_with(test: &str, name: &str, wasm: &[u8], settings: &str) -> Result<World> {
    let folder = tempfile::tempdir()?;
    put(folder.path(), &format!("{name}.wasm"), wasm)?;
    let world = World::with_directory(test, folder, settings)?;
    world.prepare("CREATE TABLE kept AS SELECT i FROM generate_series(1, 10) AS i")?;
    Ok(world)
}

/// The policy fails on DELETE. The statement is refused, the error names the policy, and sessions continue without delay.
fn failure_refuses_the_statement(test: &str, on_delete: OnDelete) -> Result<()> {
    let world = world_with(test, "faulty", &guest::on_delete("faulty", on_delete)?, "")?;
    let mut other = world.client()?;
    let mut client = world.client()?;
    for _ in 0..3 {
        client.send(&raw::query("DELETE FROM kept WHERE i = 1"))?;
        // While the policy is busy with one session's statement, other sessions must be served.
        let start = Instant::now();
        assert_eq!(
            first_cell(&other.query("SELECT count(*) FROM kept")?),
            Some("10".to_owned())
        );
        assert!(
            start.elapsed() < Duration::from_secs(2),
            "another session waited {:?}",
            start.elapsed()
        );
        let messages = client.until_ready()?;
        let error = raw::error(&messages).context("the statement was not refused")?;
        assert_eq!(
            (error[&'S'].as_str(), error[&'C'].as_str()),
            ("ERROR", "42501"),
            "{error:?}"
        );
        let detail: Value = serde_json::from_str(&error[&'D'])?;
        assert_eq!(detail["policy"], "faulty", "{error:?}");
        assert_eq!(
            first_cell(&client.query("SELECT count(*) FROM kept")?),
            Some("10".to_owned())
        );
    }
    assert!(
        world.gateway.log()?.contains("faulty"),
        "the log does not name the policy:\n{}",
        world.gateway.log()?
    );
    Ok(())
}

#[test]
fn a_trap_refuses_the_statement() -> Result<()> {
    failure_refuses_the_statement("fault_trap", OnDelete::Trap)
}

#[test]
fn an_endless_loop_refuses_the_statement() -> Result<()> {
    failure_refuses_the_statement("fault_loop", OnDelete::LoopForever)
}

#[test]
fn excessive_memory_use_refuses_the_statement_and_is_bounded() -> Result<()> {
    failure_refuses_the_statement("fault_memory", OnDelete::ExhaustMemory)?;
    let world = world_with(
        "fault_bomb",
        "faulty",
        &guest::on_delete("faulty", OnDelete::ExhaustMemory)?,
        "",
    )?;
    let mut client = world.client()?;
    client.query("SELECT 1")?;
    let before = world.gateway.process().resident_bytes()?;
    for _ in 0..50 {
        client.query("DELETE FROM kept")?;
    }
    let grown = world
        .gateway
        .process()
        .resident_bytes()?
        .saturating_sub(before);
    assert!(
        grown < 300 * 1024 * 1024,
        "the gateway grew by {grown} bytes"
    );
    Ok(())
}

#[test]
fn an_invalid_variant_refuses_the_statement() -> Result<()> {
    failure_refuses_the_statement("fault_variant", OnDelete::InvalidVariant)
}

#[test]
fn an_invalid_pointer_refuses_the_statement() -> Result<()> {
    failure_refuses_the_statement("fault_pointer", OnDelete::InvalidPointer)
}

#[test]
fn a_string_that_is_not_utf8_refuses_the_statement() -> Result<()> {
    failure_refuses_the_statement("fault_text", OnDelete::InvalidUtf8)
}

#[test]
fn a_foreign_handle_refuses_the_statement() -> Result<()> {
    failure_refuses_the_statement("fault_handle", OnDelete::InvalidHandle)
}

#[test]
fn a_core_module_without_metadata_works() -> Result<()> {
    let world = world_with(
        "core_module",
        "by-hand",
        &guest::on_delete("by-hand", OnDelete::Deny("no-deletes"))?,
        "",
    )?;
    let mut client = world.client()?;
    let error = raw::error(&client.query("DELETE FROM kept")?).context("not refused")?;
    let detail: Value = serde_json::from_str(&error[&'D'])?;
    assert_eq!(
        (&detail["policy"], &detail["code"]),
        (&"by-hand".into(), &"no-deletes".into())
    );
    assert_eq!(error[&'M'], "no-deletes");
    assert_eq!(
        first_cell(&client.query("SELECT count(*) FROM kept")?),
        Some("10".to_owned())
    );
    Ok(())
}

/// Replaces a working policy with a module that cannot be loaded, then with a valid one.
fn keeps_the_old_version(test: &str, broken: &[u8], reason: &str) -> Result<()> {
    let good = guest::on_delete("swapped", OnDelete::Deny("old-version"))?;
    let world = world_with(test, "swapped", &good, "")?;
    let mut client = world.client()?;
    let refused_by_old = |client: &mut raw::Client| -> Result<bool> {
        let error =
            raw::error(&client.query("DELETE FROM kept")?).context("a DELETE was allowed")?;
        Ok(error[&'M'] == "old-version")
    };
    assert!(refused_by_old(&mut client)?);
    let before = world.gateway.log()?.len();
    put(world.policies.path(), "swapped.wasm", broken)?;
    eventually("the log says why the new file was rejected", || {
        assert!(refused_by_old(&mut client)?, "the old version is gone");
        let log = world.gateway.log()?;
        Ok(log[before..].contains("swapped") && log[before..].contains(reason))
    })
    .with_context(|| {
        format!(
            "looking for {reason:?} in:\n{}",
            world.gateway.log().unwrap_or_default()
        )
    })?;
    // The next valid file is loaded.
    put(
        world.policies.path(),
        "swapped.wasm",
        &guest::on_delete("swapped", OnDelete::Deny("new-version"))?,
    )?;
    eventually("the valid file is in force", || {
        let error =
            raw::error(&client.query("DELETE FROM kept")?).context("a DELETE was allowed")?;
        Ok(error[&'M'] == "new-version")
    })
}

#[test]
fn an_unknown_import_keeps_the_old_version() -> Result<()> {
    keeps_the_old_version(
        "keep_import",
        &guest::with_unknown_import("swapped")?,
        "open_file",
    )
}

#[test]
fn rejected_settings_keep_the_old_version() -> Result<()> {
    let rejecting = guest::rejecting_settings("swapped", "the limit must be positive")?;
    keeps_the_old_version("keep_settings", &rejecting, "the limit must be positive")
}

#[test]
fn a_truncated_file_keeps_the_old_version() -> Result<()> {
    let whole = std::fs::read(bundled("deny-list")?)?;
    keeps_the_old_version("keep_half", &whole[..whole.len() / 2], "")
}

#[test]
fn a_file_that_is_not_wasm_keeps_the_old_version() -> Result<()> {
    keeps_the_old_version("keep_noise", b"not a module at all", "")
}

#[test]
fn an_empty_file_keeps_the_old_version() -> Result<()> {
    keeps_the_old_version("keep_empty", b"", "")
}

#[test]
fn a_file_written_slowly_is_loaded_when_it_is_complete() -> Result<()> {
    use std::io::Write;
    let world = world_with("slow_file", "other", &guest::always("other", None)?, "")?;
    let mut client = world.client()?;
    let whole = std::fs::read(bundled("deny-list")?)?;
    let mut file = std::fs::File::create(world.policies.path().join("deny-list.wasm"))?;
    for chunk in whole.chunks(whole.len() / 8 + 1) {
        file.write_all(chunk)?;
        file.flush()?;
        assert!(raw::error(&client.query("SELECT count(*) FROM kept")?).is_none());
        std::thread::sleep(Duration::from_millis(60));
    }
    drop(file);
    eventually("deny-list is in force", || {
        let messages = client.query("DROP TABLE IF EXISTS nothing_of_this_name")?;
        Ok(raw::error(&messages).is_some_and(|error| error[&'C'] == "42501"))
    })
}

#[test]
fn invalid_settings_of_a_bundled_policy_are_reported_at_startup() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::copy(
        bundled("mask-columns")?,
        folder.path().join("mask-columns.wasm"),
    )?;
    let started = World::with_directory("bad_settings", folder, "[mask-columns]\ncolumns = 7\n");
    let report = match started {
        Err(error) => format!("{error:#}"),
        Ok(world) => {
            let error = raw::error(&world.client()?.query("SELECT 1")?);
            assert!(
                error.is_some_and(|error| error[&'C'] == "42501"),
                "a policy with invalid settings allows statements"
            );
            world.gateway.log()?
        }
    };
    assert!(
        report.contains("mask-columns") && report.contains("columns"),
        "{report}"
    );
    Ok(())
}

fn first_cell(messages: &[raw::Message]) -> Option<String> {
    messages
        .iter()
        .find(|message| message.tag == b'D')?
        .cells()
        .into_iter()
        .next()
        .flatten()
}
