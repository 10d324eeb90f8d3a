//! The gateway's own passwords change while it runs: those in a file and those printed by a command.

use std::path::Path;

use anyhow::Result;
use gatewright_harness::{Psql, random_secret};

use super::stage::{Plan, Stage};
use crate::guest;
use crate::issuer::Issuer;
use crate::world::{eventually, put};

const TOKEN_SCRIPT: &str = "#!/bin/sh\nset -e\ncd \"$1\"\necho run >> runs\ncat current\n";

fn stage(test: &str, issuer: &Issuer, credential: &str, more: &str) -> Result<Stage> {
    let folder = tempfile::tempdir()?;
    let script = folder.path().join("token.sh");
    std::fs::write(&script, TOKEN_SCRIPT)?;
    let policies = folder.path().join("policies");
    std::fs::create_dir(&policies)?;
    put(&policies, "allow.wasm", &guest::always("allow", None)?)?;
    // Replaced below. The configuration is checked before the role exists.
    std::fs::write(folder.path().join("current"), "not yet")?;
    let credential = credential.replace("FOLDER", &folder.path().display().to_string());
    let plan = Plan {
        issuer: &issuer.url,
        credential: &credential,
        more,
        ..Plan::default()
    };
    Stage::start(test, folder, &plan)
}

const FILE: &str = "password_file = \"current\"";

/// Changes the role's password on the server and writes it to `current`.
fn rotate(stage: &Stage) -> Result<String> {
    let password = random_secret()?;
    let role = &stage.role;
    Psql::new(&stage.direct)?.query(&format!("ALTER ROLE {role} PASSWORD '{password}'"))?;
    std::fs::write(stage.folder.path().join("current"), format!("{password}\n"))?;
    Ok(password)
}

fn runs(folder: &Path) -> Result<usize> {
    Ok(std::fs::read_to_string(folder.join("runs"))?
        .lines()
        .count())
}

#[test]
fn the_password_command_runs_again_when_the_password_is_refused() -> Result<()> {
    let issuer = Issuer::start()?;
    let credential = "password_command = [\"/bin/sh\", \"token.sh\", \"FOLDER\"]\npassword_command_cache = \"1h\"";
    let credential = credential.replace("token.sh", "FOLDER/token.sh");
    let stage = stage("command_rotates", &issuer, &credential, "")?;
    let token = issuer.token("ada", &["staff"])?;
    let first = rotate(&stage)?;
    let mut open = stage.client(&token)?;
    assert_eq!(stage.role_of(&token)?, stage.role);
    assert_eq!(
        runs(stage.folder.path())?,
        1,
        "the password is cached for the next login"
    );

    let second = rotate(&stage)?;
    assert_eq!(stage.role_of(&token)?, stage.role);
    assert_eq!(stage.role_of(&token)?, stage.role);
    assert_eq!(runs(stage.folder.path())?, 2);
    open.query("SELECT 1")?;

    // The gateway continues with the cached password. Once that is refused, no session is opened.
    std::fs::remove_file(stage.folder.path().join("current"))?;
    assert_eq!(stage.role_of(&token)?, stage.role);
    let third = rotate(&stage)?;
    std::fs::remove_file(stage.folder.path().join("current"))?;
    let refused = stage.refusal(&token)?;
    assert!(refused.contains("no working credential"), "{refused}");
    for inside in [stage.role.as_str(), "token.sh", "command", "current"] {
        assert!(!refused.contains(inside), "{inside} in {refused}");
    }
    let reported =
        |log: &str| log.contains("the password command /bin/sh failed with exit status: 1");
    eventually("the log says why", || Ok(reported(&stage.gateway.log()?)))?;
    open.query("SELECT 1")?;

    rotate(&stage)?;
    assert_eq!(stage.role_of(&token)?, stage.role);
    let log = stage.gateway.log()?;
    for password in [&first, &second, &third] {
        assert!(
            !log.contains(password.as_str()),
            "the log contains a password"
        );
    }
    Ok(())
}

#[test]
fn a_changed_password_file_is_used_at_the_next_login() -> Result<()> {
    let issuer = Issuer::start()?;
    let stage = stage("file_rotates", &issuer, FILE, "")?;
    let token = issuer.token("ada", &["staff"])?;
    let refused = stage.refusal(&token)?;
    assert!(refused.contains("could not log in"), "{refused}");
    for _ in 0..2 {
        rotate(&stage)?;
        assert_eq!(stage.role_of(&token)?, stage.role);
    }
    std::fs::remove_file(stage.folder.path().join("current"))?;
    let refused = stage.refusal(&token)?;
    assert!(refused.contains("no working credential"), "{refused}");
    Ok(())
}

/// After a CREATE TABLE no statement is judged until the catalog has been read again, by a login of the gateway itself.
#[test]
fn the_catalog_is_read_with_the_current_password() -> Result<()> {
    let issuer = Issuer::start()?;
    let policies = "[policies]\ndirectory = \"policies\"";
    let stage = stage("catalog_rotates", &issuer, FILE, policies)?;
    let token = issuer.token("ada", &["staff"])?;
    for table in ["one", "two"] {
        rotate(&stage)?;
        let sql = format!("CREATE TABLE {table} (id int); SELECT count(*) FROM {table}");
        assert_eq!(stage.psql(&token)?.query(&sql)?, "0");
        let again = format!("SELECT count(*) FROM {table}");
        assert_eq!(stage.psql(&token)?.query(&again)?, "0");
    }
    assert!(!stage.gateway.log()?.contains("catalog could not be read"));
    Ok(())
}
