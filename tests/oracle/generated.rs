//! Generated statements.

use anyhow::{Result, ensure};
use gatewright_harness::{Postgres, PostgresSettings, Psql, Version, soak};

use crate::counts::Counts;
use crate::generate::{Style, statement, world};
use crate::server::Server;
use crate::{Case, judge};

/// At least this percentage of the statements must be accepted; others prove nothing.
const ACCEPTED: usize = 60;
/// At least this percentage of the output columns must have known sources: others are refused.
const KNOWN: usize = 90;

/// The percentages are checked only from this number of statements on, so not when a single seed is replayed.
const MEANINGFUL: usize = 500;
/// How many are held at a time.
const BATCH: usize = 500;

#[tokio::test]
async fn generated_statements_are_read_as_the_server_reads_them() -> Result<()> {
    for version in crate::versions()? {
        let settings = PostgresSettings::default()
            .version(version)
            .set("log_statement", "none");
        let postgres = Postgres::start_with(&settings)?;
        let database = postgres.create_database("generated")?;
        Psql::new(&database)?.query(world::SCHEMA)?;
        let server = Server::connect(&database).await?;
        let (mut counts, mut failures) = (Counts::default(), Vec::new());
        let seeds: Vec<u64> = soak::seeds(0, 6_000).collect();
        for seeds in seeds.chunks(BATCH) {
            let style = Style {
                modern: version == Version::Eighteen,
                own_tables: false,
            };
            failures.extend(judge(&server, cases(seeds, style), &mut counts).await?);
        }
        crate::report(&format!("{version:?}"), &counts, &failures)?;
        if seeds.len() >= MEANINGFUL {
            let accepted = counts.statements - counts.rejected;
            ensure!(
                accepted * 100 >= counts.statements * ACCEPTED,
                "only {accepted} are accepted"
            );
            let known = counts.outputs - counts.unknown;
            ensure!(
                known * 100 >= counts.outputs * KNOWN,
                "only {known} output columns are known"
            );
        }
    }
    Ok(())
}

/// The statements of these seeds.
pub fn cases(seeds: &[u64], style: Style) -> Vec<Case> {
    let case = |seed: &u64| Case {
        name: format!("seed {seed}"),
        text: statement(*seed, style),
    };
    seeds.iter().map(case).collect()
}
