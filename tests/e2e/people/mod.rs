//! People log in at a real provider, by browser and by device, and reach the database with what they got.

mod town;

use std::io::{BufRead, BufReader, Read};
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use anyhow::{Context, Result, ensure};
use gatewright_harness::{GatewayCommand, Provider, Psql, locate};
use serde_json::{Value, json};

use crate::proxy;
use crate::site::certificates;
use crate::world::put;
use town::{Town, succeeded, text};

/// The claims of a token.
fn claims(token: &str) -> Result<Value> {
    use base64::Engine;
    let payload = token.split('.').nth(1).context("no payload")?;
    let bytes = base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(payload)?;
    Ok(serde_json::from_slice(&bytes)?)
}

#[test]
fn a_person_logs_in_with_a_browser_and_psql_is_let_in() -> Result<()> {
    let town = Town::new("people_browser")?;
    let login = town.log_in("ada", &[])?;
    let said = text(&login.stderr);
    assert!(login.status.success(), "{said}");
    assert!(said.contains("Logged in as ada"), "{said}");
    assert!(said.contains("renewed automatically"), "{said}");
    assert!(
        login.stdout.is_empty(),
        "what is said to people is not output"
    );

    let role = succeeded(town.connect(&["-c", "SELECT current_user"])?)?;
    assert_eq!(role, town.stage.role);
    // Exit codes are psql's own.
    let failed = town.connect(&["-v", "ON_ERROR_STOP=1", "-c", "SELECT 1/0"])?;
    assert_eq!(failed.status.code(), Some(1), "{failed:?}");

    let token = succeeded(town.run(&["token"])?)?;
    let claims = claims(&token)?;
    assert_eq!(
        (&claims["sub"], &claims["aud"]),
        (&json!("ada"), &json!("gatewright"))
    );
    assert!(!said.contains(&token));

    let mode = |path: PathBuf| -> Result<u32> {
        Ok(std::fs::metadata(path)?.permissions().mode() & 0o777)
    };
    assert_eq!(mode(town.kept("default"))?, 0o600);
    assert_eq!(
        mode(town.home.path().join(".local/state/gatewright/logins"))?,
        0o700
    );

    // A copy of the file is worth nothing once its owner has logged out: the provider takes no renewal.
    let mut copy: Value = serde_json::from_slice(&std::fs::read(town.kept("default"))?)?;
    succeeded(town.run(&["logout"])?)?;
    assert!(!town.kept("default").exists());
    copy["expires_at"] = copy["obtained_at"].clone();
    put(
        town.kept("stolen").parent().context("a folder")?,
        "stolen.json",
        copy.to_string().as_bytes(),
    )?;
    std::fs::set_permissions(town.kept("stolen"), std::fs::Permissions::from_mode(0o600))?;
    let stolen = text(&town.run(&["token", "--name", "stolen"])?.stderr);
    assert!(stolen.contains("invalid_grant"), "{stolen}");
    let nobody = town.run(&["token"])?;
    assert_eq!(nobody.status.code(), Some(1));
    assert!(nobody.stdout.is_empty());
    assert!(
        text(&nobody.stderr).contains("run `gatewright login`"),
        "{nobody:?}"
    );
    assert!(!town.connect(&["-c", "SELECT 1"])?.status.success());
    Ok(())
}

#[test]
fn a_person_logs_in_with_a_code_typed_elsewhere() -> Result<()> {
    let town = Town::new("people_device")?;
    let issuer = town.provider.url();
    let arguments = [
        "login",
        "--device",
        "--issuer",
        issuer,
        "--client-id",
        "gatewright",
    ];
    let mut login = town
        .gatewright(&arguments)?
        .stderr(Stdio::piped())
        .spawn()?;
    let mut said = BufReader::new(login.stderr.take().context("no stderr")?);
    let mut lines = Vec::new();
    // The address and the code stand on lines of their own, indented.
    while lines.len() < 2 {
        let mut line = String::new();
        ensure!(said.read_line(&mut line)? > 0, "login ended: {lines:?}");
        lines.extend(line.strip_prefix("  ").map(|line| line.trim().to_owned()));
    }
    let [address, code] = lines.as_slice() else {
        unreachable!("two lines were read");
    };
    let typed = Provider::browser("ada")?.args([address, code]).output()?;
    ensure!(typed.status.success(), "{typed:?}");
    let mut rest = String::new();
    said.read_to_string(&mut rest)?;
    assert!(login.wait()?.success(), "{rest}");
    assert!(rest.contains("Logged in as ada"), "{rest}");
    let role = succeeded(town.connect(&["-c", "SELECT current_user"])?)?;
    assert_eq!(role, town.stage.role);
    Ok(())
}

#[test]
fn the_access_token_works_too_and_profiles_are_kept_apart() -> Result<()> {
    let town = Town::new("people_profiles")?;
    succeeded(town.log_in("ada", &["--token", "access", "--name", "api"])?)?;
    succeeded(town.log_in("eve", &["--name", "eve"])?)?;
    let api = succeeded(town.run(&["token", "--name", "api"])?)?;
    let eve = succeeded(town.run(&["token", "--name", "eve"])?)?;
    assert_eq!(claims(&api)?["sub"], "ada");
    assert!(claims(&api)?["jti"].is_string(), "an access token");
    assert_eq!(claims(&eve)?["sub"], "eve");
    let role = succeeded(town.connect(&["--name", "api", "-c", "SELECT current_user"])?)?;
    assert_eq!(role, town.stage.role);
    let refused = town.connect(&["--name", "eve", "-c", "SELECT 1"])?;
    assert!(text(&refused.stderr).contains("FATAL"), "{refused:?}");
    assert!(
        !town.run(&["token"])?.status.success(),
        "there is no default"
    );
    Ok(())
}

#[test]
fn a_token_that_runs_out_is_renewed_without_the_person() -> Result<()> {
    let town = Town::with("people_renewal", 15)?;
    succeeded(town.log_in("ada", &[])?)?;
    let first = succeeded(town.run(&["token"])?)?;
    std::thread::sleep(std::time::Duration::from_secs(16));
    // Past its end: the gateway would refuse it, and what `connect` brings is another one.
    let refused = town.stage.psql(&first)?.environment("PGSSLMODE", "require");
    assert!(refused.script("SELECT 1;")?.stderr.contains("expired"));
    let role = succeeded(town.connect(&["-c", "SELECT current_user"])?)?;
    assert_eq!(role, town.stage.role);
    let second = succeeded(town.run(&["token"])?)?;
    assert_ne!(first, second);
    assert_eq!(claims(&second)?["sub"], "ada");
    Ok(())
}

#[test]
fn processes_that_renew_at_once_use_a_refresh_token_once() -> Result<()> {
    let town = Town::with("people_race", 20)?;
    succeeded(town.log_in("ada", &[])?)?;
    let kept = town.kept("default");
    let mut login: Value = serde_json::from_slice(&std::fs::read(&kept)?)?;
    let first = login["token"].clone();
    login["expires_at"] = login["obtained_at"].clone();
    std::fs::write(&kept, login.to_string())?;
    let running = (0..6)
        .map(|_| {
            let mut command = town.gatewright(&["token"])?;
            command.stdout(Stdio::piped()).stderr(Stdio::piped());
            Ok(command.spawn()?)
        })
        .collect::<Result<Vec<_>>>()?;
    let mut tokens = Vec::new();
    for process in running {
        tokens.push(succeeded(process.wait_with_output()?)?);
    }
    tokens.dedup();
    let [token] = tokens.as_slice() else {
        anyhow::bail!("{} tokens", tokens.len());
    };
    assert_ne!(json!(token), first);
    // The provider takes a refresh token that comes twice for a stolen one, and ends the whole login.
    let mut login: Value = serde_json::from_slice(&std::fs::read(&kept)?)?;
    login["expires_at"] = login["obtained_at"].clone();
    std::fs::write(&kept, login.to_string())?;
    assert_ne!(&succeeded(town.run(&["token"])?)?, token);
    Ok(())
}

#[test]
fn a_login_that_the_provider_has_forgotten_says_what_to_run() -> Result<()> {
    let town = Town::with("people_forgotten", 1)?;
    succeeded(town.log_in("ada", &["--name", "work"])?)?;
    let kept = town.kept("work");
    let mut login: Value = serde_json::from_slice(&std::fs::read(&kept)?)?;
    login["refresh_token"] = json!("never-issued");
    std::fs::write(&kept, login.to_string())?;
    std::thread::sleep(std::time::Duration::from_secs(2));
    let refused = town.run(&["token", "--name", "work"])?;
    let said = text(&refused.stderr);
    assert!(!refused.status.success() && refused.stdout.is_empty());
    assert!(said.contains("invalid_grant"), "{said}");
    assert!(
        said.contains("run `gatewright login --name work`"),
        "{said}"
    );
    // The settings are still known, so this is all there is to do.
    succeeded(town.log_in_again("ada", &["--name", "work"])?)?;
    assert!(town.run(&["token", "--name", "work"])?.status.success());
    Ok(())
}

#[test]
fn a_file_of_the_persons_own_spares_the_arguments() -> Result<()> {
    let town = Town::new("people_file")?;
    let folder = town.home.path().join(".config/gatewright");
    std::fs::create_dir_all(&folder)?;
    let port = town.stage.port;
    let issuer = town.provider.url();
    let settings = format!(
        "[profile.work]\nissuer = \"{issuer}\"\nclient_id = \"gatewright\"\ngateway = \"localhost:{port}\"\ndatabase = \"shop\"\n"
    );
    std::fs::write(folder.join("login.toml"), &settings)?;
    succeeded(town.log_in_again("ada", &[])?)?;
    let role = succeeded(town.run(&["connect", "-XAtc", "SELECT current_user"])?)?;
    assert_eq!(role, town.stage.role);
    std::fs::write(
        folder.join("login.toml"),
        settings.replace("client_id", "clientid"),
    )?;
    let faulty = text(&town.run(&["token"])?.stderr);
    assert!(faulty.contains("did you mean `client_id`?"), "{faulty}");
    Ok(())
}

#[test]
fn the_token_is_shown_to_nobody_but_a_verified_gateway() -> Result<()> {
    let town = Town::new("people_verified")?;
    succeeded(town.log_in("ada", &[])?)?;
    let other = tempfile::tempdir()?;
    certificates(other.path())?;
    let port = town.stage.port.to_string();
    let mut command =
        town.gatewright(&["connect", "-h", "localhost", "-p", &port, "-d", "shop"])?;
    command.env("PGSSLROOTCERT", other.path().join("ca.crt"));
    let refused = command.args(["-c", "SELECT 1"]).output()?;
    let said = text(&refused.stderr);
    assert!(said.contains("certificate verify failed"), "{said}");
    // Not on the command line either: the program is handed what it was given and no more.
    let arguments = [
        "connect",
        "--program",
        "sh",
        "-c",
        "cat /proc/$$/cmdline; echo; echo $PGPASSWORD",
    ];
    let seen = succeeded(town.run(&arguments)?)?;
    let (line, password) = seen.split_once('\n').context("two lines")?;
    assert_eq!(password, succeeded(town.run(&["token"])?)?);
    assert!(!line.contains(password), "{line}");
    Ok(())
}

#[test]
fn a_login_file_that_others_can_read_is_not_used() -> Result<()> {
    let town = Town::new("people_exposed")?;
    succeeded(town.log_in("ada", &[])?)?;
    std::fs::set_permissions(town.kept("default"), std::fs::Permissions::from_mode(0o644))?;
    let refused = town.run(&["token"])?;
    let said = text(&refused.stderr);
    assert!(refused.stdout.is_empty(), "no token");
    assert!(
        said.contains("other users have access to") && said.contains("chmod"),
        "{said}"
    );
    Ok(())
}

#[test]
fn the_proxy_renews_a_persons_token_for_those_who_connect() -> Result<()> {
    let town = Town::with("people_proxy", 15)?;
    let proxy = town.proxy("default")?;
    let psql = Psql::new(&proxy::address(&proxy)?)?;
    let refused = psql.script("SELECT 1;")?.stderr;
    assert!(
        refused.contains("FATAL:  the proxy is not logged in, or its login has expired"),
        "{refused}"
    );
    succeeded(town.log_in("ada", &[])?)?;
    assert_eq!(psql.query("SELECT current_user")?, town.stage.role);
    std::thread::sleep(std::time::Duration::from_secs(16));
    assert_eq!(psql.query("SELECT current_user")?, town.stage.role);
    // The log says everything that there is to say at `trace`, and no secret.
    let log = proxy.log()?;
    assert!(log.contains("TRACE"), "{log:.200}");
    let kept: Value = serde_json::from_slice(&std::fs::read(town.kept("default"))?)?;
    for secret in ["token", "refresh_token"] {
        let secret = kept[secret].as_str().context("no secret")?;
        assert!(!log.contains(secret), "the log holds a secret");
    }
    Ok(())
}

#[test]
fn a_gateway_that_asks_by_oauthbearer_is_answered() -> Result<()> {
    let town = Town::asking("people_bearer", 600, "authentication = \"oauthbearer\"")?;
    succeeded(town.log_in("ada", &[])?)?;
    succeeded(town.log_in("eve", &["--name", "eve"])?)?;
    // What psql does by itself: this libpq knows no OAUTHBEARER, or has no token for it.
    let mut psql = Command::new(locate::psql()?);
    let port = town.stage.port.to_string();
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
    let role = succeeded(town.connect(&["-c", "SELECT current_user"])?)?;
    assert_eq!(role, town.stage.role);
    // Options of the person's own are passed on beside it.
    let mut command =
        town.gatewright(&["connect", "-h", "localhost", "-p", &port, "-d", "shop"])?;
    command
        .env("PGOPTIONS", "-c work_mem=3MB")
        .args(["-XAtc", "SHOW work_mem"]);
    assert_eq!(succeeded(command.output()?)?, "3MB");

    let proxy = town.proxy("default")?;
    let psql = Psql::new(&proxy::address(&proxy)?)?;
    assert_eq!(psql.query("SELECT current_user")?, town.stage.role);
    let proxy = town.proxy("eve")?;
    let refused = Psql::new(&proxy::address(&proxy)?)?
        .script("SELECT 1;")?
        .stderr;
    assert!(
        refused.contains("FATAL") && refused.contains("eve"),
        "{refused}"
    );

    // A token that is not accepted: the exchange ends with the gateway's own words.
    let foreign = town.home.path().join("foreign");
    std::fs::write(
        &foreign,
        town.provider.access_token_for("ada", "billing", 600)?,
    )?;
    let proxy = GatewayCommand::verb("proxy")
        .arguments(["--upstream", &format!("localhost:{port}")])
        .arguments(["--token-file", &foreign.display().to_string()])
        .arguments(["--ca", &town.authorities.display().to_string()])
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
