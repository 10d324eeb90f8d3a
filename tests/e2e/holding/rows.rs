//! The rows that a statement changes: what reviewers are shown of them, and approvals that hold for them alone.

use anyhow::{Context, Result, ensure};
use gatewright_harness::Version;
use gatewright_tests::raw::{self, Client, error};
use serde_json::{Value, json};

use super::stage::{Stage, detail, id, until_held};
use crate::world;

const TABLE: &str = "CREATE TABLE people (id int PRIMARY KEY, name text, email text); \
    INSERT INTO people SELECT i, 'name' || i, 'secret' || i || '@example.com' FROM generate_series(1, 30) AS i";

/// All UPDATEs and DELETEs need approval, of this effect, and nobody sees whole addresses.
fn stage(version: Version, test: &str, effect: &str) -> Result<Stage> {
    let ask = std::fs::read(world::bundled("approve-destructive")?)?;
    let mask = std::fs::read(world::bundled("mask-columns")?)?;
    let settings = format!(
        "[ask]\nwrites = \"all\"\neffect = \"{effect}\"\n\
         [mask-columns]\ncolumns = [{{ column = \"public.people.email\", method = \"email\" }}]\n"
    );
    let guests = [("ask", ask.as_slice()), ("mask-columns", mask.as_slice())];
    let stage = Stage::configured(version, test, &guests, &settings)?;
    stage.direct(TABLE)?;
    Ok(stage)
}

/// Sends messages and reads up to the notice. Returns the request, which says nowhere what is protected.
fn held(stage: &Stage, client: &mut Client, messages: &[u8]) -> Result<Value> {
    client.send(messages)?;
    let (_, held) = until_held(client)?;
    let request = stage.api().request(&held)?;
    ensure!(!request.to_string().contains("secret"), "{request}");
    Ok(request)
}

fn approve(stage: &Stage, request: &Value) -> Result<()> {
    let body = json!({ "effect_digest": request["effect_digest"] });
    stage.api().decide_with(&id(request)?, "approve", body)
}

fn reject(stage: &Stage, client: &mut Client, request: &Value) -> Result<()> {
    stage.api().decide_about(&id(request)?, "reject")?;
    client.until_ready()?;
    Ok(())
}

fn about(request: &Value) -> &str {
    request["effect"]["about_rows"].as_str().unwrap_or_default()
}

#[test]
fn rows_that_go_are_shown_as_the_requester_may_see_them() -> Result<()> {
    for version in [Version::Installed, Version::Eighteen] {
        let stage = stage(version, "rows_deleted", "preview")?;
        let mut client = stage.client()?;
        let sql = raw::query("DELETE FROM people WHERE id > 28");
        let request = held(&stage, &mut client, &sql)?;
        let effect = &request["effect"];
        ensure!(
            effect["columns"] == json!(["id", "name", "email"]),
            "{effect}"
        );
        let expected = json!([
            {"before": ["29", "name29", "s***@example.com"], "after": null},
            {"before": ["30", "name30", "s***@example.com"], "after": null},
        ]);
        ensure!(effect["changes"] == expected, "{effect}");
        ensure!(about(&request).starts_with("All 2 rows"), "{effect}");
        reject(&stage, &mut client, &request)?;
        // Of many, the first.
        let request = held(&stage, &mut client, &raw::query("DELETE FROM people"))?;
        let shown = request["effect"]["changes"].as_array().context("rows")?;
        ensure!(shown.len() == 20 && about(&request).starts_with("20 of 30 rows"));
        stage.api().decide_about(&id(&request)?, "approve")?;
        let done = client.until_ready()?;
        ensure!(raw::tags(&done) == "CZ", "{done:?}");
        ensure!(stage.direct("SELECT count(*) FROM people")? == "0");
    }
    Ok(())
}

#[test]
fn rows_that_change_are_shown_before_and_after() -> Result<()> {
    for version in [Version::Installed, Version::Eighteen] {
        let stage = stage(version, "rows_updated", "preview")?;
        let mut client = stage.client()?;
        let sql = "UPDATE people AS p SET name = $1, email = NULL WHERE id = 7";
        let messages = [raw::extended(sql, &[Some("new")], 0), raw::sync()].concat();
        let request = held(&stage, &mut client, &messages)?;
        let effect = &request["effect"];
        let before = ["7", "name7", "s***@example.com"];
        let expected = json!([{"before": before, "after": ["7", "new", null]}]);
        ensure!(effect["changes"] == expected, "{effect}");
        ensure!(about(&request).contains("All 1 rows"), "{effect}");
        stage.api().decide_about(&id(&request)?, "approve")?;
        let done = client.until_ready()?;
        ensure!(raw::tags(&done).ends_with("CZ"), "{done:?}");
        ensure!(stage.direct("SELECT name FROM people WHERE id = 7")? == "new");
    }
    Ok(())
}

#[test]
fn what_a_statement_returns_itself_is_shown() -> Result<()> {
    let stage = stage(Version::Installed, "rows_returned", "preview")?;
    let mut client = stage.client()?;
    let sql =
        raw::query("DELETE FROM people WHERE id = 1 RETURNING email, repeat('x', 200000) AS long");
    let request = held(&stage, &mut client, &sql)?;
    let effect = &request["effect"];
    ensure!(effect["columns"] == json!(["email", "long"]), "{effect}");
    let long = effect["changes"][0]["after"][1]
        .as_str()
        .unwrap_or_default();
    ensure!(long.len() < 1000 && long.starts_with("xxx"), "{effect}");
    ensure!(about(&request).contains("as the statement returns them"));
    stage.api().decide_about(&id(&request)?, "approve")?;
    let done = client.until_ready()?;
    ensure!(raw::tags(&done) == "TDCZ", "{}", raw::tags(&done));
    Ok(())
}

/// Two tables of one name: it is not clear whose rows are to be returned. How many they are is known all the same.
#[test]
fn rows_that_the_server_does_not_return_are_not_shown() -> Result<()> {
    let ask = std::fs::read(world::bundled("approve-destructive")?)?;
    let settings = "writes = \"all\"\neffect = \"bound\"";
    let stage = Stage::with_settings("rows_hidden", &ask, settings)?;
    stage.direct("CREATE SCHEMA other; CREATE TABLE other.t AS TABLE t")?;
    let mut client = stage.client()?;
    let sql = "DELETE FROM public.t USING other.t WHERE public.t.n = other.t.n AND other.t.n > 7";
    let request = held(&stage, &mut client, &raw::query(sql))?;
    let effect = &request["effect"];
    ensure!(effect["by"] == "preview" && effect["rows"] == 2, "{effect}");
    let said = "The rows are not shown: the server did not return them (SQLSTATE 42P09).";
    ensure!(
        about(&request) == said && effect["changes"] == json!([]),
        "{effect}"
    );
    approve(&stage, &request)?;
    let done = client.until_ready()?;
    ensure!(raw::tags(&done) == "CZ" && stage.rows()? == "7", "{done:?}");
    Ok(())
}

#[test]
fn an_approval_holds_for_the_rows_that_were_seen() -> Result<()> {
    for version in [Version::Installed, Version::Eighteen] {
        let stage = stage(version, "rows_bound", "bound")?;
        let mut client = stage.client()?;
        let delete = "DELETE FROM people WHERE name LIKE 'name2_' AND id < 23";
        let extended = [raw::extended(delete, &[], 0), raw::sync()].concat();
        let forms = [raw::query(delete), extended];
        for messages in &forms {
            let request = held(&stage, &mut client, messages)?;
            let words = request["effect"]["in_words"].as_str().unwrap_or_default();
            ensure!(words.ends_with("for these rows only"), "{request}");
            // As many rows, but others.
            stage.direct(
                "UPDATE people SET id = 100 WHERE id = 20; UPDATE people SET id = 22 WHERE id = 22; \
                 UPDATE people SET id = 19, name = 'name2x' WHERE id = 19",
            )?;
            approve(&stage, &request)?;
            let done = client.until_ready()?;
            let refused = error(&done).with_context(|| format!("{done:?}"))?;
            let said = detail(&refused)?;
            ensure!(said["decision"] == "effect_mismatch", "{refused:?}");
            ensure!(
                said["approved_rows"] == 3 && said["changed_rows"] == 3,
                "{said}"
            );
            ensure!(said["rows_differ"] == true, "{said}");
            stage.api().state(&id(&request)?, "effect_mismatch")?;
            ensure!(
                done.last().is_some_and(|ready| ready.body == b"I"),
                "{done:?}"
            );
            ensure!(stage.direct("SELECT count(*) FROM people")? == "30");
            stage.direct(
                "UPDATE people SET id = 20 WHERE id = 100; UPDATE people SET name = 'name19' WHERE id = 19",
            )?;
        }
        // The same rows: the client sees nothing of how they were compared.
        for (messages, begin) in forms.iter().zip(["BEGIN", ""]) {
            if !begin.is_empty() {
                client.query(begin)?;
            }
            let direct = reference(&stage, messages)?;
            client.send(messages)?;
            let (before, id) = until_held(&mut client)?;
            let request = stage.api().request(&id)?;
            approve(&stage, &request)?;
            let after = raw::tags(&client.until_ready()?);
            ensure!(
                format!("{before}{after}") == direct,
                "{before} {after} {direct}"
            );
            if !begin.is_empty() {
                client.query("ROLLBACK")?;
            }
        }
        ensure!(stage.direct("SELECT count(*) FROM people")? == "27");
        let left = client.query("SELECT count(*) FROM pg_prepared_statements")?;
        ensure!(
            left.iter()
                .any(|row| row.tag == b'D' && row.cells() == [Some("0".to_owned())])
        );
    }
    Ok(())
}

/// The tags of the answers to these messages, past the gateway and undone.
fn reference(stage: &Stage, messages: &[u8]) -> Result<String> {
    let mut direct = Client::connect(&stage.direct)?;
    direct.query("BEGIN")?;
    direct.send(messages)?;
    let tags = raw::tags(&direct.until_ready()?);
    direct.query("ROLLBACK")?;
    Ok(tags)
}

#[test]
fn what_rows_become_may_depend_on_the_time() -> Result<()> {
    for version in [Version::Installed, Version::Eighteen] {
        let stage = stage(version, "rows_volatile", "bound")?;
        let mut client = stage.client()?;
        let sql = raw::query("UPDATE people SET name = clock_timestamp()::text WHERE id < 3");
        let request = held(&stage, &mut client, &sql)?;
        let words = request["effect"]["in_words"].as_str().unwrap_or_default();
        let expected = match version {
            Version::Installed => "for this number only",
            Version::Eighteen => "for these rows only",
        };
        ensure!(words.ends_with(expected), "{request}");
        approve(&stage, &request)?;
        let done = client.until_ready()?;
        ensure!(raw::tags(&done) == "CZ", "{done:?}");
    }
    Ok(())
}

#[test]
fn a_portal_whose_rows_were_compared_does_not_run_again() -> Result<()> {
    let stage = stage(Version::Installed, "rows_portal", "bound")?;
    let mut client = stage.client()?;
    client.query("BEGIN")?;
    let messages = [
        raw::parse("s", "DELETE FROM people WHERE id >= $1"),
        raw::bind("p", "s", &[Some("29")], 0),
        raw::execute("p", 1),
        raw::execute("p", 0),
        raw::sync(),
    ];
    let request = held(&stage, &mut client, &messages.concat())?;
    stage.direct("INSERT INTO people VALUES (40, 'late', 'late@example.com')")?;
    stage.direct("DELETE FROM people WHERE id = 40")?;
    approve(&stage, &request)?;
    let done = client.until_ready()?;
    ensure!(raw::tags(&done) == "CEZ", "{done:?}");
    client.query("ROLLBACK")?;
    ensure!(stage.direct("SELECT count(*) FROM people")? == "30");
    Ok(())
}

/// Tables of every kind, on a server that does not return what rows were.
#[test]
fn rows_of_every_kind_of_table_are_shown_as_they_were() -> Result<()> {
    let stage = stage(Version::Installed, "rows_kinds", "preview")?;
    stage.direct(
        "CREATE TABLE parts (id int, region text) PARTITION BY LIST (region); \
         CREATE TABLE part_a PARTITION OF parts FOR VALUES IN ('a'); \
         CREATE TABLE part_b PARTITION OF parts FOR VALUES IN ('b'); \
         INSERT INTO parts VALUES (1, 'a'), (2, 'b'); \
         CREATE TABLE parent (id int, note text); CREATE TABLE child (more int) INHERITS (parent); \
         INSERT INTO parent VALUES (1, 'p'); INSERT INTO child VALUES (1, 'c', 5); \
         CREATE TABLE dropped (gone int, id int, note text); ALTER TABLE dropped DROP COLUMN gone; \
         INSERT INTO dropped VALUES (1, 'd'); \
         CREATE VIEW seen AS SELECT id, name FROM people; \
         CREATE TABLE plain (id int, gatewright_row text, twice int GENERATED ALWAYS AS (id * 2) STORED); \
         INSERT INTO plain VALUES (1, 'x')",
    )?;
    let mut client = stage.client()?;
    for (sql, expected) in [
        (
            "UPDATE parts SET region = 'b' WHERE region = 'a'",
            json!([{"before": ["1", "a"], "after": ["1", "b"]}]),
        ),
        (
            "UPDATE parent SET note = upper(note) WHERE id = 1 OR id = 2",
            json!([
                {"before": ["1", "p"], "after": ["1", "P"]},
                {"before": ["1", "c"], "after": ["1", "C"]},
            ]),
        ),
        (
            "UPDATE ONLY parent AS p SET note = q.name FROM people AS q WHERE q.id = p.id",
            json!([{"before": ["1", "p"], "after": ["1", "name1"]}]),
        ),
        (
            "WITH w AS (SELECT 'e' AS letter) UPDATE dropped SET note = letter FROM w",
            json!([{"before": ["1", "d"], "after": ["1", "e"]}]),
        ),
        // The columns of what was joined have names of their own.
        (
            "UPDATE plain SET id = 3 WHERE plain.gatewright_row = 'x'",
            json!([{"before": ["1", "x", "2"], "after": ["3", "x", "6"]}]),
        ),
        // Rows of a view have no places.
        (
            "UPDATE seen SET name = 'n' WHERE id = 4",
            json!([{"before": null, "after": ["4", "n"]}]),
        ),
    ] {
        let request = held(&stage, &mut client, &raw::query(sql))?;
        let changes = &request["effect"]["changes"];
        ensure!(*changes == expected, "{sql}: {}", request["effect"]);
        reject(&stage, &mut client, &request)?;
    }
    Ok(())
}
