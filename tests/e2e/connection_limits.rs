//! Limits on connections, sessions, times and message lengths. A client that exceeds one receives an error naming it.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use gatewright_harness::Psql;
use gatewright_tests::raw::{self, error, tags};

use crate::served::Served;
use crate::world::eventually;

#[test]
fn the_total_number_of_sessions_is_limited() -> Result<()> {
    let served = Served::start("bound_all", "max_connections = 2", "")?;
    let first = served.client("ada")?;
    let _second = served.client("grace")?;
    let error_text = served.refusal("joan")?;
    assert!(
        error_text.contains("53300") && error_text.contains("max_connections)"),
        "{error_text}"
    );
    drop(first);
    eventually("a session slot is free again", || {
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
fn the_sessions_of_one_identity_are_limited() -> Result<()> {
    let served = Served::start("bound_identity", "max_connections_per_identity = 1", "")?;
    let mut ada = served.client("ada")?;
    let error_text = served.refusal("ada")?;
    assert!(
        error_text.contains("53300") && error_text.contains("max_connections_per_identity"),
        "{error_text}"
    );
    let _grace = served.client("grace")?;
    assert_eq!(tags(&ada.query("SELECT 1")?), "TDCZ");
    Ok(())
}

#[test]
fn the_sessions_of_one_database_are_limited() -> Result<()> {
    let served = Served::start("bound_database", "", "max_connections = 1")?;
    let first = served.client("ada")?;
    let error_text = served.refusal("grace")?;
    assert!(
        error_text.contains("53300") && error_text.contains("database \\\"here\\\""),
        "{error_text}"
    );
    drop(first);
    eventually("the session slot is free again", || {
        Ok(served.client("grace").is_ok())
    })
}

/// Reads until the gateway closes the connection: its final error.
fn final_error(stream: &mut TcpStream) -> Result<String> {
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[test]
fn unauthenticated_connections_are_limited() -> Result<()> {
    let served = Served::start("bound_handshakes", "max_handshakes = 2", "")?;
    let mut session = served.client("ada")?;
    let mut silent = (0..3)
        .map(|_| TcpStream::connect(("127.0.0.1", served.port)))
        .collect::<std::io::Result<Vec<_>>>()?;
    // Several threads accept, so any of the three connections may be the one over the limit.
    let mut error_text = String::new();
    eventually("one connection is refused", || {
        for stream in &mut silent {
            stream.set_nonblocking(true)?;
            let mut first = [0];
            if stream.read(&mut first).is_ok() {
                stream.set_nonblocking(false)?;
                error_text = final_error(stream)?;
            }
        }
        Ok(!error_text.is_empty())
    })?;
    assert!(
        error_text.contains("53300") && error_text.contains("max_handshakes"),
        "{error_text}"
    );
    assert_eq!(tags(&session.query("SELECT 1")?), "TDCZ");
    drop(silent);
    eventually("the connections are closed", || {
        Ok(served.client("ada").is_ok())
    })
}

#[test]
fn a_silent_connection_times_out() -> Result<()> {
    let served = Served::start("bound_silent", "handshake_timeout = \"1s\"", "")?;
    let mut silent = TcpStream::connect(("127.0.0.1", served.port))?;
    let error_text = final_error(&mut silent)?;
    assert!(error_text.contains("handshake_timeout"), "{error_text}");
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
fn a_client_that_sends_no_password_times_out() -> Result<()> {
    use std::io::Write;
    let served = Served::start("bound_password", "authentication_timeout = \"1s\"", "")?;
    let mut stream = TcpStream::connect(("127.0.0.1", served.port))?;
    stream.write_all(&startup("ada"))?;
    let error_text = final_error(&mut stream)?;
    assert!(
        error_text.contains("57014") && error_text.contains("authentication_timeout"),
        "{error_text}"
    );
    Ok(())
}

#[test]
fn a_server_that_never_answers_the_login_times_out() -> Result<()> {
    // The kernel accepts connections to this listener, but nothing reads from them.
    let unresponsive = TcpListener::bind(("127.0.0.1", 0))?;
    let host = format!("host = \"{}\"", unresponsive.local_addr()?);
    let served = Served::start_at("bound_login", "authentication_timeout = \"1s\"", &host)?;
    let error_text = served.refusal("ada")?;
    assert!(
        error_text.contains("57014") && error_text.contains("authentication_timeout"),
        "{error_text}"
    );
    Ok(())
}

#[test]
fn idle_sessions_time_out() -> Result<()> {
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
    let error = idle.receive()?;
    assert_eq!(error.fields()[&'C'], "57P05");
    assert!(error.fields()[&'M'].contains("idle_timeout"), "{error:?}");
    assert!(idle.receive().is_err(), "the connection is still open");
    assert_eq!(tags(&in_transaction.query("SELECT 1")?), "TDCZ");
    assert_eq!(tags(&waiting.until_ready()?), "TDCZ");
    Ok(())
}

#[test]
fn the_message_length_is_limited() -> Result<()> {
    let served = Served::start("bound_message", "max_message = \"64KiB\"", "")?;
    let mut client = served.client("ada")?;
    Psql::new(&served.direct)?.query("CREATE TABLE long (line text)")?;
    // COPY data is forwarded in chunks, whatever the length of its messages.
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
    let error = client.receive()?;
    let fields = error.fields();
    assert_eq!(
        (fields[&'S'].as_str(), fields[&'C'].as_str()),
        ("FATAL", "54000")
    );
    let text = fields.get(&'M').context("no message field")?;
    assert!(
        text.contains("max_message") && text.contains("65536"),
        "{text}"
    );
    Ok(())
}
