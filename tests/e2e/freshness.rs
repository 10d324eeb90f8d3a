//! What is changed in the database past the gateway counts at the next statement.

use anyhow::{Context, Result, ensure};
use gatewright_harness::Version;
use gatewright_tests::raw::{self, Client, Message};

use crate::world::World;

const SCHEMA: &str = "
    CREATE TABLE swap (id int PRIMARY KEY, email text);
    CREATE TABLE swap_new (id int PRIMARY KEY, email text);
    INSERT INTO swap VALUES (1, 'rawold');
    INSERT INTO swap_new VALUES (1, 'rawnew');
    CREATE TABLE people (id int PRIMARY KEY, name text, email text);
    INSERT INTO people VALUES (1, 'rawname', 'open');
    CREATE TABLE kid (id int NOT NULL, name text, email text);
    INSERT INTO kid VALUES (2, 'open', 'rawkid');
    CREATE TABLE part (id int, email text);
    INSERT INTO part VALUES (3, 'rawpart');
    CREATE TABLE whole (id int, email text) PARTITION BY LIST (id);
    CREATE TABLE above (id int, name text, email text);
    CREATE TABLE below (id int, name text, email text);
    INSERT INTO below VALUES (4, 'open', 'rawbelow');
    CREATE VIEW seen AS SELECT id, 'open'::text AS e FROM people;
    CREATE FUNCTION told() RETURNS text LANGUAGE sql STABLE AS $$ SELECT 'open'::text $$;
    CREATE TABLE again (id int, note text);
    INSERT INTO again VALUES (1, 'first');
    CREATE TABLE wide (id int);
    CREATE SCHEMA front;
    CREATE TABLE named (id int, email text);
    INSERT INTO named VALUES (1, 'open');";

const SETTINGS: &str = r#"
[mask-columns]
where = "WHERE"
columns = [
    { column = "public.swap.email", method = "redact" },
    { column = "public.people.email", method = "redact" },
    { column = "public.whole.email", method = "redact" },
    { column = "public.below.email", method = "redact" },
    { column = "public.wide.email", method = "redact" },
    { column = "front.named.email", method = "redact" },
]
"#;

/// A statement, what is done on a direct connection after it was run once, and what the same statement must not show then.
const CHANGES: &[(&str, &str, &str)] = &[
    (
        "SELECT * FROM swap",
        "BEGIN; ALTER TABLE swap RENAME TO swap_old; ALTER TABLE swap_new RENAME TO swap; COMMIT",
        "rawnew",
    ),
    (
        "SELECT * FROM people",
        "BEGIN; ALTER TABLE people RENAME email TO x; ALTER TABLE people RENAME name TO email; ALTER TABLE people RENAME x TO name; COMMIT",
        "rawname",
    ),
    (
        "SELECT upper(email), * FROM kid",
        "ALTER TABLE kid INHERIT people",
        "RAWKID",
    ),
    ("SELECT email FROM kid", "SELECT 1", "rawkid"),
    (
        "TABLE part",
        "ALTER TABLE whole ATTACH PARTITION part FOR VALUES IN (3)",
        "rawpart",
    ),
    (
        "SELECT reverse(email) FROM above",
        "ALTER TABLE below INHERIT above",
        "wolebwar",
    ),
    (
        "SELECT e FROM seen",
        "CREATE OR REPLACE VIEW seen AS SELECT id, email AS e FROM below",
        "rawbelow",
    ),
    (
        "SELECT told()",
        "CREATE OR REPLACE FUNCTION told() RETURNS text LANGUAGE sql STABLE AS $$ SELECT email FROM below $$",
        "rawbelow",
    ),
    (
        "SELECT told()",
        "CREATE OR REPLACE FUNCTION told() RETURNS text LANGUAGE plpgsql AS $$ BEGIN RETURN (SELECT email FROM below); END $$",
        "rawbelow",
    ),
    (
        "SELECT * FROM wide",
        "ALTER TABLE wide ADD email text DEFAULT 'rawwide'; INSERT INTO wide VALUES (1)",
        "rawwide",
    ),
    (
        "SELECT email || '' FROM named",
        "CREATE TABLE front.named (id int, email text); INSERT INTO front.named VALUES (1, 'rawfront')",
        "rawfront",
    ),
];

on_each_version!(
    changes_count_at_the_next_statement,
    changes_count_for_what_was_prepared,
    a_table_made_again_is_served,
    changes_count_within_the_age
);

fn world(version: Version, test: &str, place: &str, age: &str) -> Result<World> {
    let settings = SETTINGS.replace("WHERE", place);
    let arguments = ["--catalog-max-age", age];
    let world = World::with_arguments(version, test, &["mask-columns"], &settings, &arguments)?;
    world.prepare(SCHEMA)?;
    Ok(world)
}

fn client(world: &World) -> Result<Client> {
    let mut client = world.client()?;
    client.query("SET search_path = front, public")?;
    Ok(client)
}

fn shows(messages: &[Message], secret: &str) -> bool {
    messages.iter().any(|message| {
        let bytes = message.without_decision();
        bytes
            .windows(secret.len())
            .any(|window| window == secret.as_bytes())
    })
}

fn changes_count_at_the_next_statement(version: Version) -> Result<()> {
    for place in ["query", "result"] {
        let world = world(version, "fresh_next", place, "0s")?;
        let mut through = client(&world)?;
        let mut direct = Client::connect(&world.direct)?;
        direct.query("SET search_path = front, public")?;
        for (statement, change, secret) in CHANGES {
            through.query(statement)?;
            let changed = direct.query(change)?;
            ensure!(
                raw::error(&changed).is_none(),
                "{change}: {:?}",
                raw::error(&changed)
            );
            let there = direct.query(statement)?;
            ensure!(shows(&there, secret), "{statement}: {secret} is not there");
            let seen = through.query(statement)?;
            ensure!(
                !shows(&seen, secret),
                "{statement} shows {secret} after {change} ({place})"
            );
        }
    }
    Ok(())
}

/// The same for a statement that was prepared, or a portal that was bound, before.
fn changes_count_for_what_was_prepared(version: Version) -> Result<()> {
    for place in ["query", "result"] {
        let world = world(version, "fresh_prepared", place, "0s")?;
        let mut through = client(&world)?;
        let mut direct = Client::connect(&world.direct)?;
        direct.query("SET search_path = front, public")?;
        let run = |through: &mut Client, name: &str| -> Result<Vec<Message>> {
            let parts = [
                raw::bind("", name, &[], 0),
                raw::describe(b'P', ""),
                raw::execute("", 0),
                raw::sync(),
            ];
            through.send(&parts.concat())?;
            through.until_ready()
        };
        for (index, (statement, change, secret)) in CHANGES.iter().enumerate() {
            let name = format!("s{index}");
            through.send(&[raw::parse(&name, statement), raw::sync()].concat())?;
            through.until_ready()?;
            run(&mut through, &name)?;
            through.query(&format!("PREPARE q{index} AS {statement}"))?;
            through.query(&format!("EXECUTE q{index}"))?;
            direct.query(change)?;
            let seen = run(&mut through, &name)?;
            ensure!(
                !shows(&seen, secret),
                "{statement} prepared before {change} shows {secret} ({place})"
            );
            let seen = through.query(&format!("EXECUTE q{index}"))?;
            ensure!(
                !shows(&seen, secret),
                "EXECUTE of {statement} after {change} shows {secret} ({place})"
            );
        }
    }
    Ok(())
}

/// Also by default, where what is known may be some milliseconds old.
fn a_table_made_again_is_served(version: Version) -> Result<()> {
    for age in ["0s", "10ms"] {
        let world = world(version, "fresh_again", "result", age)?;
        let mut through = world.client()?;
        through.query("SELECT id, note FROM again")?;
        world.prepare("DROP TABLE again; CREATE TABLE again (note text, id int); INSERT INTO again VALUES ('second', 7)")?;
        std::thread::sleep(std::time::Duration::from_millis(20));
        let rows = through.query("SELECT id, note FROM again")?;
        ensure!(
            raw::error(&rows).is_none(),
            "{:?} ({age})",
            raw::error(&rows)
        );
        let row = rows
            .iter()
            .find(|message| message.tag == b'D')
            .context("a row")?;
        ensure!(row.cells() == [Some("7".to_owned()), Some("second".to_owned())]);
    }
    Ok(())
}

fn changes_count_within_the_age(version: Version) -> Result<()> {
    let world = world(version, "fresh_age", "result", "10ms")?;
    let mut through = client(&world)?;
    for (statement, change, secret) in CHANGES {
        through.query(statement)?;
        world.prepare(&format!("SET search_path = front, public; {change}"))?;
        std::thread::sleep(std::time::Duration::from_millis(20));
        let seen = through.query(statement)?;
        ensure!(
            !shows(&seen, secret),
            "{statement} shows {secret} after {change}"
        );
    }
    Ok(())
}
