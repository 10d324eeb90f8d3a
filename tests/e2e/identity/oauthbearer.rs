//! SASL OAUTHBEARER: libpq 18 logs in with it, and malformed exchanges open nothing.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use gatewright_harness::{Provider, locate};
use gatewright_tests::raw::{Message, message};
use serde_json::{Value, json};

use super::stage::{Plan, Stage};

const LISTEN: &str = "cleartext_password = \"loopback\"\nauthentication = \"oauthbearer\"";

fn stage(test: &str, listen: &str) -> Result<(Stage, Provider)> {
    let provider = Provider::start(&json!({ "ada": { "groups": ["staff"] } }))?;
    let plan = Plan {
        listen,
        listen_tables: "[listen.oauth]\nscope = \"openid groups\"",
        issuer: provider.url(),
        ..Plan::default()
    };
    Ok((Stage::start(test, tempfile::tempdir()?, &plan)?, provider))
}

/// The outcome of a connection by libpq 18 with this token.
fn libpq(stage: &Stage, issuer: &str, token: &str, more: &str) -> Result<Value> {
    let conninfo = format!(
        "host=127.0.0.1 port={} user=somebody dbname=shop oauth_issuer={issuer} oauth_client_id=gatewright {more}",
        stage.port
    );
    let output = Command::new(locate::python_with_psycopg()?)
        .arg(locate::workspace().join("tests/provider/libpq_oauth.py"))
        .arg(locate::libpq18()?)
        .args([&conninfo, token])
        // Allows libpq to use a provider without TLS.
        .env("PGOAUTHDEBUG", "UNSAFE")
        .output()?;
    ensure!(
        output.status.success(),
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(serde_json::from_slice(&output.stdout)?)
}

#[test]
fn libpq_18_logs_in() -> Result<()> {
    let (stage, provider) = stage("oauth_libpq", LISTEN)?;
    let token = provider.code_flow("ada")?.access;
    // It first connects without a token, is told the issuer, and connects again.
    let answer = libpq(&stage, provider.url(), &token, "")?;
    assert_eq!(answer["user"], stage.role, "{answer}");
    let document = format!("{}/.well-known/openid-configuration", provider.url());
    assert_eq!(answer["asked"], json!([[document, "openid groups"]]));

    let wrong = provider.access_token_for("ada", "billing", 600)?;
    let answer = libpq(&stage, provider.url(), &wrong, "")?;
    let error = answer["error"].as_str().context("the login succeeded")?;
    assert!(
        error.contains("audience") && !error.contains(&wrong),
        "{error}"
    );
    Ok(())
}

#[test]
fn a_client_may_choose_the_other_mechanism() -> Result<()> {
    let (passwords, provider) = stage("oauth_choice", "cleartext_password = \"loopback\"")?;
    let token = provider.access_token("ada")?;
    let choice = "options='-c gatewright.authentication=oauthbearer'";
    let answer = libpq(&passwords, provider.url(), &token, choice)?;
    assert_eq!(answer["user"], passwords.role, "{answer}");
    assert_eq!(passwords.role_of(&token)?, passwords.role);

    let (bearer, provider) = stage("oauth_chosen", LISTEN)?;
    let token = provider.access_token("ada")?;
    let without = bearer.psql(&token)?.script("SELECT 1;")?;
    assert!(
        without.code == Some(2) && without.stderr.contains("SASL"),
        "{without:?}"
    );
    let with = bearer
        .psql(&token)?
        .environment("PGOPTIONS", "-c gatewright.authentication=password");
    assert_eq!(with.query("SELECT current_user")?, bearer.role);
    Ok(())
}

/// A connection after its StartupMessage.
struct Wire(TcpStream);

impl Wire {
    fn connect(stage: &Stage) -> Result<Self> {
        let mut stream = TcpStream::connect(("127.0.0.1", stage.port))?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        let body = b"\0\x03\0\0user\0somebody\0database\0shop\0\0";
        let length = u32::try_from(body.len() + 4)?.to_be_bytes();
        stream.write_all(&[&length, &body[..]].concat())?;
        let mut wire = Self(stream);
        let offer = wire.receive()?;
        assert_eq!(
            (offer.tag, &offer.body[..]),
            (b'R', &b"\0\0\0\x0aOAUTHBEARER\0\0"[..])
        );
        Ok(wire)
    }

    fn receive(&mut self) -> Result<Message> {
        let mut header = [0; 5];
        self.0.read_exact(&mut header)?;
        let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
        let mut body = vec![0; usize::try_from(length)?.saturating_sub(4)];
        self.0.read_exact(&mut body)?;
        Ok(Message {
            tag: header[0],
            body,
        })
    }

    fn first(&mut self, mechanism: &str, data: &[u8]) -> Result<()> {
        let length = i32::try_from(data.len())?.to_be_bytes();
        let initial = message(b'p', &[mechanism.as_bytes(), &[0], &length, data]);
        Ok(self.0.write_all(&initial)?)
    }

    fn next(&mut self, data: &[u8]) -> Result<()> {
        Ok(self.0.write_all(&message(b'p', &[data]))?)
    }

    /// The data of an AuthenticationSASLContinue.
    fn challenge(&mut self) -> Result<Vec<u8>> {
        let got = self.receive()?;
        let data = got.body.strip_prefix(b"\0\0\0\x0b");
        Ok(data.with_context(|| format!("{got:?}"))?.to_vec())
    }

    /// SQLSTATE and message of the error that ends the connection.
    fn refusal(mut self) -> Result<(String, String)> {
        let got = self.receive()?;
        ensure!(got.tag == b'E', "{got:?}");
        let fields = got.fields();
        assert_eq!(fields[&'S'], "FATAL");
        assert_eq!(self.0.read(&mut [0])?, 0, "the connection is still open");
        Ok((fields[&'C'].clone(), fields[&'M'].clone()))
    }
}

#[test]
fn a_client_without_a_token_is_told_the_issuer() -> Result<()> {
    let (stage, provider) = stage("oauth_discovery", LISTEN)?;
    let mut wire = Wire::connect(&stage)?;
    wire.first("OAUTHBEARER", b"n,,\x01auth=\x01\x01")?;
    let status: Value = serde_json::from_slice(&wire.challenge()?)?;
    assert_eq!(
        status,
        json!({
            "status": "invalid_token",
            "openid-configuration": format!("{}/.well-known/openid-configuration", provider.url()),
            "scope": "openid groups",
        })
    );
    wire.next(b"\x01")?;
    assert_eq!(wire.refusal()?.0, "28000");

    let mut wire = Wire::connect(&stage)?;
    wire.first("OAUTHBEARER", b"n,,\x01auth=Bearer not-a-token\x01\x01")?;
    let again: Value = serde_json::from_slice(&wire.challenge()?)?;
    assert_eq!(again, status);
    wire.next(b"\x01")?;
    let (_, text) = wire.refusal()?;
    assert!(text.contains("not a token"), "{text}");
    Ok(())
}

#[test]
fn a_token_opens_a_session_with_and_without_an_initial_response() -> Result<()> {
    let (stage, provider) = stage("oauth_raw", LISTEN)?;
    let token = provider.access_token("ada")?;
    let data = format!("n,,\x01auth=Bearer {token}\x01\x01");
    let mut wire = Wire::connect(&stage)?;
    wire.first("OAUTHBEARER", data.as_bytes())?;
    assert_eq!(wire.receive()?.body, [0, 0, 0, 0]);

    let mut wire = Wire::connect(&stage)?;
    wire.0
        .write_all(&message(b'p', &[b"OAUTHBEARER\0", &(-1_i32).to_be_bytes()]))?;
    assert_eq!(wire.challenge()?, b"");
    wire.next(data.as_bytes())?;
    assert_eq!(wire.receive()?.body, [0, 0, 0, 0]);
    Ok(())
}

#[test]
fn malformed_exchanges_end_the_connection() -> Result<()> {
    let (stage, provider) = stage("oauth_forms", LISTEN)?;
    let token = provider.access_token("ada")?;
    let good = format!("n,,\x01auth=Bearer {token}\x01\x01");
    let forms = [
        ("SCRAM-SHA-256", good.clone()),
        ("oauthbearer", good.clone()),
        ("OAUTHBEARER", format!("n,,\x01auth=Bearer {token}\x01")),
        (
            "OAUTHBEARER",
            format!("n,a=root,\x01auth=Bearer {token}\x01\x01"),
        ),
        (
            "OAUTHBEARER",
            format!("p=tls-unique,,\x01auth=Bearer {token}\x01\x01"),
        ),
        ("OAUTHBEARER", format!("n,,\x01auth=Basic {token}\x01\x01")),
        ("OAUTHBEARER", token.clone()),
    ];
    for (mechanism, data) in forms {
        let mut wire = Wire::connect(&stage)?;
        wire.first(mechanism, data.as_bytes())?;
        let (sqlstate, text) = wire.refusal()?;
        assert_eq!(sqlstate, "08P01", "{text}");
        assert!(!text.contains(&token), "{text}");
    }
    // A PasswordMessage in place of a SASL message.
    let mut wire = Wire::connect(&stage)?;
    wire.0
        .write_all(&message(b'p', &[token.as_bytes(), &[0]]))?;
    assert_eq!(wire.refusal()?.0, "08P01");
    // A second token where the exchange must end.
    let mut wire = Wire::connect(&stage)?;
    wire.first("OAUTHBEARER", b"n,,\x01auth=\x01\x01")?;
    wire.challenge()?;
    wire.next(good.as_bytes())?;
    let ended = wire.refusal();
    assert!(ended.is_err() || ended.is_ok_and(|(sqlstate, _)| sqlstate == "08P01"));
    Ok(())
}
