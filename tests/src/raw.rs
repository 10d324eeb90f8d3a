//! A blocking client for the frontend/backend protocol (PostgreSQL documentation, chapter 55).

use std::borrow::Cow;
use std::collections::HashMap;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use gatewright_harness::Dsn;
use postgres_protocol::authentication::sasl::{ChannelBinding, SCRAM_SHA_256, ScramSha256};

/// One backend message: its type byte, and its body without the length.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    pub tag: u8,
    pub body: Vec<u8>,
}

impl Message {
    /// The fields of an ErrorResponse or NoticeResponse by field type.
    pub fn fields(&self) -> HashMap<char, String> {
        self.body
            .split(|byte| *byte == 0)
            .filter_map(|field| {
                let (letter, text) = field.split_first()?;
                Some((
                    char::from(*letter),
                    String::from_utf8_lossy(text).into_owned(),
                ))
            })
            .collect()
    }

    /// The values of a DataRow as text; `None` is NULL.
    pub fn cells(&self) -> Vec<Option<String>> {
        let mut rest = self.body.get(2..).unwrap_or_default();
        let mut cells = Vec::new();
        while let Some((length, after)) = rest.split_at_checked(4) {
            let length = i32::from_be_bytes([length[0], length[1], length[2], length[3]]);
            let (value, next) = after.split_at(usize::try_from(length).unwrap_or(0));
            cells.push((length >= 0).then(|| String::from_utf8_lossy(value).into_owned()));
            rest = next;
        }
        cells
    }

    /// The body without its decision id, whose digits may look like a value.
    pub fn without_decision(&self) -> Cow<'_, [u8]> {
        const DECISION: &[u8] = br#""decision":""#;
        let at = self
            .body
            .windows(DECISION.len())
            .position(|window| window == DECISION);
        match at {
            Some(at) if self.tag == b'E' => {
                let mut body = self.body.clone();
                let start = at + DECISION.len();
                let length = body[start..].iter().position(|byte| *byte == b'"');
                body.drain(start..length.map_or(body.len(), |length| start + length));
                Cow::Owned(body)
            }
            _ => Cow::Borrowed(&self.body),
        }
    }

    /// The body up to its first NUL, for example the tag of a CommandComplete.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(
            self.body
                .split(|byte| *byte == 0)
                .next()
                .unwrap_or_default(),
        )
        .into_owned()
    }
}

/// The type bytes in order, to assert a conversation in one line.
pub fn tags(messages: &[Message]) -> String {
    messages
        .iter()
        .map(|message| char::from(message.tag))
        .collect()
}

/// The fields of the first ErrorResponse.
pub fn error(messages: &[Message]) -> Option<HashMap<char, String>> {
    messages
        .iter()
        .find(|message| message.tag == b'E')
        .map(Message::fields)
}

/// An authenticated connection.
pub struct Client {
    stream: TcpStream,
    buffer: Vec<u8>,
    start: usize,
    end: usize,
    byte_by_byte: bool,
    /// ParameterStatus messages as received.
    pub parameters: HashMap<String, String>,
    /// The body of BackendKeyData: process id and secret key.
    pub key: Vec<u8>,
}

impl Client {
    /// Connects and logs in with a cleartext password or SCRAM, whichever the server requests.
    pub fn connect(dsn: &Dsn) -> Result<Self> {
        Self::connect_with(dsn, &[])
    }

    /// Connects with additional startup parameters.
    pub fn connect_with(dsn: &Dsn, parameters: &[(&str, &str)]) -> Result<Self> {
        Self::open(dsn)?.start(dsn, parameters)
    }

    /// Connects, and writes every byte separately from the first on.
    pub fn connect_byte_by_byte(dsn: &Dsn) -> Result<Self> {
        let mut client = Self::open(dsn)?;
        client.byte_by_byte = true;
        client.start(dsn, &[])
    }

    fn open(dsn: &Dsn) -> Result<Self> {
        let stream = TcpStream::connect((dsn.host.as_str(), dsn.port))?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(60)))?;
        Ok(Self {
            stream,
            buffer: vec![0; 256 * 1024],
            start: 0,
            end: 0,
            byte_by_byte: false,
            parameters: HashMap::new(),
            key: Vec::new(),
        })
    }

    fn start(mut self, dsn: &Dsn, parameters: &[(&str, &str)]) -> Result<Self> {
        let mut body = 196_608_u32.to_be_bytes().to_vec();
        let given = [
            ("user", dsn.user.as_str()),
            ("database", dsn.database.as_str()),
        ];
        for (name, value) in given.iter().chain(parameters) {
            body.extend_from_slice(name.as_bytes());
            body.push(0);
            body.extend_from_slice(value.as_bytes());
            body.push(0);
        }
        body.push(0);
        self.send(
            &[
                &(u32::try_from(body.len())? + 4).to_be_bytes(),
                body.as_slice(),
            ]
            .concat(),
        )?;
        self.log_in(&dsn.password)?;
        Ok(self)
    }

    /// Sends bytes unchanged.
    pub fn send(&mut self, bytes: &[u8]) -> Result<()> {
        let pieces = bytes.chunks(if self.byte_by_byte { 1 } else { usize::MAX });
        for piece in pieces {
            self.stream
                .write_all(piece)
                .context("sending to the server")?;
        }
        Ok(())
    }

    /// Sends a Query and reads up to ReadyForQuery.
    pub fn query(&mut self, sql: &str) -> Result<Vec<Message>> {
        self.send(&query(sql))?;
        self.until_ready()
    }

    /// Reads up to the next ReadyForQuery, which is the last message returned.
    pub fn until_ready(&mut self) -> Result<Vec<Message>> {
        let mut messages = Vec::new();
        loop {
            let message = self.receive()?;
            let done = message.tag == b'Z';
            messages.push(message);
            if done {
                return Ok(messages);
            }
        }
    }

    /// Reads one message.
    pub fn receive(&mut self) -> Result<Message> {
        let (tag, total) = self.header()?;
        while self.end - self.start < total {
            self.fill(total)?;
        }
        let body = self.buffer[self.start + 5..self.start + total].to_vec();
        self.start += total;
        Ok(Message { tag, body })
    }

    /// Sends a Query and counts its result without keeping it: rows (DataRow and CopyData) and bytes.
    pub fn scan(&mut self, sql: &str) -> Result<(u64, u64)> {
        self.scan_message(&query(sql))
    }

    /// The same for messages that are answered by one ReadyForQuery.
    pub fn scan_message(&mut self, message: &[u8]) -> Result<(u64, u64)> {
        self.send(message)?;
        let (mut rows, mut bytes) = (0, 0);
        loop {
            let (tag, total) = self.header()?;
            match tag {
                b'D' | b'd' => rows += 1,
                b'E' => bail!("{:?}", self.receive()?.fields()),
                _ => {}
            }
            bytes += u64::try_from(total)?;
            self.skip(total)?;
            if tag == b'Z' {
                return Ok((rows, bytes));
            }
        }
    }

    /// Limits how long one read may wait.
    pub fn set_patience(&self, limit: Duration) -> Result<()> {
        Ok(self.stream.set_read_timeout(Some(limit))?)
    }

    /// The socket.
    pub fn stream(&self) -> &TcpStream {
        &self.stream
    }

    fn header(&mut self) -> Result<(u8, usize)> {
        while self.end - self.start < 5 {
            self.fill(5)?;
        }
        let header = &self.buffer[self.start..self.start + 5];
        let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
        ensure!(
            length >= 4,
            "message '{}' has length {length}",
            char::from(header[0])
        );
        Ok((header[0], usize::try_from(length)? + 1))
    }

    /// Reads once, after making room for `wanted` bytes from `start`.
    fn fill(&mut self, wanted: usize) -> Result<()> {
        if self.start > 0 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        if self.buffer.len() < wanted {
            self.buffer.resize(wanted, 0);
        }
        let read = self
            .stream
            .read(&mut self.buffer[self.end..])
            .context("waiting for the server")?;
        ensure!(read > 0, "the server closed the connection");
        self.end += read;
        Ok(())
    }

    fn skip(&mut self, mut count: usize) -> Result<()> {
        loop {
            let here = count.min(self.end - self.start);
            self.start += here;
            count -= here;
            if count == 0 {
                return Ok(());
            }
            self.fill(1)?;
        }
    }

    fn log_in(&mut self, password: &str) -> Result<()> {
        let mut scram = None;
        loop {
            let message = self.receive()?;
            match message.tag {
                b'R' => self.answer(&message.body, password, &mut scram)?,
                b'S' => {
                    let mut parts = message
                        .body
                        .split(|byte| *byte == 0)
                        .map(String::from_utf8_lossy);
                    if let (Some(name), Some(value)) = (parts.next(), parts.next()) {
                        self.parameters
                            .insert(name.into_owned(), value.into_owned());
                    }
                }
                b'K' => self.key = message.body,
                b'Z' => return Ok(()),
                b'E' => bail!("refused: {:?}", message.fields()),
                _ => {}
            }
        }
    }

    fn answer(
        &mut self,
        body: &[u8],
        password: &str,
        scram: &mut Option<ScramSha256>,
    ) -> Result<()> {
        let (kind, data) = body
            .split_at_checked(4)
            .context("an authentication request without a type")?;
        match u32::from_be_bytes([kind[0], kind[1], kind[2], kind[3]]) {
            0 => Ok(()),
            3 => self.send(&message(b'p', &[password.as_bytes(), &[0]])),
            10 => {
                let exchange = ScramSha256::new(password.as_bytes(), ChannelBinding::unsupported());
                let first = exchange.message();
                let length = i32::try_from(first.len())?.to_be_bytes();
                self.send(&message(
                    b'p',
                    &[SCRAM_SHA_256.as_bytes(), &[0], &length, first],
                ))?;
                *scram = Some(exchange);
                Ok(())
            }
            11 => {
                let exchange = scram
                    .as_mut()
                    .context("AuthenticationSASLContinue before AuthenticationSASL")?;
                exchange.update(data)?;
                let next = message(b'p', &[exchange.message()]);
                self.send(&next)
            }
            12 => Ok(scram
                .as_mut()
                .context("AuthenticationSASLFinal before AuthenticationSASL")?
                .finish(data)?),
            other => bail!("authentication method {other} is not supported by this client"),
        }
    }
}

/// A frontend message from its type byte and the parts of its body.
pub fn message(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length = 4 + parts.iter().map(|part| part.len()).sum::<usize>();
    let length = u32::try_from(length).unwrap_or(u32::MAX);
    let mut bytes = vec![tag];
    bytes.extend_from_slice(&length.to_be_bytes());
    for part in parts {
        bytes.extend_from_slice(part);
    }
    bytes
}

/// Query.
pub fn query(sql: &str) -> Vec<u8> {
    message(b'Q', &[sql.as_bytes(), &[0]])
}

/// Parse, with parameter types left to the server.
pub fn parse(name: &str, sql: &str) -> Vec<u8> {
    message(
        b'P',
        &[name.as_bytes(), &[0], sql.as_bytes(), &[0], &[0, 0]],
    )
}

/// Bind with text parameters; all result columns in `format` (0 text, 1 binary).
pub fn bind(portal: &str, statement: &str, parameters: &[Option<&str>], format: u8) -> Vec<u8> {
    let mut values = Vec::new();
    for parameter in parameters {
        match parameter {
            Some(value) => {
                values.extend_from_slice(
                    &u32::try_from(value.len()).unwrap_or(u32::MAX).to_be_bytes(),
                );
                values.extend_from_slice(value.as_bytes());
            }
            None => values.extend_from_slice(&(-1_i32).to_be_bytes()),
        }
    }
    let count = u16::try_from(parameters.len())
        .unwrap_or(u16::MAX)
        .to_be_bytes();
    let names = [portal.as_bytes(), &[0], statement.as_bytes(), &[0]].concat();
    message(
        b'B',
        &[&names, &[0, 0], &count, &values, &[0, 1, 0, format]],
    )
}

/// Describe a statement (`S`) or portal (`P`).
pub fn describe(kind: u8, name: &str) -> Vec<u8> {
    message(b'D', &[&[kind], name.as_bytes(), &[0]])
}

/// Execute; 0 rows means no limit.
pub fn execute(portal: &str, rows: u32) -> Vec<u8> {
    message(b'E', &[portal.as_bytes(), &[0], &rows.to_be_bytes()])
}

/// Close a statement (`S`) or portal (`P`).
pub fn close(kind: u8, name: &str) -> Vec<u8> {
    message(b'C', &[&[kind], name.as_bytes(), &[0]])
}

/// Sync.
pub fn sync() -> Vec<u8> {
    message(b'S', &[])
}

/// Flush.
pub fn flush() -> Vec<u8> {
    message(b'H', &[])
}

/// Parse, Bind, Describe and Execute of the unnamed statement, without Sync.
pub fn extended(sql: &str, parameters: &[Option<&str>], format: u8) -> Vec<u8> {
    [
        parse("", sql),
        bind("", "", parameters, format),
        describe(b'P', ""),
        execute("", 0),
    ]
    .concat()
}

/// Sends a CancelRequest with a key from BackendKeyData, on a new connection.
pub fn cancel(dsn: &Dsn, key: &[u8]) -> Result<()> {
    let mut stream = TcpStream::connect((dsn.host.as_str(), dsn.port))?;
    let length = u32::try_from(8 + key.len())?.to_be_bytes();
    stream.write_all(&[&length, &80_877_102_u32.to_be_bytes(), key].concat())?;
    // The server closes the connection after it has processed the request.
    stream.read_to_end(&mut Vec::new())?;
    Ok(())
}
