//! A receiver is told what becomes of a statement that is held, whatever happens to it and to the gateway.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use gatewright_tests::raw::{self, error};
use serde_json::Value;

use super::deployed::Deployed;
use super::stage::until_held;
use crate::world::eventually;

/// The example of Standard Webhooks.
const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A server that takes messages, and answers with an error as often as it is told.
struct Receiver {
    port: u16,
    refusals: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<Message>>>,
}

/// A request as it came, and whether it was taken.
#[derive(Debug, Clone)]
struct Message {
    head: String,
    body: String,
    taken: bool,
}

impl Receiver {
    fn start(refusals: usize) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let receiver = Receiver {
            port: listener.local_addr()?.port(),
            refusals: Arc::new(AtomicUsize::new(refusals)),
            seen: Arc::default(),
        };
        let (refusals, seen) = (Arc::clone(&receiver.refusals), Arc::clone(&receiver.seen));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                // A connection that the gateway's end cut off has no message.
                let _ = take(stream, &refusals, &seen);
            }
        });
        Ok(receiver)
    }

    /// A webhook that leads here, with these keys.
    fn table(&self, keys: &str) -> String {
        format!(
            "\n[[webhook]]\nname = \"audit\"\nurl = \"http://127.0.0.1:{}/canary-path\"\nsecret = \"{SECRET}\"\n{keys}\n",
            self.port
        )
    }

    fn seen(&self) -> Vec<Message> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }

    /// The messages that were taken, once there are so many.
    fn taken(&self, count: usize) -> Result<Vec<Value>> {
        let taken = || {
            let mut seen = self.seen();
            seen.retain(|message| message.taken);
            seen
        };
        eventually("the messages arrive", || Ok(taken().len() >= count))?;
        let bodies = taken()
            .into_iter()
            .map(|one| serde_json::from_str(&one.body));
        Ok(bodies.collect::<Result<_, _>>()?)
    }
}

fn take(mut stream: TcpStream, refusals: &AtomicUsize, seen: &Mutex<Vec<Message>>) -> Result<()> {
    let mut read = Vec::new();
    let mut chunk = [0; 4096];
    let (head, body) = loop {
        let length = stream.read(&mut chunk)?;
        ensure!(length > 0, "cut off");
        read.extend_from_slice(&chunk[..length]);
        let text = String::from_utf8(read.clone())?;
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let expected: usize = header(head, "content-length")?.parse()?;
        if body.len() >= expected {
            break (head.to_owned(), body.to_owned());
        }
    };
    let refuse = |left: usize| left.checked_sub(1);
    let refused = refusals.fetch_update(Ordering::SeqCst, Ordering::SeqCst, refuse);
    let taken = refused.is_err();
    let status = if taken {
        "200 OK"
    } else {
        "503 Service Unavailable"
    };
    let message = Message { head, body, taken };
    seen.lock()
        .unwrap_or_else(PoisonError::into_inner)
        .push(message);
    write!(
        stream,
        "HTTP/1.1 {status}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
    )?;
    Ok(())
}

fn header<'h>(head: &'h str, name: &str) -> Result<&'h str> {
    for line in head.lines() {
        if let Some((key, value)) = line.split_once(':')
            && key.eq_ignore_ascii_case(name)
        {
            return Ok(value.trim());
        }
    }
    bail!("no {name} in {head}")
}

/// As docs/approvals.md says.
fn verify(message: &Message) -> Result<bool> {
    let key = BASE64_STANDARD.decode(SECRET.trim_start_matches("whsec_"))?;
    let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
    let of = |name| header(&message.head, name);
    let signed = format!(
        "{}.{}.{}",
        of("webhook-id")?,
        of("webhook-timestamp")?,
        message.body
    );
    let signature = of("webhook-signature")?
        .strip_prefix("v1,")
        .context("version 1")?;
    let signature = BASE64_STANDARD.decode(signature)?;
    Ok(ring::hmac::verify(&key, signed.as_bytes(), &signature).is_ok())
}

fn kinds(messages: &[Value]) -> Vec<&str> {
    let kinds = messages
        .iter()
        .filter_map(|message| message["type"].as_str());
    kinds.collect()
}

#[test]
fn a_receiver_is_told_what_becomes_of_a_statement() -> Result<()> {
    let receiver = Receiver::start(2)?;
    let deployed = Deployed::start("webhooks_told", &receiver.table(""))?;
    let mut client = deployed.ada()?;
    client.send(&raw::query(
        "DELETE FROM t WHERE n = 4711 OR 'canary' = 'x' -- canary",
    ))?;
    let (_, held) = until_held(&mut client)?;
    receiver.taken(1)?;
    deployed.api()?.decide_about(&held, "approve")?;
    ensure!(error(&client.until_ready()?).is_none());
    let told = receiver.taken(4)?;
    let expected =
        ["requested", "approved", "claimed", "executed"].map(|kind| format!("approval.{kind}"));
    ensure!(kinds(&told) == expected, "{told:?}");
    ensure!(
        told.iter()
            .all(|message| message["request"]["id"] == held.as_str())
    );
    let text = "DELETE FROM t WHERE n = ? OR ? = ?";
    ensure!(
        told[0]["request"]["statement"]["text"] == text,
        "{}",
        told[0]
    );
    ensure!(told[1]["by"]["subject"] == "bob" && told[3]["request"]["decided_by"] == "bob");
    for message in receiver.seen() {
        ensure!(verify(&message)?, "{message:?}");
        let mut changed = message.clone();
        changed.body.push(' ');
        ensure!(!verify(&changed)?, "{message:?}");
        for value in ["4711", "canary", "ticket"] {
            ensure!(!message.body.contains(value), "{message:?}");
        }
    }
    // Neither the URL, which may be a secret, nor the key is logged.
    let log = deployed.gateway.log()?;
    ensure!(log.contains("the webhook could not be delivered"), "{log}");
    for secret in ["canary-path", SECRET.trim_start_matches("whsec_")] {
        ensure!(!log.contains(secret), "{log}");
    }
    Ok(())
}

/// Nothing was delivered before it was killed.
#[test]
fn what_a_killed_gateway_did_not_deliver_is_delivered_by_the_next() -> Result<()> {
    let receiver = Receiver::start(usize::MAX)?;
    let mut deployed = Deployed::start("webhooks_killed", &receiver.table("timeout = \"1s\""))?;
    let mut client = deployed.ada()?;
    client.send(&raw::query("DELETE FROM t"))?;
    let (_, held) = until_held(&mut client)?;
    deployed.api()?.decide_about(&held, "reject")?;
    ensure!(error(&client.until_ready()?).is_some());
    eventually("an attempt fails", || Ok(!receiver.seen().is_empty()))?;
    ensure!(receiver.seen().iter().all(|message| !message.taken));
    deployed.restart()?;
    receiver.refusals.store(0, Ordering::SeqCst);
    let told = receiver.taken(2)?;
    ensure!(
        kinds(&told) == ["approval.requested", "approval.rejected"],
        "{told:?}"
    );
    ensure!(told[1]["request"]["id"] == held.as_str() && told[1]["request"]["decided_by"] == "bob");
    Ok(())
}

/// The link to approve is there only because all of the statement is.
#[test]
fn a_chat_shows_a_whole_statement_where_it_may() -> Result<()> {
    let receiver = Receiver::start(0)?;
    let keys = "format = \"slack\"\nstatement = \"whole\"\nevents = [\"pending\", \"rejected\"]";
    let deployed = Deployed::start("webhooks_slack", &receiver.table(keys))?;
    let mut client = deployed.ada()?;
    for (sql, shown, approve) in [
        (
            "DELETE FROM t WHERE n = 4711",
            "DELETE FROM t WHERE n = 4711",
            true,
        ),
        (
            "DELETE FROM t -- <!channel> ```",
            "DELETE FROM t -- &lt;!channel&gt; [U+0060]",
            false,
        ),
    ] {
        let before = receiver.seen().len();
        client.send(&raw::query(sql))?;
        let (_, held) = until_held(&mut client)?;
        deployed.api()?.decide_about(&held, "reject")?;
        client.until_ready()?;
        let told = receiver.taken(before + 2)?;
        let asked = told[before].to_string();
        ensure!(asked.contains(shown), "{asked}");
        let link = format!("/requests/{held}?decide=approve");
        ensure!(asked.contains(&link) == approve, "{asked}");
        let ended = told[before + 1]["text"].as_str().context("a text")?;
        ensure!(ended.starts_with("*Rejected* by `bob`"), "{ended}");
    }
    ensure!(deployed.rows()? == "9");
    Ok(())
}
