//! Plays an entry against one address and records every byte received.

use anyhow::{Context, Result};
use gatewright_harness::{Dsn, Psql};
use gatewright_tests::raw::{self, Client, Message};

use crate::corpus::{Entry, Kind, Step};

/// How steps are sent unless they say otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    Simple,
    /// Extended protocol, text results.
    Text,
    /// Extended protocol, binary results.
    Binary,
}

/// The SQLSTATE of a refusal.
pub const REFUSED: &str = "42501";

pub const MODES: [Mode; 3] = [Mode::Simple, Mode::Text, Mode::Binary];

/// What the client received.
#[derive(Debug, Default)]
pub struct Received {
    pub messages: Vec<Message>,
    /// Whether the gateway or the server closed the connection.
    pub ended: bool,
}

impl Received {
    /// All bytes, then all values again without what is between them: a value may arrive one character per row.
    pub fn bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for message in &self.messages {
            bytes.push(message.tag);
            bytes.extend_from_slice(&message.without_decision());
        }
        bytes.push(0);
        for message in &self.messages {
            match message.tag {
                b'D' => cells(&message.body)
                    .into_iter()
                    .flatten()
                    .for_each(|cell| bytes.extend_from_slice(cell)),
                b'd' => bytes.extend_from_slice(&message.body),
                _ => {}
            }
        }
        bytes
    }

    /// The SQLSTATE and message of each error.
    pub fn errors(&self) -> Vec<(String, String)> {
        self.messages
            .iter()
            .filter(|message| message.tag == b'E')
            .map(|message| {
                let mut fields = message.fields();
                let mut take = |code| fields.remove(&code).unwrap_or_default();
                (take('C'), take('M'))
            })
            .collect()
    }

    /// What distinguishes replies, without the text of the guess.
    pub fn answer(&self, question: &str) -> Vec<(u8, String)> {
        let mut parts: Vec<(u8, String)> = self
            .messages
            .iter()
            .filter(|message| message.tag != b'E')
            .map(|message| (message.tag, format!("{:?}", message.body)))
            .collect();
        for (code, message) in self.errors() {
            // The gateway's refusals do not quote the statement; the server's errors do.
            let message = match code.as_str() {
                REFUSED => message,
                _ => message.replace(question, ""),
            };
            parts.push((b'E', format!("{code} {message}")));
        }
        parts
    }
}

/// The values of a DataRow; `None` is NULL.
pub fn cells(body: &[u8]) -> Vec<Option<&[u8]>> {
    let mut rest = body.get(2..).unwrap_or_default();
    let mut cells = Vec::new();
    while let Some((length, after)) = rest.split_at_checked(4) {
        let length = i32::from_be_bytes([length[0], length[1], length[2], length[3]]);
        let Some((value, next)) = after.split_at_checked(usize::try_from(length).unwrap_or(0))
        else {
            break;
        };
        cells.push((length >= 0).then_some(value));
        rest = next;
    }
    cells
}

/// Plays all steps. `guess` replaces `{guess}`; setup steps run at `direct`.
pub fn play(
    entry: &Entry,
    dsn: &Dsn,
    direct: &Dsn,
    mode: Mode,
    guess: Option<&str>,
) -> Result<Received> {
    let mut received = Received::default();
    for step in entry.steps.iter().filter(|step| step.kind == Kind::Setup) {
        Psql::new(direct)?.query(&step.sql)?;
    }
    let mut player = Player {
        client: Client::connect(dsn)?,
        other: None,
        direct,
        mode,
    };
    let outcome = player.steps(entry, dsn, guess, &mut received);
    match outcome {
        Err(error) if error.to_string().contains("closed the connection") => received.ended = true,
        Err(error) if is_reset(&error) => received.ended = true,
        other => other.with_context(|| format!("{mode:?}"))?,
    }
    Ok(received)
}

fn is_reset(error: &anyhow::Error) -> bool {
    let kind = error
        .downcast_ref::<std::io::Error>()
        .map(std::io::Error::kind);
    matches!(
        kind,
        Some(std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe)
    )
}

struct Player<'a> {
    client: Client,
    other: Option<Client>,
    direct: &'a Dsn,
    mode: Mode,
}

impl Player<'_> {
    fn steps(
        &mut self,
        entry: &Entry,
        dsn: &Dsn,
        guess: Option<&str>,
        received: &mut Received,
    ) -> Result<()> {
        if !entry.alone {
            self.client.query("BEGIN")?;
        }
        for step in entry.steps.iter().filter(|step| step.kind != Kind::Setup) {
            let sql = guess.map_or_else(
                || step.sql.clone(),
                |guess| step.sql.replace("{guess}", guess),
            );
            if !entry.alone {
                self.client.query("SAVEPOINT step")?;
            }
            if step.kind == Kind::Direct {
                Psql::new(self.direct)?.query(&sql)?;
                continue;
            }
            let bytes = self.bytes(step, &sql)?;
            let replies = match step.kind {
                Kind::Queries => sql.split("\n--&\n").count(),
                _ => 1,
            };
            let ready = if step.kind == Kind::Other {
                if self.other.is_none() {
                    self.other = Some(Client::connect(dsn)?);
                }
                let other = self.other.as_mut().context("connected above")?;
                exchange(other, &bytes, &step.data, replies, received)?
            } else {
                exchange(&mut self.client, &bytes, &step.data, replies, received)?
            };
            if !entry.alone && ready == b'E' {
                self.client.query("ROLLBACK TO SAVEPOINT step")?;
            }
        }
        // Notifications arrive with the next reply.
        for client in [Some(&mut self.client), self.other.as_mut()]
            .into_iter()
            .flatten()
        {
            received.messages.extend(client.query("SELECT")?);
        }
        if !entry.alone {
            self.client.query("ROLLBACK")?;
        }
        Ok(())
    }

    fn bytes(&self, step: &Step, sql: &str) -> Result<Vec<u8>> {
        let parameters: Vec<Option<&str>> = step
            .parameters
            .iter()
            .map(|value| Some(value.as_str()))
            .collect();
        let format = u8::from(self.mode == Mode::Binary);
        Ok(match &step.kind {
            Kind::Parse(name) => [raw::parse(name, sql), raw::sync()].concat(),
            Kind::Execute(name) => [
                raw::bind("", name, &parameters, format),
                raw::describe(b'P', ""),
                raw::execute("", 0),
                raw::sync(),
            ]
            .concat(),
            Kind::Bind(name) => [
                raw::parse("", sql),
                raw::bind(name, "", &parameters, format),
                raw::sync(),
            ]
            .concat(),
            Kind::Close(kind, name) => [raw::close(*kind, name), raw::sync()].concat(),
            Kind::Portal(name) => [raw::execute(name, 0), raw::sync()].concat(),
            Kind::Pipeline => {
                let statements = sql.split("\n--&\n");
                let mut bytes: Vec<u8> = statements
                    .flat_map(|statement| raw::extended(statement, &parameters, format))
                    .collect();
                bytes.extend(raw::sync());
                bytes
            }
            Kind::Queries => sql.split("\n--&\n").flat_map(raw::query).collect(),
            Kind::Call => self.call(sql, &parameters)?,
            _ if self.mode == Mode::Simple && parameters.is_empty() => raw::query(sql),
            _ => [raw::extended(sql, &parameters, format), raw::sync()].concat(),
        })
    }

    fn call(&self, signature: &str, parameters: &[Option<&str>]) -> Result<Vec<u8>> {
        let sql = format!("SELECT '{signature}'::regprocedure::oid");
        let number: u32 = Psql::new(self.direct)?.query(&sql)?.parse()?;
        let mut body = number.to_be_bytes().to_vec();
        body.extend_from_slice(&[0, 0]);
        body.extend_from_slice(&u16::try_from(parameters.len())?.to_be_bytes());
        for value in parameters.iter().flatten() {
            body.extend_from_slice(&u32::try_from(value.len())?.to_be_bytes());
            body.extend_from_slice(value.as_bytes());
        }
        body.extend_from_slice(&[0, 0]);
        Ok(raw::message(b'F', &[&body]))
    }
}

/// Sends the bytes, records all replies up to the last of so many ReadyForQuery, and returns its status.
fn exchange(
    client: &mut Client,
    bytes: &[u8],
    data: &str,
    mut replies: usize,
    received: &mut Received,
) -> Result<u8> {
    client.send(bytes)?;
    loop {
        let message = client.receive()?;
        let (tag, state) = (message.tag, message.body.first().copied());
        received.messages.push(message);
        match (tag, state) {
            (b'Z', Some(state)) => {
                replies -= 1;
                if replies == 0 {
                    return Ok(state);
                }
            }
            (b'G', _) => {
                let mut answer = raw::message(b'd', &[data.as_bytes()]);
                answer.extend(raw::message(b'c', &[]));
                if bytes.first() != Some(&b'Q') {
                    // The Sync after Execute was consumed by the COPY (protocol: COPY Operations).
                    answer.extend(raw::sync());
                }
                client.send(&answer)?;
            }
            _ => {}
        }
    }
}
