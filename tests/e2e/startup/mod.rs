//! Connection start-up on real sockets: protocol versions, options, encryption, refusals and cancel requests.

mod cancel;
mod encrypted;
mod plain;

use std::collections::HashMap;
use std::io::{Read, Write};

use anyhow::{Context, Result, bail, ensure};
use gatewright_tests::raw::{self, Message};

pub const SSL_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 47];
pub const GSSENC_REQUEST: [u8; 8] = [0, 0, 0, 8, 4, 210, 22, 48];

/// A StartupMessage.
pub fn startup(version: (u16, u16), parameters: &[(&str, &str)]) -> Vec<u8> {
    let mut body = [version.0.to_be_bytes(), version.1.to_be_bytes()].concat();
    for (name, value) in parameters {
        for text in [name, value] {
            body.extend_from_slice(text.as_bytes());
            body.push(0);
        }
    }
    body.push(0);
    packet(&body)
}

/// A message without a type byte.
pub fn packet(body: &[u8]) -> Vec<u8> {
    let length = u32::try_from(body.len() + 4).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), body].concat()
}

/// A CancelRequest for a key as received in BackendKeyData.
pub fn cancel_request(key: &[u8]) -> Vec<u8> {
    packet(&[&80_877_102_u32.to_be_bytes(), key].concat())
}

pub fn receive(stream: &mut impl Read) -> Result<Message> {
    let mut header = [0; 5];
    stream
        .read_exact(&mut header)
        .context("waiting for a message")?;
    let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
    ensure!(length >= 4, "length {length}");
    let mut body = vec![0; usize::try_from(length)? - 4];
    stream.read_exact(&mut body)?;
    Ok(Message {
        tag: header[0],
        body,
    })
}

/// What the server sent during login.
#[derive(Default)]
pub struct Greeting {
    /// The body of NegotiateProtocolVersion, if it was sent.
    pub negotiated: Option<Vec<u8>>,
    /// The body of BackendKeyData.
    pub key: Vec<u8>,
    pub parameters: HashMap<String, String>,
}

/// Answers the password request and reads up to ReadyForQuery. A refusal is an error with its fields.
pub fn log_in(stream: &mut (impl Read + Write), password: &str) -> Result<Greeting> {
    let mut greeting = Greeting::default();
    loop {
        let message = receive(stream)?;
        match message.tag {
            b'v' => greeting.negotiated = Some(message.body),
            b'R' if message.body == [0, 0, 0, 3] => {
                stream.write_all(&raw::message(b'p', &[password.as_bytes(), &[0]]))?;
                stream.flush()?;
            }
            b'S' => {
                let text = String::from_utf8_lossy(&message.body).into_owned();
                let mut parts = text.split('\0');
                if let (Some(name), Some(value)) = (parts.next(), parts.next()) {
                    greeting
                        .parameters
                        .insert(name.to_owned(), value.to_owned());
                }
            }
            b'K' => greeting.key = message.body,
            b'Z' => return Ok(greeting),
            b'E' => bail!("refused: {:?}", message.fields()),
            _ => {}
        }
    }
}

/// Sends a Query and reads its replies up to ReadyForQuery.
pub fn query(stream: &mut (impl Read + Write), sql: &str) -> Result<Vec<Message>> {
    stream.write_all(&raw::query(sql))?;
    stream.flush()?;
    let mut messages = Vec::new();
    loop {
        messages.push(receive(stream)?);
        if messages.last().is_some_and(|message| message.tag == b'Z') {
            return Ok(messages);
        }
    }
}

/// The first value of a result.
pub fn value(stream: &mut (impl Read + Write), sql: &str) -> Result<String> {
    let messages = query(stream, sql)?;
    let row = messages.iter().find(|message| message.tag == b'D');
    let row = row.with_context(|| format!("{sql}: {:?}", raw::error(&messages)))?;
    row.cells().into_iter().next().flatten().context("NULL")
}
