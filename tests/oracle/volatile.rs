//! Functions that the server declares volatile: what they change must be known, however they are called.

use std::sync::Arc;

use anyhow::{Context, Result};
use gatewright_harness::{Postgres, PostgresSettings, Psql};
use gatewright_sql::{Facts, Settings, analyze, on_big_stack};
use gatewright_tests::volatile;

use crate::none_differ;
use crate::server::Server;

/// A rollback undoes what this does.
const UNDONE: &str = "pg_notify";

/// Locks that the transaction, or a rollback to a savepoint before them, gives back.
fn locks(name: &str) -> bool {
    name.starts_with("pg_advisory_xact_lock") || name.starts_with("pg_try_advisory_xact_lock")
}

#[tokio::test]
async fn what_volatile_functions_change_is_known() -> Result<()> {
    let mut failures = Vec::new();
    for version in crate::versions()? {
        let settings = PostgresSettings::default().version(version);
        let postgres = Postgres::start_with(&settings)?;
        let database = postgres.create_database("volatile")?;
        Psql::new(&database)?.query("CREATE TABLE t (n int)")?;
        let server = Server::connect(&database).await?;
        let catalog = server.catalog();
        let rows = server.rows(volatile::CALLS).await?;
        let facts = |text: &str| -> Result<Arc<Facts>> {
            let analysis = on_big_stack(|| analyze(text, &catalog, &Settings::default()))
                .context("the analysis panicked")?
                .map_err(|error| anyhow::anyhow!("{text}: {error:?}"))?;
            let statement = analysis.statements.into_iter().next();
            Ok(statement.context("no statement")?.facts)
        };
        for row in &rows {
            let [Some(name), Some(call)] = row.as_slice() else {
                anyhow::bail!("{row:?} is no call");
            };
            let known = volatile::only_reads(name) || locks(name);
            if !known && facts(&format!("SELECT {call}"))?.changes_nothing() {
                failures.push(format!("{version:?}: {call} is said to change nothing"));
            }
            let deletes = facts(&format!("DELETE FROM t WHERE ({call}) IS NULL"))?;
            if !known && name != UNDONE && deletes.cannot_be_undone().is_none() {
                failures.push(format!("{version:?}: {call} is said to be undone"));
            }
        }
        server.close().await;
    }
    none_differ(&failures)
}
