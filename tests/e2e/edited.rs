//! Statements that `mask-columns` has edited: what the server makes of them.

use anyhow::Result;

use crate::world::{World, eventually};

#[test]
fn an_address_is_masked_alike_in_the_query_and_in_the_result() -> Result<()> {
    let world = World::with_policies(
        "edited_alike",
        &["mask-columns"],
        "[mask-columns]\ncolumns = [\n\
         { column = \"public.in_query.email\", method = \"email\", where = \"query\" },\n\
         { column = \"public.in_result.email\", method = \"email\", where = \"result\" },\n]\n",
    )?;
    world.prepare(
        "CREATE TABLE in_query AS SELECT i, email FROM unnest(ARRAY[NULL, '', '@', 'a', 'ab', 'a@', 'ab@', '@b', 'a@b', 'ab@c', \
         'é@c', 'éa@c', 'a@b@c', '@@', 'a@@', '@b@c', 'ab@c@', E'a\\nb@c', E'x@y\\nz', '日本@例え.jp', '日@例え.jp']) \
         WITH ORDINALITY AS t (email, i); CREATE TABLE in_result AS SELECT * FROM in_query",
    )?;
    let masked = |table: &str| {
        let mut psql = world.psql()?.session()?;
        psql.run(&format!("SELECT i, email FROM {table} ORDER BY i;"))
    };
    let (query, result) = (masked("in_query")?, masked("in_result")?);
    assert_eq!(query, result);
    assert!(
        query.contains("é***@c") && !query.contains("ab@c"),
        "{query}"
    );
    Ok(())
}

#[test]
fn a_look_up_of_a_protected_value_uses_the_index() -> Result<()> {
    let world = World::with_policies(
        "edited_index",
        &["mask-columns"],
        "[mask-columns]\ncolumns = [{ column = \"public.people.email\", method = \"email\" }]\n",
    )?;
    world.prepare(
        "CREATE TABLE people AS SELECT i AS id, 'person' || i || '@example.com' AS email FROM generate_series(1, 20000) AS i; \
         CREATE INDEX ON people (email); ANALYZE people",
    )?;
    let scans = "SELECT idx_scan, seq_scan FROM pg_stat_user_tables WHERE relname = 'people'";
    let sequential = |scans: &str| scans.trim().rsplit('|').next().map(str::to_owned);
    let before = world.prepare(scans)?;
    let found = world
        .psql()?
        .query("SELECT upper(email), id FROM people WHERE email = 'person7@example.com'")?;
    assert_eq!(found.trim(), "P***@EXAMPLE.COM|7");
    // The server reports such counts with a delay.
    eventually("the index was used", || {
        Ok(world.prepare(scans)?.trim().starts_with("1|"))
    })?;
    assert_eq!(sequential(&world.prepare(scans)?), sequential(&before));
    Ok(())
}
