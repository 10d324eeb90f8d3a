//! A query inside another command is edited as it is by itself.

use anyhow::{Context, Result};
use gatewright_harness::{Postgres, PostgresSettings, Version, soak};
use gatewright_sql::{SubstituteError, on_big_stack};

use super::edited;
use super::world::{CHOICES, create};
use crate::generate::{Style, statement};
use crate::server::Server;

/// `#` stands for the query.
const COMMANDS: [&str; 12] = [
    "EXPLAIN (COSTS OFF, VERBOSE) #",
    "EXPLAIN #",
    "COPY (#) TO STDOUT (FORMAT csv)",
    "COPY (#) TO STDOUT",
    "DECLARE found SCROLL CURSOR WITH HOLD FOR #",
    "PREPARE made (text) AS #",
    "CREATE TABLE made AS #",
    "CREATE TEMP TABLE made (one, two) AS # WITH NO DATA",
    "CREATE MATERIALIZED VIEW made AS #",
    "CREATE OR REPLACE VIEW made AS #",
    "EXPLAIN CREATE TABLE made AS #",
    "EXPLAIN ANALYZE DECLARE found CURSOR FOR #",
];

#[tokio::test]
async fn a_query_in_a_command_is_edited_as_by_itself() -> Result<()> {
    let settings = PostgresSettings::default()
        .version(Version::Eighteen)
        .set("log_statement", "none");
    let postgres = Postgres::start_with(&settings)?;
    let server = Server::connect(&create(&postgres, "plain", None)?).await?;
    let catalog = server.catalog();
    let seeds: Vec<u64> = soak::seeds(0, 600).collect();
    let judge = || {
        let (mut compared, mut failures) = (0, Vec::new());
        for (at, seed) in seeds.iter().enumerate() {
            let style = Style {
                modern: true,
                own_tables: true,
            };
            let query = statement(*seed, style);
            if !["SELECT", "VALUES", "WITH", "("]
                .iter()
                .any(|word| query.starts_with(word))
            {
                continue;
            }
            let edits = CHOICES[at % CHOICES.len()].edits();
            let alone = edited(&query, &edits, &catalog);
            for command in COMMANDS {
                let whole = edited(&command.replace('#', &query), &edits, &catalog);
                // Not every command takes a statement that changes rows.
                if matches!(whole, Err(SubstituteError::Analyze(_))) {
                    continue;
                }
                let expected = alone
                    .clone()
                    .map(|text| text.map(|text| command.replace('#', &text)));
                compared += usize::from(matches!(expected, Ok(Some(_))));
                if whole != expected {
                    failures.push(format!(
                        "seed {seed}, {command}:\n    {whole:?}\n    {expected:?}"
                    ));
                }
            }
        }
        (compared, failures)
    };
    let (compared, failures) = on_big_stack(judge).context("editing panicked")?;
    println!("{compared} commands were edited");
    crate::none_differ(&failures)
}
