//! What edited statements return, against what the originals do where the tables hold the masks.

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Dsn, Postgres, PostgresSettings, Version, soak};
use tokio_postgres::{Client, NoTls, SimpleQueryMessage};

use super::world::{CHOICES, Choice, create};
use super::{Counts, conclude, judge, report, shortened};
use crate::generate::Style;
use crate::generated::cases;
use crate::server::Server;

/// At least this percentage of the edited statements must have been compared.
const COMPARED: usize = 60;
/// The percentage is checked only from this number of statements on.
const MEANINGFUL: usize = 500;
const BATCH: usize = 500;

/// Ways of running a statement. What differs between them says nothing.
const PLANS: [&str; 4] = [
    "",
    "SET LOCAL enable_nestloop = off; SET LOCAL enable_sort = off",
    "SET LOCAL enable_hashjoin = off; SET LOCAL enable_hashagg = off; SET LOCAL enable_material = off",
    "SET LOCAL enable_mergejoin = off; SET LOCAL enable_hashjoin = off; SET LOCAL join_collapse_limit = 1; SET LOCAL from_collapse_limit = 1",
];

/// A result: the names of the columns and the rows in some order; or an SQLSTATE.
type Outcome = Result<(Vec<String>, Vec<Vec<Option<String>>>), String>;

#[tokio::test]
async fn edited_statements_return_what_masked_tables_would() -> Result<()> {
    let mut reports = Vec::new();
    for version in crate::versions()? {
        let settings = PostgresSettings::default()
            .version(version)
            .set("log_statement", "none")
            .set("autovacuum", "off")
            .set("jit", "off");
        let postgres = Postgres::start_with(&settings)?;
        let plain = create(&postgres, "plain", None)?;
        let server = Server::connect(&plain).await?;
        for (at, choice) in CHOICES.iter().enumerate() {
            let masked = create(&postgres, &format!("masked_{at}"), Some(choice))?;
            let databases = Databases::connect(&plain, &masked, choice).await?;
            reports.push(run(version, choice, &server, &databases).await?);
        }
    }
    conclude(reports)
}

async fn run(
    version: Version,
    choice: &Choice,
    server: &Server,
    databases: &Databases,
) -> Result<Option<String>> {
    let (mut counts, mut failures) = (Counts::default(), Vec::new());
    let edits = choice.edits();
    let seeds: Vec<u64> = soak::seeds(0, 1_000).collect();
    for seeds in seeds.chunks(BATCH) {
        let style = Style {
            modern: version == Version::Eighteen,
            own_tables: true,
        };
        let (wrong, edited) = judge(server, cases(seeds, style), &edits, &mut counts).await?;
        failures.extend(wrong);
        for done in edited {
            let (original, text) = (&done.case.text, &done.text);
            match databases.compare(original, text, &mut counts).await? {
                Some(_) if done.row => counts.records += 1,
                Some(wrong) => failures.push(format!(
                    "{}: {wrong}\n    {original}\n    {}",
                    done.case.name,
                    shortened(text)
                )),
                None => {}
            }
        }
    }
    let what = format!("{version:?}, {}", choice.name);
    let done = counts.compared + counts.failing;
    if seeds.len() >= MEANINGFUL {
        ensure!(
            done * 100 >= counts.edited * COMPARED,
            "only {done} of {} were compared: {counts}",
            counts.edited
        );
    }
    Ok(report(&what, &counts, &failures))
}

/// One with the values, one with the masks.
struct Databases {
    plain: Client,
    masked: Client,
    changed: Vec<&'static str>,
}

impl Databases {
    async fn connect(plain: &Dsn, masked: &Dsn, choice: &Choice) -> Result<Self> {
        Ok(Self {
            plain: connect(plain).await?,
            masked: connect(masked).await?,
            changed: choice.changed(),
        })
    }

    /// How the results differ, if they do.
    async fn compare(
        &self,
        original: &str,
        edited: &str,
        counts: &mut Counts,
    ) -> Result<Option<String>> {
        let [first, rest @ ..] = PLANS;
        let expected = self.outcome(&self.masked, original, first).await?;
        let got = self.outcome(&self.plain, edited, first).await?;
        if expected == got {
            match expected {
                Ok(_) => counts.compared += 1,
                Err(_) => counts.failing += 1,
            }
            return Ok(None);
        }
        for plan in rest {
            let other = self.outcome(&self.masked, original, plan).await?;
            let own = self.outcome(&self.plain, edited, plan).await?;
            if other != expected || own != got {
                counts.unstable += 1;
                return Ok(None);
            }
        }
        Ok(Some(format!("{got:?} instead of {expected:?}")))
    }

    /// Runs a statement in a transaction that is rolled back. The tables that generated statements change belong to the result.
    async fn outcome(&self, client: &Client, text: &str, plan: &str) -> Result<Outcome> {
        client.batch_execute(&format!("BEGIN; {plan}")).await?;
        let result = client.simple_query(text).await;
        let result = match result {
            Ok(messages) => {
                let mut all = read(&messages);
                for table in &self.changed {
                    let rows = client.simple_query(&format!("TABLE {table}")).await?;
                    all.1.extend(read(&rows).1);
                }
                all.1.sort();
                Ok(all)
            }
            Err(error) => {
                let code = error.code().context("the connection failed")?;
                Err(code.code().to_owned())
            }
        };
        client.batch_execute("ROLLBACK").await?;
        Ok(result)
    }
}

async fn connect(dsn: &Dsn) -> Result<Client> {
    let (client, connection) = tokio_postgres::connect(&dsn.url(), NoTls).await?;
    tokio::spawn(async move {
        // Ends when the client is dropped.
        let _ = connection.await;
    });
    client
        .batch_execute("SET statement_timeout = '5s'; SET client_min_messages = error")
        .await?;
    Ok(client)
}

fn read(messages: &[SimpleQueryMessage]) -> (Vec<String>, Vec<Vec<Option<String>>>) {
    let (mut names, mut rows) = (Vec::new(), Vec::new());
    for message in messages {
        match message {
            SimpleQueryMessage::RowDescription(columns) => {
                names = columns
                    .iter()
                    .map(|column| column.name().to_owned())
                    .collect();
            }
            SimpleQueryMessage::Row(row) => rows.push(
                (0..row.len())
                    .map(|at| row.get(at).map(str::to_owned))
                    .collect(),
            ),
            _ => {}
        }
    }
    (names, rows)
}
