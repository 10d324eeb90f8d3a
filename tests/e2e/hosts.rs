//! Several hosts for one database: a primary, a standby and one that is down. `target_session_attrs` selects the host.

use anyhow::{Context, Result};
use gatewright_harness::{GatewayCommand, Postgres, PostgresSettings, Psql, free_port};
use gatewright_tests::raw::Client;

use crate::world::eventually;

/// The port of the server that the session reaches; `None` if no host is suitable.
fn answering(hosts: &[u16], wanted: &str, primary: &Postgres) -> Result<Option<String>> {
    let mut upstream = primary.dsn();
    let all: Vec<String> = hosts
        .iter()
        .map(|port| format!("127.0.0.1:{port}"))
        .collect();
    upstream.database = String::new();
    let (login, _) = upstream
        .url()
        .rsplit_once('@')
        .map(|(a, b)| (a.to_owned(), b.to_owned()))
        .context("no login")?;
    let url = format!("{login}@{}/?target_session_attrs={wanted}", all.join(","));
    let gateway = GatewayCommand::verb("dev")
        .arguments(["--upstream", &url])
        .listen("127.0.0.1:0")
        .start()?;
    let Ok(mut client) = Client::connect(&gateway.database("postgres")?) else {
        return Ok(None);
    };
    let row = client.query("SELECT current_setting('port')")?;
    Ok(row[1].cells()[0].clone())
}

#[test]
fn the_suitable_host_is_selected() -> Result<()> {
    let mut primary = Postgres::start_with(&PostgresSettings::default().followed())?;
    let standby = primary.standby()?;
    let down = free_port()?;
    Psql::new(&primary.dsn())?.query("CREATE TABLE seen AS SELECT 1 AS i")?;
    let follower = Psql::new(&standby.dsn())?;
    eventually("the standby has caught up", || {
        Ok(follower.query("SELECT to_regclass('seen') IS NOT NULL")? == "t")
    })?;
    let (p, s) = (primary.port(), standby.port());
    for (hosts, wanted, expected) in [
        ([down, p, s], "any", Some(p)),
        ([down, s, p], "any", Some(s)),
        ([down, s, p], "read-write", Some(p)),
        ([s, down, p], "primary", Some(p)),
        ([down, p, s], "read-only", Some(s)),
        ([p, down, s], "standby", Some(s)),
        ([p, down, s], "prefer-standby", Some(s)),
        ([p, down, down], "prefer-standby", Some(p)),
        ([p, down, down], "standby", None),
        ([s, down, down], "read-write", None),
    ] {
        let found = answering(&hosts, wanted, &primary)?;
        assert_eq!(
            found,
            expected.map(|port| port.to_string()),
            "{wanted} of {hosts:?}"
        );
    }
    // A primary whose sessions are read-only by default does not satisfy read-write.
    let psql = Psql::new(&primary.dsn())?;
    psql.query("ALTER SYSTEM SET default_transaction_read_only = on")?;
    psql.query("SELECT pg_reload_conf()")?;
    eventually("new sessions are read-only", || {
        Ok(psql.query("SHOW transaction_read_only")? == "on")
    })?;
    assert_eq!(answering(&[p, s, down], "read-write", &primary)?, None);
    assert_eq!(
        answering(&[s, p, down], "primary", &primary)?,
        Some(p.to_string())
    );
    primary.stop()?;
    assert_eq!(
        answering(&[p, s, down], "any", &primary)?,
        Some(s.to_string())
    );
    Ok(())
}
