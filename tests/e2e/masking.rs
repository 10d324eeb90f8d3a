//! No raw value of a protected column is returned, under any alias, format or command, and masked values are valid for
//! their types.

use anyhow::{Context, Result};
use gatewright_harness::Version;
use gatewright_tests::raw::{self, Client};

use crate::world::World;

const SCHEMA: &str = "
    CREATE TABLE customers (
        id int PRIMARY KEY, name text, email text, phone varchar(20), code char(12), born date, at timestamptz,
        salary numeric(12, 2), visits int, big bigint, ratio float8, vip boolean, key uuid, doc jsonb, tags text[],
        raw bytea, net inet);
    INSERT INTO customers SELECT i, 'name' || i, 'secret' || i || '@example.com', '+44 7700 90' || 1000 + i, 'SECRET' || i % 10,
        '1981-07-13', '1981-07-13 11:22:33+00', 98765.43, 98765, 9876598765, 9876.5, true,
        'deadbeef-dead-beef-dead-beefdeadbeef', '{\"secret\": 1}', '{secret}', '\\xdeadbeef', '203.0.113.77'
        FROM generate_series(1, 3) AS i;
    CREATE TABLE orders (id int, customer int, note text);
    INSERT INTO orders SELECT i, i, 'note' || i FROM generate_series(1, 3) AS i;
    CREATE VIEW contacts AS SELECT id, email AS address FROM customers;";

/// A rule for each column except `id` and `name`; each type occurs once.
const SETTINGS: &str = r#"
[mask-columns]
columns = [
    { column = "public.customers.email", method = "email" },
    { column = "public.customers.phone", method = "partial", last = 2 },
    { column = "public.customers.code", method = "redact" },
    { column = "public.customers.born", method = "null" },
    { column = "public.customers.at", method = "redact" },
    { column = "public.customers.salary", method = "redact" },
    { column = "public.customers.visits", method = "redact" },
    { column = "public.customers.big", method = "redact" },
    { column = "public.customers.ratio", method = "redact" },
    { column = "public.customers.vip", method = "null" },
    { column = "public.customers.key", method = "hash" },
    { column = "public.customers.doc", method = "redact" },
    { column = "public.customers.tags", method = "redact" },
    { column = "public.customers.raw", method = "redact" },
    { column = "public.customers.net", method = "redact" },
]
"#;

/// Fragments of the raw values, in text and in binary.
const SECRETS: &[&[u8]] = &[
    b"secret1@",
    b"90100",
    b"SECRET1",
    b"1981",
    b"98765",
    b"9876.5",
    b"deadbeef",
    b"\"secret\"",
    b"{secret}",
    b"\xde\xad\xbe\xef",
    b"203.0.113",
    &98_765_i32.to_be_bytes(),
    &9_876_598_765_i64.to_be_bytes(),
    &9_876.5_f64.to_be_bytes(),
    &[203, 0, 113, 77],
];

on_each_version!(
    every_read_is_masked_in_text_and_binary,
    computed_values_see_the_masks,
    masked_columns_keep_their_types,
    statements_that_cannot_be_masked_are_refused,
    copy_out_is_masked_in_every_format,
    cursors_and_prepared_statements_are_masked
);

fn world(test: &str) -> Result<World> {
    world_of(Version::Installed, test)
}

fn world_of(version: Version, test: &str) -> Result<World> {
    let world = World::of_version(version, test, &["mask-columns"], SETTINGS)?;
    world.prepare(SCHEMA)?;
    Ok(world)
}

/// The same with masks in results only.
fn world_of_results(version: Version, test: &str) -> Result<World> {
    let settings = SETTINGS.replacen("[mask-columns]", "[mask-columns]\nwhere = \"result\"", 1);
    let world = World::of_version(version, test, &["mask-columns"], &settings)?;
    world.prepare(SCHEMA)?;
    Ok(world)
}

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
    // The rows are wide enough for the server to send the first ones before it sleeps.
    world.prepare("CREATE TABLE wide AS SELECT i, repeat('secret1@', 3000) AS body FROM generate_series(1, 6) AS i")?;
    let mut client = world.client()?;
    let start = std::time::Instant::now();
    client.send(&raw::query(
        "SELECT i, body FROM wide WHERE i < 6 OR pg_sleep(2) IS NOT NULL",
    ))?;
    while client.receive()?.tag != b'D' {}
    assert!(
        start.elapsed() < std::time::Duration::from_millis(1500),
        "{:?}",
        start.elapsed()
    );
    assert_eq!(rows(&client.until_ready()?), 5);
    assert!(start.elapsed() >= std::time::Duration::from_secs(2));
    Ok(())
}

fn rows(messages: &[raw::Message]) -> usize {
    messages
        .iter()
        .filter(|message| message.tag == b'D')
        .count()
}

fn assert_no_secret(sql: &str, messages: &[raw::Message]) {
    for message in messages {
        let body = message.without_decision();
        for secret in SECRETS {
            let found = body.windows(secret.len()).any(|window| window == *secret);
            assert!(
                !found,
                "{sql} returned {} in {:?}",
                secret.escape_ascii(),
                message.body.escape_ascii().to_string()
            );
        }
    }
}
