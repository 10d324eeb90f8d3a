//! What queries return of protected columns: masks, computations on masks, NULL, or a refusal.

use anyhow::{Context, Result};
use gatewright_harness::Version;
use gatewright_tests::raw;

use super::{assert_no_secret, rows, world, world_of, world_of_results};

on_each_version!(
    every_read_is_masked_in_text_and_binary,
    computed_values_see_the_masks,
    statements_that_cannot_be_masked_are_refused
);

/// Statements whose results are masked, with their number of rows.
const MASKED: &[(&str, usize)] = &[
    ("SELECT * FROM customers ORDER BY id", 3),
    ("SELECT email FROM customers", 3),
    ("SELECT email AS name, phone AS id FROM customers", 3),
    ("SELECT c.email, c.email, c.born FROM customers AS c", 3),
    ("SELECT x FROM (SELECT email AS x FROM customers) AS s", 3),
    (
        "SELECT a.email, o.note FROM orders o JOIN customers a ON a.id = o.customer",
        3,
    ),
    (
        "WITH w AS (SELECT email AS e, id FROM customers) SELECT e FROM w WHERE id < 3",
        2,
    ),
    ("SELECT email FROM customers WHERE id = 1 FOR UPDATE", 1),
    ("SELECT (SELECT email FROM customers LIMIT 1)", 1),
    (
        "SELECT email FROM customers UNION ALL SELECT phone FROM customers",
        6,
    ),
    (
        "UPDATE customers SET name = 'x' WHERE id = 1 RETURNING *",
        1,
    ),
    ("DELETE FROM customers WHERE id = 99 RETURNING email", 0),
    (
        "INSERT INTO customers (id, email) VALUES (50, 'secret1@new.example') RETURNING id, email",
        1,
    ),
    ("SELECT id, name FROM customers ORDER BY id LIMIT 2", 2),
    ("SELECT count(*) FROM customers", 1),
    ("SELECT o.note FROM orders o", 3),
];

/// Statements that mix a protected column with constants: the output is NULL. With their number of rows.
const NULLED: &[(&str, usize)] = &[("SELECT email FROM customers UNION ALL SELECT 'guess'", 4)];

/// Statements that compute with protected columns where they are masked before, with the first value of the first row.
const COMPUTED: &[(&str, Option<&str>)] = &[
    (
        "SELECT upper(email), count(*) FROM customers GROUP BY 1",
        Some("S***@EXAMPLE.COM"),
    ),
    ("SELECT max(email) FROM customers", Some("s***@example.com")),
    (
        "SELECT string_agg(email, ',' ORDER BY id) FROM customers WHERE id < 3",
        Some("s***@example.com,s***@example.com"),
    ),
    (
        "SELECT coalesce(email, '') || phone FROM customers",
        Some("s***@example.com*************01"),
    ),
    (
        "SELECT s.e FROM (SELECT lower(code) AS e FROM customers) s",
        Some("***"),
    ),
    (
        "WITH c AS (SELECT email FROM customers) SELECT length(email) FROM c",
        Some("16"),
    ),
    (
        "SELECT count(*) FROM customers a JOIN customers b USING (email)",
        Some("9"),
    ),
    (
        "SELECT EXISTS (SELECT FROM customers WHERE email LIKE 'secret1@%')",
        Some("f"),
    ),
    (
        "SELECT count(*) FROM customers WHERE email LIKE 's**%'",
        Some("3"),
    ),
    ("SELECT DISTINCT born FROM customers", None),
    ("SELECT count(*) FROM customers WHERE salary > 1", Some("0")),
    (
        "SELECT row_to_json(r)->>'address' FROM contacts r",
        Some("s***@example.com"),
    ),
    (
        "SELECT upper(address) FROM contacts WHERE address > 'a'",
        Some("S***@EXAMPLE.COM"),
    ),
    (
        "COPY (SELECT lower(email) FROM customers) TO STDOUT",
        Some("s***@example.com"),
    ),
    (
        "INSERT INTO orders SELECT 9, 9, email FROM customers RETURNING note",
        Some("s***@example.com"),
    ),
    (
        "UPDATE orders SET note = c.email FROM customers c WHERE c.id = customer RETURNING note",
        Some("s***@example.com"),
    ),
    (
        "WITH d AS (DELETE FROM orders USING customers c WHERE c.id = customer RETURNING c.email) SELECT * FROM d",
        Some("s***@example.com"),
    ),
    // A look-up compares the column itself, once.
    (
        "SELECT id FROM customers WHERE email = 'secret2@example.com'",
        Some("2"),
    ),
    (
        "SELECT count(*) FROM customers c WHERE c.email = 'secret3@example.com' AND c.id > 1",
        Some("1"),
    ),
    (
        "SELECT count(*) FROM customers WHERE email = 'nobody@example.com'",
        Some("0"),
    ),
    (
        "SELECT count(*) FROM customers WHERE email = 'secret1@example.com' OR id = 2",
        Some("1"),
    ),
    (
        "SELECT 'one' FROM customers WHERE email = 'secret1@example.com' UNION ALL SELECT 'two' FROM customers WHERE email = 'secret2@example.com'",
        Some("one"),
    ),
];

/// Statements that compute an output from a protected column or copy it where it is not masked: refused if the column is masked
/// in the result.
const REFUSED: &[&str] = &[
    "SELECT max(email) FROM customers",
    "SELECT DISTINCT born FROM customers",
    "SELECT born FROM customers GROUP BY born",
    "SELECT string_agg(email, ',') FROM customers",
    "SELECT m FROM (SELECT max(email) AS m FROM customers) s",
    "SELECT upper(email) FROM customers",
    "SELECT email || '' FROM customers",
    "SELECT customers FROM customers",
    "SELECT c FROM customers AS c",
    "SELECT to_jsonb(c) FROM customers c",
    "SELECT row_to_json(customers) FROM customers",
    "SELECT email::varchar FROM customers",
    "SELECT coalesce(email, '') FROM customers",
    "SELECT ARRAY(SELECT email FROM customers)",
    "SELECT s.e FROM (SELECT lower(email) AS e FROM customers) s",
    "WITH c AS (SELECT email FROM customers) SELECT length(email) FROM c",
    "SELECT EXISTS (SELECT FROM customers WHERE email LIKE '%')",
    "SELECT count(*) FROM generate_series(1, (SELECT length(email) FROM customers LIMIT 1))",
    "UPDATE customers SET name = 'x' WHERE id = 1 RETURNING upper(email)",
    "INSERT INTO orders SELECT 9, 9, email FROM customers RETURNING note",
    "COPY (SELECT lower(email) FROM customers) TO STDOUT",
];

/// Statements whose outputs carry no protected column, computed or not: unchanged.
const UNMASKED: &[&str] = &[
    "SELECT id * 2, upper(name) FROM customers",
    "SELECT count(*), max(id), count(email) FROM customers",
    "SELECT (SELECT max(id) FROM customers)",
    "SELECT EXISTS (SELECT * FROM customers)",
    "COPY (SELECT lower(name) FROM customers) TO STDOUT",
];

#[test]
fn outputs_without_protected_columns_pass() -> Result<()> {
    let world = world("mask_open")?;
    let mut client = world.client()?;
    for sql in UNMASKED {
        let answer = client.query(sql)?;
        assert!(
            raw::error(&answer).is_none(),
            "{sql}: {:?}",
            raw::error(&answer)
        );
        assert_no_secret(sql, &answer);
        let nulls = answer.iter().filter(|message| message.tag == b'D');
        assert!(
            nulls
                .clone()
                .all(|row| !row.body.windows(4).any(|cell| cell == [255; 4])),
            "{sql}"
        );
    }
    Ok(())
}

#[test]
fn mixtures_of_protected_columns_and_constants_are_null() -> Result<()> {
    let world = world_of_results(Version::Installed, "mask_nulled")?;
    for (sql, count) in NULLED {
        for format in [0, 1] {
            let mut client = world.client()?;
            client.query("BEGIN")?;
            client.send(&[raw::extended(sql, &[], format), raw::sync()].concat())?;
            let answer = client.until_ready()?;
            assert_eq!(rows(&answer), *count, "{sql}: {:?}", raw::error(&answer));
            for message in answer.iter().filter(|message| message.tag == b'D') {
                assert_eq!(message.body, [0, 1, 255, 255, 255, 255], "{sql}");
            }
            assert_no_secret(sql, &answer);
        }
    }
    Ok(())
}

fn every_read_is_masked_in_text_and_binary(version: Version) -> Result<()> {
    let world = world_of(version, "mask_rows")?;
    for (sql, count) in MASKED {
        let mut client = world.client()?;
        client.query("BEGIN")?;
        let simple = client.query(sql)?;
        assert_eq!(rows(&simple), *count, "{sql}: {:?}", raw::error(&simple));
        assert_no_secret(sql, &simple);
        client.query("ROLLBACK")?;
        for format in [0, 1] {
            client.query("BEGIN")?;
            client.send(&[raw::extended(sql, &[], format), raw::sync()].concat())?;
            let extended = client.until_ready()?;
            assert_eq!(
                rows(&extended),
                *count,
                "{sql} in format {format}: {:?}",
                raw::error(&extended)
            );
            assert_no_secret(sql, &extended);
            client.query("ROLLBACK")?;
        }
    }
    Ok(())
}

fn computed_values_see_the_masks(version: Version) -> Result<()> {
    let world = world_of(version, "mask_computed")?;
    for (sql, first) in COMPUTED {
        let mut client = world.client()?;
        client.query("BEGIN")?;
        let simple = client.query(sql)?;
        assert_eq!(
            first_value(&simple).as_deref(),
            *first,
            "{sql}: {:?}",
            raw::error(&simple)
        );
        assert_eq!(raw::error(&simple), None, "{sql}");
        assert_no_secret(sql, &simple);
        client.query("ROLLBACK; BEGIN")?;
        client.send(&[raw::extended(sql, &[], 0), raw::sync()].concat())?;
        let extended = client.until_ready()?;
        assert_eq!(first_value(&extended).as_deref(), *first, "{sql} extended");
        assert_no_secret(sql, &extended);
    }
    // All statements of one message are edited.
    let mut client = world.client()?;
    let both = client.query(
        "SELECT upper(email) FROM customers; SELECT 1; SELECT lower(email) FROM customers",
    )?;
    assert_eq!((rows(&both), raw::error(&both)), (7, None));
    assert_no_secret("three statements", &both);
    Ok(())
}

#[test]
fn errors_point_into_the_clients_own_text() -> Result<()> {
    let world = world("mask_position")?;
    for sql in [
        "SELECT upper(email), nope FROM customers",
        "SELECT upper(email) FROM customers WHERE nope = 1",
        "SELECT 'é', c.email FROM customers, customers c ORDER BY nope",
    ] {
        let at = sql.find("nope").map(|at| sql[..at].chars().count() + 1);
        let mut client = world.client()?;
        let simple = client.query(sql)?;
        let error = raw::error(&simple).with_context(|| sql.to_owned())?;
        let position = error.get(&'P').map(|at| at.parse()).transpose()?;
        assert_eq!((error[&'C'].as_str(), position), ("42703", at), "{sql}");
        client.send(&[raw::extended(sql, &[], 0), raw::sync()].concat())?;
        let error = raw::error(&client.until_ready()?).with_context(|| sql.to_owned())?;
        let position = error.get(&'P').map(|at| at.parse()).transpose()?;
        assert_eq!(position, at, "{sql} extended");
    }
    Ok(())
}

/// Of the first row, or of the first line of COPY.
fn first_value(messages: &[raw::Message]) -> Option<String> {
    let row = messages
        .iter()
        .find(|message| matches!(message.tag, b'D' | b'd'))?;
    match row.tag {
        b'D' => row.cells().into_iter().next().flatten(),
        _ => Some(String::from_utf8_lossy(&row.body).trim_end().to_owned()),
    }
}

fn statements_that_cannot_be_masked_are_refused(version: Version) -> Result<()> {
    let world = world_of_results(version, "mask_refused")?;
    let mut client = world.client()?;
    for sql in REFUSED {
        let simple = client.query(sql)?;
        let error = raw::error(&simple).with_context(|| format!("{sql} was not refused"))?;
        assert_eq!(
            (error[&'C'].as_str(), rows(&simple)),
            ("42501", 0),
            "{sql}: {error:?}"
        );
        assert_no_secret(sql, &simple);
        client.send(&[raw::extended(sql, &[], 1), raw::sync()].concat())?;
        let extended = client.until_ready()?;
        assert_eq!(
            raw::error(&extended).context("not refused")?[&'C'],
            "42501",
            "{sql} extended"
        );
        assert_no_secret(sql, &extended);
    }
    assert_eq!(rows(&client.query("SELECT id FROM customers")?), 3);
    Ok(())
}
