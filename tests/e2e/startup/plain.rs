//! Connections without TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::Result;

use super::{GSSENC_REQUEST, Greeting, SSL_REQUEST, log_in, packet, receive, startup, value};
use crate::served::Served;

fn connect(served: &Served) -> Result<TcpStream> {
    let stream = TcpStream::connect(("127.0.0.1", served.port))?;
    stream.set_read_timeout(Some(Duration::from_secs(20)))?;
    Ok(stream)
}

fn begin(
    served: &Served,
    version: (u16, u16),
    more: &[(&str, &str)],
) -> Result<(TcpStream, Greeting)> {
    let mut stream = connect(served)?;
    let parameters = [&[("user", "ada"), ("database", "here")], more].concat();
    stream.write_all(&startup(version, &parameters))?;
    let greeting = log_in(&mut stream, &served.dsn("ada")?.password)?;
    Ok((stream, greeting))
}

#[test]
fn requests_for_unavailable_encryption_are_declined() -> Result<()> {
    let served = Served::start("open_none", "", "")?;
    let mut stream = connect(&served)?;
    for request in [GSSENC_REQUEST, SSL_REQUEST] {
        stream.write_all(&request)?;
        let mut answer = [0];
        stream.read_exact(&mut answer)?;
        assert_eq!(&answer, b"N");
    }
    stream.write_all(&startup((3, 0), &[("user", "ada"), ("database", "here")]))?;
    log_in(&mut stream, &served.dsn("ada")?.password)?;
    assert_eq!(value(&mut stream, "SELECT 7")?, "7");
    Ok(())
}

#[test]
fn protocol_versions_and_options_are_negotiated() -> Result<()> {
    let served = Served::start("open_versions", "", "")?;
    let (_, greeting) = begin(&served, (3, 0), &[])?;
    assert_eq!((greeting.negotiated, greeting.key.len()), (None, 8));
    let (mut newest, greeting) = begin(&served, (3, 2), &[])?;
    assert_eq!((greeting.negotiated, greeting.key.len()), (None, 36));
    assert_eq!(value(&mut newest, "SELECT 7")?, "7");
    let (_, greeting) = begin(&served, (3, 9), &[])?;
    let newest_is_3_2 = [0, 3, 0, 2, 0, 0, 0, 0];
    assert_eq!(greeting.negotiated.as_deref(), Some(&newest_is_3_2[..]));
    assert_eq!(greeting.key.len(), 36);
    let (mut stream, greeting) = begin(&served, (3, 0), &[("_pq_.colour", "red")])?;
    let unknown = [&[0, 3, 0, 0, 0, 0, 0, 1][..], b"_pq_.colour\0"].concat();
    assert_eq!(greeting.negotiated, Some(unknown));
    assert_eq!(value(&mut stream, "SELECT 7")?, "7");
    Ok(())
}

#[test]
fn every_ordinary_parameter_is_passed_on() -> Result<()> {
    let served = Served::start("open_parameters", "", "")?;
    let given = [
        ("application_name", "openings"),
        ("client_encoding", "LATIN1"),
        ("DateStyle", "SQL, DMY"),
        ("TimeZone", "Asia/Tokyo"),
        ("extra_float_digits", "2"),
        ("search_path", "elsewhere, public"),
        ("statement_timeout", "4321ms"),
        ("my.own", "setting"),
        ("options", "-c work_mem=3MB --geqo=off -c my.other=a\\ b"),
    ];
    let (mut stream, greeting) = begin(&served, (3, 0), &given)?;
    assert_eq!(greeting.parameters["application_name"], "openings");
    assert_eq!(greeting.parameters["client_encoding"], "LATIN1");
    assert_eq!(greeting.parameters["TimeZone"], "Asia/Tokyo");
    let expected = given[..8].iter().copied();
    let in_options = [("work_mem", "3MB"), ("geqo", "off"), ("my.other", "a b")];
    for (name, setting) in expected.chain(in_options) {
        assert_eq!(
            value(&mut stream, &format!("SHOW {name}"))?,
            setting,
            "{name}"
        );
    }
    let Err(reported) = begin(&served, (3, 0), &[("no_such_setting", "1")]) else {
        anyhow::bail!("an unknown parameter was accepted");
    };
    let reported = format!("{reported:#}");
    assert!(
        reported.contains("42704") && reported.contains("no_such_setting"),
        "{reported}"
    );
    Ok(())
}

/// The error sent in reply to these first bytes; nothing may follow it.
fn refused(served: &Served, bytes: &[u8]) -> Result<String> {
    let mut stream = connect(served)?;
    stream.write_all(bytes)?;
    let error = receive(&mut stream)?;
    assert_eq!(error.tag, b'E');
    let mut rest = Vec::new();
    stream.read_to_end(&mut rest)?;
    assert!(rest.is_empty(), "{rest:?}");
    let fields = error.fields();
    assert_eq!(fields[&'S'], "FATAL");
    Ok(format!("{} {}", fields[&'C'], fields[&'M']))
}

#[test]
fn invalid_startup_packets_are_refused() -> Result<()> {
    let served = Served::start("open_refused", "", "")?;
    let user = [("user", "ada"), ("database", "here")];
    let whole = startup((3, 0), &user);
    let unfinished = packet(&whole[4..whole.len() - 1]);
    let half_a_pair = packet(b"\0\x03\0\0user\0\0");
    let behind_the_end = packet(&[&whole[4..], b"more"].concat());
    let no_user = startup((3, 0), &[("database", "here")]);
    let twice = [GSSENC_REQUEST, GSSENC_REQUEST].concat();
    for (bytes, reported) in [
        (&b"\0\0\0\x03"[..], "08P01 invalid length of startup packet"),
        (b"\0\0\x27\x15", "08P01 invalid length of startup packet"),
        (
            b"GET / HTTP/1.1\r\n\r\n",
            "08P01 invalid length of startup packet",
        ),
        (
            &startup((2, 0), &user),
            "0A000 unsupported frontend protocol 2.0",
        ),
        (
            &startup((4, 0), &user),
            "0A000 unsupported frontend protocol 4.0",
        ),
        (&unfinished, "08P01 invalid startup packet"),
        (&half_a_pair, "08P01 invalid startup packet"),
        (&behind_the_end, "08P01 invalid startup packet"),
        (&no_user, "28000 no PostgreSQL user name"),
        (
            &packet(&[4, 210, 22, 46, 0, 0, 0, 1, 9]),
            "08P01 invalid length of cancel key",
        ),
    ] {
        let answer = refused(&served, bytes)?;
        assert!(answer.starts_with(reported), "{bytes:?}: {answer}");
    }
    let mut stream = connect(&served)?;
    stream.write_all(&twice)?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    assert!(answer.contains("08P01"), "{answer}");
    Ok(())
}

#[test]
fn replication_is_refused() -> Result<()> {
    let served = Served::start("open_replication", "", "")?;
    for value in ["true", "on", "yes", "1", "database", "DATABASE", "nonsense"] {
        let Err(reported) = begin(&served, (3, 0), &[("replication", value)]) else {
            anyhow::bail!("replication={value} was accepted");
        };
        let reported = format!("{reported:#}");
        assert!(
            reported.contains("0A000") && reported.contains("replication"),
            "{reported}"
        );
    }
    let (mut stream, _) = begin(&served, (3, 0), &[("replication", "false")])?;
    assert_eq!(value(&mut stream, "SELECT 7")?, "7");
    Ok(())
}
