//! The index has what the record has, and nothing that it has not: after a kill, after the store was away, and after deletions.

use anyhow::{Context, Result, ensure};
use gatewright::library::{Index, Listing, Search, SessionEntry};
use gatewright::store::{Store, StoreSettings};
use gatewright_harness::{Dsn, Psql, Version};
use tokio::runtime::Runtime;

use super::canaries::each_file;
use super::fixture::Recorded;
use crate::world::{database_of, eventually};

/// A gateway whose record is indexed, and its index, read beside it.
struct Stage {
    recorded: Recorded,
    runtime: Runtime,
    index: Index,
}

enum Place {
    File,
    Postgres(Dsn),
}

impl Stage {
    /// `keys` of `[record]`, and its tables.
    fn start(test: &str, place: &Place, keys: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let file = folder.path().join("index.db");
        let (store, settings) = match place {
            Place::File => (
                format!("path = \"{}\"", file.display()),
                StoreSettings::File(file),
            ),
            Place::Postgres(dsn) => {
                let secret = folder.path().join("store-password");
                std::fs::write(&secret, &dsn.password)?;
                let Dsn {
                    user,
                    host,
                    port,
                    database,
                    ..
                } = dsn;
                let keys = format!(
                    "url = \"postgres://{user}@{host}:{port}/{database}\"\npassword_file = \"{}\"",
                    secret.display()
                );
                (keys, StoreSettings::Postgres(dsn.url().parse()?))
            }
        };
        let keys = format!("index = \"rows\"\n{keys}");
        let sections = format!(
            "[store]\n{store}\n[approvals]\npeople = [\"ISSUER\"]\nreviewers = [\"dba\"]\nurl = \"https://localhost:1\"\n"
        );
        let recorded = Recorded::start_storing(Version::Installed, test, &keys, &sections, folder)?;
        let runtime = gatewright::app::runtime()?;
        let store = runtime.block_on(Store::open(settings))?;
        Ok(Stage {
            recorded,
            runtime,
            index: Index::new(store),
        })
    }

    fn sessions(&self) -> Result<Vec<SessionEntry>> {
        let listing = Listing {
            limit: 100,
            ..Listing::default()
        };
        let page = self.runtime.block_on(self.index.sessions(listing))?;
        Ok(page.entries)
    }

    /// The texts of the statements that are found.
    fn found(&self, text: &str) -> Result<Vec<String>> {
        let search = Search::parse(text)?;
        let page = self.index.search(search, None, 100);
        let found = self.runtime.block_on(page)?.entries.into_iter();
        Ok(found
            .map(|found| found.statement.text.unwrap_or_default())
            .collect())
    }

    /// Waits until so many sessions are in the index, with their ends.
    fn until_indexed(&self, count: usize) -> Result<()> {
        eventually("the sessions are indexed", || {
            let sessions = self.sessions()?;
            let ended = sessions.iter().filter(|session| session.ended_at.is_some());
            Ok(ended.count() == count && sessions.len() == count)
        })
    }

    fn restart(&mut self) -> Result<()> {
        self.recorded.served.gateway.process().signal("KILL")?;
        self.recorded.served.start_again()
    }
}

fn on_both(test: &str, run: impl Fn(&Place) -> Result<()>) -> Result<()> {
    run(&Place::File)?;
    run(&Place::Postgres(database_of(Version::Installed, test)?))
}

#[test]
fn no_masked_value_is_in_the_index() -> Result<()> {
    on_both("index_canaries_store", |place| {
        let stage = Stage::start("index_canaries", place, "")?;
        let output = Psql::new(&stage.recorded.served.dsn("ada")?)?.script(
            "SELECT * FROM customers;
             SELECT email, count(*) FROM customers GROUP BY email;
             SELECT upper(email) FROM customers;
             SELECT to_jsonb(customers) FROM customers;",
        )?;
        assert!(output.stdout.contains("name 7"), "{output:?}");
        stage.until_indexed(1)?;
        // What is not masked is found.
        assert_eq!(
            stage.found("result:\"name 7\"")?,
            ["SELECT * FROM customers"]
        );
        for text in ["canary", "\"raw canary 7\"", "raw*", "result:raw"] {
            assert_eq!(stage.found(text)?, Vec::<String>::new(), "{text}");
        }
        each_file(stage.recorded.folder.path(), &mut |path, bytes| {
            let has = bytes
                .windows(10)
                .any(|window| window.eq_ignore_ascii_case(b"raw-canary"));
            let has_words = bytes
                .windows(10)
                .any(|window| window.eq_ignore_ascii_case(b"raw canary"));
            ensure!(!has && !has_words, "a raw value is in {}", path.display());
            Ok(())
        })?;
        if let Place::Postgres(dsn) = place {
            let words = "SELECT count(*) FROM gatewright.recorded_statement WHERE words::text ILIKE '%canary%' OR to_jsonb(recorded_statement)::text ILIKE '%canary%'";
            assert_eq!(Psql::new(dsn)?.query(words)?.trim(), "0");
        }
        Ok(())
    })
}

#[test]
fn after_a_kill_the_index_has_each_statement_once() -> Result<()> {
    on_both("index_kill_store", |place| {
        let mut stage = Stage::start("index_kill", place, "")?;
        let mut client = stage.recorded.served.client("ada")?;
        for number in 0..50 {
            client.query(&format!("SELECT {number} AS before"))?;
        }
        eventually("an open session is indexed", || {
            Ok(stage.found("before subject:ada outcome:completed")?.len() == 50)
        })?;
        let open = stage.sessions()?;
        assert_eq!(open.len(), 1);
        assert_eq!((open[0].ended_at, open[0].executions), (None, 50));
        stage.restart()?;
        drop(client);
        stage.until_indexed(1)?;
        assert_eq!(stage.found("before")?.len(), 50);
        let ended = stage.sessions()?.remove(0);
        let why = ended.ended.context("an end")?;
        assert!(why.contains("without closing"), "{why}");
        stage
            .recorded
            .served
            .client("ada")?
            .query("SELECT 1 AS after")?;
        stage.until_indexed(2)?;
        assert_eq!(stage.found("after")?.len(), 1);
        Ok(())
    })
}

#[test]
fn a_store_that_was_away_only_makes_the_index_late() -> Result<()> {
    let store = database_of(Version::Installed, "index_away_store")?;
    let stage = Stage::start("index_away", &Place::Postgres(store.clone()), "")?;
    stage
        .recorded
        .served
        .client("ada")?
        .query("SELECT 1 AS first")?;
    stage.until_indexed(1)?;
    let admin = Psql::new(&stage.recorded.served.direct)?;
    let name = &store.database;
    admin.query(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS false"))?;
    admin.query(&format!(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    ))?;
    // Statements are recorded all the same.
    stage
        .recorded
        .served
        .client("ada")?
        .query("SELECT 2 AS second")?;
    stage.recorded.sessions(2)?;
    eventually("the index is behind", || {
        let metrics = stage.recorded.served.metrics()?;
        let has_failed = !metrics.contains("gatewright_record_index_failures_total 0\n");
        let is_behind = metrics.contains("gatewright_record_index_behind 1\n");
        Ok(has_failed && is_behind)
    })?;
    admin.query(&format!("ALTER DATABASE {name} ALLOW_CONNECTIONS true"))?;
    eventually("the index has it", || {
        // This process has lost its connections as well.
        Ok(stage.found("second").is_ok_and(|found| found.len() == 1))
    })?;
    eventually("the index is up to date", || {
        let metrics = stage.recorded.served.metrics()?;
        Ok(metrics.contains("gatewright_record_index_behind 0\n"))
    })
}

#[test]
fn retention_deletes_from_the_index() -> Result<()> {
    on_both("index_retention_store", |place| {
        let mut stage = Stage::start("index_retention", place, "retention = \"1ms\"")?;
        stage
            .recorded
            .served
            .client("ada")?
            .query("SELECT 1 AS kept_for_a_while")?;
        stage.until_indexed(1)?;
        assert_eq!(stage.found("kept_for_a_while")?.len(), 1);
        stage.restart()?;
        stage.until_indexed(0)?;
        assert_eq!(stage.found("kept_for_a_while")?, Vec::<String>::new());
        Ok(())
    })
}

#[test]
fn the_commands_list_search_and_follow() -> Result<()> {
    let stage = Stage::start("index_commands", &Place::File, "")?;
    let mut client = stage.recorded.served.client("ada")?;
    client.query("SELECT name FROM customers WHERE id = 7")?;
    // Refused by nobody, and failed.
    let _ = client.query("SELECT nothing FROM nowhere");
    drop(client);
    stage
        .recorded
        .served
        .client("etl")?
        .query("SELECT 1 AS other")?;
    stage.until_indexed(2)?;
    let config = stage.recorded.served.config().display().to_string();
    let with_index = |arguments: &[&str]| {
        stage
            .recorded
            .run(&[arguments, &["--config", &config]].concat())
    };
    for run in [
        &with_index as &dyn Fn(&[&str]) -> Result<(String, Option<i32>)>,
        &|arguments| stage.recorded.command(arguments),
    ] {
        let (list, code) = run(&["sessions", "list"])?;
        ensure!(code == Some(0) && list.lines().count() == 2, "{list}");
        let (list, _) = run(&["sessions", "list", "--subject", "etl"])?;
        ensure!(list.lines().count() == 1 && list.contains("etl"), "{list}");
        let (list, _) = run(&["sessions", "list", "--since", "1h", "--limit", "1"])?;
        ensure!(list.lines().count() == 1 && list.contains("etl"), "{list}");
        let (found, code) = run(&["sessions", "search", "table:customers", "name"])?;
        ensure!(code == Some(0) && found.contains("WHERE id = 7"), "{found}");
        let (found, _) = run(&["sessions", "search", "outcome:failed", "nowhere"])?;
        ensure!(
            found.contains("failed") && found.lines().count() == 2,
            "{found}"
        );
        let (found, code) = run(&["sessions", "search", "verdict:maybe"])?;
        ensure!(code == Some(1) && found.contains("permitted"), "{found}");
    }
    let session = stage.sessions()?.pop().context("the first session")?.id;
    let (tail, code) = stage
        .recorded
        .command(&["sessions", "tail", "--follow", &session])?;
    ensure!(
        code == Some(0) && tail.contains("WHERE id = 7") && tail.contains("ended"),
        "{tail}"
    );
    let (tail, _) = stage.recorded.command(&["sessions", "tail"])?;
    ensure!(tail.is_empty(), "{tail}");
    let (built, code) = with_index(&["record", "index"])?;
    ensure!(
        code == Some(0) && built.contains("2 sessions are indexed"),
        "{built}"
    );
    assert_eq!(stage.found("other")?.len(), 1);
    Ok(())
}
