//! What the gateway bears: connections, times and lengths. Whoever goes beyond is told which limit it was.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use gatewright_harness::Psql;
use gatewright_tests::raw::{self, error, tags};

use crate::served::Served;
use crate::world::eventually;

#[test]
fn sessions_in_all() -> Result<()> {
    let served = Served::start("bound_all", "max_connections = 2", "")?;
    let first = served.client("ada")?;
    let _second = served.client("grace")?;
    let told = served.refusal("joan")?;
    assert!(
        told.contains("53300") && told.contains("max_connections)"),
        "{told}"
    );
    drop(first);
    eventually("a place is free again", || {
        Ok(served.client("joan").is_ok())
    })?;
    served.reconfigure("max_connections = 2", "max_connections = 4")?;
    let mut more = Vec::new();
    eventually("the new limit is in force", || {
        more.extend(served.client("joan").ok());
        Ok(more.len() == 3)
    })?;
    served.refusal("joan")?;
    Ok(())
}

#[test]
fn sessions_of_one_identity() -> Result<()> {
    let served = Served::start("bound_identity", "max_connections_per_identity = 1", "")?;
    let mut ada = served.client("ada")?;
    let told = served.refusal("ada")?;
    assert!(
        told.contains("53300") && told.contains("max_connections_per_identity"),
        "{told}"
    );
    let _grace = served.client("grace")?;
    assert_eq!(tags(&ada.query("SELECT 1")?), "TDCZ");
    Ok(())
}

#[test]
fn sessions_with_one_database() -> Result<()> {
    let served = Served::start("bound_database", "", "max_connections = 1")?;
    let first = served.client("ada")?;
    let told = served.refusal("grace")?;
    assert!(
        told.contains("53300") && told.contains("database \\\"here\\\""),
        "{told}"
    );
    drop(first);
    eventually("the place is free again", || {
        Ok(served.client("grace").is_ok())
    })
}

/// Reads to the end: the one message of a gateway that closes a connection.
fn last_words(stream: &mut TcpStream) -> Result<String> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[test]
fn connections_that_have_not_logged_in() -> Result<()> {
    let served = Served::start("bound_handshakes", "max_handshakes = 2", "")?;
    let mut session = served.client("ada")?;
    let mut silent = (0..3)
        .map(|_| TcpStream::connect(("127.0.0.1", served.port)))
        .collect::<std::io::Result<Vec<_>>>()?;
    // Several threads accept, so any of the three may be the one too many.
    let mut told = String::new();
    eventually("one is turned away", || {
        for stream in &mut silent {
            stream.set_nonblocking(true)?;
            let mut first = [0];
            if stream.read(&mut first).is_ok() {
                stream.set_nonblocking(false)?;
                told = last_words(stream)?;
            }
        }
        Ok(!told.is_empty())
    })?;
    assert!(
        told.contains("53300") && told.contains("max_handshakes"),
        "{told}"
    );
    assert_eq!(tags(&session.query("SELECT 1")?), "TDCZ");
    drop(silent);
    eventually("they are gone", || Ok(served.client("ada").is_ok()))
}

#[test]
fn a_connection_that_says_nothing() -> Result<()> {
    let served = Served::start("bound_silent", "handshake_timeout = \"1s\"", "")?;
    let mut silent = TcpStream::connect(("127.0.0.1", served.port))?;
    let told = last_words(&mut silent)?;
    assert!(told.contains("handshake_timeout"), "{told}");
    Ok(())
}

fn startup(user: &str) -> Vec<u8> {
    let body = [
        &196_608_u32.to_be_bytes()[..],
        b"user\0",
        user.as_bytes(),
        b"\0database\0here\0\0",
    ]
    .concat();
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [&length.to_be_bytes()[..], &body].concat()
}

#[test]
fn a_client_that_gives_no_password() -> Result<()> {
    use std::io::Write;
    let served = Served::start("bound_password", "authentication_timeout = \"1s\"", "")?;
    let mut stream = TcpStream::connect(("127.0.0.1", served.port))?;
    stream.write_all(&startup("ada"))?;
    let told = last_words(&mut stream)?;
    assert!(
        told.contains("57014") && told.contains("authentication_timeout"),
        "{told}"
    );
    Ok(())
}

#[test]
fn a_server_that_never_answers_the_login() -> Result<()> {
    // Connections to it are taken by the kernel and never looked at.
    let deaf = TcpListener::bind(("127.0.0.1", 0))?;
    let host = format!("host = \"{}\"", deaf.local_addr()?);
    let served = Served::start_at("bound_login", "authentication_timeout = \"1s\"", &host)?;
    let told = served.refusal("ada")?;
    assert!(
        told.contains("57014") && told.contains("authentication_timeout"),
        "{told}"
    );
    Ok(())
}

#[test]
fn idle_sessions() -> Result<()> {
    let served = Served::start("bound_idle", "idle_timeout = \"1s\"", "")?;
    let mut idle = served.client("ada")?;
    let mut in_transaction = served.client("ada")?;
    in_transaction.query("BEGIN")?;
    let mut waiting = served.client("ada")?;
    waiting.send(&raw::query("SELECT pg_sleep(3)"))?;
    let mut busy = served.client("ada")?;
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(2500) {
        assert_eq!(tags(&busy.query("SELECT 1")?), "TDCZ");
        std::thread::sleep(Duration::from_millis(100));
    }
    let told = idle.receive()?;
    assert_eq!(told.fields()[&'C'], "57P05");
    assert!(told.fields()[&'M'].contains("idle_timeout"), "{told:?}");
    assert!(idle.receive().is_err(), "the connection is open");
    assert_eq!(tags(&in_transaction.query("SELECT 1")?), "TDCZ");
    assert_eq!(tags(&waiting.until_ready()?), "TDCZ");
    Ok(())
}

#[test]
fn messages() -> Result<()> {
    let served = Served::start("bound_message", "max_message = \"64KiB\"", "")?;
    let mut client = served.client("ada")?;
    Psql::new(&served.direct)?.query("CREATE TABLE long (line text)")?;
    // Data of COPY passes in pieces, whatever the length of its messages.
    client.send(&raw::query("COPY long FROM STDIN"))?;
    let line = [vec![b'x'; 1 << 20], b"\n".to_vec()].concat();
    client.send(&raw::message(b'd', &[&line]))?;
    client.send(&raw::message(b'c', &[]))?;
    let copied = client.until_ready()?;
    assert_eq!(error(&copied), None);
    let rows = client.query("SELECT length(line), line FROM long")?;
    assert_eq!(rows[1].cells()[0].as_deref(), Some("1048576"));
    let long = format!("SELECT 1 -- {}", "x".repeat(100_000));
    client.send(&raw::query(&long))?;
    let told = client.receive()?;
    let fields = told.fields();
    assert_eq!(
        (fields[&'S'].as_str(), fields[&'C'].as_str()),
        ("FATAL", "54000")
    );
    let text = fields.get(&'M').context("no text")?;
    assert!(
        text.contains("max_message") && text.contains("65536"),
        "{text}"
    );
    Ok(())
}
