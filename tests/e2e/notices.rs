//! Notices that the server raises about a text come once and as it sent them, also where the gateway has the server look at the text
//! before it runs.

use anyhow::Result;
use gatewright_harness::Version;
use gatewright_tests::raw::{self, Client};

use crate::world::World;

on_each_version!(a_truncation_is_told_once);

const LONG: &str = "a_name_that_is_longer_than_sixty_three_bytes_and_therefore_cut_by_the_scanner";

/// All messages but those that hold rows and plans.
fn transcript(client: &mut Client, bytes: &[u8]) -> Result<Vec<String>> {
    client.send(bytes)?;
    let messages = client.until_ready()?;
    let told = messages.iter().filter(|message| message.tag != b'D');
    Ok(told
        .map(|message| {
            let body = String::from_utf8_lossy(&message.body);
            format!("{} {body:?}", char::from(message.tag))
        })
        .collect())
}

fn a_truncation_is_told_once(version: Version) -> Result<()> {
    let settings = "[mask-columns]\nwhere = \"result\"\ncolumns = [{ column = \"public.people.email\", method = \"redact\" }]\n";
    let world = World::of_version(version, "notices", &["mask-columns"], settings)?;
    world.prepare("CREATE TABLE people (id int, email text); INSERT INTO people VALUES (1, 'ada@example.com')")?;
    let mut direct = Client::connect(&world.direct)?;
    let mut through = world.client()?;
    let copy = |sql: &str| [raw::extended(sql, &[], 0), raw::sync()].concat();
    for bytes in [
        raw::query(&format!("SELECT email AS {LONG} FROM people")),
        raw::query(&format!(
            "SELECT 1 AS {LONG}; SELECT email AS b{LONG} FROM people; SELECT 2 AS c{LONG}"
        )),
        raw::query(&format!("SELECT email AS {LONG}, nothing FROM people")),
        raw::query(&format!(
            "COPY (SELECT email AS {LONG} FROM people) TO STDOUT"
        )),
        copy(&format!("SELECT email AS {LONG} FROM people")),
        raw::query(&format!("SELECT 1 AS {LONG}")),
        raw::query(&format!("SELECT email AS {LONG} FRO people")),
    ] {
        let expected = transcript(&mut direct, &bytes)?;
        let seen = transcript(&mut through, &bytes)?;
        let notices = |all: &[String]| all.iter().filter(|line| line.starts_with('N')).count();
        assert!(notices(&expected) > 0, "{expected:?}");
        let plain = |all: Vec<String>| {
            all.into_iter()
                .filter(|line| !line.starts_with('d'))
                .collect::<Vec<_>>()
        };
        assert_eq!(plain(seen), plain(expected));
    }
    // What else a statement says while it runs is withheld.
    world.prepare(&format!(
        "CREATE FUNCTION tells(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN EXECUTE 'SELECT 1 AS \"' || $1 || '{LONG}\"'; RETURN 'x'; END $$"
    ))?;
    let seen = transcript(
        &mut through,
        &raw::query("SELECT tells('secret'), email FROM people"),
    )?;
    assert!(!seen.iter().any(|line| line.contains("secret")), "{seen:?}");
    Ok(())
}
