//! People log in at a real provider, by browser and by device code, and connect with the token they received.

pub mod fixture;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use gatewright_harness::{GatewayCommand, Provider, Psql, certificates, locate};
use serde_json::{Value, json};

use crate::proxy;
use crate::world::put;
use fixture::{Fixture, success_output, text};

/// The claims of a token.
fn claims(token: &str) -> Result<Value> {
    use base64::Engine;
    let payload = token.split('.').nth(1).context("no payload")?;
    let bytes = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload)?;
    Ok(serde_json::from_slice(&bytes)?)
}

#[test]
fn a_browser_login_opens_a_psql_session() -> Result<()> {
    let fixture = Fixture::new("people_browser")?;
    let login = fixture.log_in("ada", &[])?;
    let stderr = text(&login.stderr);
    assert!(login.status.success(), "{stderr}");
    assert!(stderr.contains("Logged in as ada"), "{stderr}");
    assert!(stderr.contains("renewed automatically"), "{stderr}");
    assert!(
        login.stdout.is_empty(),
        "messages for people must not go to stdout"
    );

    let role = success_output(fixture.connect(&["-c", "SELECT current_user"])?)?;
    assert_eq!(role, fixture.stage.role);
    // The exit code is psql's own.
    let failed = fixture.connect(&["-v", "ON_ERROR_STOP=1", "-c", "SELECT 1/0"])?;
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");

    let token = success_output(fixture.run(&["token"])?)?;
    let claims = claims(&token)?;
    assert_eq!(
        (&claims["sub"], &claims["aud"]),
        (&json!("ada"), &json!("gatewright"))
    );
    assert!(!stderr.contains(&token));

    let mode = |path: PathBuf| -> Result<u32> {
        Ok(std::fs::metadata(path)?.permissions().mode() & 0o777)
    };
    assert_eq!(mode(fixture.login_file("default"))?, 0o600);
    assert_eq!(
        mode(fixture.home.path().join(".local/state/gatewright/logins"))?,
        0o700
    );

    // After a logout a copy of the login file is useless: the provider refuses to renew it.
    let mut copy: Value = serde_json::from_slice(&std::fs::read(fixture.login_file("default"))?)?;
    success_output(fixture.run(&["logout"])?)?;
    assert!(!fixture.login_file("default").exists());
    copy["expires_at"] = copy["obtained_at"].clone();
    put(
        fixture.login_file("stolen").parent().context("a folder")?,
        "stolen.json",
        copy.to_string().as_bytes(),
    )?;
    std::fs::set_permissions(
        fixture.login_file("stolen"),
        std::fs::Permissions::from_mode(0o600),
    )?;
    let stolen = text(&fixture.run(&["token", "--name", "stolen"])?.stderr);
    assert!(stolen.contains("invalid_grant"), "{stolen}");
    let nobody = fixture.run(&["token"])?;
    assert_eq!(nobody.status.code(), Some(1));
    assert!(nobody.stdout.is_empty());
    assert!(
        text(&nobody.stderr).contains("run `gatewright login`"),
        "{nobody:?}"
    );
    assert!(!fixture.connect(&["-c", "SELECT 1"])?.status.success());
    Ok(())
}

#[test]
fn a_device_code_login_works() -> Result<()> {
    let fixture = Fixture::new("people_device")?;
    let issuer = fixture.provider.url();
    let arguments = [
        "login",
        "--device",
        "--issuer",
        issuer,
        "--client-id",
        "gatewright",
    ];
    let mut login = fixture
        .gatewright(&arguments)?
        .stderr(Stdio::piped())
        .spawn()?;
    let mut stderr = BufReader::new(login.stderr.take().context("no stderr")?);
    let mut lines = Vec::new();
    // The address and the code are on lines of their own, indented.
    while lines.len() < 2 {
        let mut line = String::new();
        ensure!(stderr.read_line(&mut line)? > 0, "login ended: {lines:?}");
        lines.extend(line.strip_prefix("  ").map(|line| line.trim().to_owned()));
    }
    let [address, code] = lines.as_slice() else {
        unreachable!("two lines were read");
    };
    let typed = Provider::browser("ada")?.args([address, code]).output()?;
    ensure!(typed.status.success(), "{typed:?}");
    let mut rest = String::new();
    stderr.read_to_string(&mut rest)?;
    assert!(login.wait()?.success(), "{rest}");
    assert!(rest.contains("Logged in as ada"), "{rest}");
    let role = success_output(fixture.connect(&["-c", "SELECT current_user"])?)?;
    assert_eq!(role, fixture.stage.role);
    Ok(())
}

#[test]
fn access_tokens_work_and_profiles_are_separate() -> Result<()> {
    let fixture = Fixture::new("people_profiles")?;
    success_output(fixture.log_in("ada", &["--token", "access", "--name", "api"])?)?;
    success_output(fixture.log_in("eve", &["--name", "eve"])?)?;
    let api = success_output(fixture.run(&["token", "--name", "api"])?)?;
    let eve = success_output(fixture.run(&["token", "--name", "eve"])?)?;
    assert_eq!(claims(&api)?["sub"], "ada");
    assert!(claims(&api)?["jti"].is_string(), "an access token");
    assert_eq!(claims(&eve)?["sub"], "eve");
    let role = success_output(fixture.connect(&["--name", "api", "-c", "SELECT current_user"])?)?;
    assert_eq!(role, fixture.stage.role);
    let refused = fixture.connect(&["--name", "eve", "-c", "SELECT 1"])?;
    assert!(text(&refused.stderr).contains("FATAL"), "{refused:?}");
    assert!(
        !fixture.run(&["token"])?.status.success(),
        "there is no default profile"
    );
    Ok(())
}

#[test]
fn an_expired_token_is_renewed_without_interaction() -> Result<()> {
    let fixture = Fixture::with_token_lifetime("people_renewal", 15)?;
    success_output(fixture.log_in("ada", &[])?)?;
    let first = success_output(fixture.run(&["token"])?)?;
    std::thread::sleep(std::time::Duration::from_secs(16));
    // Expired: the gateway would refuse it, so `connect` must have renewed it.
    let refused = fixture
        .stage
        .psql(&first)?
        .environment("PGSSLMODE", "require");
    assert!(refused.script("SELECT 1;")?.stderr.contains("expired"));
    let role = success_output(fixture.connect(&["-c", "SELECT current_user"])?)?;
    assert_eq!(role, fixture.stage.role);
    let second = success_output(fixture.run(&["token"])?)?;
    assert_ne!(first, second);
    assert_eq!(claims(&second)?["sub"], "ada");
    Ok(())
}

#[test]
fn concurrent_renewals_use_a_refresh_token_once() -> Result<()> {
    let fixture = Fixture::with_token_lifetime("people_race", 20)?;
    success_output(fixture.log_in("ada", &[])?)?;
    let kept = fixture.login_file("default");
    let mut login: Value = serde_json::from_slice(&std::fs::read(&kept)?)?;
    let first = login["token"].clone();
    login["expires_at"] = login["obtained_at"].clone();
    std::fs::write(&kept, login.to_string())?;
    let running = (0..6)
        .map(|_| {
            let mut command = fixture.gatewright(&["token"])?;
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            Ok(command.spawn()?)
        })
        .collect::<Result<Vec<_>>>()?;
    let mut tokens = Vec::new();
    for process in running {
        tokens.push(success_output(process.wait_with_output()?)?);
    }
    tokens.dedup();
    let [token] = tokens.as_slice() else {
        anyhow::bail!("{} tokens", tokens.len());
    };
    assert_ne!(json!(token), first);
    // The provider treats a reused refresh token as stolen and revokes the whole login.
    let mut login: Value = serde_json::from_slice(&std::fs::read(&kept)?)?;
    login["expires_at"] = login["obtained_at"].clone();
    std::fs::write(&kept, login.to_string())?;
    assert_ne!(&success_output(fixture.run(&["token"])?)?, token);
    Ok(())
}

#[test]
fn a_login_revoked_by_the_provider_names_the_command_to_run() -> Result<()> {
    let fixture = Fixture::with_token_lifetime("people_forgotten", 1)?;
    success_output(fixture.log_in("ada", &["--name", "work"])?)?;
    let kept = fixture.login_file("work");
    let mut login: Value = serde_json::from_slice(&std::fs::read(&kept)?)?;
    login["refresh_token"] = json!("never-issued");
    std::fs::write(&kept, login.to_string())?;
    std::thread::sleep(std::time::Duration::from_secs(2));
    let refused = fixture.run(&["token", "--name", "work"])?;
    let stderr = text(&refused.stderr);
    assert!(!refused.status.success() && refused.stdout.is_empty());
    assert!(stderr.contains("invalid_grant"), "{stderr}");
    assert!(
        stderr.contains("run `gatewright login --name work`"),
        "{stderr}"
    );
    // The settings are stored, so no other argument is needed.
    success_output(fixture.log_in_again("ada", &["--name", "work"])?)?;
    assert!(fixture.run(&["token", "--name", "work"])?.status.success());
    Ok(())
}

#[test]
fn a_settings_file_replaces_the_arguments() -> Result<()> {
    let fixture = Fixture::new("people_file")?;
    let folder = fixture.home.path().join(".config/gatewright");
    std::fs::create_dir_all(&folder)?;
    let port = fixture.stage.port;
    let issuer = fixture.provider.url();
    let settings = format!(
        "[profile.work]\nissuer = \"{issuer}\"\nclient_id = \"gatewright\"\ngateway = \"localhost:{port}\"\ndatabase = \"shop\"\n"
    );
    std::fs::write(folder.join("login.toml"), &settings)?;
    success_output(fixture.log_in_again("ada", &[])?)?;
    let role = success_output(fixture.run(&["connect", "-XAtc", "SELECT current_user"])?)?;
    assert_eq!(role, fixture.stage.role);
    std::fs::write(
        folder.join("login.toml"),
        settings.replace("client_id", "clientid"),
    )?;
    let faulty = text(&fixture.run(&["token"])?.stderr);
    assert!(faulty.contains("did you mean `client_id`?"), "{faulty}");
    Ok(())
}

#[test]
fn the_token_is_sent_only_to_a_verified_gateway() -> Result<()> {
    let fixture = Fixture::new("people_verified")?;
    success_output(fixture.log_in("ada", &[])?)?;
    let other = tempfile::tempdir()?;
    certificates(other.path())?;
    let port = fixture.stage.port.to_string();
    let mut command =
        fixture.gatewright(&["connect", "-h", "localhost", "-p", &port, "-d", "shop"])?;
    command.env("PGSSLROOTCERT", other.path().join("ca.crt"));
    let refused = command.args(["-c", "SELECT 1"]).output()?;
    let stderr = text(&refused.stderr);
    assert!(stderr.contains("certificate verify failed"), "{stderr}");
    // The token is not on the command line: the program receives only its own arguments.
    let arguments = [
        "connect",
        "--program",
        "sh",
        "-c",
        "cat /proc/$$/cmdline; echo; echo $PGPASSWORD",
    ];
    let seen = success_output(fixture.run(&arguments)?)?;
    let (line, password) = seen.split_once('\n').context("two lines")?;
    assert_eq!(password, success_output(fixture.run(&["token"])?)?);
    assert!(!line.contains(password), "{line}");
    Ok(())
}

#[test]
fn a_login_file_readable_by_others_is_rejected() -> Result<()> {
    let fixture = Fixture::new("people_exposed")?;
    success_output(fixture.log_in("ada", &[])?)?;
    std::fs::set_permissions(
        fixture.login_file("default"),
        std::fs::Permissions::from_mode(0o644),
    )?;
    let refused = fixture.run(&["token"])?;
    let stderr = text(&refused.stderr);
    assert!(refused.stdout.is_empty(), "no token");
    assert!(
        stderr.contains("other users have access to") && stderr.contains("chmod"),
        "{stderr}"
    );
    Ok(())
}

#[test]
fn the_proxy_renews_the_token_for_its_clients() -> Result<()> {
    let fixture = Fixture::with_token_lifetime("people_proxy", 15)?;
    let proxy = fixture.proxy("default")?;
    let psql = Psql::new(&proxy::address(&proxy)?)?;
    let refused = psql.script("SELECT 1;")?.stderr;
    assert!(
        refused.contains("FATAL:  the proxy is not logged in, or its login has expired"),
        "{refused}"
    );
    success_output(fixture.log_in("ada", &[])?)?;
    assert_eq!(psql.query("SELECT current_user")?, fixture.stage.role);
    std::thread::sleep(std::time::Duration::from_secs(16));
    assert_eq!(psql.query("SELECT current_user")?, fixture.stage.role);
    // The log is at `trace` and must contain no secret.
    let log = proxy.log()?;
    assert!(log.contains("TRACE"), "{log:.200}");
    let kept: Value = serde_json::from_slice(&std::fs::read(fixture.login_file("default"))?)?;
    for secret in ["token", "refresh_token"] {
        let secret = kept[secret].as_str().context("no secret")?;
        assert!(!log.contains(secret), "the log contains a secret");
    }
    Ok(())
}

#[test]
fn a_gateway_that_requests_oauthbearer_is_supported() -> Result<()> {
    let fixture = Fixture::with_listen("people_bearer", 600, "authentication = \"oauthbearer\"")?;
    success_output(fixture.log_in("ada", &[])?)?;
    success_output(fixture.log_in("eve", &["--name", "eve"])?)?;
    // psql alone fails: this libpq has no OAUTHBEARER support or no token.
    let mut psql = Command::new(locate::psql()?);
    let port = fixture.stage.port.to_string();
    let alone = psql
        .args([
            "-h",
            "localhost",
            "-p",
            &port,
            "-d",
            "shop",
            "-XAtc",
            "SELECT 1",
        ])
        .env("PGSSLMODE", "require")
        .env("PGPASSWORD", "x")
        .output()?;
    assert!(!alone.status.success(), "{alone:?}");
    let role = success_output(fixture.connect(&["-c", "SELECT current_user"])?)?;
    assert_eq!(role, fixture.stage.role);
    // The user's own PGOPTIONS are passed on.
    let mut command =
        fixture.gatewright(&["connect", "-h", "localhost", "-p", &port, "-d", "shop"])?;
    command
        .env("PGOPTIONS", "-c work_mem=3MB")
        .args(["-XAtc", "SHOW work_mem"]);
    assert_eq!(success_output(command.output()?)?, "3MB");

    let proxy = fixture.proxy("default")?;
    let psql = Psql::new(&proxy::address(&proxy)?)?;
    assert_eq!(psql.query("SELECT current_user")?, fixture.stage.role);
    let proxy = fixture.proxy("eve")?;
    let refused = Psql::new(&proxy::address(&proxy)?)?
        .script("SELECT 1;")?
        .stderr;
    assert!(
        refused.contains("FATAL") && refused.contains("eve"),
        "{refused}"
    );

    // A rejected token: the exchange ends with the gateway's own error.
    let foreign = fixture.home.path().join("foreign");
    std::fs::write(
        &foreign,
        fixture.provider.access_token_for("ada", "billing", 600)?,
    )?;
    let proxy = GatewayCommand::verb("proxy")
        .arguments(["--upstream", &format!("localhost:{port}")])
        .arguments(["--token-file", &foreign.display().to_string()])
        .arguments(["--ca", &fixture.authorities.display().to_string()])
        .listen("127.0.0.1:0")
        .start()?;
    let refused = Psql::new(&proxy::address(&proxy)?)?
        .script("SELECT 1;")?
        .stderr;
    assert!(
        refused.contains("FATAL") && refused.contains("audience"),
        "{refused}"
    );
    Ok(())
}
