//! `gatewright policy`: what authors run on a policy's file.

use anyhow::{Result, ensure};
use gatewright_harness::GatewayCommand;
use serde_json::Value;

use crate::guest;
use crate::world::bundled;

/// Output, errors, and whether it succeeded.
fn inspect(file: &str, more: &[&str]) -> Result<(String, String, bool)> {
    let mut command = GatewayCommand::verb("policy").arguments(["inspect", file]);
    for argument in more {
        command = command.argument(argument);
    }
    let output = command.output()?;
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    Ok((
        text(&output.stdout),
        text(&output.stderr),
        output.status.success(),
    ))
}

#[test]
fn a_policy_says_what_it_is() -> Result<()> {
    let file = bundled("mask-columns")?.display().to_string();
    let (text, errors, is_good) = inspect(&file, &[])?;
    ensure!(is_good && errors.is_empty(), "{errors}");
    for line in [
        "policy       mask-columns 0.1.0",
        "hooks        statement, result-plan, batch, notification",
        "contract     0.2.0 (core module)",
    ] {
        ensure!(text.lines().any(|known| known == line), "{line}\n{text}");
    }
    let (json, _, is_good) = inspect(&file, &["--json"])?;
    let json: Value = serde_json::from_str(&json)?;
    ensure!(is_good && json["contract"] == "0.2.0", "{json}");
    let length = std::fs::metadata(&file)?.len();
    ensure!(json["bytes"] == length && text.contains(&length.to_string()));
    let sha256 = json["sha256"].as_str().unwrap_or_default();
    ensure!(sha256.len() == 64 && text.contains(sha256), "{json}");
    let mut imports = json["imports"].as_array().into_iter().flatten();
    ensure!(imports.all(|import| {
        let name = import.as_str().unwrap_or_default();
        name.starts_with("gatewright:policy/host@0.2.0")
    }));
    Ok(())
}

/// With the error that a gateway would log.
#[test]
fn what_would_not_be_loaded_is_an_error() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = |name: &str| folder.path().join(name).display().to_string();
    std::fs::write(path("text.wasm"), "no policy")?;
    let (_, errors, is_good) = inspect(&path("text.wasm"), &[])?;
    ensure!(
        !is_good && errors.contains("does not begin with a WebAssembly header"),
        "{errors}"
    );
    std::fs::write(path("settings.toml"), "[deny-list]\ntabels = []\n")?;
    let deny_list = bundled("deny-list")?.display().to_string();
    let (text, errors, is_good) = inspect(&deny_list, &["--settings", &path("settings.toml")])?;
    ensure!(
        !is_good && errors.contains("unknown field `tabels`"),
        "{errors}"
    );
    ensure!(text.contains("contract     0.2.0"), "{text}");
    // One of an older contract.
    std::fs::write(path("older.wasm"), guest::always("older", None)?)?;
    let (text, errors, is_good) = inspect(&path("older.wasm"), &[])?;
    ensure!(
        is_good && text.contains("contract     0.1.0"),
        "{text}{errors}"
    );
    Ok(())
}
