//! What masked values are: valid for their types, in every row, and the server's own elsewhere.

use anyhow::Result;
use gatewright_harness::Version;
use gatewright_tests::raw::{self, Client};

use super::{assert_no_secret, rows, world, world_of};
use crate::world::World;

on_each_version!(masked_columns_keep_their_types);

/// The driver's word for each column, without the table that it comes from.
fn masked_columns_keep_their_types(version: Version) -> Result<()> {
    let world = world_of(version, "mask_shape")?;
    let sql = "SELECT * FROM customers";
    let shape = |messages: &[raw::Message]| {
        let description = messages.iter().find(|message| message.tag == b'T');
        let body = description.map_or(&[][..], |message| &message.body);
        let mut fields = Vec::new();
        let mut rest = body.get(2..).unwrap_or_default();
        while let Some(end) = rest.iter().position(|byte| *byte == 0) {
            let (name, numbers) = rest.split_at(end + 1);
            let (numbers, next) = numbers.split_at(18);
            // After table OID and attribute number: type OID, size, modifier and format.
            fields.push((
                String::from_utf8_lossy(name).into_owned(),
                numbers[6..].to_vec(),
            ));
            rest = next;
        }
        fields
    };
    let direct = shape(&Client::connect(&world.direct)?.query(sql)?);
    assert_eq!(direct.len(), 17);
    assert_eq!(shape(&world.client()?.query(sql)?), direct);
    Ok(())
}

#[test]
fn masked_values_are_valid_for_their_types() -> Result<()> {
    let world = world("mask_types")?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let (client, connection) =
            tokio_postgres::connect(&world.dsn()?.url(), tokio_postgres::NoTls).await?;
        tokio::spawn(connection);
        // Binary: the driver's decoders fail on any invalid value.
        for row in client
            .query(
                "SELECT email, phone, code, visits, big, ratio, vip, raw, at FROM customers",
                &[],
            )
            .await?
        {
            row.try_get::<_, Option<String>>(0)?;
            row.try_get::<_, Option<String>>(1)?;
            row.try_get::<_, Option<String>>(2)?;
            row.try_get::<_, Option<i32>>(3)?;
            row.try_get::<_, Option<i64>>(4)?;
            row.try_get::<_, Option<f64>>(5)?;
            row.try_get::<_, Option<bool>>(6)?;
            row.try_get::<_, Option<Vec<u8>>>(7)?;
            row.try_get::<_, Option<std::time::SystemTime>>(8)?;
        }
        anyhow::Ok(())
    })?;
    // Text: the server accepts each value as input of its type.
    let names =
        "email, phone, code, born, at, salary, visits, big, ratio, vip, key, doc, tags, raw, net";
    let masked = world
        .psql()?
        .query(&format!("COPY (SELECT {names} FROM customers) TO STDOUT"))?;
    world.prepare(&format!(
        "CREATE TABLE back (LIKE customers); ALTER TABLE back ALTER id DROP NOT NULL; COPY back ({names}) FROM STDIN;\n{masked}\n\\.\n"
    ))?;
    assert_eq!(
        world.prepare("SELECT count(*), count(born), count(vip) FROM back")?,
        "3|0|0"
    );
    Ok(())
}

#[test]
fn equal_values_have_equal_hashes_and_others_differ() -> Result<()> {
    let world = World::with_policies(
        "mask_hash",
        &["mask-columns"],
        "[mask-columns]\ncolumns = [{ column = \"public.people.name\", method = \"hash\" }]\n",
    )?;
    world.prepare("CREATE TABLE people AS SELECT i, 'person' || i % 2 AS name FROM generate_series(1, 4) AS i")?;
    let names = world.psql()?.query("SELECT name FROM people ORDER BY i")?;
    let names: Vec<&str> = names.lines().collect();
    assert_eq!((names.len(), names[0], names[1]), (4, names[2], names[3]));
    assert!(
        names[0] != names[1] && !names[0].contains("person"),
        "{names:?}"
    );
    Ok(())
}

#[test]
fn rows_without_protected_columns_are_unchanged() -> Result<()> {
    let world = world("mask_untouched")?;
    for sql in [
        "SELECT id, name FROM customers ORDER BY id",
        "SELECT * FROM orders ORDER BY id",
        "COPY orders TO STDOUT (FORMAT csv)",
    ] {
        let direct = Client::connect(&world.direct)?.query(sql)?;
        assert_eq!(world.client()?.query(sql)?, direct, "{sql}");
    }
    Ok(())
}

#[test]
fn a_view_on_a_protected_column_does_not_reveal_it() -> Result<()> {
    let world = world("mask_view")?;
    let mut client = world.client()?;
    for sql in [
        "SELECT * FROM contacts",
        "SELECT address FROM contacts AS c",
        "COPY (SELECT * FROM contacts) TO STDOUT",
    ] {
        assert_no_secret(sql, &client.query(sql)?);
        client.send(&[raw::extended(sql, &[], 1), raw::sync()].concat())?;
        assert_no_secret(sql, &client.until_ready()?);
    }
    Ok(())
}

#[test]
fn a_large_result_is_masked_to_its_last_row() -> Result<()> {
    let world = world("mask_big")?;
    world.prepare("INSERT INTO customers (id, email) SELECT i, 'secret1@' || i FROM generate_series(100, 60000) AS i")?;
    let mut client = world.client()?;
    let messages = client.query("SELECT id, email FROM customers ORDER BY id")?;
    assert_eq!(rows(&messages), 59_904);
    let raw = messages
        .iter()
        .filter(|message| message.body.windows(8).any(|part| part == b"secret1@"));
    assert_eq!(raw.count(), 0);
    Ok(())
}

#[test]
fn the_first_rows_arrive_before_a_slow_last_row() -> Result<()> {
    let settings = "[mask-columns]\nwhere = \"result\"\ncolumns = [{ column = \"public.wide.body\", method = \"redact\" }]\n";
    let world = World::with_policies("mask_early", &["mask-columns"], settings)?;
    // The rows are wide enough for the server to send the first ones before it waits for a lock.
    world.prepare(
        "CREATE TABLE wide AS SELECT i, repeat('secret1@', 3000) AS body FROM generate_series(1, 6) AS i;
         CREATE TABLE gate AS SELECT 6 AS id",
    )?;
    let (mut client, mut holder) = (world.client()?, Client::connect(&world.direct)?);
    holder.query("BEGIN; SELECT FROM gate FOR UPDATE")?;
    client.send(&raw::query(
        "SELECT i, body FROM wide WHERE i < 6 OR EXISTS (SELECT FROM gate WHERE id = i FOR UPDATE)",
    ))?;
    loop {
        match client.receive()?.tag {
            b'D' => break,
            tag => assert_ne!(tag, b'E'),
        }
    }
    // The last row can come only from now on.
    holder.query("COMMIT")?;
    assert_eq!(rows(&client.until_ready()?), 5);
    Ok(())
}
