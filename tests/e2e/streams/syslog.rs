//! Streams to syslog receivers, over every transport.

use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, UdpSocket};
use std::os::unix::net::UnixDatagram;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Version, certificates};
use serde_json::Value;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::{self, ServerConfig, ServerConnection, StreamOwned};

use super::fixture::{Streaming, assert_no_gap, assert_valid};

const WITHIN: Duration = Duration::from_secs(30);

fn start(test: &str, keys: &str) -> Result<Streaming> {
    let streams = format!(
        "[streams]\ndirectory = \"@/spool\"\n[[stream]]\nname = \"soc\"\nto = \"syslog\"\n{keys}"
    );
    Streaming::start(Version::Installed, test, &streams)
}

fn run(streaming: &Streaming) -> Result<()> {
    let mut client = streaming.served.client("ada")?;
    client.query("SELECT 'ä', 1")?;
    client.query("DROP TABLE customers")?;
    Ok(())
}

/// The event in a message of RFC 5424.
fn event(message: &str) -> Result<Value> {
    let (priority, rest) = message
        .strip_prefix('<')
        .and_then(|rest| rest.split_once('>'))
        .context("a priority")?;
    let mut parts = rest.splitn(8, ' ');
    let mut part = || parts.next().context("a part");
    ensure!(part()? == "1");
    let time: jiff::Timestamp = part()?.parse()?;
    let (_host, application) = (part()?, part()?);
    ensure!(
        application == "gatewright"
            && part()?.parse::<u32>().is_ok()
            && part()? == "statement"
            && part()? == "-"
    );
    let event: Value = serde_json::from_str(part()?)?;
    ensure!(event["time"] == time.as_millisecond());
    let is_refused = event["action"] == "Denied";
    ensure!(
        priority == if is_refused { "108" } else { "110" },
        "{message}"
    );
    Ok(event)
}

fn assert_events(messages: &[String]) -> Result<()> {
    let events: Vec<Value> = messages
        .iter()
        .map(|message| event(message))
        .collect::<Result<_>>()?;
    assert_valid(&events)?;
    assert_no_gap(&events)?;
    ensure!(events[0]["query_info"]["query_string"] == "SELECT 'ä', 1");
    ensure!(events[1]["action"] == "Denied");
    Ok(())
}

/// Messages whose octets are counted.
fn counted(reader: &mut impl BufRead, count: usize) -> Result<Vec<String>> {
    let mut messages = Vec::new();
    for _ in 0..count {
        let mut length = Vec::new();
        reader.read_until(b' ', &mut length)?;
        let length: usize = std::str::from_utf8(&length)?.trim().parse()?;
        let mut message = vec![0; length];
        reader.read_exact(&mut message)?;
        messages.push(String::from_utf8(message)?);
    }
    Ok(messages)
}

#[test]
fn over_udp_each_event_is_a_datagram() -> Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(WITHIN))?;
    let url = format!("url = \"udp://{}\"", socket.local_addr()?);
    let streaming = start("syslog_udp", &url)?;
    run(&streaming)?;
    let mut buffer = vec![0; 65536];
    let mut messages = Vec::new();
    for _ in 0..2 {
        let length = socket.recv(&mut buffer)?;
        messages.push(String::from_utf8(buffer[..length].to_vec())?);
    }
    assert_events(&messages)
}

#[test]
fn a_unix_socket_gets_datagrams() -> Result<()> {
    let folder = tempfile::tempdir()?;
    let path = folder.path().join("log");
    let socket = UnixDatagram::bind(&path)?;
    socket.set_read_timeout(Some(WITHIN))?;
    let streaming = start(
        "syslog_unix",
        &format!("url = \"unix://{}\"", path.display()),
    )?;
    run(&streaming)?;
    let mut buffer = vec![0; 65536];
    let mut messages = Vec::new();
    for _ in 0..2 {
        let length = socket.recv(&mut buffer)?;
        messages.push(String::from_utf8(buffer[..length].to_vec())?);
    }
    assert_events(&messages)
}

/// An event that is too long for a datagram goes without its texts, and does not hold up those behind it.
#[test]
fn what_is_too_long_for_a_datagram_is_cut() -> Result<()> {
    let socket = UdpSocket::bind("127.0.0.1:0")?;
    socket.set_read_timeout(Some(WITHIN))?;
    let url = format!("url = \"udp://{}\"", socket.local_addr()?);
    let streaming = start("syslog_long", &url)?;
    let mut client = streaming.served.client("ada")?;
    // Each of these is six bytes in JSON.
    client.query(&format!("SELECT '{}'", "\u{1}".repeat(20_000)))?;
    client.query("SELECT 2")?;
    let mut buffer = vec![0; 65536];
    let mut events = Vec::new();
    for _ in 0..2 {
        let length = socket.recv(&mut buffer)?;
        events.push(event(std::str::from_utf8(&buffer[..length])?)?);
    }
    assert_valid(&events)?;
    assert_no_gap(&events)?;
    ensure!(events[0]["metadata"]["is_truncated"] == true && events[0]["query_info"].is_null());
    ensure!(events[1]["query_info"]["query_string"] == "SELECT 2");
    Ok(())
}

/// A receiver that closes its connection gets what comes later on a new one.
#[test]
fn over_tcp_octets_are_counted_and_connections_are_made_again() -> Result<()> {
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let url = format!("url = \"tcp://{}\"", listener.local_addr()?);
    let streaming = start("syslog_tcp", &url)?;
    let mut messages = Vec::new();
    run(&streaming)?;
    for _ in 0..2 {
        let (connection, _) = listener.accept()?;
        connection.set_read_timeout(Some(WITHIN))?;
        messages.extend(counted(&mut BufReader::new(&connection), 2)?);
        drop(connection);
        run(&streaming)?;
    }
    assert_events(&messages[..2])?;
    let events: Vec<Value> = messages
        .iter()
        .map(|message| event(message))
        .collect::<Result<_>>()?;
    assert_no_gap(&events)
}

#[test]
fn over_tls_the_receiver_is_verified() -> Result<()> {
    let folder = tempfile::tempdir()?;
    certificates(folder.path())?;
    let server = |name: &str| folder.path().join(name);
    let chain: Vec<_> =
        CertificateDer::pem_file_iter(server("server.crt"))?.collect::<Result<_, _>>()?;
    let key = PrivateKeyDer::from_pem_file(server("server.key"))?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_no_client_auth()
        .with_single_cert(chain, key)?;
    let config = Arc::new(config);
    let listener = TcpListener::bind("0.0.0.0:0")?;
    let port = listener.local_addr()?.port();
    let keys = format!(
        "url = \"tls://localhost:{port}\"\nca = \"{}\"",
        server("ca.crt").display()
    );
    let streaming = start("syslog_tls", &keys)?;
    run(&streaming)?;
    let (connection, _) = listener.accept()?;
    connection.set_read_timeout(Some(WITHIN))?;
    let session = ServerConnection::new(Arc::clone(&config))?;
    let mut stream = BufReader::new(StreamOwned::new(session, connection));
    assert_events(&counted(&mut stream, 2)?)?;
    drop(stream);
    // The same certificate for another name.
    let keys = keys.replace("localhost", "127.0.0.2");
    let others = start("syslog_tls_other", &keys)?;
    run(&others)?;
    let (connection, _) = listener.accept()?;
    connection.set_read_timeout(Some(WITHIN))?;
    let session = ServerConnection::new(config)?;
    let mut stream = StreamOwned::new(session, connection);
    let mut byte = [0];
    ensure!(stream.read(&mut byte).is_err());
    Ok(())
}
