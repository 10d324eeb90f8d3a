//! `gatewright check` reports all errors at once, each with its position, and prints a valid file without its secrets.

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
fn all_errors_are_reported_at_once_with_file_and_line() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("faulty.toml");
    std::fs::write(
        &config,
        "[listen]\naddress = \"nowhere\"\nadress = 1\n[listen.tls]\ncertificate = \"missing.crt\"\nkey = \"missing.key\"\n\
         [[issuer]]\nurl = \"http://example.com\"\n[[database]]\nname = \"shop\"\n[[grant]]\ngroups = []\n\
         databases = [\"shp\"]\nrole = \"r\"\n[policies]\ndirectory = \"not-there\"\n[typo]\n",
    )?;
    let output = GatewayCommand::verb("check")
        .arguments(["--config", &config.display().to_string()])
        .output()?;
    let reported = format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    );
    assert_eq!(output.status.code(), Some(1), "{reported}");
    for line in [2, 3, 5, 8, 12, 13, 16, 17] {
        assert!(
            reported.contains(&format!("faulty.toml:{line}:")),
            "no error on line {line} in\n{reported}"
        );
    }
    Ok(())
}

#[test]
fn serve_rejects_an_invalid_file_before_it_listens() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let config = folder.path().join("faulty.toml");
    std::fs::write(&config, "[listen]\naddress = \"127.0.0.1:0\"\nbogus = 1\n")?;
    let output = GatewayCommand::serve(&config).output()?;
    let reported = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{reported}");
    assert!(
        reported.contains("faulty.toml:3:") && reported.contains("bogus"),
        "{reported}"
    );
    Ok(())
}
