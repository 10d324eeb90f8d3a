//! Connection start-up, up to ReadyForQuery.

use std::collections::HashMap;

use bytes::BytesMut;
use gatewright_wire::backend::{
    Authentication, BackendKeyData, ParameterStatus, ReadyForQuery, TransactionStatus,
};
use gatewright_wire::frame::{self, Side};
use gatewright_wire::startup::StartupMessage;
use gatewright_wire::{ErrorFields, build};
use secrecy::SecretString;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::auth::Login;
use super::{BackendKey, Connected, Endpoint, Target, UpstreamError, UpstreamStream};

/// Maximum length of a message during start-up, in bytes. Bounds the memory that an unauthenticated server can use.
const MAX_MESSAGE: usize = 1 << 20;

/// Maximum length of all start-up messages together, in bytes.
const MAX_GREETING: usize = 4 << 20;

/// A connection with its read buffer.
pub struct Link<S = UpstreamStream> {
    pub(super) stream: S,
    pub(super) buffer: BytesMut,
}

/// A message from the server.
pub struct Received {
    pub tag: u8,
    /// The complete message.
    pub(super) bytes: BytesMut,
}

impl Received {
    /// What follows the length.
    pub fn body(&self) -> &[u8] {
        self.bytes.get(frame::HEADER_BYTES..).unwrap_or_default()
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Link<S> {
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
        }
    }

    /// True when everything that was read has been taken.
    pub fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    /// Sends messages.
    ///
    /// # Errors
    /// The connection failed.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<(), UpstreamError> {
        self.stream.write_all(bytes).await?;
        self.stream.flush().await?;
        Ok(())
    }

    /// Reads the next message, whose length is at most `max`.
    ///
    /// # Errors
    /// The connection failed or ended, or this is no message.
    pub async fn receive(&mut self, max: usize) -> Result<Received, UpstreamError> {
        loop {
            if let Some(header) = frame::next_header(&self.buffer, Side::Backend, max)?
                && self.buffer.len() >= header.total()
            {
                return Ok(Received {
                    tag: header.tag,
                    bytes: self.buffer.split_to(header.total()),
                });
            }
            self.buffer.reserve(8192);
            if self.stream.read_buf(&mut self.buffer).await? == 0 {
                return Err(UpstreamError::Closed);
            }
        }
    }
}

/// Logs in and waits for ReadyForQuery. `parameters` are the client's startup parameters; user and database are taken
/// from the target.
pub(super) async fn start(
    stream: UpstreamStream,
    endpoint: Endpoint,
    target: &Target,
    password: Option<&SecretString>,
    parameters: &[(String, String)],
) -> Result<Connected, UpstreamError> {
    let mut link = Link::new(stream);
    let mut packet = BytesMut::new();
    startup_message(target, parameters).encode(&mut packet)?;
    link.send(&packet).await?;
    let mut greeting = Greeting::default();
    let mut login = Login::new(target, password, &link.stream);
    loop {
        let received = link.receive(MAX_MESSAGE).await?;
        match received.tag {
            b'R' if !login.done() => {
                if let Some(answer) = login.step(Authentication::decode(received.body())?)? {
                    link.send(&answer).await?;
                }
            }
            b'E' => return Err(server_error(target, received.body())),
            b'N' => greeting.keep(&received)?,
            b'S' if login.done() => {
                let status = ParameterStatus::decode(received.body())?;
                greeting.parameters.insert(
                    status.name.to_owned(),
                    String::from_utf8_lossy(status.value).into_owned(),
                );
                greeting.keep(&received)?;
            }
            b'K' if login.done() => {
                let key = BackendKeyData::decode(received.body())?;
                greeting.key = Some((key.pid, key.key.to_vec()));
            }
            b'Z' if login.done() => {
                let status = ReadyForQuery::decode(received.body())?.status;
                return greeting.finish(link, endpoint, status);
            }
            // Includes NegotiateProtocolVersion: the gateway requests 3.0 without options, so there is nothing to
            // negotiate.
            tag => return Err(UpstreamError::Unexpected { tag }),
        }
    }
}

fn startup_message(target: &Target, parameters: &[(String, String)]) -> StartupMessage {
    let own = [("user", &target.user), ("database", &target.dbname)];
    let own = own
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.clone()));
    let passed = parameters.iter().filter(|(name, _)| {
        !matches!(name.as_str(), "user" | "database" | "replication") && !name.starts_with("_pq_.")
    });
    StartupMessage {
        protocol: (3, 0),
        parameters: own.chain(passed.cloned()).collect(),
        protocol_options: Vec::new(),
    }
}

pub(super) fn server_error(target: &Target, body: &[u8]) -> UpstreamError {
    match ErrorFields::decode(body) {
        Ok(fields) => {
            let names_role = names(&fields, &target.user);
            UpstreamError::Server { fields, names_role }
        }
        Err(error) => error.into(),
    }
}

/// Whether an error tells the role's name, which the server puts in quotes, whatever its language. Text of the client's own
/// may be the same word.
fn names(error: &ErrorFields, role: &str) -> bool {
    const QUOTES: [char; 10] = ['"', '\'', '`', '«', '»', '„', '“', '”', '‘', '’'];
    let quoted = |text: &str| {
        let mut found = text.match_indices(role);
        found.any(|(at, _)| {
            let before = text.get(..at).unwrap_or_default().trim_end();
            before.ends_with(QUOTES)
        })
    };
    let mut texts = [b'M', b'D', b'H']
        .iter()
        .filter_map(|code| error.field(*code));
    !role.is_empty() && texts.any(quoted)
}

#[derive(Default)]
struct Greeting {
    bytes: Vec<u8>,
    parameters: HashMap<String, String>,
    key: Option<(i32, Vec<u8>)>,
}

impl Greeting {
    fn keep(&mut self, received: &Received) -> Result<(), UpstreamError> {
        if self.bytes.len() + received.bytes.len() > MAX_GREETING {
            return Err(UpstreamError::TooLarge {
                limit: MAX_GREETING,
            });
        }
        self.bytes.extend_from_slice(&received.bytes);
        Ok(())
    }

    fn finish(
        self,
        mut link: Link,
        endpoint: Endpoint,
        status: TransactionStatus,
    ) -> Result<Connected, UpstreamError> {
        // PostgreSQL always sends BackendKeyData; proxies in front of it may not.
        let (pid, secret) = self.key.unwrap_or_default();
        let leftover = link.buffer.split();
        Ok(Connected {
            stream: link.stream,
            greeting: self.bytes,
            parameters: self.parameters,
            key: BackendKey {
                pid,
                secret,
                endpoint,
            },
            status,
            leftover,
        })
    }
}

/// Sends Terminate and closes the connection.
pub(super) async fn terminate(mut stream: UpstreamStream) {
    let mut message = BytesMut::new();
    build::terminate(&mut message);
    let _ = stream.write_all(&message).await;
    let _ = stream.shutdown().await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_roles_name_is_told_from_other_words() {
        let error = |message: &str| ErrorFields::new("FATAL", "53300", message);
        for text in [
            "too many connections for role \"app\"",
            "trop de connexions pour le rôle «\u{a0}app\u{a0}»",
            "zu viele Verbindungen für Rolle »app«",
        ] {
            assert!(names(&error(text), "app"), "{text}");
            assert!(!names(&error(text), "postgres"), "{text}");
        }
        let mut options = error("invalid command-line argument for server process: postgres");
        options.set(b'H', "Try \"postgres --help\" for more information.");
        assert!(!names(&error("database is not app-like"), "app"));
        assert!(names(&options, "postgres"));
        assert!(!names(&options, "app"));
    }
}
