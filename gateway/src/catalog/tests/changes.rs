//! The work of a read depends on what has changed, not on what there is.

use gatewright_harness::{Postgres, PostgresSettings, Psql, Version};

use super::super::changes::How;
use super::*;

pub(super) struct Server {
    postgres: Postgres,
    pub runtime: tokio::runtime::Runtime,
}

impl Server {
    pub fn start(version: Version) -> Self {
        let settings = PostgresSettings::default().version(version);
        Server {
            postgres: Postgres::start_with(&settings).expect("a PostgreSQL server"),
            runtime: tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime"),
        }
    }

    pub fn handle(&self) -> Arc<CatalogHandle> {
        CatalogHandle::new(self.postgres.dsn().url().parse().expect("a target"))
    }

    pub fn url(&self) -> String {
        self.postgres.dsn().url()
    }

    /// Runs a script that must succeed.
    pub fn run(&self, sql: &str) {
        let psql = Psql::new(&self.postgres.dsn()).expect("psql");
        psql.query(sql).expect(sql);
    }
}

/// How many rows the server returns for a read.
fn rows_read(server: &Server, handle: &CatalogHandle, how: How) -> u64 {
    server.runtime.block_on(async {
        let mut watch = handle.watch.lock().await;
        let rows =
            |watch: &mut Option<Watch>| watch.as_mut().map_or(0, |watch| watch.service().rows());
        let before = rows(&mut watch);
        handle.read(&mut watch, how).await.expect("a catalog");
        rows(&mut watch) - before
    })
}

fn with_tables(server: &Server, first: usize, last: usize) {
    server.run(&format!(
        "DO $$ BEGIN FOR i IN {first}..{last} LOOP EXECUTE format('CREATE TABLE t%s (id int PRIMARY KEY, a text DEFAULT ''x'', b text, \
         c int CHECK (c > 0), d text, e text, f text, g text)', i); \
         EXECUTE format('CREATE VIEW v%s AS SELECT id, a FROM t%s', i, i); END LOOP; END $$"
    ));
}

#[test]
fn what_is_read_after_a_change_does_not_grow_with_the_database() {
    let server = Server::start(Version::Installed);
    let handle = server.handle();
    let mut counts: Vec<(u64, Vec<u64>)> = Vec::new();
    for (first, last) in [(1, 300), (301, 3000)] {
        with_tables(&server, first, last);
        let everything = rows_read(&server, &handle, How::Everything);
        let changes = [
            "CREATE TABLE more (id int PRIMARY KEY, a text)",
            "ALTER TABLE more ADD COLUMN b text",
            "ALTER TABLE t7 RENAME TO t7b",
            "ALTER TABLE t7b RENAME TO t7",
            "CREATE FUNCTION twice(a int) RETURNS int LANGUAGE sql AS 'SELECT 2 * a'",
            "DROP FUNCTION twice",
            "DROP TABLE more",
            "ANALYZE t8",
            "SELECT 1",
        ];
        let changes = changes.map(|change| {
            server.run(change);
            rows_read(&server, &handle, How::Changes)
        });
        counts.push((everything, changes.to_vec()));
    }
    let [(few, at_few), (many, at_many)] = counts.as_slice() else {
        panic!("{counts:?}");
    };
    assert!(*many > 4 * few, "{counts:?}");
    // One group of stamps, a stamp for each group, and what has changed.
    for (few, many) in at_few.iter().zip(at_many) {
        assert!(*many < few + 500 && *many < 1500, "{counts:?}");
    }
}

/// A session that makes a temporary table asks for it; the statements of others do not read it.
#[test]
fn temporary_tables_are_read_for_those_who_make_them() {
    let server = Server::start(Version::Installed);
    server.run("CREATE TABLE lasting (id int)");
    let handle = server.handle();
    server.runtime.block_on(async {
        handle.refresh().await.expect("a catalog");
        let (client, connection) = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls)
            .await
            .expect("a connection");
        tokio::spawn(connection);
        let run = async |sql: &str| client.batch_execute(sql).await.expect(sql);
        let first = handle.current();
        run("CREATE TEMP TABLE mine (id int PRIMARY KEY, a text)").await;
        handle.check().await.expect("a check");
        assert!(handle.is_current(&first), "a check read a temporary table");
        let read = async || {
            let mut watch = handle.watch.lock().await;
            handle
                .read(&mut watch, How::Changes)
                .await
                .expect("a catalog");
            handle.current()
        };
        // No transaction has ended since.
        let second = read().await;
        assert_eq!(second.lookup(None, "mine").len(), 1);
        run("ALTER TABLE mine ADD b text").await;
        handle.check().await.expect("a check");
        assert!(handle.is_current(&second), "a check read a temporary table");
        let third = read().await;
        assert_eq!(third.lookup(None, "mine")[0].columns.len(), 3);
        run("CREATE TABLE other (id int)").await;
        handle.check().await.expect("a check");
        assert_eq!(handle.current().lookup(None, "other").len(), 1);
        run("DROP TABLE mine").await;
        handle.check().await.expect("a check");
        assert!(read().await.lookup(None, "mine").is_empty());
    });
}

/// The transaction in the middle renames both columns, so that the sum of the ids that wrote them stays the same.
#[test]
fn columns_that_trade_names_show_whichever_transaction_it_was() {
    let server = Server::start(Version::Installed);
    server.run("CREATE TABLE t (a int, b int)");
    let handle = server.handle();
    server.runtime.block_on(async {
        let mut clients = Vec::new();
        for _ in 0..3 {
            let connected = tokio_postgres::connect(&server.url(), tokio_postgres::NoTls).await;
            let (client, connection) = connected.expect("a connection");
            tokio::spawn(connection);
            clients.push(client);
        }
        let [first, middle, last] = clients.as_slice() else {
            panic!("three clients");
        };
        let own = "SELECT pg_current_xact_id()::text::int8";
        let begun = async |client: &tokio_postgres::Client| -> i64 {
            client.batch_execute("BEGIN").await.expect("BEGIN");
            client.query_one(own, &[]).await.expect(own).get(0)
        };
        let run = async |client: &tokio_postgres::Client, sql: &str| client.batch_execute(sql).await.expect(sql);
        // The ids of others, such as autovacuum's, may come between.
        let mut rounds = 0;
        loop {
            rounds += 1;
            assert!(rounds < 20, "no three transactions follow each other");
            let one = begun(first).await;
            run(first, "ALTER TABLE t RENAME a TO z; ALTER TABLE t RENAME z TO a; COMMIT").await;
            let two = begun(middle).await;
            let three = begun(last).await;
            run(last, "ALTER TABLE t RENAME b TO z; ALTER TABLE t RENAME z TO b; COMMIT").await;
            if (two, three) == (one + 1, one + 2) {
                break;
            }
            run(middle, "ROLLBACK").await;
        }
        handle.refresh().await.expect("a catalog");
        run(middle, "ALTER TABLE t RENAME a TO z; ALTER TABLE t RENAME b TO a; ALTER TABLE t RENAME z TO b; COMMIT").await;
        handle.check().await.expect("a check");
        let catalog = handle.current();
        let columns = catalog.lookup(None, "t")[0].columns.iter();
        let columns: Vec<&str> = columns.map(|column| column.name.as_str()).collect();
        assert_eq!(columns, ["b", "a"]);
    });
}
