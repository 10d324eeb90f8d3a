//! `gatewright dev --console`: a newcomer opens the printed link, and decides.

use std::io::{Read, Write};
use std::net::TcpStream;

use anyhow::{Context, Result, ensure};
use gatewright_harness::GatewayCommand;
use gatewright_tests::raw::{self, error};

use super::stage::{DELETE, Stage, until_held};
use crate::world;

/// The answer to a request for this host.
fn send(address: &str, host: &str, line: &str, head: &str, body: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    let length = body.len();
    write!(
        stream,
        "{line} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\nContent-Length: {length}\r\n{head}\r\n{body}"
    )?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    Ok(answer)
}

fn between<'t>(text: &'t str, before: &str, after: &str) -> Result<&'t str> {
    let (_, rest) = text
        .split_once(before)
        .with_context(|| format!("no {before}"))?;
    Ok(rest.split_once(after).map_or(rest, |(found, _)| found))
}

#[test]
fn a_newcomer_decides_in_the_console() -> Result<()> {
    let arguments = ["--console", "127.0.0.1:0"];
    let stage = Stage::with_arguments("holding_trial", &[DELETE], (0, 0), &arguments)?;
    let mut printed = stage.gateway.printed().iter();
    let url = printed.find_map(|line| line.strip_prefix("console http://"));
    let (address, link) = url
        .and_then(|url| url.split_once('/'))
        .context("no line for the console")?;
    let line = format!("GET /{link}");
    // Another site that resolves to loopback gets nothing, and does not use it up.
    let rebound = send(address, "evil.example.com", &line, "", "")?;
    ensure!(rebound.starts_with("HTTP/1.1 421"), "{rebound}");
    let opened = send(address, address, &line, "", "")?;
    ensure!(opened.starts_with("HTTP/1.1 303"), "{opened}");
    let cookie = between(&opened, "set-cookie: ", ";")?;
    let head = format!("Cookie: {cookie}\r\n");
    let again = send(address, address, &line, "", "")?;
    ensure!(again.starts_with("HTTP/1.1 403"), "{again}");
    let mut client = stage.client()?;
    client.send(&raw::query("DELETE FROM t"))?;
    let (_, held) = until_held(&mut client)?;
    let shown = format!("/requests/{held}");
    let request = stage.api().request(&held)?;
    ensure!(request["state"] == "pending", "{request}");
    let form = send(
        address,
        address,
        &format!("GET {shown}?decide=approve"),
        &head,
        "",
    )?;
    let field = |name: &str| between(&form, &format!("name=\"{name}\" value=\""), "\"");
    let body = format!(
        "csrf={}&expected=pending&idempotency={}&reason=fine",
        field("csrf")?,
        field("idempotency")?
    );
    let head = format!("{head}Content-Type: application/x-www-form-urlencoded\r\n");
    let line = format!("POST {shown}/approve");
    let decided = send(address, address, &line, &head, &body)?;
    ensure!(decided.starts_with("HTTP/1.1 303"), "{decided}");
    ensure!(error(&client.until_ready()?).is_none());
    ensure!(stage.rows()? == "0");
    Ok(())
}

#[test]
fn the_trials_console_is_for_this_machine_only() -> Result<()> {
    let output = GatewayCommand::dev(&world::postgres()?.dsn())
        .arguments(["--console", "0.0.0.0:0"])
        .output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        !output.status.success() && said.contains("not a loopback address"),
        "{output:?}"
    );
    Ok(())
}
