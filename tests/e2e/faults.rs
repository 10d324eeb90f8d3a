//! A policy that misbehaves refuses what it was asked about, with a clear reason, and harms nobody else; one that
//! cannot be loaded leaves the old version in force.

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

/// The policy faults on DELETE: it is refused, naming the policy; the session and others go on, and quickly.
fn refuses_its_fault(test: &str, what: OnDelete) -> Result<()> {
    let world = world_with(test, "faulty", &guest::on_delete("faulty", what)?, "")?;
    let mut other = world.client()?;
    let mut client = world.client()?;
    for _ in 0..3 {
        client.send(&raw::query("DELETE FROM kept WHERE i = 1"))?;
        // While the policy is stuck on one session's statement, another session's statements are answered.
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
        "the log names no policy:\n{}",
        world.gateway.log()?
    );
    Ok(())
}

#[test]
fn a_trap_refuses() -> Result<()> {
    refuses_its_fault("fault_trap", OnDelete::Trap)
}

#[test]
fn an_endless_loop_refuses() -> Result<()> {
    refuses_its_fault("fault_loop", OnDelete::LoopForever)
}

#[test]
fn a_memory_bomb_refuses_and_the_gateway_stays_small() -> Result<()> {
    refuses_its_fault("fault_memory", OnDelete::EatMemory)?;
    let world = world_with(
        "fault_bomb",
        "faulty",
        &guest::on_delete("faulty", OnDelete::EatMemory)?,
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
fn an_illegal_variant_refuses() -> Result<()> {
    refuses_its_fault("fault_variant", OnDelete::IllegalVariant)
}

#[test]
fn an_illegal_pointer_refuses() -> Result<()> {
    refuses_its_fault("fault_pointer", OnDelete::IllegalPointer)
}

#[test]
fn a_text_that_is_not_utf8_refuses() -> Result<()> {
    refuses_its_fault("fault_text", OnDelete::IllegalText)
}

#[test]
fn a_foreign_handle_refuses() -> Result<()> {
    refuses_its_fault("fault_handle", OnDelete::IllegalHandle)
}

#[test]
fn a_hand_written_core_module_rules() -> Result<()> {
    let world = world_with(
        "core_module",
        "by-hand",
        &guest::on_delete("by-hand", OnDelete::Refuse("no-deletes"))?,
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

/// What happens when a good policy is replaced by something that cannot be loaded.
fn keeps_the_old_version(test: &str, broken: &[u8], reason: &str) -> Result<()> {
    let good = guest::on_delete("swapped", OnDelete::Refuse("old-version"))?;
    let world = world_with(test, "swapped", &good, "")?;
    let mut client = world.client()?;
    let refused_by_old = |client: &mut raw::Client| -> Result<bool> {
        let error =
            raw::error(&client.query("DELETE FROM kept")?).context("a DELETE was let through")?;
        Ok(error[&'M'] == "old-version")
    };
    assert!(refused_by_old(&mut client)?);
    let before = world.gateway.log()?.len();
    put(world.policies.path(), "swapped.wasm", broken)?;
    eventually("the log says why the new file was not taken", || {
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
    // The next good file is taken.
    put(
        world.policies.path(),
        "swapped.wasm",
        &guest::on_delete("swapped", OnDelete::Refuse("new-version"))?,
    )?;
    eventually("the repaired file is in force", || {
        let error =
            raw::error(&client.query("DELETE FROM kept")?).context("a DELETE was let through")?;
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
fn a_half_written_file_keeps_the_old_version() -> Result<()> {
    let whole = std::fs::read(bundled("deny-list")?)?;
    keeps_the_old_version("keep_half", &whole[..whole.len() / 2], "")
}

#[test]
fn bytes_that_are_no_wasm_keep_the_old_version() -> Result<()> {
    keeps_the_old_version("keep_noise", b"not a module at all", "")
}

#[test]
fn an_empty_file_keeps_the_old_version() -> Result<()> {
    keeps_the_old_version("keep_empty", b"", "")
}

#[test]
fn a_file_that_grows_slowly_is_taken_once_it_is_whole() -> Result<()> {
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
    eventually("deny-list rules", || {
        let messages = client.query("DROP TABLE IF EXISTS nothing_of_this_name")?;
        Ok(raw::error(&messages).is_some_and(|error| error[&'C'] == "42501"))
    })
}

#[test]
fn bad_settings_of_a_bundled_policy_are_named_at_the_start() -> Result<()> {
    let folder = tempfile::tempdir()?;
    std::fs::copy(
        bundled("mask-columns")?,
        folder.path().join("mask-columns.wasm"),
    )?;
    let started = World::with_directory("bad_settings", folder, "[mask-columns]\ncolumns = 7\n");
    let told = match started {
        Err(error) => format!("{error:#}"),
        Ok(world) => {
            let error = raw::error(&world.client()?.query("SELECT 1")?);
            assert!(
                error.is_some_and(|error| error[&'C'] == "42501"),
                "a policy without legal settings lets pass"
            );
            world.gateway.log()?
        }
    };
    assert!(
        told.contains("mask-columns") && told.contains("columns"),
        "{told}"
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
