//! Many sessions: what a page costs does not grow with them. That is read off the plans; how long it takes, docs/performance.md says.

use super::super::index::{SESSION, STATEMENT, search_sql};
use super::*;
use crate::store::{Dialect, StoreError, Transaction, Value};

const SESSIONS: i64 = 100_000;

/// PostgreSQL copies the first ones, which takes less time.
const WRITTEN: i64 = 1000;

fn indexed(number: i64) -> Indexed {
    let id = SessionId::generate().to_string();
    let rare = if number % 10_000 == 7 {
        "zebra"
    } else {
        "stripe"
    };
    let session = SessionEntry {
        id,
        record: "scale".to_owned(),
        opened_at: number * 1_000_000,
        ended_at: Some(number * 1_000_000 + 5),
        subject: format!("person{}", number % 100),
        database: "shop".to_owned(),
        executions: 1,
        refusals: i64::from(number % 1000 == 0),
        ..SessionEntry::default()
    };
    let statement = StatementEntry {
        number: 1,
        began_at: number * 1_000_000,
        decision: Some("permitted".to_owned()),
        outcome: Some("completed".to_owned()),
        verb: "select".to_owned(),
        tables: vec!["public.animals".to_owned()],
        text: Some(format!("SELECT {rare} FROM animals WHERE id = {number}")),
        ..StatementEntry::default()
    };
    Indexed {
        session,
        statements: vec![statement],
        viewings: Vec::new(),
        is_whole: true,
        from_the_beginning: false,
    }
}

fn filled(place: StoreSettings) -> (Runtime, Store, Index) {
    let runtime = crate::app::runtime().unwrap();
    let store = runtime.block_on(Store::open(place)).unwrap();
    let index = Index::new(store.clone());
    let dialect = dialect(&runtime, &store);
    let written = match dialect {
        Dialect::Sqlite => SESSIONS,
        Dialect::Postgres => WRITTEN,
    };
    let numbers: Vec<i64> = (0..written).collect();
    for batch in numbers.chunks(5000) {
        let batch = batch.iter().map(|number| indexed(*number)).collect();
        runtime.block_on(index.write(batch)).unwrap();
    }
    if dialect == Dialect::Postgres {
        let copied = store.run(|transaction: &mut dyn Transaction| copy(transaction));
        let copied: Result<(), StoreError> = runtime.block_on(copied);
        copied.unwrap();
    }
    let analyze = |transaction: &mut dyn Transaction| transaction.query("ANALYZE", &[]);
    let analyzed: Result<_, StoreError> = runtime.block_on(store.run(analyze));
    analyzed.unwrap();
    (runtime, store, index)
}

fn dialect(runtime: &Runtime, store: &Store) -> Dialect {
    let dialect = store.read(|transaction| Ok::<_, StoreError>(transaction.dialect()));
    runtime.block_on(dialect).unwrap()
}

/// Copies what is there until there are as many as there are to be.
fn copy(transaction: &mut dyn Transaction) -> Result<(), StoreError> {
    for (table, columns) in [
        ("recorded_session s", format!("{SESSION}, s.is_whole")),
        (
            "recorded_statement e",
            format!("{STATEMENT}, e.session, e.words"),
        ),
    ] {
        let later = "+ copy * 1000000000::bigint";
        let copied = columns
            .replace("s.id", "s.id || '-' || copy")
            .replace("s.opened_at", &format!("s.opened_at {later}"))
            .replace("s.ended_at", &format!("s.ended_at {later}"))
            .replace("e.began_at", &format!("e.began_at {later}"))
            .replace("e.session", "e.session || '-' || copy");
        let is_rare = match table.ends_with('e') {
            true => " AND (e.statement_text NOT LIKE '%zebra%' OR copy % 10 = 0)",
            false => "",
        };
        let (name, _) = table.split_once(' ').unwrap_or_default();
        let columns = columns.replace("s.", "").replace("e.", "");
        let copies = SESSIONS / WRITTEN - 1;
        transaction.query(
            &format!(
                "INSERT INTO {name} ({columns}) SELECT {copied} FROM {table} CROSS JOIN generate_series(1, {copies}) copy WHERE true{is_rare}"
            ),
            &[],
        )?;
    }
    Ok(())
}

fn plan(runtime: &Runtime, store: &Store, sql: String, values: Vec<Value>) -> String {
    let explain = move |transaction: &mut dyn Transaction| {
        let dialect = transaction.dialect();
        let explain = match dialect {
            Dialect::Sqlite => "EXPLAIN QUERY PLAN",
            Dialect::Postgres => "EXPLAIN",
        };
        let rows = transaction.query(&format!("{explain} {sql}"), &values)?;
        let lines = rows.into_iter().map(|mut row| {
            if dialect == Dialect::Sqlite {
                for _ in 0..3 {
                    row.integer()?;
                }
            }
            row.text()
        });
        let lines: Result<Vec<_>, StoreError> = lines.collect();
        Ok(lines?.join("\n"))
    };
    let plan: Result<String, StoreError> = runtime.block_on(store.read(explain));
    plan.unwrap()
}

/// No plan sorts, or reads a table from one end to the other.
fn assert_bounded(plan: &str) {
    for bad in [
        "USE TEMP B-TREE",
        "SCAN s\n",
        "SCAN e\n",
        "SCAN s ",
        "Seq Scan",
    ] {
        let plan = format!("{plan}\n");
        assert!(
            !plan.contains(bad) || plan.contains("SCAN s USING INDEX"),
            "{plan}"
        );
    }
}

#[test]
fn a_page_of_a_hundred_thousand_sessions_is_found_by_indexes() {
    for (place, _folder) in places() {
        let (runtime, store, index) = filled(place);
        for (listing, expected) in [
            (Listing::default(), 50),
            (
                Listing {
                    subject: Some("person7".to_owned()),
                    ..Listing::default()
                },
                50,
            ),
            (
                Listing {
                    refused: true,
                    ..Listing::default()
                },
                50,
            ),
            (
                Listing {
                    open: true,
                    ..Listing::default()
                },
                0,
            ),
            (
                Listing {
                    since: Some(99_990_000_000),
                    ..Listing::default()
                },
                10,
            ),
            (
                Listing {
                    after: Some((5_000_000, String::new())),
                    ..Listing::default()
                },
                5,
            ),
        ] {
            let listing = Listing {
                limit: 50,
                ..listing
            };
            let (sql, values) = listing.sql();
            assert_bounded(&plan(&runtime, &store, sql, values));
            let page = runtime.block_on(index.sessions(listing)).unwrap();
            assert_eq!(page.entries.len(), expected);
        }
        for (text, expected) in [
            ("zebra", 10),
            ("animals", 50),
            ("\"from animals\" subject:person7", 50),
            ("table:animals zebra subject:person7", 10),
            ("nothing", 0),
        ] {
            let search = Search::parse(text).unwrap();
            let found = index.search(search, None, 50);
            let begun = std::time::Instant::now();
            let found = runtime.block_on(found).unwrap();
            println!("{text}: {:?}", begun.elapsed());
            assert_eq!(found.entries.len(), expected, "{text}");
        }
        let dialect = dialect(&runtime, &store);
        let rare = Search::parse("zebra").unwrap().in_language_of(dialect);
        let values = vec![rare.into(), i64::MAX.into(), 51.into()];
        let plan = plan(&runtime, &store, search_sql(dialect), values);
        match dialect {
            Dialect::Sqlite => {
                assert!(
                    plan.contains("SCAN recorded_words VIRTUAL TABLE INDEX"),
                    "{plan}"
                );
                assert!(!plan.contains("TEMP B-TREE"), "{plan}");
            }
            Dialect::Postgres => {
                assert!(
                    plan.contains("Bitmap Index Scan on recorded_statement_words"),
                    "{plan}"
                );
            }
        }
    }
}
