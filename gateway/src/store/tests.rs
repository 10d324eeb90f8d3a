//! The same on SQLite and on PostgreSQL.

use std::sync::OnceLock;
use std::sync::atomic::AtomicUsize;

use gatewright_harness::Postgres;
use gatewright_wire::ErrorFields;

use super::*;
use crate::upstream::UpstreamError;

static SERVER: OnceLock<Postgres> = OnceLock::new();
static DATABASES: AtomicUsize = AtomicUsize::new(0);

/// An empty PostgreSQL database.
pub(crate) fn database() -> StoreSettings {
    let server = SERVER.get_or_init(|| Postgres::start().expect("a PostgreSQL server"));
    let name = format!("store_{}", DATABASES.fetch_add(1, Ordering::Relaxed));
    let dsn = server.create_database(&name).expect("a database");
    StoreSettings::Postgres(dsn.url().parse().expect("a connection string"))
}

/// A place of each kind, and what keeps it.
pub(crate) fn places() -> Vec<(StoreSettings, Option<tempfile::TempDir>)> {
    let folder = tempfile::tempdir().expect("a folder");
    let file = StoreSettings::File(folder.path().join("gatewright.db"));
    vec![(file, Some(folder)), (database(), None)]
}

fn text(row: &mut Row) -> String {
    row.text().expect("a text")
}

#[tokio::test]
async fn values_come_back_as_they_were() {
    for (place, _folder) in places() {
        let store = Store::open(place).await.expect("a store");
        let written = store.run(|transaction| {
            transaction.query(
                "CREATE TABLE value (i BIGINT, t TEXT, b BYTEA, n TEXT)",
                &[],
            )?;
            transaction.query(
                "INSERT INTO value (t, i, b, n) VALUES ($2, $1, $3, $4)",
                &[
                    Value::from(i64::MIN),
                    Value::from("é'\u{1}\\x"),
                    Value::Bytes(vec![0, 255, 92]),
                    Value::Null,
                ],
            )?;
            transaction.query(
                "SELECT i, t, b, n, $1 || t FROM value WHERE i < $2",
                &[Value::from("a"), Value::from(0)],
            )
        });
        let mut rows = written.await.expect("rows");
        assert_eq!(rows.len(), 1);
        let row = &mut rows[0];
        assert_eq!(row.integer().expect("an integer"), i64::MIN);
        assert_eq!(text(row), "é'\u{1}\\x");
        assert_eq!(row.bytes().expect("bytes"), [0, 255, 92]);
        assert_eq!(row.optional_text().expect("NULL"), None);
        assert_eq!(text(row), "aé'\u{1}\\x");
    }
}

#[tokio::test]
async fn a_transaction_that_fails_leaves_nothing() {
    for (place, _folder) in places() {
        let store = Store::open(place).await.expect("a store");
        let insert = "INSERT INTO holder (id, started_at, seen_at) VALUES ($1, 1, 1)";
        let failed: Result<(), StoreError> = store
            .run(move |transaction| {
                transaction.query(insert, &[Value::from("a")])?;
                transaction.query("SELECT nothing FROM nowhere", &[])?;
                Ok(())
            })
            .await;
        assert!(failed.is_err());
        // Also where the work hides it.
        let hidden: Result<(), StoreError> = store
            .run(move |transaction| {
                transaction.query(insert, &[Value::from("b")])?;
                let _ = transaction.query("SELECT nothing FROM nowhere", &[]);
                Ok(())
            })
            .await;
        assert!(hidden.is_err());
        let refused: Result<(), StoreError> = store
            .run(move |transaction| {
                transaction.query(insert, &[Value::from("c")])?;
                Err(StoreError::Value("refused"))
            })
            .await;
        assert!(matches!(refused, Err(StoreError::Value("refused"))));
        let left = store.run(|transaction| transaction.query("SELECT id FROM holder", &[]));
        let left: Result<_, StoreError> = left.await;
        assert_eq!(left.expect("rows").len(), 0);
    }
}

#[tokio::test]
async fn the_schema_is_made_once_by_whoever_comes_first() {
    for (place, _folder) in places() {
        let opened = (0..4).map(|_| tokio::spawn(Store::open(place.clone())));
        for store in opened.collect::<Vec<_>>() {
            store.await.expect("no panic").expect("a store");
        }
        let store = Store::open(place.clone()).await.expect("a store");
        let seen: Result<_, StoreError> = store
            .run(|transaction| {
                let seen = transaction
                    .query("SELECT version FROM migration", &[])?
                    .len();
                transaction.query(
                    "INSERT INTO migration (version, applied_at) VALUES (99, 0)",
                    &[],
                )?;
                Ok(seen)
            })
            .await;
        assert_eq!(seen.expect("rows"), migrations::STEPS.len());
        let newer = Store::open(place).await.err();
        assert!(
            matches!(newer, Some(StoreError::Newer { found: 99, .. })),
            "{newer:?}"
        );
    }
}

#[tokio::test]
async fn others_are_woken_by_announced_commits() {
    let place = database();
    let here = Store::open(place.clone()).await.expect("a store");
    let there = Store::open(place).await.expect("a store");
    let mut wakes = there.wakes();
    // It begins to listen.
    wakes.next().await;
    let target = wakes.connection.as_mut().expect("a connection");
    let announced = here.run(|transaction| transaction.announce());
    announced
        .await
        .unwrap_or_else(|error: StoreError| panic!("{error}"));
    target.notified().await.expect("a notification");
}

#[tokio::test]
async fn a_result_that_nobody_waits_for_is_handed_over() {
    let store = Store::open(StoreSettings::Memory).await.expect("a store");
    let (orphan, mut orphans) = tokio::sync::mpsc::unbounded_channel();
    let (begun, begins) = std::sync::mpsc::channel();
    let (go, gone) = std::sync::mpsc::channel::<()>();
    let run = store.run_or_orphan(
        move |_| {
            begun.send(()).expect("a receiver");
            gone.recv().expect("a sender");
            Ok::<_, StoreError>(7)
        },
        move |result| orphan.send(result.expect("a result")).expect("a receiver"),
    );
    let mut run = Box::pin(run);
    tokio::select! {
        biased;
        _ = &mut run => panic!("it waits for the work"),
        () = std::future::ready(()) => {}
    }
    begins.recv().expect("it begins");
    drop(run);
    go.send(()).expect("it waits");
    assert_eq!(orphans.recv().await, Some(7));
}

#[test]
fn the_file_is_its_owners() {
    use std::os::unix::fs::PermissionsExt;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("gatewright.db");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let store = runtime.block_on(Store::open(StoreSettings::File(path)));
    let store = store.expect("a store");
    let modes = std::fs::read_dir(folder.path())
        .expect("files")
        .map(|file| {
            let file = file.expect("a file");
            file.metadata().expect("metadata").permissions().mode() & 0o777
        });
    let modes: Vec<_> = modes.collect();
    assert!(modes.len() > 1, "a log beside the file");
    assert!(modes.iter().all(|mode| *mode == 0o600), "{modes:?}");
    drop(store);
}

/// Ids in the order of their events, whatever runs at once.
#[tokio::test]
async fn transactions_at_once_keep_their_order() {
    for (place, _folder) in places() {
        let store = Store::open(place).await.expect("a store");
        let number = Arc::new(AtomicUsize::new(0));
        let many = (0..40).map(|_| {
            let number = Arc::clone(&number);
            store.run(move |transaction| {
                number.fetch_add(1, Ordering::Relaxed);
                let rows = transaction.query(
                    "UPDATE feed SET last = last + 1 WHERE id = 1 RETURNING last",
                    &[],
                )?;
                rows.into_iter()
                    .next()
                    .ok_or(StoreError::Value("no row"))?
                    .integer()
            })
        });
        let mut numbers = Vec::new();
        for one in futures_util::future::join_all(many).await {
            numbers.push(one.unwrap_or_else(|error: StoreError| panic!("{error}")));
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=40).collect::<Vec<i64>>());
    }
}

/// A defect in what is asked ends neither the threads nor what comes after it.
#[tokio::test]
async fn a_panic_is_an_error_of_its_own_transaction() {
    for (place, _folder) in places() {
        let store = Store::open(place).await.expect("a store");
        let made = store.run::<_, StoreError, _>(|transaction| {
            transaction.query("CREATE TABLE value (i BIGINT)", &[])
        });
        made.await.expect("a table");
        // More than there are threads.
        for _ in 0..2 * POSTGRES_CONNECTIONS {
            let panicked = store.run::<(), StoreError, _>(|transaction| {
                transaction.query("INSERT INTO value VALUES ($1)", &[Value::from(1)])?;
                panic!("a defect");
            });
            let error = panicked.await.expect_err("a panic");
            assert!(!error.is_passing(), "{error}");
        }
        let orphaned = store.run_or_orphan::<_, StoreError, _, _>(
            |_| {
                std::thread::sleep(std::time::Duration::from_millis(20));
                Ok(())
            },
            |_| panic!("a defect"),
        );
        let _ = tokio::time::timeout(std::time::Duration::ZERO, orphaned).await;
        let left = store.run::<_, StoreError, _>(|transaction| {
            transaction.query("SELECT count(*) FROM value", &[])
        });
        let left = left.await.expect("the threads go on")[0].integer();
        assert_eq!(left.expect("a number"), 0);
    }
}

#[tokio::test]
async fn errors_in_what_was_asked_do_not_pass() {
    for (place, _folder) in places() {
        let store = Store::open(place).await.expect("a store");
        let made = store.run::<_, StoreError, _>(|transaction| {
            transaction.query("CREATE TABLE value (i BIGINT PRIMARY KEY)", &[])?;
            transaction.query("INSERT INTO value VALUES (1)", &[])
        });
        made.await.expect("a table");
        for wrong in [
            "SELECT * FROM nothing",
            "SELEKT",
            "INSERT INTO value VALUES (1)",
        ] {
            let asked = store
                .run::<_, StoreError, _>(move |transaction| transaction.query(wrong, &[]))
                .await;
            let error = asked.expect_err(wrong);
            assert!(!error.is_passing(), "{wrong}: {error}");
        }
    }
    let refused = |sqlstate: &str| {
        let fields = ErrorFields::new("ERROR", sqlstate, "refused");
        StoreError::Postgres(Arc::new(UpstreamError::Server {
            fields,
            names_role: false,
        }))
    };
    // Resources, an administrator, a standby, a role that may get the privilege.
    for passing in [
        "53100", "53300", "57P03", "58030", "25006", "55P03", "42501",
    ] {
        assert!(refused(passing).is_passing(), "{passing}");
    }
    let sqlite = |code| {
        StoreError::from(rusqlite::Error::SqliteFailure(
            rusqlite::ffi::Error::new(code),
            None,
        ))
    };
    for passing in [
        rusqlite::ffi::SQLITE_BUSY,
        rusqlite::ffi::SQLITE_FULL,
        rusqlite::ffi::SQLITE_IOERR,
        rusqlite::ffi::SQLITE_CANTOPEN,
    ] {
        assert!(sqlite(passing).is_passing(), "{passing}");
    }
    assert!(StoreError::Unavailable("gone".to_owned()).is_passing());
}
