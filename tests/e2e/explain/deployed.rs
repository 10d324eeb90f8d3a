//! `gatewright explain --config` reports what a gateway with that configuration does.

use std::process::{Command, Output};

use anyhow::{Context, Result, ensure};
use gatewright_harness::locate;
use serde_json::Value;

use super::has;
use crate::site::Site;

fn explain(site: &Site, arguments: &[&str]) -> Result<Output> {
    let mut command = Command::new(locate::gateway()?);
    command
        .args(["explain", "--config"])
        .arg(site.config())
        .args(arguments);
    command.output().context("gatewright explain")
}

/// What explain prints for ada of the group staff, and its exit status.
fn page(site: &Site, sql: &str) -> Result<(String, Option<i32>)> {
    let output = explain(site, &["--database", "shop", "--as", "ada/staff", sql])?;
    let (out, err) = (
        String::from_utf8(output.stdout)?,
        String::from_utf8(output.stderr)?,
    );
    Ok((format!("{out}{err}"), output.status.code()))
}

#[test]
fn policies_role_and_catalog_come_from_the_configuration() -> Result<()> {
    let site = Site::start("info")?;
    let (reported, code) = page(&site, "SELECT name, email FROM customers")?;
    ensure!(code == Some(0), "{reported}");
    has(
        &reported,
        &[
            "result 1 name (text) from public.customers.name",
            "2 email (text) from public.customers.email",
            "outcome permitted",
        ],
    )?;
    ensure!(
        reported.contains("               mask-columns: ") && reported.contains("deny-list"),
        "{reported}"
    );
    site.prepare("\\connect shop\nREVOKE SELECT ON customers FROM keeper; REVOKE SELECT ON customers FROM reader")?;
    let (reported, code) = page(&site, "SELECT name FROM customers")?;
    ensure!(code == Some(0), "something was executed: {reported}");
    // The role and its settings are those of the grant, not of the service role that reads the catalog.
    site.prepare(
        "\\connect shop\nCREATE SCHEMA own; GRANT USAGE ON SCHEMA own TO reader;
         CREATE TABLE own.customers (nick text);
         ALTER ROLE reader IN DATABASE shop SET search_path = own",
    )?;
    let (reported, _) = page(&site, "SELECT nick FROM customers")?;
    ensure!(
        reported.contains("1 nick (text) from own.customers.nick"),
        "{reported}"
    );
    Ok(())
}

#[test]
fn refusals_match_those_of_the_gateway() -> Result<()> {
    let site = Site::start("info")?;
    site.prepare("GRANT keeper TO reader")?;
    let psql = site.psql(&site.issuer.token("ada", &["staff"])?)?;
    for sql in [
        "SET ROLE keeper",
        "SET SESSION AUTHORIZATION keeper",
        "SELECT set_config('role', 'keeper', false)",
        "DO $$ BEGIN EXECUTE 'SET ' || 'ROLE keeper'; END $$",
        "SELECT upper(email) FROM customers",
        "COPY customers TO PROGRAM 'cat'",
    ] {
        let output = explain(
            &site,
            &["--database", "shop", "--as", "ada/staff", "--json", sql],
        )?;
        let reported: Value =
            serde_json::from_slice(&output.stdout).with_context(|| format!("{sql}: {output:?}"))?;
        let refusal = match &reported[0]["refusal"] {
            Value::Null => &reported[0]["result"]["refusal"],
            refusal => refusal,
        };
        let message = refusal["message"]
            .as_str()
            .with_context(|| format!("{sql}: {reported:#}"))?;
        let met = psql.script(&format!("{sql};"))?.stderr;
        ensure!(
            met.contains(&format!("ERROR:  {message}\n")),
            "{sql}: explained as \"{message}\", met with: {met}"
        );
        ensure!(output.status.code() == Some(3), "{sql}: {reported:#}");
        let locked =
            message.contains("set by the gateway") || message.contains("could change the role");
        ensure!(
            locked == sql.contains("keeper")
                && reported[0]["verdicts"]
                    .as_array()
                    .is_some_and(|said| said.len() == 2),
            "{sql}: {reported:#}"
        );
    }
    Ok(())
}

#[test]
fn a_rejected_identity_gets_the_error_of_the_gateway() -> Result<()> {
    let site = Site::start("info")?;
    let met = site
        .psql(&site.issuer.token("eve", &["visitors"])?)?
        .script("SELECT 1;")?
        .stderr;
    let output = explain(
        &site,
        &["--database", "shop", "--as", "eve/visitors", "SELECT 1"],
    )?;
    let reported = String::from_utf8(output.stderr)?;
    let message = "no grant allows eve to connect to database \"shop\"";
    ensure!(
        output.status.code() == Some(3) && reported.contains(message) && met.contains(message),
        "{reported}\n{met}"
    );
    ensure!(output.stdout.is_empty());
    Ok(())
}

#[test]
fn usage_errors_are_distinguished_from_refusals() -> Result<()> {
    let site = Site::start("info")?;
    for (arguments, code, says) in [
        (&["--as", "ada/staff", "SELECT 1"][..], 2, "--database"),
        (&["--database", "shop", "SELECT 1"], 2, "--as"),
        (
            &["--database", "shop", "--as", "/staff", "SELECT 1"],
            2,
            "USER/GROUPS",
        ),
        (
            &[
                "--database",
                "shop",
                "--as",
                "ada/staff",
                "--upstream",
                "postgres://x@y/z",
                "SELECT 1",
            ],
            2,
            "cannot be used with",
        ),
        (
            &[
                "--database",
                "shop",
                "--as",
                "ada/staff",
                "--issuer",
                "https://elsewhere.example",
                "SELECT 1",
            ],
            1,
            "https://elsewhere.example",
        ),
    ] {
        let output = explain(&site, arguments)?;
        let error = String::from_utf8(output.stderr)?;
        ensure!(
            output.status.code() == Some(code) && error.contains(says),
            "{arguments:?}: {error}"
        );
    }
    site.edit(|text| text.replace("[admin]", "[amdin]"))?;
    let (reported, code) = page(&site, "SELECT 1")?;
    ensure!(code == Some(1) && reported.contains("amdin"), "{reported}");
    Ok(())
}

#[test]
fn issuers_are_distinguished() -> Result<()> {
    let site = Site::start("info")?;
    let first = site.issuer.url.clone();
    site.edit(|text| {
        text.replace("[[grant]]", &format!("[[grant]]\nissuers = [\"{first}\"]"))
            + "\n[[issuer]]\nurl = \"https://second.example\"\naudience = \"gatewright\"\n"
    })?;
    let asked = |issuer: &[&str]| -> Result<(Option<i32>, String)> {
        let arguments = [
            &["--database", "shop", "--as", "ada/staff", "SELECT 1"],
            issuer,
        ];
        let output = explain(&site, &arguments.concat())?;
        Ok((output.status.code(), String::from_utf8(output.stderr)?))
    };
    let (code, error) = asked(&[])?;
    ensure!(
        code == Some(1)
            && error.contains("--issuer")
            && error.contains(&first)
            && error.contains("https://second.example"),
        "{error}"
    );
    let (code, error) = asked(&["--issuer", &first])?;
    ensure!(code == Some(0), "{error}");
    let (code, error) = asked(&["--issuer", "https://second.example"])?;
    ensure!(
        code == Some(3) && error.contains("no grant allows"),
        "{error}"
    );
    Ok(())
}
