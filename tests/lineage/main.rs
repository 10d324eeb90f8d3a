//! What lineage says of a query must hold when the query runs: queries by chance, on a real server, over values that
//! say where they come from. A value in an output column that lineage did not name is a leak of every mask.
//!
//! `GATEWRIGHT_SOAK_SEED=10000 GATEWRIGHT_SOAK_CASES=5000` plays other queries than the usual ones.

mod generate;
mod world;

use std::collections::{BTreeSet, HashMap};

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Postgres, Psql, soak};
use gatewright_sql::{
    Catalog, ColumnSource, Facts, Outputs, Settings, Transform, analyze, on_big_stack,
};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

/// Of a hundred queries, so many must run: others prove nothing.
const RUN: usize = 60;
/// Of a hundred output columns, so many must have known sources: the rest is refused beside masks.
const KNOWN: usize = 85;

/// Below so many queries, as when one seed is replayed, those shares say nothing.
const MEANINGFUL: usize = 500;

#[derive(Default)]
struct Tally {
    ran: usize,
    failed: HashMap<String, usize>,
    columns: usize,
    known: usize,
    exact: usize,
}

#[tokio::test]
async fn every_value_comes_from_where_lineage_says() -> Result<()> {
    let server = Postgres::start()?;
    let database = server.create_database("tagged")?;
    Psql::new(&database)?.query(&world::schema())?;
    let (client, connection) = tokio_postgres::connect(&database.url(), NoTls).await?;
    let connection = tokio::spawn(connection);
    let catalog = on_big_stack(world::catalog).context("the catalog is made")?;
    let (mut tally, mut leaks) = (Tally::default(), Vec::new());
    let analysed: Result<Vec<Analysed>> = on_big_stack(|| {
        soak::seeds(0, 1000)
            .map(|seed| analysed(seed, &catalog))
            .collect()
    })
    .context("the analysis panicked")?;
    let analysed = analysed?;
    let all = analysed.len();
    for (seed, text, target, facts) in analysed {
        play(&client, &text, target, &facts, &mut tally, &mut |leak| {
            leaks.push(format!("seed {seed}: {leak}\n  {text}"));
        })
        .await?;
    }
    drop(client);
    connection.await??;
    println!(
        "{all} statements, {} ran; of {} columns {} have known sources, {} are exact; failed: {:#?}",
        tally.ran, tally.columns, tally.known, tally.exact, tally.failed
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
        tally.ran * 100 >= all * RUN,
        "only {} of {all} ran",
        tally.ran
    );
    ensure!(
        tally.known * 100 >= tally.columns * KNOWN,
        "only {} of {} columns have known sources",
        tally.known,
        tally.columns
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
    tally: &mut Tally,
    leak: &mut impl FnMut(String),
) -> Result<()> {
    client.batch_execute("BEGIN").await?;
    match client.simple_query(text).await {
        Ok(answer) => {
            tally.ran += 1;
            outputs(&rows(&answer), facts, tally, leak);
            if let Some(target) = target {
                let after = client
                    .simple_query(&format!("SELECT * FROM {target}"))
                    .await?;
                written(target, &rows(&after), facts, leak);
            }
        }
        Err(error) => {
            let said = error.as_db_error().map_or("", |error| error.message());
            let words: String = said
                .chars()
                .filter(|letter| !letter.is_numeric())
                .take(40)
                .collect();
            *tally.failed.entry(words).or_default() += 1;
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

/// Columns that a text names by their tags.
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

fn outputs(rows: &Rows, facts: &Facts, tally: &mut Tally, leak: &mut impl FnMut(String)) {
    let Some(width) = rows.first().map(Vec::len) else {
        return;
    };
    let columns = match &facts.outputs {
        Outputs::Columns(columns) => columns,
        Outputs::Unknown => {
            tally.columns += width;
            return;
        }
        Outputs::None => {
            leak("rows where none were foretold".to_owned());
            return;
        }
    };
    tally.columns += width;
    if columns.len() != width {
        leak(format!(
            "{width} columns, of which {} were foretold",
            columns.len()
        ));
        return;
    }
    for (at, output) in columns.iter().enumerate() {
        let Some(sources) = &output.sources else {
            continue;
        };
        tally.known += 1;
        tally.exact += usize::from(output.exact);
        for value in rows.iter().filter_map(|row| row.get(at)?.1.as_deref()) {
            for tag in tags(value) {
                if !names(sources, &tag) {
                    leak(format!(
                        "column {} shows {tag:?}, but carries {sources:?}",
                        at + 1
                    ));
                    return;
                }
            }
            if output.exact && !sources.is_empty() && !is_one_of(value, sources) {
                leak(format!(
                    "column {} shows {value}, which is no value of {sources:?}",
                    at + 1
                ));
                return;
            }
        }
    }
}

/// Whether the value is the whole value of a source that is carried as it is.
fn is_one_of(value: &str, sources: &[ColumnSource]) -> bool {
    sources
        .iter()
        .filter(|source| source.transform == Transform::Identity)
        .any(|source| (1..=3).any(|row| world::tag(&source.table, &source.column, row) == value))
}

fn written(table: &str, rows: &Rows, facts: &Facts, leak: &mut impl FnMut(String)) {
    for (column, value) in rows.iter().flatten() {
        for tag in tags(value.as_deref().unwrap_or_default()) {
            let told = facts.flows.iter().any(|flow| {
                flow.target.table == table
                    && (flow.target.column == *column || flow.target.column == "*")
                    && flow
                        .sources
                        .as_ref()
                        .is_none_or(|sources| names(sources, &tag))
            });
            if !told && tag != (table.to_owned(), column.clone()) {
                leak(format!(
                    "{tag:?} flowed into {column}, but {:?}",
                    facts.flows
                ));
                return;
            }
        }
    }
}
