//! `gatewright check`: all errors at once, each with its place; a valid file printed without its secrets.

use anyhow::Result;
use gatewright_harness::GatewayCommand;

use crate::site::Site;

#[test]
fn a_valid_file_is_printed_with_its_secrets_hidden() -> Result<()> {
    let site = Site::start("info")?;
    let config = site.config().display().to_string();
    let output = GatewayCommand::verb("check")
        .arguments(["--config", &config])
        .output()?;
    let printed = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(0),
        "{printed}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    assert!(
        printed.contains("public.customers.email") && printed.contains(&site.issuer.url),
        "{printed}"
    );
    for password in &site.passwords {
        assert!(
            !printed.contains(password.as_str()),
            "a password is printed"
        );
    }
    Ok(())
}

#[test]
fn every_error_is_reported_with_file_and_line_at_once() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("invalid.toml");
    std::fs::write(
        &config,
        "[listen]\naddress = \"nowhere\"\nadress = 1\n[listen.tls]\ncertificate = \"missing.crt\"\nkey = \"missing.key\"\n\
         [[issuer]]\nurl = \"http://example.com\"\n[[database]]\nname = \"shop\"\n[[grant]]\ngroups = []\n\
         databases = [\"shp\"]\nrole = \"r\"\n[policies]\ndirectory = \"not-there\"\n[typo]\n",
    )?;
    let output = GatewayCommand::verb("check")
        .arguments(["--config", &config.display().to_string()])
        .output()?;
    let told = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(1), "{told}");
    for line in [2, 3, 5, 8, 12, 13, 16, 17] {
        assert!(
            told.contains(&format!("invalid.toml:{line}:")),
            "no error on line {line} in\n{told}"
        );
    }
    Ok(())
}

#[test]
fn serve_refuses_an_invalid_file_before_it_listens() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("invalid.toml");
    std::fs::write(&config, "[listen]\naddress = \"127.0.0.1:0\"\nbogus = 1\n")?;
    let output = GatewayCommand::serve(&config).output()?;
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(
        told.contains("invalid.toml:3:") && told.contains("bogus"),
        "{told}"
    );
    Ok(())
}
