//! `gatewright explain` against a server: it prints facts, verdicts and plans, and runs nothing.

mod deployed;

use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Psql, locate};
use serde_json::Value;
use tempfile::TempDir;

use crate::world::{bundled, database, postgres};

struct Fixture {
    upstream: String,
    direct: gatewright_harness::Dsn,
    folder: TempDir,
}

fn fixture(test: &str) -> Result<Fixture> {
    let direct = database(test)?;
    Psql::new(&direct)?.query(
        "CREATE TABLE people (id int PRIMARY KEY, name text, email text);
         INSERT INTO people VALUES (1, 'Ada', 'ada@example.com');
         CREATE TABLE notes (body text);
         CREATE VIEW contacts AS SELECT id, email AS address FROM people;
         CREATE FUNCTION email_of(person int) RETURNS text LANGUAGE sql AS 'SELECT email FROM people WHERE id = person'",
    )?;
    let folder = tempfile::tempdir()?;
    std::fs::copy(
        bundled("mask-columns")?,
        folder.path().join("mask-columns.wasm"),
    )?;
    std::fs::copy(bundled("deny-list")?, folder.path().join("deny-list.wasm"))?;
    std::fs::write(
        folder.path().join("settings.toml"),
        "[mask-columns]\nwhere = \"result\"\ncolumns = [{ column = \"public.people.email\", method = \"email\" }]\nexempt_groups = [\"auditors\"]\n\
         [deny-list]\ncommands = [\"DROP\"]\n",
    )?;
    Ok(Fixture {
        upstream: postgres()?.dsn().with_database(&direct.database).url(),
        direct,
        folder,
    })
}

impl Fixture {
    fn explain(&self, more: &[&str], sql: &str) -> Result<Output> {
        let mut command = Command::new(locate::gateway()?);
        command
            .args(["explain", "--upstream", &self.upstream, "--policies"])
            .arg(self.folder.path())
            .arg("--settings")
            .arg(self.folder.path().join("settings.toml"))
            .args(more)
            .arg(sql);
        command.output().context("gatewright explain")
    }

    fn page(&self, sql: &str) -> Result<(String, Option<i32>)> {
        let output = self.explain(&[], sql)?;
        let (out, err) = (
            String::from_utf8(output.stdout)?,
            String::from_utf8(output.stderr)?,
        );
        Ok((format!("{out}{err}"), output.status.code()))
    }
}

fn has(page: &str, lines: &[&str]) -> Result<()> {
    for line in lines {
        let found = page
            .lines()
            .any(|known| known.split_whitespace().collect::<Vec<_>>().join(" ") == *line);
        ensure!(found, "no line \"{line}\" in:\n{page}");
    }
    Ok(())
}

#[test]
fn each_column_is_shown_with_its_origin_and_mask() -> Result<()> {
    let fixture = fixture("explain_columns")?;
    let (page, code) = fixture.page("SELECT name, address FROM people JOIN contacts USING (id)")?;
    ensure!(code == Some(0), "{page}");
    has(
        &page,
        &[
            "result 1 name (text) from public.people.name",
            "2 address (text) from public.people.email, public.contacts.address",
            "mask-columns: inspected; values may be replaced",
            "outcome permitted",
        ],
    )?;
    ensure!(page.contains("deny-list 0.1.0: allows"), "{page}");
    Ok(())
}

#[test]
fn an_edited_statement_is_shown() -> Result<()> {
    let fixture = fixture("explain_edited")?;
    let path = fixture.folder.path().join("settings.toml");
    let settings = std::fs::read_to_string(&path)?;
    std::fs::write(&path, settings.replace("\"result\"", "\"query\""))?;
    let (page, code) = fixture.page("SELECT 1; SELECT upper(email) FROM people")?;
    ensure!(code == Some(0), "{page}");
    has(
        &page,
        &["mask-columns 0.1.0: allows, plans the result columns, edits the statement"],
    )?;
    let edited = page.lines().find(|line| line.starts_with("edited "));
    let edited = edited.context("no edited statement")?;
    ensure!(
        edited.contains("SELECT upper(email) FROM (SELECT gw.\"id\"")
            && edited.ends_with(" AS \"people\""),
        "{page}"
    );
    Ok(())
}

#[test]
fn a_refusal_names_the_policy_and_reason_and_has_its_own_exit_code() -> Result<()> {
    let fixture = fixture("explain_refusals")?;
    for (sql, says) in [
        ("DROP TABLE notes", "deny-list"),
        ("SELECT upper(email) FROM people", "refuses (probe)"),
        ("SELECT email_of(1)", "mask-columns refuses (derived)"),
        (
            "INSERT INTO notes SELECT email FROM people",
            "refuses (copied)",
        ),
        (
            "COPY (SELECT p FROM people p) TO STDOUT",
            "plan         mask-columns refuses (",
        ),
    ] {
        let (page, code) = fixture.page(sql)?;
        ensure!(
            code == Some(3) && page.contains(says),
            "{sql}: {code:?}\n{page}"
        );
        ensure!(
            page.contains("outcome      refused  42501: ") && page.contains("hint: "),
            "{page}"
        );
    }
    let (page, _) = fixture.page("INSERT INTO notes SELECT email FROM people")?;
    has(
        &page,
        &["writes public.notes.body from public.people.email"],
    )?;
    Ok(())
}

#[test]
fn nothing_is_executed() -> Result<()> {
    let fixture = fixture("explain_runs")?;
    let text = "INSERT INTO notes VALUES ('x'); DELETE FROM people WHERE id = 1 RETURNING id; SELECT count(*) FROM notes";
    let (page, code) = fixture.page(text)?;
    ensure!(
        code == Some(0) && page.matches("outcome      permitted").count() == 3,
        "{page}"
    );
    let counts = Psql::new(&fixture.direct)?
        .query("SELECT count(*) FROM notes UNION ALL SELECT count(*) FROM people")?;
    ensure!(counts == "0\n1", "{counts}");
    Ok(())
}

#[test]
fn the_verdict_depends_on_the_identity_and_is_available_as_json() -> Result<()> {
    let fixture = fixture("explain_json")?;
    let reported = |groups: &[&str]| -> Result<Value> {
        let output =
            fixture.explain(&[&["--json"], groups].concat(), "SELECT email FROM people")?;
        Ok(serde_json::from_slice(&output.stdout)?)
    };
    let everybody = reported(&[])?;
    let action = &everybody[0]["result"]["plans"][0]["plan"]["columns"][0];
    ensure!(action["inspect"] == "email", "{everybody:#}");
    ensure!(
        everybody[0]["permitted"] == true && everybody[0]["facts"]["tables"][0]["name"] == "people"
    );
    let auditor = reported(&["--groups", "auditors"])?;
    ensure!(
        auditor[0]["result"]["plans"]
            .as_array()
            .is_some_and(Vec::is_empty),
        "{auditor:#}"
    );
    Ok(())
}

#[test]
fn errors_are_reported() -> Result<()> {
    let fixture = fixture("explain_wrong")?;
    let (page, code) = fixture.page("SELEC 1")?;
    ensure!(
        code == Some(1) && page.contains("syntax error at or near \"SELEC\" (at character 1)"),
        "{page}"
    );
    let (page, code) = fixture.page("SELECT nowhere FROM people")?;
    ensure!(
        code == Some(0) && page.contains("column \"nowhere\" does not exist"),
        "{page}"
    );
    let output = Command::new(locate::gateway()?)
        .args([
            "explain",
            "--upstream",
            "postgres://x@127.0.0.1:1/x",
            "SELECT 1",
        ])
        .output()?;
    let error = String::from_utf8(output.stderr)?;
    ensure!(
        output.status.code() == Some(1) && error.contains("the catalog could not be read"),
        "{error}"
    );
    Ok(())
}

#[test]
fn changing_the_role_is_refused_and_policies_still_judge() -> Result<()> {
    let fixture = fixture("explain_role")?;
    for (sql, says) in [
        (
            "SET ROLE pg_read_all_data",
            "\"role\" is set by the gateway",
        ),
        (
            "SET SESSION AUTHORIZATION pg_read_all_data",
            "is set by the gateway",
        ),
        (
            "SELECT set_config('ro' || 'le', 'pg_read_all_data', false)",
            "this sets the role",
        ),
    ] {
        let (page, code) = fixture.page(sql)?;
        ensure!(code == Some(3), "{sql}: {code:?}\n{page}");
        ensure!(
            page.contains("outcome      refused  42501: ") && page.contains(says),
            "{sql}:\n{page}"
        );
        ensure!(page.contains("deny-list 0.1.0: allows"), "{sql}:\n{page}");
    }
    let (page, code) = fixture.page("SET work_mem = '1MB'")?;
    ensure!(code == Some(0), "{page}");
    Ok(())
}

#[test]
fn a_policy_that_does_not_load_is_reported_with_its_reason() -> Result<()> {
    let fixture = fixture("explain_unloaded")?;
    std::fs::write(fixture.folder.path().join("broken.wasm"), "no component")?;
    let output = fixture.explain(&[], "SELECT 1")?;
    let (out, err) = (
        String::from_utf8(output.stdout)?,
        String::from_utf8(output.stderr)?,
    );
    ensure!(output.status.code() == Some(3), "{out}{err}");
    ensure!(
        err.contains("policy broken is not loaded: ") && err.trim_end().lines().count() == 1,
        "{err}"
    );
    ensure!(
        out.contains("the policy \"broken\" is not loaded, so every statement is refused"),
        "{out}"
    );
    std::fs::remove_file(fixture.folder.path().join("broken.wasm"))?;
    std::fs::write(
        fixture.folder.path().join("settings.toml"),
        "[mask-columns]\ncolumns = 5\n",
    )?;
    let (page, code) = fixture.page("SELECT 1")?;
    ensure!(
        code == Some(3)
            && page.contains("policy mask-columns is not loaded: ")
            && page.contains("columns"),
        "{page}"
    );
    Ok(())
}

#[test]
fn the_nesting_limit_is_that_of_a_session() -> Result<()> {
    let fixture = fixture("explain_deep")?;
    let sql = format!("SELECT {}1{}", "(1 + ".repeat(1500), ")".repeat(1500));
    let (page, code) = fixture.page(&sql)?;
    ensure!(
        code == Some(0) && page.contains("outcome      permitted"),
        "{code:?}\n{page:.2000}"
    );
    Ok(())
}

#[test]
fn names_are_resolved_as_for_the_role() -> Result<()> {
    let mut fixture = fixture("explain_path")?;
    let role = format!("{}_reader", fixture.direct.database);
    Psql::new(&fixture.direct)?.query(&format!(
        "CREATE ROLE {role} LOGIN PASSWORD 'x';
         CREATE SCHEMA own; GRANT USAGE ON SCHEMA own TO {role};
         CREATE TABLE own.people (id int, nick text);
         ALTER ROLE {role} SET search_path = nowhere;
         ALTER ROLE {role} IN DATABASE {} SET search_path = own;
         ALTER ROLE {role} SET standard_conforming_strings = off",
        fixture.direct.database
    ))?;
    let login = postgres()?.dsn().with_login(&role, "x");
    fixture.upstream = login.with_database(&fixture.direct.database).url();
    let (page, code) = fixture.page("SELECT nick FROM people")?;
    ensure!(code == Some(0), "{page}");
    has(&page, &["result 1 nick (text) from own.people.nick"])?;
    // Read with standard_conforming_strings on, the literal would end after the backslash and the rest would not be SQL.
    let (page, code) = fixture.page(r"SELECT 'a\' from people' AS text")?;
    ensure!(
        code == Some(0) && page.contains("1 text (text) carries no column"),
        "{page}"
    );
    Ok(())
}
