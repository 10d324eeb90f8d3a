//! `gatewright serve`: tokens of an issuer, grants, TLS on both sides, SIGHUP and SIGTERM.

use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use gatewright_harness::Psql;

use crate::site::Site;
use crate::world::eventually;

#[test]
fn a_token_opens_the_granted_role_over_tls_on_both_sides() -> Result<()> {
    let site = Site::start("info")?;
    let psql = site.psql(&site.issuer.token("ada", &["staff"])?)?;
    assert_eq!(
        psql.query("SELECT current_user, session_user, current_database()")?,
        "reader|reader|shop"
    );
    assert_eq!(
        psql.query("SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")?,
        "t"
    );
    let shown = psql.script("\\conninfo")?.stdout;
    assert!(shown.contains("SSL connection"), "{shown}");
    let rows = psql.query("SELECT name, email FROM customers ORDER BY id")?;
    assert!(
        rows.starts_with("Ada|") && !rows.contains("canary"),
        "{rows}"
    );
    assert!(
        psql.script("DROP TABLE customers;")?
            .stderr
            .contains("ERROR")
    );
    Ok(())
}

#[test]
fn rejected_logins_get_the_reason_and_nothing_more() -> Result<()> {
    let site = Site::start("info")?;
    let refused = |token: &str| -> Result<String> {
        let output = site.psql(token)?.script("SELECT 1;")?;
        assert_eq!(output.code, Some(2), "{output:?}");
        assert!(
            !output.stderr.contains(token) && !output.stderr.contains("127.0.0.1:1"),
            "{}",
            output.stderr
        );
        Ok(output.stderr)
    };
    let no_grant = refused(&site.issuer.token("eve", &["visitors"])?)?;
    let expired = refused(
        &site
            .issuer
            .token_for("ada", &["staff"], "gatewright", -600)?,
    )?;
    let elsewhere = refused(
        &site
            .issuer
            .token_for("ada", &["staff"], "another-service", 600)?,
    )?;
    let foreign = refused(&crate::issuer::Issuer::start()?.token("ada", &["staff"])?)?;
    for text in [&no_grant, &expired, &elsewhere, &foreign] {
        assert!(text.contains("FATAL"), "{text}");
    }
    assert!(expired.contains("expired"), "{expired}");
    // A client without TLS is refused before it is asked for its token.
    let plain = Psql::new(&site.dsn(&site.issuer.token("ada", &["staff"])?))?
        .environment("PGSSLMODE", "disable");
    let output = plain.script("SELECT 1;")?;
    assert!(
        output.code == Some(2) && output.stderr.contains("TLS"),
        "{output:?}"
    );
    Ok(())
}

#[test]
fn startup_options_cannot_choose_a_role() -> Result<()> {
    let site = Site::start("info")?;
    site.prepare("CREATE ROLE elevated; GRANT elevated TO reader")?;
    let token = site.issuer.token("ada", &["staff"])?;
    let with = |options: &str| -> Result<_> {
        let psql = site.psql(&token)?.environment("PGOPTIONS", options);
        psql.script("SELECT 'is ' || current_user;")
    };
    for options in [
        "-c role=elevated",
        "-crole=elevated",
        "--role=elevated",
        r"-c r\ole=elevated",
        "-ecrole=elevated",
        "-c session_authorization=elevated",
        "--session-authorization=elevated",
    ] {
        let output = with(options)?;
        assert_eq!(output.code, Some(2), "{options:?}: {output:?}");
        assert!(
            output.stderr.contains("cannot be chosen at startup"),
            "{output:?}"
        );
    }
    let output = with("-c work_mem=3MB -c app.role=x")?;
    assert!(output.stdout.contains("is reader"), "{output:?}");
    Ok(())
}

#[test]
fn sighup_reloads_and_an_invalid_file_changes_nothing() -> Result<()> {
    let site = Site::start("info")?;
    let token = site.issuer.token("eve", &["visitors"])?;
    assert_ne!(site.psql(&token)?.script("SELECT 1;")?.code, Some(0));
    site.edit(|text| text.replace("groups = [\"staff\"]", "groups = [\"staff\", \"visitors\"]"))?;
    site.gateway.process().signal("HUP")?;
    eventually("the new grant is in force", || {
        Ok(site.psql(&token)?.script("SELECT 1;")?.code == Some(0))
    })?;

    let mut session = site.psql(&token)?.session()?;
    assert!(
        !session
            .run("SELECT email FROM customers;")?
            .contains("canary")
    );
    assert!(session.run("SELECT name FROM customers;")?.contains("Ada"));
    site.edit(|text| {
        text.replace(
            "column = \"public.customers.email\"",
            "column = \"public.customers.name\"",
        )
    })?;
    site.gateway.process().signal("HUP")?;
    eventually("the open session uses the new settings", || {
        Ok(!session.run("SELECT name FROM customers;")?.contains("Ada"))
    })?;

    let before = site.gateway.log()?.len();
    site.edit(|text| text.replace("[admin]", "[amdin]"))?;
    site.gateway.process().signal("HUP")?;
    eventually("the log names the error", || {
        Ok(site.gateway.log()?[before..].contains("amdin"))
    })?;
    assert_eq!(site.psql(&token)?.query("SELECT 1")?, "1");
    assert!(!session.run("SELECT name FROM customers;")?.contains("Ada"));
    Ok(())
}

#[test]
fn sigterm_lets_statements_finish_and_refuses_new_connections() -> Result<()> {
    let mut site = Site::start("info")?;
    let psql = site.psql(&site.issuer.token("ada", &["staff"])?)?;
    let mut idle = psql.session()?;
    idle.run("SELECT 1;")?;
    let busy = std::thread::scope(|scope| {
        let busy = scope.spawn(|| psql.query("SELECT 'whole', pg_sleep(2) IS NULL"));
        std::thread::sleep(Duration::from_millis(700));
        let signalled = Instant::now();
        site.gateway.process().signal("TERM")?;
        std::thread::sleep(Duration::from_millis(300));
        assert!(
            psql.query("SELECT 1").is_err(),
            "a new connection was accepted while draining"
        );
        let status = site.gateway.process_mut().wait(Duration::from_secs(20))?;
        assert!(status.success(), "{status}");
        assert!(
            signalled.elapsed() > Duration::from_millis(900),
            "the gateway did not wait for the statement"
        );
        busy.join()
            .map_err(|_| anyhow::anyhow!("the busy client panicked"))?
    });
    assert_eq!(
        busy.context("the running statement was cut off")?,
        "whole|f"
    );
    let ended = match idle.run("SELECT 2;") {
        Ok(shown) => shown,
        Err(error) => format!("{error:#}"),
    };
    assert!(
        ended.contains("57P01")
            || ended.contains("closed")
            || ended.contains("has exited")
            || ended.contains("terminat")
            || ended.contains("ended"),
        "{ended}"
    );
    Ok(())
}

#[test]
fn a_missing_required_policy_refuses_every_statement() -> Result<()> {
    let site = Site::start("info")?;
    let mut session = site
        .psql(&site.issuer.token("ada", &["staff"])?)?
        .session()?;
    assert!(
        session
            .run("SELECT id FROM customers;")?
            .contains("(2 rows)")
    );
    let file = site.folder.path().join("policies/deny-list.wasm");
    let bytes = std::fs::read(&file)?;
    std::fs::remove_file(&file)?;
    eventually("every statement is refused", || {
        let shown = session.run("SELECT id FROM customers;")?;
        Ok(shown.contains("ERROR") && shown.contains("deny-list"))
    })?;
    assert!(session.run("SHOW server_version;")?.contains("ERROR"));
    assert_eq!(site.admin("/readyz")?.0, 503);
    std::fs::write(&file, bytes)?;
    eventually("the policy is in force again", || {
        Ok(session
            .run("SELECT id FROM customers;")?
            .contains("(2 rows)"))
    })?;
    assert_eq!(site.admin("/readyz")?.0, 200);
    Ok(())
}
