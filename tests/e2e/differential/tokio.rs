//! tokio-postgres: prepared statements, binary results, pipelining, COPY, cancel, notices.

use std::fmt::Write;
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result};
use futures_util::{SinkExt, StreamExt, TryStreamExt, future};
use gatewright_harness::{Dsn, Version};
use tokio_postgres::types::{FromSql, ToSql, Type};
use tokio_postgres::{AsyncMessage, Client, NoTls, SimpleQueryMessage, Statement};

use super::{assert_same, both};

/// Statements without parameters; each runs prepared (binary results) and simple (text results).
const STATEMENTS: &[&str] = &[
    "CREATE TABLE t (id serial PRIMARY KEY, name text, price numeric(8, 2), at timestamptz)",
    "INSERT INTO t (name, price, at) SELECT 'n' || i, i * 1.25, timestamptz '2024-01-01 00:00+00' + i * interval '1 h' FROM generate_series(1, 30) AS i",
    "SELECT * FROM t WHERE id < 5 ORDER BY id",
    "INSERT INTO t (name) VALUES ('returned') RETURNING id, name, price",
    "UPDATE t SET price = 0 WHERE id = 1 RETURNING *",
    "DELETE FROM t WHERE id = 30",
    "SELECT 1::int2, 2::int4, 3::int8, 4.5::float4, 'NaN'::float8, '-Infinity'::float8, 12345.678::numeric, 'NaN'::numeric",
    "SELECT true, 'c'::\"char\", 'x'::char(5), 'v'::varchar, 'n'::name, '\\x00ff'::bytea, ''::text, NULL::text",
    "SELECT '2024-02-29'::date, '0044-03-15 BC'::date, 'infinity'::date, '23:59:59.999999'::time, '01:02+03'::timetz, '-infinity'::timestamp",
    "SELECT '1 mon 2 days'::interval, 'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'::uuid, '{\"a\":1}'::json, '{\"a\":1}'::jsonb, '$.a'::jsonpath",
    "SELECT '10.0.0.1/8'::inet, '10.0.0.0/8'::cidr, '08:00:2b:01:02:03'::macaddr, B'1010', '101'::varbit, '1.5'::money",
    "SELECT '(1,2)'::point, '[(0,0),(1,1)]'::lseg, '<(0,0),5>'::circle, '((0,0),(1,1))'::box, '(1,1),(2,2)'::polygon",
    "SELECT '[1,10)'::int4range, 'empty'::numrange, '{[1,2),[3,4)}'::int4multirange, 'a b'::tsvector, 'a & b'::tsquery",
    "SELECT ARRAY[1, NULL, 3], ARRAY[['a', 'b'], ['c', 'd']], '{}'::int[], ARRAY[now()] = ARRAY[now()]",
    "SELECT ROW(1, 'a', NULL), 12::oid, 'pg_class'::regclass, '0/16B3748'::pg_lsn, '1:1:'::pg_snapshot, '<a/>'::xml",
    "SELECT t FROM t WHERE id = 2",
    "SELECT count(*), sum(price), avg(price) FROM t",
    "SELECT 1 / 0",
    "SELECT * FROM missing",
    "SELECT 'a'::int",
    "SELECT FROM t",
    "SELECT id, repeat(name, 3000) FROM t ORDER BY id",
    "SET search_path TO pg_catalog",
    "SHOW search_path",
    "RESET search_path",
    "EXPLAIN (COSTS OFF) SELECT * FROM t",
    "VALUES (1, 'a'), (2, 'b')",
    "LISTEN events",
    "NOTIFY events, 'hello'",
    "DROP TABLE IF EXISTS not_there",
    "DO $$ BEGIN RAISE WARNING 'careful' USING HINT = 'really'; END $$",
    "",
    "SELECT 'last'",
];

on_each_version!(tokio_postgres_sees_no_difference);

fn tokio_postgres_sees_no_difference(version: Version) -> Result<()> {
    let (direct, through) = both(version, "diff_tokio", |dsn| {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        runtime.block_on(transcript(dsn))
    })?;
    assert!(
        direct.contains("canceling statement") && direct.contains("careful"),
        "{direct}"
    );
    assert_same(&direct, &through);
    Ok(())
}

async fn transcript(dsn: &Dsn) -> Result<String> {
    let (client, mut connection) = tokio_postgres::connect(&dsn.url(), NoTls).await?;
    let heard = Arc::new(Mutex::new(String::new()));
    let listener = Arc::clone(&heard);
    tokio::spawn(async move {
        let mut messages =
            futures_util::stream::poll_fn(move |context| connection.poll_message(context));
        while let Some(Ok(message)) = messages.next().await {
            let line = match message {
                AsyncMessage::Notice(notice) => format!("notice {notice:?}\n"),
                AsyncMessage::Notification(note) => {
                    format!("{} {}\n", note.channel(), note.payload())
                }
                _ => continue,
            };
            if let Ok(mut text) = listener.lock() {
                text.push_str(&line);
            }
        }
    });
    let mut text = String::new();
    for sql in STATEMENTS {
        writeln!(
            text,
            "-- {sql}\n{}\n{}",
            prepared(&client, sql, &[]).await,
            simple(&client, sql).await
        )?;
    }
    writeln!(text, "{}", with_parameters(&client).await)?;
    writeln!(text, "{}", pipelined(&client).await?)?;
    writeln!(text, "{}", copies(&client).await?)?;
    writeln!(text, "{}", cancelled(&client).await?)?;
    let mut client = client;
    writeln!(text, "{}", transactions(&mut client).await?)?;
    text.push_str(&heard.lock().map(|heard| heard.clone()).unwrap_or_default());
    Ok(text)
}

async fn with_parameters(client: &Client) -> String {
    let sql = "SELECT $1::int4 + 1, $2::text, $3::bytea, $4::float8[], $5::text";
    let first = prepared(
        client,
        sql,
        &[
            &41_i32,
            &"text",
            &vec![0_u8, 255],
            &vec![1.5_f64, -2.0],
            &None::<String>,
        ],
    )
    .await;
    let wrong = prepared(client, "SELECT $1::int4 / $2::int4", &[&1_i32, &0_i32]).await;
    let inferred = prepared(
        client,
        "SELECT name FROM t WHERE id = $1 AND price < $2::float8::numeric",
        &[&3_i32, &1e6_f64],
    )
    .await;
    format!("{first}\n{wrong}\n{inferred}")
}

async fn pipelined(client: &Client) -> Result<String> {
    let statement = client
        .prepare("SELECT $1::int4 * 2, pg_backend_pid() > 0")
        .await?;
    let numbers: Vec<i32> = (0..50).collect();
    // Polled together, the statements are sent without waiting for each other's results.
    let doubled = future::try_join_all(
        numbers
            .into_iter()
            .map(|number| double(client, &statement, number)),
    )
    .await?;
    let mixed = future::join3(
        client.query("SELECT 'before'::text", &[]),
        client.query("SELECT 1 / 0", &[]),
        client.query("SELECT 'after'::text", &[]),
    );
    let (before, wrong, after) = mixed.await;
    Ok(format!(
        "{doubled:?} {} {} {}",
        before.is_ok(),
        wrong.is_err(),
        after.is_ok()
    ))
}

async fn double(client: &Client, statement: &Statement, number: i32) -> Result<i32> {
    Ok(client.query_one(statement, &[&number]).await?.get(0))
}

async fn copies(client: &Client) -> Result<String> {
    client
        .batch_execute("CREATE TABLE copied (id int, note text)")
        .await?;
    let sink = client.copy_in("COPY copied FROM STDIN").await?;
    let mut sink = std::pin::pin!(sink);
    for chunk in ["1\tfirst\n2\t\\N\n3\tsplit ", "over chunks\n"] {
        sink.send(bytes::Bytes::from_static(chunk.as_bytes()))
            .await?;
    }
    let count = sink.finish().await?;
    let mut out = Vec::new();
    for format in ["text", "csv", "binary"] {
        let stream = client
            .copy_out(&format!("COPY copied TO STDOUT (FORMAT {format})"))
            .await?;
        let chunks: Vec<bytes::Bytes> = stream.try_collect().await?;
        out.push(chunks.concat().escape_ascii().to_string());
    }
    let wrong = client
        .copy_out("COPY (SELECT 1 / (3 - i) FROM generate_series(1, 5) AS i) TO STDOUT")
        .await?;
    let failed = wrong
        .try_collect::<Vec<_>>()
        .await
        .err()
        .map(|error| describe(&error));
    Ok(format!("{count} {out:?} {failed:?}"))
}

async fn cancelled(client: &Client) -> Result<String> {
    let token = client.cancel_token();
    let sleeping = client.query("SELECT pg_sleep(30)", &[]);
    let cancelling = async {
        tokio::time::sleep(std::time::Duration::from_millis(300)).await;
        token.cancel_query(NoTls).await
    };
    let (slept, cancel) = future::join(sleeping, cancelling).await;
    cancel?;
    let error = slept.err().context("the statement was not cancelled")?;
    Ok(format!(
        "{} {}",
        describe(&error),
        simple(client, "SELECT 'still usable'").await
    ))
}

async fn transactions(client: &mut Client) -> Result<String> {
    let mut text = String::new();
    let mut outer = client.transaction().await?;
    outer
        .execute("INSERT INTO t (name) VALUES ('kept')", &[])
        .await?;
    let inner = outer.savepoint("inside").await?;
    let failed = inner.execute("INSERT INTO t (id) VALUES (1)", &[]).await;
    writeln!(text, "{:?}", failed.err().map(|error| describe(&error)))?;
    let aborted = inner.query("SELECT 1", &[]).await;
    writeln!(text, "{:?}", aborted.err().map(|error| describe(&error)))?;
    inner.rollback().await?;
    let statement = outer.prepare("SELECT id, name FROM t ORDER BY id").await?;
    let portal = outer.bind(&statement, &[]).await?;
    for rows in [3, 5, 0] {
        let names: Vec<String> = outer
            .query_portal(&portal, rows)
            .await?
            .iter()
            .map(|row| row.get(1))
            .collect();
        writeln!(text, "{names:?}")?;
    }
    outer.commit().await?;
    let dropped = client.transaction().await?;
    dropped.execute("DELETE FROM t WHERE id > 0", &[]).await?;
    drop(dropped);
    writeln!(text, "{}", simple(client, "SELECT count(*) FROM t").await)?;
    Ok(text)
}

/// Parameter types, columns and raw bytes of every cell.
async fn prepared(client: &Client, sql: &str, parameters: &[&(dyn ToSql + Sync)]) -> String {
    let statement = match client.prepare(sql).await {
        Ok(statement) => statement,
        Err(error) => return format!("prepare: {}", describe(&error)),
    };
    let columns: Vec<_> = statement
        .columns()
        .iter()
        .map(|column| {
            format!(
                "{} {} {:?}",
                column.name(),
                column.type_(),
                column.table_oid().is_some()
            )
        })
        .collect();
    let rows = match client.query(&statement, parameters).await {
        Ok(rows) => rows,
        Err(error) => return format!("{columns:?} execute: {}", describe(&error)),
    };
    let cells: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| (0..row.len()).map(|index| row.get(index)).collect())
        .collect();
    format!("{:?} {columns:?} {cells:?}", statement.params())
}

async fn simple(client: &Client, sql: &str) -> String {
    match client.simple_query(sql).await {
        Ok(messages) => messages.iter().map(show).collect::<Vec<_>>().join("\n"),
        Err(error) => describe(&error),
    }
}

fn show(message: &SimpleQueryMessage) -> String {
    match message {
        SimpleQueryMessage::Row(row) => {
            let cells: Vec<_> = (0..row.len()).map(|index| row.get(index)).collect();
            format!("{cells:?}")
        }
        SimpleQueryMessage::CommandComplete(rows) => format!("{rows} rows"),
        other => format!("{other:?}"),
    }
}

fn describe(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(error) => format!("{error:?}"),
        None => error.to_string(),
    }
}

/// A cell as raw bytes, of any type.
struct Cell(Option<Vec<u8>>);

impl std::fmt::Debug for Cell {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.0 {
            Some(bytes) => write!(out, "{}", bytes.escape_ascii()),
            None => write!(out, "NULL"),
        }
    }
}

impl<'a> FromSql<'a> for Cell {
    fn from_sql(_: &Type, raw: &'a [u8]) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(Some(raw.to_vec())))
    }

    fn from_sql_null(_: &Type) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(None))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}
