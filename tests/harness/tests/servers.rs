//! The harness against the real programs.

use std::path::Path;

use anyhow::Result;
use gatewright_harness::{PgBouncer, Postgres, PostgresSettings, Psql, Version};

#[test]
fn postgres_runs_logs_its_statements_and_leaves_nothing() -> Result<()> {
    let mut server = Postgres::start_with(&PostgresSettings::default().set("work_mem", "'8MB'"))?;
    let shop = server.create_database("shop")?;
    let psql = Psql::new(&shop)?;
    assert_eq!(
        psql.query("SELECT current_database(), current_setting('work_mem')")?,
        "shop|8MB"
    );
    assert!(
        server
            .log()?
            .contains("statement: SELECT current_database()")
    );
    assert!(psql.query("SELECT 1/0").is_err());
    let folder = server.socket_folder().to_path_buf();
    server.stop()?;
    drop(server);
    assert!(!folder.exists());
    Ok(())
}

#[test]
fn postgresql_18_runs_with_its_own_psql() -> Result<()> {
    let settings = PostgresSettings::default().version(Version::Eighteen);
    let server = Postgres::start_with(&settings)?;
    let mut session = Psql::new(&server.dsn())?
        .version(Version::Eighteen)?
        .argument("-At")
        .session()?;
    assert_eq!(
        session
            .run("SELECT current_setting('server_version_num')::int / 10000;\\echo :VERSION_NUM")?
            .get(..4),
        Some("18\n1")
    );
    Ok(())
}

#[test]
fn a_psql_session_keeps_its_connection_and_the_order_of_its_output() -> Result<()> {
    let server = Postgres::start()?;
    let mut session = Psql::new(&server.dsn())?.argument("-At").session()?;
    let first = session.run("SELECT pg_backend_pid();")?;
    let mixed = session.run("SELECT 'before';\nSELECT 1/0;\nSELECT 'after';")?;
    assert_eq!(mixed, "before\nERROR:  division by zero\nafter");
    assert_eq!(session.run("SELECT pg_backend_pid();")?, first);
    assert_eq!(session.run("\\echo nothing sent")?, "nothing sent");
    Ok(())
}

#[test]
fn pgbouncer_pools_in_front_of_postgres() -> Result<()> {
    let server = Postgres::start()?;
    let pool = PgBouncer::start(&server.dsn(), 10, None)?;
    assert_eq!(Psql::new(pool.dsn())?.query("SELECT 40 + 2")?, "42");
    assert!(pool.process().resident_bytes()? > 500_000);
    let wrong = pool.dsn().with_login("postgres", "wrong");
    assert!(Psql::new(&wrong)?.query("SELECT 1").is_err());
    assert!(
        Path::new("/proc")
            .join(pool.process().id().to_string())
            .exists()
    );
    Ok(())
}
