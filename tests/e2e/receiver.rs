//! A receiver of webhooks: an HTTP server that takes messages, or refuses them, and keeps what came.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::{Context, Result, bail, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use serde_json::Value;

use crate::world::eventually;

/// The example of Standard Webhooks.
pub const SECRET: &str = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

/// A server that takes messages, and answers with an error as often as it is told.
pub struct Receiver {
    port: u16,
    pub refusals: Arc<AtomicUsize>,
    seen: Arc<Mutex<Vec<Message>>>,
}

/// A request as it came, and whether it was taken.
#[derive(Debug, Clone)]
pub struct Message {
    head: String,
    pub body: String,
    pub taken: bool,
}

impl Receiver {
    pub fn start(refusals: usize) -> Result<Self> {
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

    pub fn url(&self) -> String {
        format!("http://127.0.0.1:{}/canary-path", self.port)
    }

    /// A webhook that leads here, with these keys.
    pub fn table(&self, keys: &str) -> String {
        format!(
            "\n[[webhook]]\nname = \"audit\"\nurl = \"{}\"\nsecret = \"{SECRET}\"\n{keys}\n",
            self.url()
        )
    }

    pub fn seen(&self) -> Vec<Message> {
        let seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        seen.clone()
    }

    /// The messages that were taken, once there are so many.
    pub fn taken(&self, count: usize) -> Result<Vec<Value>> {
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

impl Message {
    /// Verifies the signature as docs/approvals.md says.
    pub fn is_signed(&self) -> Result<bool> {
        let key = BASE64_STANDARD.decode(SECRET.trim_start_matches("whsec_"))?;
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &key);
        let of = |name| header(&self.head, name);
        let (id, timestamp) = (of("webhook-id")?, of("webhook-timestamp")?);
        let signed = format!("{id}.{timestamp}.{}", self.body);
        let signature = of("webhook-signature")?;
        let signature = signature.strip_prefix("v1,").context("version 1")?;
        let signature = BASE64_STANDARD.decode(signature)?;
        Ok(ring::hmac::verify(&key, signed.as_bytes(), &signature).is_ok())
    }

    pub fn id(&self) -> Result<&str> {
        header(&self.head, "webhook-id")
    }
}
