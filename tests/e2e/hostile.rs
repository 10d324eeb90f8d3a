//! Statements that hide a table from a lenient parser but not from PostgreSQL. `gatewright explain` sees every table, and
//! no statement returns a protected value through the gateway.

use anyhow::{Context, Result, ensure};
use gatewright_harness::GatewayCommand;
use gatewright_tests::raw::{self, Client};
use serde_json::Value;

use crate::world::World;

const SECRET: &str = "123-45-6789";

const SCHEMA: &str = "
    CREATE TABLE customers (id int, ssn text, name text, interval text);
    INSERT INTO customers VALUES (1, '123-45-6789', 'Ada', 'year');
    CREATE TABLE other (id int, a int);
    INSERT INTO other VALUES (1, 1);
    CREATE TABLE a_name_of_sixty_three_bytes_that_a_longer_one_is_cut_down_to_xx (ssn text);
    INSERT INTO a_name_of_sixty_three_bytes_that_a_longer_one_is_cut_down_to_xx VALUES ('123-45-6789');";

const SETTINGS: &str = r#"
[mask-columns]
columns = [
    { column = "public.customers.ssn", method = "redact" },
    { column = "public.a_name_of_sixty_three_bytes_that_a_longer_one_is_cut_down_to_xx.ssn", method = "redact" },
]
"#;

/// Statements that read the secret when sent to PostgreSQL directly, and a table that must be among the facts.
const READERS: &[(&str, &str)] = &[
    ("SELECT ssn END FROM customers", "customers"),
    (
        "SELECT 1 END FROM customers; SELECT ssn FROM customers",
        "customers",
    ),
    (
        "SELECT id END, (SELECT ssn FROM customers) FROM other",
        "customers",
    ),
    (
        "DELETE FROM other WHERE a = 1 RETURNING a END, (SELECT ssn FROM customers)",
        "customers",
    ),
    (
        "UPDATE other SET a = 1 WHERE a = 1 RETURNING a END, (SELECT ssn FROM customers)",
        "customers",
    ),
    (
        "INSERT INTO other VALUES (7, 1) RETURNING a END, (SELECT ssn FROM customers)",
        "customers",
    ),
    ("SELECT * FROM ONLY customers", "customers"),
    ("SELECT * FROM ONLY (customers)", "customers"),
    (
        "SELECT * FROM other JOIN ONLY customers USING (id)",
        "customers",
    ),
    (
        "UPDATE ONLY customers SET name = name WHERE id = 1 RETURNING ssn",
        "customers",
    ),
    ("SELECT ssn AND FROM customers", "customers"),
    ("SELECT ssn OR FROM customers", "customers"),
    ("SELECT ssn LIKE FROM customers", "customers"),
    ("SELECT ssn XOR FROM customers", "customers"),
    ("SELECT ssn REGEXP FROM customers", "customers"),
    ("SELECT ssn COLLATE FROM customers", "customers"),
    ("SELECT GLOBAL.ssn FROM customers GLOBAL", "customers"),
    (
        "SELECT ssn FROM customers QUALIFY WHERE @ id = 1",
        "customers",
    ),
    ("SELECT max(ssn) FROM customers", "customers"),
    ("TABLE customers", "customers"),
    ("TABLE ONLY customers", "customers"),
    ("SELECT 1, '2', '3', '4' UNION TABLE customers", "customers"),
    ("SELECT c FROM customers c", "customers"),
    ("SELECT c.* FROM customers c", "customers"),
    ("SELECT (c).ssn FROM customers c", "customers"),
    ("SELECT ssn(c) FROM customers c", "customers"),
    ("SELECT (row(c.*)).f2 FROM customers c", "customers"),
    ("SELECT to_jsonb(c) FROM customers c", "customers"),
    ("SELECT c::text FROM customers c", "customers"),
    (
        "WITH f AS (SELECT * FROM customers) SELECT * FROM f",
        "customers",
    ),
    (
        "WITH customers AS (SELECT * FROM customers) SELECT * FROM customers",
        "customers",
    ),
    (
        "SELECT * FROM (VALUES ((SELECT ssn FROM customers))) AS v",
        "customers",
    ),
    (
        "SELECT * FROM other, LATERAL (SELECT ssn FROM customers) AS l",
        "customers",
    ),
    (
        "SELECT ssn FROM customers TABLESAMPLE bernoulli (100)",
        "customers",
    ),
    ("SELECT \"ssn\" FROM \"customers\"", "customers"),
    (
        "SELECT U&\"s\\0073n\" FROM U&\"c\\0075stomers\"",
        "customers",
    ),
    ("SELECT SSN FROM PUBLIC.CUSTOMERS", "customers"),
    (
        "SELECT ssn/**/FROM/* /* nested */ */customers--comment",
        "customers",
    ),
    ("COPY customers TO STDOUT", "customers"),
    (
        "COPY (SELECT ssn END FROM customers) TO STDOUT",
        "customers",
    ),
    (
        "SELECT query_to_xml('SELECT ssn FROM customers', true, true, '')",
        "",
    ),
    ("SELECT table_to_xml('customers', true, true, '')", ""),
    (
        "SELECT ssn FROM a_name_of_sixty_three_bytes_that_a_longer_one_is_cut_down_to_xx_and_more",
        "a_name_of_sixty_three_bytes_that_a_longer_one_is_cut_down_to_xx",
    ),
    (
        "SELECT string_agg(ssn, ',') OVER () FROM customers",
        "customers",
    ),
    (
        "SELECT CASE WHEN true THEN ssn END FROM customers",
        "customers",
    ),
    (
        "SELECT * FROM ROWS FROM (unnest(ARRAY(SELECT ssn FROM customers))) AS r",
        "customers",
    ),
    ("SELECT ARRAY(SELECT ssn FROM customers)", "customers"),
    (
        "MERGE INTO other USING customers ON false WHEN NOT MATCHED THEN INSERT VALUES (length(ssn), 1)",
        "customers",
    ),
];

/// Sequences of statements that together try to read the secret.
const CONVERSATIONS: &[&[&str]] = &[
    &["PREPARE p AS SELECT ssn END FROM customers", "EXECUTE p"],
    &[
        "BEGIN",
        "DECLARE c CURSOR FOR SELECT ssn AND FROM customers",
        "FETCH ALL FROM c",
        "COMMIT",
    ],
    &[
        "DECLARE h CURSOR WITH HOLD FOR SELECT ssn || '' FROM customers",
        "FETCH ALL FROM h",
    ],
    &[
        "CREATE TEMP TABLE copied AS SELECT ssn AS x FROM customers",
        "SELECT x FROM copied",
    ],
    &[
        "SELECT ssn AS x INTO TEMP copied FROM ONLY customers",
        "SELECT x FROM copied",
    ],
    &[
        "CREATE TEMP VIEW v AS SELECT ssn AS x FROM customers",
        "SELECT x FROM v",
    ],
    &[
        "CREATE TEMP TABLE t (x text)",
        "INSERT INTO t SELECT ssn FROM customers",
        "SELECT x FROM t",
    ],
    &["DO $$ BEGIN RAISE NOTICE '%', (SELECT ssn FROM customers); END $$"],
    &["SELECT ssn::int FROM customers"],
    &[
        "SELECT 1 / (SELECT length(ssn) - 11 FROM customers)",
        "SELECT 1",
    ],
    &[
        "SET standard_conforming_strings TO off",
        "SELECT 'x\\', ssn FROM customers; --' FROM other",
    ],
    &[
        "SET search_path TO pg_temp, public",
        "SELECT ssn FROM customers",
    ],
];

#[test]
fn explain_sees_every_hidden_table() -> Result<()> {
    for (sql, table) in READERS.iter().filter(|(_, table)| !table.is_empty()) {
        let output = GatewayCommand::verb("explain")
            .arguments(["--json", sql])
            .output()?;
        let text = String::from_utf8_lossy(&output.stdout);
        let facts: Value = serde_json::from_str(&text)
            .with_context(|| format!("{sql}: {text}{}", String::from_utf8_lossy(&output.stderr)))?;
        assert!(
            names_table(&facts, table),
            "{sql}: {table} is not among the tables of {facts}"
        );
    }
    Ok(())
}

#[test]
fn explain_counts_what_a_lenient_parser_drops() -> Result<()> {
    let counted = [
        ("SELECT 1 END FROM customers; DROP TABLE x", 2),
        ("SELECT 'x\\''; DELETE FROM t; --'", 1),
    ];
    for (sql, count) in counted {
        let output = GatewayCommand::verb("explain")
            .arguments(["--json", sql])
            .output()?;
        let facts: Value = serde_json::from_slice(&output.stdout)?;
        let statements = facts["statements"]
            .as_array()
            .or(facts.as_array())
            .context("no list of statements")?;
        assert_eq!(statements.len(), count, "{sql}: {facts}");
    }
    Ok(())
}

#[test]
fn hidden_tables_reveal_no_secret() -> Result<()> {
    let world = World::with_policies("hostile", &["mask-columns"], SETTINGS)?;
    for (sql, _) in READERS {
        let direct = conversation(&mut fresh(&world, true)?, &[sql])?;
        // MERGE writes what it read; all others must show the secret, or they prove nothing.
        let harmless_here = sql.starts_with("MERGE");
        ensure!(
            harmless_here || shows_secret(&direct),
            "{sql} shows no secret without the gateway"
        );
        let through = conversation(&mut fresh(&world, false)?, &[sql])?;
        assert!(!shows_secret(&through), "{sql} revealed the secret");
    }
    Ok(())
}

#[test]
fn sequences_of_statements_reveal_no_secret() -> Result<()> {
    let world = World::with_policies("hostile_talk", &["mask-columns"], SETTINGS)?;
    for statements in CONVERSATIONS {
        let through = conversation(&mut fresh(&world, false)?, statements)?;
        assert!(
            !shows_secret(&through),
            "{statements:?} revealed the secret"
        );
    }
    Ok(())
}

#[test]
fn the_extended_protocol_reveals_no_secret() -> Result<()> {
    let world = World::with_policies("hostile_extended", &["mask-columns"], SETTINGS)?;
    fresh(&world, true)?;
    for (sql, _) in READERS {
        for format in [0, 1] {
            let mut client = world.client()?;
            client.send(&[raw::extended(sql, &[], format), raw::sync()].concat())?;
            let seen: Vec<u8> = client
                .until_ready()?
                .into_iter()
                .flat_map(|message| message.body)
                .collect();
            assert!(
                !shows_secret(&seen),
                "{sql} in format {format} revealed the secret"
            );
        }
    }
    Ok(())
}

/// A connection to the database, with its tables reset.
fn fresh(world: &World, direct: bool) -> Result<Client> {
    world.prepare(&format!(
        "DROP SCHEMA public CASCADE; CREATE SCHEMA public; {SCHEMA}"
    ))?;
    Client::connect(&if direct {
        world.direct.clone()
    } else {
        world.dsn()?
    })
}

/// All bytes of the replies.
fn conversation(client: &mut Client, statements: &[&str]) -> Result<Vec<u8>> {
    let mut seen = Vec::new();
    for sql in statements {
        for message in client.query(sql)? {
            seen.extend_from_slice(&message.body);
        }
    }
    Ok(seen)
}

fn shows_secret(bytes: &[u8]) -> bool {
    bytes
        .windows(SECRET.len())
        .any(|window| window == SECRET.as_bytes())
}

/// Whether any `tables` list in the facts contains the table.
fn names_table(facts: &Value, table: &str) -> bool {
    match facts {
        Value::Object(fields) => fields.iter().any(|(key, value)| {
            let here = key == "tables"
                && value
                    .as_array()
                    .is_some_and(|tables| tables.iter().any(|entry| entry["name"] == table));
            here || names_table(value, table)
        }),
        Value::Array(items) => items.iter().any(|item| names_table(item, table)),
        _ => false,
    }
}
