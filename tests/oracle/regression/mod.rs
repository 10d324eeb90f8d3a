//! The statements of PostgreSQL's own regression tests.
//!
//! `GATEWRIGHT_ORACLE_SECONDS` limits how long they run; `GATEWRIGHT_REGRESSION_FILES` names the folder with the files,
//! `src/test/regress/sql`. Without it they are taken from Debian's source package; where that cannot be fetched, the test
//! says so and ends.

mod script;
mod sources;

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Dsn, Postgres, PostgresSettings, Psql, soak};

use crate::corpora::split;
use crate::counts::Counts;
use crate::server::Server;
use crate::{Case, edited, judge};

/// Files that change what other databases use, wait for other sessions, or keep sessions out.
const LEFT_OUT: [&str; 5] = [
    "tablespace",
    "database",
    "test_setup",
    "drop_if_exists",
    "event_trigger_login",
];

fn limit() -> Duration {
    let seconds = std::env::var("GATEWRIGHT_ORACLE_SECONDS").ok();
    let seconds = seconds.map_or(40, |text| text.parse().unwrap_or(40));
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn regression_tests_are_read_as_the_server_reads_them() -> Result<()> {
    let each = limit() / 2;
    let mut reports = Vec::new();
    for version in crate::versions()? {
        let folder = match sources::folder(version) {
            Ok(folder) => folder,
            Err(reason) => {
                println!(
                    "skipped: the regression tests of PostgreSQL ({version:?}) could not be fetched: {reason:#}"
                );
                continue;
            }
        };
        let files = files(&folder)?;
        let settings = PostgresSettings::default()
            .version(version)
            .set("log_statement", "none");
        let postgres = Postgres::start_with(&settings)?;
        let base = postgres.create_database("base")?;
        set_up(&base, &folder.join("test_setup.sql"))?;
        let (mut found, mut read) = (Found::default(), 0);
        let began = Instant::now();
        for file in &files {
            let name = file
                .file_stem()
                .and_then(|stem| stem.to_str())
                .context("a file without a name")?;
            if LEFT_OUT.contains(&name) {
                continue;
            }
            if began.elapsed() > each {
                break;
            }
            Psql::new(&postgres.dsn())?
                .query("DROP DATABASE IF EXISTS one; CREATE DATABASE one TEMPLATE base")?;
            let database = base.with_database("one");
            if let Err(error) = play(&database, name, file, &mut found).await {
                found.failures.push(format!("{name}: {error:#}"));
            }
            read += 1;
        }
        println!("{read} of {} files", files.len());
        let what = format!("{version:?}");
        let plain = crate::report(&what, &found.counts, &found.failures);
        reports.push(plain.err().map(|error| error.to_string()));
        let what = format!("{version:?}, edited");
        reports.push(edited::report(&what, &found.edited, &found.edited_failures));
    }
    edited::conclude(reports)
}

/// The files, ordered. A run that ends early begins elsewhere with another seed.
fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files: Vec<_> = std::fs::read_dir(folder)?
        .map(|file| Ok(file?.path()))
        .collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    ensure!(files.len() > 1, "no files are in {}", folder.display());
    let first = usize::try_from(soak::seed().unwrap_or(0)).unwrap_or(0) % files.len();
    files.rotate_left(first);
    Ok(files)
}

fn set_up(base: &Dsn, file: &Path) -> Result<()> {
    // Statements that fail need files that are not here.
    for statement in script::statements(&read(file)?) {
        let _ = Psql::new(base)?.query(&statement);
    }
    Ok(())
}

fn read(file: &Path) -> Result<String> {
    Ok(String::from_utf8_lossy(&std::fs::read(file)?).into_owned())
}

/// What a run found: of the statements as they are, and as they are when some columns are replaced.
#[derive(Default)]
struct Found {
    counts: Counts,
    failures: Vec<String>,
    edited: edited::Counts,
    edited_failures: Vec<String>,
}

impl Found {
    async fn judge(&mut self, server: &Server, cases: Vec<Case>) -> Result<()> {
        let edits = edited::of_some_columns(server).await?;
        let (wrong, _) = edited::judge(server, cases.clone(), &edits, &mut self.edited).await?;
        self.edited_failures.extend(wrong);
        self.failures
            .extend(judge(server, cases, &mut self.counts).await?);
        Ok(())
    }
}

/// Whether what a command stores is there for others.
fn is_kept(statement: &str) -> bool {
    statement
        .trim_start()
        .to_ascii_lowercase()
        .starts_with("create")
}

/// Runs a file's definitions, and compares what reads or changes rows.
async fn play(database: &Dsn, name: &str, file: &Path, found: &mut Found) -> Result<()> {
    let mut server = Server::connect(database).await?;
    let mut cases: Vec<Case> = Vec::new();
    let mut defined = false;
    for (at, statement) in script::statements(&read(file)?).into_iter().enumerate() {
        let query = script::query_of(&statement);
        let reads = split(query);
        let defines = query != statement && is_kept(&statement);
        if reads.len() == 1 {
            if defined {
                server.read_catalog().await?;
                defined = false;
            }
            let text = reads.into_iter().next().unwrap_or_default();
            cases.push(Case {
                name: format!("{name} {at}"),
                text,
            });
            if !defines {
                continue;
            }
        }
        if script::is_left_out(&statement) {
            continue;
        }
        // What was collected is judged by the definitions of its time.
        if !cases.is_empty() {
            found.judge(&server, std::mem::take(&mut cases)).await?;
        }
        server.define(&statement).await?;
        defined = true;
    }
    found.judge(&server, cases).await?;
    server.close().await;
    Ok(())
}
