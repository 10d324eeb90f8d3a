//! Masked values fit their columns: a masked dump can be loaded into the table it came from.

use anyhow::Result;
use gatewright_harness::{Psql, Version};
use gatewright_tests::raw::{self, Client};

use crate::world::World;

const SCHEMA: &str = "
    CREATE TABLE staff (id int, short varchar(5), hashed varchar(12), code char(6), part varchar(20), longer varchar, open char(4));
    INSERT INTO staff VALUES (1, 'abcde', 'secrethashed', 'SECRET', 'part-secret', 'long-secret', 'o'), (2, 'äöüßé', NULL, 'x', 'yz', 'z', 'oo')";

const SETTINGS: &str = r#"
[mask-columns]
columns = [
    { column = "public.staff.short", method = "redact" },
    { column = "public.staff.hashed", method = "hash" },
    { column = "public.staff.code", method = "redact" },
    { column = "public.staff.part", method = "partial", last = 2 },
    { column = "public.staff.longer", method = "hash" },
]
"#;

on_each_version!(replacements_fit_their_columns);

fn replacements_fit_their_columns(version: Version) -> Result<()> {
    let world = World::of_version(version, "lengths", &["mask-columns"], SETTINGS)?;
    world.prepare(SCHEMA)?;
    let mut client = world.client()?;
    let select = "SELECT short, hashed, code, part, longer, open FROM staff ORDER BY id";
    for format in [0, 1] {
        client.send(&[raw::extended(select, &[], format), raw::sync()].concat())?;
        let messages = client.until_ready()?;
        let rows: Vec<_> = messages
            .iter()
            .filter(|message| message.tag == b'D')
            .collect();
        assert_eq!(rows.len(), 2, "{messages:?}");
        for row in rows {
            let lengths: Vec<_> = row
                .cells()
                .iter()
                .map(|cell| cell.as_ref().map(|text| text.chars().count()))
                .collect();
            let [
                Some(short),
                hashed,
                Some(code),
                Some(_),
                Some(longer),
                Some(open),
            ] = lengths[..]
            else {
                panic!("{lengths:?}");
            };
            assert!(
                (1..=5).contains(&short) && hashed.is_none_or(|hashed| hashed == 12),
                "{lengths:?}"
            );
            // char(n) is blank-padded, as the server sends it.
            assert_eq!((code, longer, open), (6, 32, 4));
        }
        let reported = format!("{messages:?}");
        assert!(
            !reported.contains("secret") && !reported.contains("SECRET"),
            "{reported}"
        );
    }
    for options in ["", "(FORMAT csv)", "(FORMAT binary)"] {
        let copied = copied(&mut client, &format!("COPY staff TO STDOUT {options}"))?;
        let direct = Psql::new(&world.direct)?;
        direct.query("CREATE TABLE again (LIKE staff)")?;
        load(&world, &format!("COPY again FROM STDIN {options}"), &copied)?;
        assert_eq!(
            direct.query("SELECT count(*), count(DISTINCT longer) FROM again")?,
            "2|2"
        );
        direct.query("DROP TABLE again")?;
    }
    Ok(())
}

/// The data of a COPY TO STDOUT: the message bodies, concatenated.
fn copied(client: &mut Client, sql: &str) -> Result<Vec<u8>> {
    let messages = client.query(sql)?;
    let data = messages.into_iter().filter(|message| message.tag == b'd');
    Ok(data.flat_map(|message| message.body).collect())
}

fn load(world: &World, sql: &str, data: &[u8]) -> Result<()> {
    let mut direct = Client::connect(&world.direct)?;
    let bytes = [
        raw::query(sql),
        raw::message(b'd', &[data]),
        raw::message(b'c', &[]),
    ]
    .concat();
    direct.send(&bytes)?;
    let messages = direct.until_ready()?;
    assert!(
        raw::error(&messages).is_none(),
        "{:?}",
        raw::error(&messages)
    );
    Ok(())
}
