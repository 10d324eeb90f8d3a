//! Prints what sqlx sees. With `plain` it runs a script of all features; with `masked` it reads the protected table.

use std::fmt::Debug;

use anyhow::{Context, Result};
use futures_util::TryStreamExt;
use sqlx::postgres::types::PgInterval;
use sqlx::postgres::{PgConnection, PgListener, PgPoolCopyExt, PgPoolOptions, PgRow};
use sqlx::types::{JsonValue, Uuid, time::Date, time::OffsetDateTime};
use sqlx::{Acquire, Column, Connection, Executor, PgPool, Row, SqlStr, Statement};

#[derive(Debug, sqlx::Type)]
#[sqlx(type_name = "mood", rename_all = "lowercase")]
enum Mood {
    Sad,
    Happy,
}

fn show(title: &str, value: impl Debug) {
    println!("{title}: {value:?}");
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<()> {
    let dsn = std::env::var("DSN").context("DSN is not set")?;
    match std::env::args().nth(1).as_deref() {
        Some("masked") => masked(&dsn).await?,
        _ => plain(&dsn).await?,
    }
    println!("end of the script");
    Ok(())
}

async fn masked(dsn: &str) -> Result<()> {
    let mut connection = PgConnection::connect(dsn).await?;
    let rows = sqlx::query("SELECT id, n, u, d, a, j, m, e FROM protected ORDER BY id")
        .fetch_all(&mut connection)
        .await?;
    for row in rows {
        show("row", decoded(&row)?);
    }
    Ok(())
}

#[allow(clippy::type_complexity, reason = "one row with all of its columns")]
fn decoded(
    row: &PgRow,
) -> Result<(
    i32,
    Option<i32>,
    Option<Uuid>,
    Option<Date>,
    Option<Vec<i32>>,
    Option<JsonValue>,
    Option<Mood>,
    Option<String>,
)> {
    Ok((
        row.try_get(0)?,
        row.try_get(1)?,
        row.try_get(2)?,
        row.try_get(3)?,
        row.try_get(4)?,
        row.try_get(5)?,
        row.try_get(6)?,
        // sqlx treats a domain as a type of its own.
        row.try_get_unchecked(7)?,
    ))
}

async fn plain(dsn: &str) -> Result<()> {
    let pool = PgPoolOptions::new().max_connections(2).connect(dsn).await?;
    statements(&pool).await?;
    failures(&pool).await?;
    copies(&pool).await?;
    let mut listener = PgListener::connect_with(&pool).await?;
    listener.listen("news").await?;
    pool.execute("NOTIFY news, 'hello'").await?;
    show("notification", listener.recv().await?.payload());
    Ok(())
}

async fn statements(pool: &PgPool) -> Result<()> {
    pool.execute("CREATE TABLE s (id serial PRIMARY KEY, name text UNIQUE, at timestamptz, tags text[]); INSERT INTO s (name) VALUES ('simple')")
        .await?;
    for number in 0..20 {
        let done = sqlx::query("INSERT INTO s (name, at, tags) VALUES ($1, $2, $3)")
            .bind(format!("n{number}"))
            .bind(OffsetDateTime::UNIX_EPOCH)
            .bind(vec!["a".to_owned(), number.to_string()])
            .execute(pool)
            .await?;
        show("inserted", done.rows_affected());
    }
    let rows: Vec<(i32, String, Option<OffsetDateTime>, Option<Vec<String>>)> =
        sqlx::query_as("SELECT id, name, at, tags FROM s WHERE id > $1 ORDER BY id")
            .bind(15)
            .fetch_all(pool)
            .await?;
    show("rows", rows);
    let types: (bool, i64, f64, PgInterval, Uuid, JsonValue, Vec<u8>) = sqlx::query_as(
        "SELECT true, 2::int8, 1.5::float8, interval '1 month 2 days', '00000000-0000-0000-0000-000000000001'::uuid, '{\"a\": [1]}'::jsonb, '\\x00ff'::bytea",
    )
    .fetch_one(pool)
    .await?;
    show("types", types);
    let streamed: Vec<i32> =
        sqlx::query_scalar::<_, i32>("SELECT i FROM generate_series(1, 3000) AS i")
            .fetch(pool)
            .try_collect()
            .await?;
    show("streamed", streamed.iter().sum::<i32>());
    let mut connection = pool.acquire().await?;
    let prepared = connection
        .prepare(SqlStr::from_static(
            "SELECT name, id FROM s WHERE name = $1",
        ))
        .await?;
    let names: Vec<_> = prepared
        .columns()
        .iter()
        .map(|column| column.name())
        .collect();
    show("prepared", names);
    Ok(())
}

async fn failures(pool: &PgPool) -> Result<()> {
    let failed = |error: sqlx::Error| match error.as_database_error() {
        Some(error) => format!("{:?} {}", error.code(), error.message()),
        None => "another error".to_owned(),
    };
    let mut connection = pool.acquire().await?;
    for sql in [
        "SELECT 1 / 0",
        "SELEKT",
        "INSERT INTO s (name) VALUES ('n1')",
    ] {
        show(
            sql,
            connection
                .execute(sql)
                .await
                .map(|done| done.rows_affected())
                .map_err(failed),
        );
        let prepared = sqlx::query(sql).execute(&mut *connection).await;
        show(
            sql,
            prepared.map(|done| done.rows_affected()).map_err(failed),
        );
    }
    let mut outer = connection.begin().await?;
    outer
        .execute("INSERT INTO s (name) VALUES ('outer')")
        .await?;
    let mut inner = outer.begin().await?;
    show(
        "inner",
        inner
            .execute("INSERT INTO s (name) VALUES ('n1')")
            .await
            .map(drop)
            .map_err(failed),
    );
    inner.rollback().await?;
    outer.commit().await?;
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM s WHERE name = 'outer'")
        .fetch_one(&mut *connection)
        .await?;
    show("kept", kept);
    Ok(())
}

async fn copies(pool: &PgPool) -> Result<()> {
    let mut copy = pool.copy_in_raw("COPY s (name) FROM STDIN").await?;
    copy.send(&b"copied 1\ncopied 2\n"[..]).await?;
    show("copied", copy.finish().await?);
    let mut copy = pool.copy_in_raw("COPY s (name) FROM STDIN").await?;
    copy.send(&b"given up\n"[..]).await?;
    show("given up", copy.abort("no more").await.is_ok());
    let out: Vec<_> = pool
        .copy_out_raw("COPY (SELECT name FROM s WHERE name LIKE 'copied%') TO STDOUT")
        .await?
        .try_collect()
        .await?;
    show("copy out", out);
    Ok(())
}
