//! COPY, cursors and prepared statements.

use anyhow::{Context, Result};
use gatewright_harness::Version;
use gatewright_tests::raw::{self, Client};

use super::{assert_no_secret, rows, world, world_of};

on_each_version!(
    copy_out_is_masked_in_every_format,
    cursors_and_prepared_statements_are_masked
);

fn copy_out_is_masked_in_every_format(version: Version) -> Result<()> {
    let world = world_of(version, "mask_copy")?;
    let mut client = world.client()?;
    for source in [
        "customers",
        "customers (id, email, born)",
        "(SELECT * FROM customers)",
        "(SELECT email AS e, id FROM customers)",
    ] {
        for options in [
            "",
            "(FORMAT csv)",
            "(FORMAT csv, HEADER, FORCE_QUOTE *)",
            "(DELIMITER ';', NULL 'nil')",
            "(FORMAT binary)",
        ] {
            let sql = format!("COPY {source} TO STDOUT {options}");
            let messages = client.query(&sql)?;
            assert!(
                raw::error(&messages).is_none(),
                "{sql}: {:?}",
                raw::error(&messages)
            );
            assert!(
                messages.iter().any(|message| message.text() == "COPY 3"),
                "{sql}"
            );
            assert_no_secret(&sql, &messages);
        }
    }
    Ok(())
}

fn cursors_and_prepared_statements_are_masked(version: Version) -> Result<()> {
    let world = world_of(version, "mask_cursor")?;
    let mut client = world.client()?;
    let statements = [
        ("BEGIN", 0),
        (
            "DECLARE c CURSOR FOR SELECT email AS e, * FROM customers ORDER BY id",
            0,
        ),
        ("FETCH 2 FROM c", 2),
        ("FETCH ALL FROM c", 1),
        ("CLOSE c", 0),
        (
            "DECLARE b BINARY CURSOR FOR SELECT salary, visits FROM customers",
            0,
        ),
        ("FETCH ALL FROM b", 3),
        ("COMMIT", 0),
        (
            "DECLARE h SCROLL CURSOR WITH HOLD FOR SELECT email FROM customers",
            0,
        ),
        ("FETCH FORWARD 1 FROM h", 1),
        ("FETCH LAST FROM h", 1),
        ("CLOSE ALL", 0),
        (
            "PREPARE p (int) AS SELECT email, salary FROM customers WHERE id = $1",
            0,
        ),
        ("EXECUTE p (1)", 1),
        ("DEALLOCATE p", 0),
    ];
    for (sql, count) in statements {
        let messages = client.query(sql)?;
        assert_eq!(
            (rows(&messages), raw::error(&messages)),
            (count, None),
            "{sql}"
        );
        assert_no_secret(sql, &messages);
    }
    client.send(
        &[
            raw::parse("s", "SELECT email, born, id FROM customers WHERE id = $1"),
            raw::describe(b'S', "s"),
            raw::sync(),
        ]
        .concat(),
    )?;
    client.until_ready()?;
    for (id, format) in [("1", 0), ("2", 1), ("3", 0)] {
        client.send(
            &[
                raw::bind("", "s", &[Some(id)], format),
                raw::execute("", 0),
                raw::sync(),
            ]
            .concat(),
        )?;
        let messages = client.until_ready()?;
        assert_eq!(rows(&messages), 1);
        assert_no_secret("prepared", &messages);
    }
    client.send(
        &[
            raw::parse("", "SELECT email FROM customers"),
            raw::bind("p", "", &[], 0),
            raw::execute("p", 1),
            raw::execute("p", 1),
            raw::execute("p", 0),
            raw::sync(),
        ]
        .concat(),
    )?;
    let pieces = client.until_ready()?;
    assert_eq!(rows(&pieces), 3, "{pieces:?}");
    assert_no_secret("portal in pieces", &pieces);
    Ok(())
}

#[test]
fn execute_of_a_name_that_was_never_made_says_so() -> Result<()> {
    let world = world("masking_unmade")?;
    let mut client = Client::connect(&world.dsn()?)?;
    for message in [
        raw::query("EXECUTE never_made(1)"),
        raw::query("SELECT 1; EXECUTE never_made(1)"),
        [raw::extended("EXECUTE never_made(1)", &[], 0), raw::sync()].concat(),
    ] {
        client.send(&message)?;
        let replies = client.until_ready()?;
        let error = raw::error(&replies).context("an error")?;
        assert_eq!(
            (error[&'C'].as_str(), error[&'M'].as_str()),
            ("26000", "prepared statement \"never_made\" does not exist")
        );
    }
    Ok(())
}
