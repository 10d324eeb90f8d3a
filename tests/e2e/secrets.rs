//! No token, password or result value is written anywhere: planted canaries are searched for in every output, with the
//! log at its most verbose level.

use anyhow::Result;
use gatewright_harness::GatewayCommand;

use crate::site::Site;
use crate::world::{World, database, postgres};

#[test]
fn the_trace_log_of_serve_contains_no_secret() -> Result<()> {
    let site = Site::start(
        "trace,cranelift_codegen=off,cranelift_frontend=off,cranelift_wasm=off,wasmtime=off,wasmtime_environ=off,wasmtime_internal_cranelift=off,regalloc2=off",
    )?;
    let token = site.issuer.token("ada", &["staff"])?;
    let bad = site.issuer.token("eve", &["visitors"])?;
    let mut session = site.psql(&token)?.session()?;
    for sql in [
        "SELECT id, name, email FROM customers;",
        "SELECT name || '-result' FROM customers;",
        "COPY (SELECT email, id FROM customers) TO STDOUT;",
        "SELECT 1 / (id - 1), email FROM customers;",
        "SELECT email::int FROM customers;",
        "INSERT INTO customers VALUES (1, 'dup', 'raw-canary3@example.com');",
        "DELETE FROM customers;",
        "PREPARE p AS SELECT email FROM customers; EXECUTE p;",
        "SELECT syntax error;",
    ] {
        session.run(sql)?;
    }
    site.psql(&bad)?.script("SELECT 1;")?;
    site.gateway.process().signal("HUP")?;
    std::thread::sleep(std::time::Duration::from_millis(500));
    let written = format!(
        "{}{}{}",
        site.gateway.log()?,
        site.admin("/metrics")?.1,
        site.gateway.printed().join("\n")
    );
    assert!(written.len() > 2000, "the log is too short for this test");
    let signature = |token: &str| token.rsplit('.').next().unwrap_or_default().to_owned();
    for secret in [
        &signature(&token),
        &signature(&bad),
        &token,
        &site.passwords[0],
        &site.passwords[1],
    ] {
        assert!(
            !written.contains(secret.as_str()),
            "the log contains a credential"
        );
    }
    for value in ["raw-canary", "Ada", "Grace"] {
        let line = written.lines().find(|line| line.contains(value));
        assert!(line.is_none(), "the log contains a result value: {line:?}");
    }
    Ok(())
}

#[test]
fn dev_prints_its_token_once_and_never_logs_it() -> Result<()> {
    let direct = database("secrets_dev")?;
    let upstream = postgres()?.dsn();
    let gateway = GatewayCommand::dev(&upstream)
        .environment("RUST_LOG", "trace")
        .start()?;
    let dsn = gateway.database(&direct.database)?;
    let mut session = gatewright_harness::Psql::new(&dsn)?.session()?;
    session.run("SELECT 'value-canary-' || 1;")?;
    let log = gateway.log()?;
    for secret in [
        dsn.password.as_str(),
        upstream.password.as_str(),
        "value-canary-1",
    ] {
        assert!(!log.contains(secret), "the log contains a secret");
    }
    assert_eq!(
        gateway
            .printed()
            .iter()
            .filter(|line| line.contains(&dsn.password))
            .count(),
        1
    );
    Ok(())
}

#[test]
fn server_errors_reveal_no_protected_value() -> Result<()> {
    let settings =
        "[mask-columns]\ncolumns = [{ column = \"public.people.email\", method = \"redact\" }]\n";
    let world = World::with_policies("secrets_error", &["mask-columns"], settings)?;
    world.prepare(
        "CREATE TABLE people (id int, email text UNIQUE, CHECK (id > 0));
         INSERT INTO people VALUES (1, 'raw-canary@example.com'), (2, 'other@example.com');",
    )?;
    let mut session = world.psql()?.session()?;
    for sql in [
        "SELECT email::int FROM people;",
        "UPDATE people SET email = 'raw-canary@example.com' WHERE id = 2;",
        "UPDATE people SET id = -1 WHERE id = 1;",
        "ALTER TABLE people ALTER email TYPE int USING email::int;",
    ] {
        let shown = session.run(sql)?;
        // A value that the client sent may appear in the error; another value may not.
        assert!(
            sql.contains("canary") || !shown.contains("canary"),
            "{sql} showed {shown}"
        );
    }
    Ok(())
}
