//! row-limit's session limits hold for statements that are judged together: in one Query, in a pipeline, in parts of a portal.

use anyhow::Result;
use gatewright_harness::Version;
use gatewright_tests::raw::{self, Client, tags};

use crate::world::World;

on_each_version!(statements_that_are_judged_together_share_what_is_left);

fn rows_of(client: &mut Client, bytes: &[u8], readies: usize) -> Result<(usize, Vec<String>)> {
    client.send(bytes)?;
    let (mut rows, mut errors) = (0, Vec::new());
    for _ in 0..readies {
        let messages = client.until_ready()?;
        rows += tags(&messages).matches('D').count();
        errors.extend(raw::error(&messages).map(|error| error[&'C'].clone()));
    }
    Ok((rows, errors))
}

fn statements_that_are_judged_together_share_what_is_left(version: Version) -> Result<()> {
    let settings = "[row-limit]\nrows = 8\nsession_rows = 10\n";
    let world = World::of_version(version, "session_limits", &["row-limit"], settings)?;
    let six = "SELECT i FROM generate_series(1, 6) AS i";
    let bind = |portal: &str| raw::bind(portal, "s", &[], 0);
    let prepared = raw::parse("s", six);
    for (name, bytes, readies) in [
        ("one Query", raw::query(&format!("{six}; {six}; {six}")), 1),
        (
            "a pipeline",
            [
                prepared.clone(),
                bind("a"),
                bind("b"),
                bind("c"),
                raw::execute("a", 0),
                raw::execute("b", 0),
                raw::execute("c", 0),
                raw::sync(),
            ]
            .concat(),
            1,
        ),
        (
            "parts of portals",
            [
                prepared,
                bind("a"),
                bind("b"),
                raw::execute("a", 2),
                raw::execute("b", 2),
                raw::execute("a", 2),
                raw::execute("b", 2),
                raw::execute("a", 0),
                raw::execute("b", 0),
                raw::sync(),
            ]
            .concat(),
            1,
        ),
    ] {
        let mut client = world.client()?;
        let (rows, errors) = rows_of(&mut client, &bytes, readies)?;
        assert_eq!((rows, errors), (10, vec!["54000".to_owned()]), "{name}");
        let (rows, errors) = rows_of(&mut client, &raw::query("SELECT 1"), 1)?;
        assert_eq!((rows, errors), (0, vec!["53400".to_owned()]), "{name}");
    }
    // What fits is not touched, and a statement has a limit of its own.
    let mut client = world.client()?;
    let two = "SELECT 1 UNION ALL SELECT 2";
    let (rows, errors) = rows_of(&mut client, &raw::query(&format!("{two}; {two}; {two}")), 1)?;
    assert_eq!((rows, errors), (6, Vec::new()));
    let mut client = world.client()?;
    let (rows, errors) = rows_of(&mut client, &raw::query("SELECT generate_series(1, 9)"), 1)?;
    assert_eq!((rows, errors), (8, vec!["54000".to_owned()]));
    Ok(())
}
