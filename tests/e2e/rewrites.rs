//! A policy replaces the client's statement. The replacement is analysed, judged and run like any other, or refused.

use anyhow::{Context, Result};
use gatewright_tests::raw::{self, tags};

use crate::guest::{self, OnDelete};
use crate::world::{World, bundled, postgres, put};

/// A policy replaces each DELETE with `sql`; deny-list judges the replacement.
fn world(test: &str, sql: &'static str) -> Result<World> {
    let folder = tempfile::tempdir()?;
    let wasm = guest::on_delete("soft-delete", OnDelete::Rewrite(sql))?;
    put(folder.path(), "soft-delete.wasm", &wasm)?;
    put(
        folder.path(),
        "deny-list.wasm",
        &std::fs::read(bundled("deny-list")?)?,
    )?;
    let world = World::with_directory(test, folder, "")?;
    world
        .prepare("CREATE TABLE kept AS SELECT i, false AS gone FROM generate_series(1, 10) AS i")?;
    Ok(world)
}

fn count(client: &mut raw::Client, condition: &str) -> Result<String> {
    let messages = client.query(&format!("SELECT count(*) FROM kept WHERE {condition}"))?;
    let row = messages.iter().find(|message| message.tag == b'D');
    row.and_then(|row| row.cells().first().cloned().flatten())
        .context("no count")
}

#[test]
fn only_the_replacement_runs() -> Result<()> {
    let world = world("rewrite_runs", "UPDATE kept SET gone = true WHERE i = 3")?;
    let mut client = world.client()?;
    let mark = format!("mark_{}", world.direct.database);
    let messages = client.query(&format!("DELETE FROM kept WHERE i = 3 /* {mark} */"))?;
    assert_eq!(tags(&messages), "CZ");
    assert_eq!(messages[0].text(), "UPDATE 1");
    assert_eq!(count(&mut client, "true")?, "10");
    assert_eq!(count(&mut client, "gone")?, "1");

    client.send(
        &[
            raw::extended(
                &format!("DELETE FROM kept WHERE i = 3 /* {mark} */"),
                &[],
                0,
            ),
            raw::sync(),
        ]
        .concat(),
    )?;
    let messages = client.until_ready()?;
    assert_eq!(tags(&messages), "12nCZ", "{messages:?}");
    assert_eq!(messages[3].text(), "UPDATE 1");
    assert_eq!(count(&mut client, "true")?, "10");
    assert!(
        !postgres()?.log()?.contains(&mark),
        "the original reached the server"
    );
    Ok(())
}

#[test]
fn parameters_reach_the_replacement() -> Result<()> {
    let world = world(
        "rewrite_parameters",
        "UPDATE kept SET gone = true WHERE i = $1",
    )?;
    let mut client = world.client()?;
    let delete = raw::extended("DELETE FROM kept WHERE i = $1", &[Some("7")], 0);
    client.send(&[delete, raw::sync()].concat())?;
    let messages = client.until_ready()?;
    assert_eq!(raw::error(&messages), None);
    assert_eq!(count(&mut client, "gone AND i = 7")?, "1");
    Ok(())
}

/// Asserts that the statement is refused, the connection stays usable and the table is unchanged.
fn is_refused(test: &str, sql: &'static str, sent: &str, code: &str) -> Result<()> {
    let world = world(test, sql)?;
    let mut client = world.client()?;
    let messages = client.query(sent)?;
    let error = raw::error(&messages).with_context(|| format!("{sql} was not refused"))?;
    assert!(error[&'D'].contains(code), "{error:?}");
    assert_eq!(count(&mut client, "NOT gone")?, "10");
    Ok(())
}

#[test]
fn a_replacement_is_judged_like_any_statement() -> Result<()> {
    is_refused(
        "rewrite_judged",
        "UPDATE kept SET gone = true",
        "DELETE FROM kept WHERE i = 1",
        "deny-list",
    )
}

#[test]
fn a_replacement_that_is_rewritten_again_is_refused() -> Result<()> {
    is_refused(
        "rewrite_loop",
        "DELETE FROM kept WHERE i = 1",
        "DELETE FROM kept WHERE i = 1",
        "rewrite-loop",
    )
}

#[test]
fn an_unusable_replacement_is_refused() -> Result<()> {
    for (test, sql) in [
        ("rewrite_syntax", "UPDATE kept SET WHERE"),
        (
            "rewrite_two",
            "UPDATE kept SET gone = true WHERE i = 1; SELECT 1",
        ),
        (
            "rewrite_parameter",
            "UPDATE kept SET gone = true WHERE i = $1",
        ),
        ("rewrite_opaque", "DO $$ BEGIN END $$"),
        ("rewrite_effect", "COMMIT"),
        (
            "rewrite_string",
            r"UPDATE kept SET gone = true WHERE 'a\\' = 'a' OR i = 1",
        ),
    ] {
        is_refused(test, sql, "DELETE FROM kept WHERE i = 1", "rewrite-invalid")?;
    }
    Ok(())
}

#[test]
fn a_replacement_among_several_statements_is_refused() -> Result<()> {
    let world = world("rewrite_several", "UPDATE kept SET gone = true WHERE i = 1")?;
    let mut client = world.client()?;
    let messages = client.query("SELECT 1; DELETE FROM kept WHERE i = 1")?;
    assert_eq!(tags(&messages), "EZ");
    let error = raw::error(&messages).context("not refused")?;
    assert_eq!(error[&'C'], "0A000");
    assert_eq!(count(&mut client, "NOT gone")?, "10");
    Ok(())
}
