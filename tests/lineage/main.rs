//! Checks column lineage against a real server: random queries run over values that name the column they come from. A
//! value in an output column that lineage did not report would be unmasked.
//!
//! `GATEWRIGHT_SOAK_SEED=10000 GATEWRIGHT_SOAK_CASES=5000` runs other queries than the default ones.

mod generate;
mod world;

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Postgres, Psql, soak};
use gatewright_sql::{
    Catalog, ColumnSource, Facts, Outputs, Settings, Transform, analyze, on_big_stack,
};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// At least this percentage of the queries must run; a query that fails proves nothing.
const RUN: usize = 60;
/// At least this percentage of the output columns must have known sources; a policy refuses the others.
const KNOWN: usize = 85;

/// The percentages are checked only from this number of queries on, so not when a single seed is replayed.
const MEANINGFUL: usize = 500;

#[derive(Default)]
struct Counts {
    ran: usize,
    failed: HashMap<String, usize>,
    columns: usize,
    known: usize,
    exact: usize,
}

#[tokio::test]
async fn every_value_comes_from_a_reported_source() -> Result<()> {
    let server = Postgres::start()?;
    let database = server.create_database("tagged")?;
    Psql::new(&database)?.query(&world::schema())?;
    let (client, connection) = tokio_postgres::connect(&database.url(), NoTls).await?;
    let connection = tokio::spawn(connection);
    let catalog = on_big_stack(world::catalog).context("building the catalog failed")?;
    let (mut counts, mut leaks) = (Counts::default(), Vec::new());
    let analysed: Result<Vec<Analysed>> = on_big_stack(|| {
        soak::seeds(0, 1000)
            .map(|seed| analysed(seed, &catalog))
            .collect()
    })
    .context("the analysis panicked")?;
    let analysed = analysed?;
    let all = analysed.len();
    for (seed, text, target, facts) in analysed {
        play(&client, &text, target, &facts, &mut counts, &mut |leak| {
            leaks.push(format!("seed {seed}: {leak}\n  {text}"));
        })
        .await?;
    }
    drop(client);
    connection.await??;
    println!(
        "{all} statements, {} ran; of {} columns {} have known sources, {} are exact; failed: {:#?}",
        counts.ran, counts.columns, counts.known, counts.exact, counts.failed
    );
    ensure!(
        leaks.is_empty(),
        "{} leaks:\n{}",
        leaks.len(),
        leaks.join("\n")
    );
    if all < MEANINGFUL {
        return Ok(());
    }
    ensure!(
        counts.ran * 100 >= all * RUN,
        "only {} of {all} ran",
        counts.ran
    );
    ensure!(
        counts.known * 100 >= counts.columns * KNOWN,
        "only {} of {} columns have known sources",
        counts.known,
        counts.columns
    );
    Ok(())
}

type Analysed = (u64, String, Option<&'static str>, Facts);

fn analysed(seed: u64, catalog: &Catalog) -> Result<Analysed> {
    let (text, target) = generate::statement(seed);
    let analysis = analyze(&text, catalog, &Settings::default())
        .with_context(|| format!("seed {seed}: {text}"))?;
    let statement = analysis.statements.first().context("no statement")?;
    Ok((seed, text, target, (*statement.facts).clone()))
}

async fn play(
    client: &Client,
    text: &str,
    target: Option<&str>,
    facts: &Facts,
    counts: &mut Counts,
    leak: &mut impl FnMut(String),
) -> Result<()> {
    client.batch_execute("BEGIN").await?;
    match client.simple_query(text).await {
        Ok(answer) => {
            counts.ran += 1;
            outputs(&rows(&answer), facts, counts, leak);
            if let Some(target) = target {
                let after = client
                    .simple_query(&format!("SELECT * FROM {target}"))
                    .await?;
                written(target, &rows(&after), facts, leak);
            }
        }
        Err(error) => {
            let message = error.as_db_error().map_or("", |error| error.message());
            let words: String = message
                .chars()
                .filter(|letter| !letter.is_numeric())
                .take(40)
                .collect();
            *counts.failed.entry(words).or_default() += 1;
        }
    }
    client.batch_execute("ROLLBACK").await?;
    Ok(())
}

type Rows = Vec<Vec<(String, Option<String>)>>;

fn rows(answer: &[SimpleQueryMessage]) -> Rows {
    answer
        .iter()
        .filter_map(|message| match message {
            SimpleQueryMessage::Row(row) => Some(
                row.columns()
                    .iter()
                    .enumerate()
                    .map(|(at, column)| (column.name().to_owned(), row.get(at).map(str::to_owned)))
                    .collect(),
            ),
            _ => None,
        })
        .collect()
}

/// The columns named by the tags in a text.
fn tags(text: &str) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for part in text.split(['<', ';']).skip(1) {
        let mut names = part.split('.');
        if let (Some(table), Some(column)) = (names.next(), names.next())
            && world::TABLES.iter().any(|(known, _)| *known == table)
        {
            found.insert((table.to_owned(), column.to_owned()));
        }
    }
    found
}

fn names(sources: &[ColumnSource], source: &(String, String)) -> bool {
    sources
        .iter()
        .any(|known| known.table == source.0 && (known.column == source.1 || known.column == "*"))
}

fn outputs(rows: &Rows, facts: &Facts, counts: &mut Counts, leak: &mut impl FnMut(String)) {
    let Some(width) = rows.first().map(Vec::len) else {
        return;
    };
    let columns = match &facts.outputs {
        Outputs::Columns(columns) => columns,
        Outputs::Unknown => {
            counts.columns += width;
            return;
        }
        Outputs::None => {
            leak("rows where no output was reported".to_owned());
            return;
        }
    };
    counts.columns += width;
    if columns.len() != width {
        leak(format!(
            "{width} columns, but {} were reported",
            columns.len()
        ));
        return;
    }
    for (at, output) in columns.iter().enumerate() {
        let Some(sources) = &output.sources else {
            continue;
        };
        counts.known += 1;
        counts.exact += usize::from(output.exact);
        for value in rows.iter().filter_map(|row| row.get(at)?.1.as_deref()) {
            for tag in tags(value) {
                if !names(sources, &tag) {
                    leak(format!(
                        "column {} shows {tag:?}, but its sources are {sources:?}",
                        at + 1
                    ));
                    return;
                }
            }
            if output.exact && !sources.is_empty() && !is_one_of(value, sources) {
                leak(format!(
                    "column {} shows {value}, which is not a value of {sources:?}",
                    at + 1
                ));
                return;
            }
        }
    }
}

/// Whether the value is the complete value of a source that is carried unchanged.
fn is_one_of(value: &str, sources: &[ColumnSource]) -> bool {
    sources
        .iter()
        .filter(|source| source.transform == Transform::Identity)
        .any(|source| (1..=3).any(|row| world::tag(&source.table, &source.column, row) == value))
}

fn written(table: &str, rows: &Rows, facts: &Facts, leak: &mut impl FnMut(String)) {
    for (column, value) in rows.iter().flatten() {
        for tag in tags(value.as_deref().unwrap_or_default()) {
            let reported = facts.flows.iter().any(|flow| {
                flow.target.table == table
                    && (flow.target.column == *column || flow.target.column == "*")
                    && flow
                        .sources
                        .as_ref()
                        .is_none_or(|sources| names(sources, &tag))
            });
            if !reported && tag != (table.to_owned(), column.clone()) {
                leak(format!(
                    "{tag:?} flowed into {column}, but the flows are {:?}",
                    facts.flows
                ));
                return;
            }
        }
    }
}
