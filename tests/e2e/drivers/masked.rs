//! Masked values are valid for their types in every driver, in text and in binary.

use anyhow::Result;
use gatewright_harness::Version;

use super::Client;
use crate::world::World;

const SCHEMA: &str = "
    CREATE TYPE mood AS ENUM ('sad', 'happy');
    CREATE DOMAIN address AS text CHECK (VALUE LIKE '%@%');
    CREATE TABLE protected (id int PRIMARY KEY, n int, u uuid, d date, a int[], j jsonb, m mood, e address);
    INSERT INTO protected SELECT i, 987654, 'deadbeef-dead-beef-dead-beefdeadbeef', '1981-07-13', '{987654}',
        '{\"secret\": 987654}', 'happy', 'secret@example.com' FROM generate_series(1, 3) AS i;";

const SETTINGS: &str = r#"
[mask-columns]
columns = [
    { column = "public.protected.n", method = "redact" },
    { column = "public.protected.u", method = "hash" },
    { column = "public.protected.d", method = "redact" },
    { column = "public.protected.a", method = "redact" },
    { column = "public.protected.j", method = "redact" },
    { column = "public.protected.m", method = "redact" },
    { column = "public.protected.e", method = "email" },
]
"#;

/// Fragments of the raw values, as any of the clients might print them.
const SECRETS: [&str; 6] = ["987654", "deadbeef", "1981", "happy", "Happy", "secret"];

on_each_version!(every_driver_decodes_masked_values);

fn every_driver_decodes_masked_values(version: Version) -> Result<()> {
    let world = World::of_version(version, "drivers_masked", &["mask-columns"], SETTINGS)?;
    world.prepare(SCHEMA)?;
    let clients = [
        Client::python("psycopg_async.py")?,
        Client::python("asyncpg_script.py")?,
        Client::python("pg8000_script.py")?,
        Client::node()?,
        Client::sqlx()?,
    ];
    for client in clients {
        let raw = client.run(&world.direct, &["masked"])?;
        for secret in ["987654", "deadbeef", "secret"] {
            assert!(
                raw.contains(secret),
                "{} does not read {secret}: {raw}",
                client.name
            );
        }
        let masked = client.run(&world.dsn()?, &["masked"])?;
        assert_eq!(
            masked.lines().count(),
            raw.lines().count(),
            "{}: {masked}",
            client.name
        );
        for secret in SECRETS {
            assert!(
                !masked.contains(secret),
                "{} shows {secret}: {masked}",
                client.name
            );
        }
    }
    Ok(())
}
