//! `gatewright suggest-masking`: the draft lists the columns it found, contains no values, and is a valid settings file.

use std::process::Command;

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Dsn, Psql, locate};

use crate::world::{World, database, postgres};

const SCHEMA: &str = "CREATE TABLE customers (id int PRIMARY KEY, name text, \"Contact\" text, email text, birthdate date, note text, card_no bigint, ssn varchar(11), city text);
    INSERT INTO customers SELECT i, 'Ada', 'reach me at user' || i || '@example.com', 'user' || i || '@example.com', '1990-01-01', 'nothing', 4111111111111111, '078-05-1120', 'Oslo'
        FROM generate_series(1, 200) AS i;
    CREATE TABLE logins (email text PRIMARY KEY, password_hash text, last_seen timestamptz);
    INSERT INTO logins VALUES ('ada@example.com', 'x', now());
    CREATE TABLE empty (phone text, emailed_at timestamptz, company text);
    CREATE TABLE closed (email text);
    CREATE VIEW addresses AS SELECT id, email AS mail FROM customers;
    CREATE ROLE drafter LOGIN PASSWORD 'drafter';
    GRANT SELECT ON customers, logins, empty TO drafter;";

fn draft(direct: &Dsn, more: &[&str]) -> Result<String> {
    let dsn = postgres()?
        .dsn()
        .with_database(&direct.database)
        .with_login("drafter", "drafter");
    let output = Command::new(locate::gateway()?)
        .args(["suggest-masking", "--upstream", &dsn.url()])
        .args(more)
        .output()
        .context("gatewright suggest-masking")?;
    let page = String::from_utf8(output.stdout)?;
    ensure!(
        output.status.success(),
        "{page}{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(page)
}

#[test]
fn columns_are_proposed_with_their_evidence_and_no_values() -> Result<()> {
    let direct = database("suggest")?;
    Psql::new(&direct)?.query(SCHEMA)?;
    let page = draft(&direct, &["--dev"])?;
    for line in [
        r#"{ column = "public.customers.email", method = "email" }, # high: text; named like email; email found in 200 of 200 sampled values"#,
        r#"    #   also masks the view column public.addresses.mail"#,
        r#"{ column = "public.customers.birthdate", method = "null" }, # medium: date; named like a date of birth"#,
        r#"{ column = "public.customers.ssn", method = "partial", last = 2 }, # high: character varying; named like national-id; national-id found in 200 of 200"#,
        r#"{ column = "public.customers.card_no", method = "null" }, # high: bigint; card found in 200 of 200 sampled values"#,
        r#"{ column = "public.logins.email", method = "hash" }, # high"#,
        r#"{ column = "public.logins.password_hash", method = "redact" }, # medium"#,
        r#"{ column = "public.empty.phone", method = "partial", last = 2 }, # medium: text; named like phone"#,
        r#"{ column = "public.closed.email", method = "email" }, # medium"#,
        "# public.closed was not sampled, only names were examined: permission denied",
    ] {
        ensure!(page.contains(line), "no {line} in:\n{page}");
    }
    ensure!(
        page.contains(r#"public.customers.\"Contact\""#)
            || page.contains(r#"'public.customers."Contact"'"#),
        "{page}"
    );
    for none in [
        "Oslo",
        "user1@",
        "4111",
        "078-05",
        "city",
        "company",
        "emailed_at",
        "last_seen",
    ] {
        ensure!(!page.contains(none), "{none} in:\n{page}");
    }

    // The draft works unchanged.
    let world = World::with_policies("suggest_used", &["mask-columns"], &page)?;
    world.prepare("CREATE TABLE customers (id int, email text); INSERT INTO customers VALUES (1, 'ada@example.com')")?;
    let masked = world.psql()?.query("SELECT email FROM customers")?;
    ensure!(masked == "a***@example.com", "{masked}");

    let names = draft(&direct, &["--sample-rows", "0", "--schema", "public"])?;
    ensure!(
        names.contains("[policy.mask-columns.settings]") && !names.contains("sampled values"),
        "{names}"
    );
    let file = world.policies.path().join("draft.toml");
    let path = file.display().to_string();
    draft(&direct, &["--out", &path])?;
    ensure!(std::fs::read_to_string(&file)?.contains("public.customers.email"));
    ensure!(
        draft(&direct, &["--out", &path]).is_err(),
        "an existing file was replaced"
    );
    Ok(())
}
