//! No raw value of a protected column is returned, under any alias, format or command, and masked values are valid for
//! their types.

mod commands;
mod reads;
mod values;

use anyhow::Result;
use gatewright_harness::Version;
use gatewright_tests::raw;

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
