//! The statements of PostgreSQL's own regression tests.
//!
//! `GATEWRIGHT_ORACLE_SECONDS` limits how long they run; `GATEWRIGHT_REGRESSION_FILES` names the folder with the files,
//! `src/test/regress/sql`. Without it they are taken from Debian's source package; where that cannot be fetched, the test
//! says so and ends.

mod script;
mod sources;

use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Dsn, Postgres, PostgresSettings, Psql, Version, soak};

use crate::corpora::split;
use crate::counts::Counts;
use crate::server::Server;
use crate::{Case, judge};

/// Files that change what other databases use, or wait for other sessions.
const LEFT_OUT: [&str; 4] = ["tablespace", "database", "test_setup", "drop_if_exists"];

fn limit() -> Duration {
    let seconds = std::env::var("GATEWRIGHT_ORACLE_SECONDS").ok();
    let seconds = seconds.map_or(40, |text| text.parse().unwrap_or(40));
    Duration::from_secs(seconds)
}

#[tokio::test]
async fn regression_tests_are_read_as_the_server_reads_them() -> Result<()> {
    let folder = match sources::folder() {
        Ok(folder) => folder,
        Err(reason) => {
            println!("skipped: PostgreSQL's regression tests could not be fetched: {reason:#}");
            return Ok(());
        }
    };
    let mut files: Vec<_> = std::fs::read_dir(&folder)?
        .map(|file| Ok(file?.path()))
        .collect::<Result<_>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "sql"));
    files.sort();
    ensure!(files.len() > 1, "no files are in {}", folder.display());
    // A run that ends early begins elsewhere with another seed.
    let first = usize::try_from(soak::seed().unwrap_or(0)).unwrap_or(0) % files.len();
    files.rotate_left(first);
    let each = limit() / 2;
    for version in Version::ALL {
        let settings = PostgresSettings::default()
            .version(version)
            .set("log_statement", "none");
        let postgres = Postgres::start_with(&settings)?;
        let base = postgres.create_database("base")?;
        set_up(&base, &folder.join("test_setup.sql"))?;
        let (mut counts, mut failures, mut read) = (Counts::default(), Vec::new(), 0);
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
            failures.extend(
                play(&database, name, file, &mut counts)
                    .await
                    .with_context(|| name.to_owned())?,
            );
            read += 1;
        }
        println!("{read} of {} files", files.len());
        crate::report(&format!("{version:?}"), &counts, &failures)?;
    }
    Ok(())
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

/// Runs a file's definitions, and compares what reads or changes rows.
async fn play(database: &Dsn, name: &str, file: &Path, counts: &mut Counts) -> Result<Vec<String>> {
    let mut server = Server::connect(database).await?;
    let mut failures = Vec::new();
    let mut cases: Vec<Case> = Vec::new();
    let mut defined = false;
    for (at, statement) in script::statements(&read(file)?).into_iter().enumerate() {
        let reads = split(&statement);
        if script::is_left_out(&statement) {
            continue;
        }
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
            continue;
        }
        // What was collected is judged by the definitions of its time.
        failures.extend(judge(&server, std::mem::take(&mut cases), counts).await?);
        server.define(&statement).await?;
        defined = true;
    }
    failures.extend(judge(&server, cases, counts).await?);
    server.close().await;
    Ok(failures)
}
