//! A gateway that records, and its record.

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use anyhow::{Context, Result, ensure};
use gatewright_contract::SessionId;
use gatewright_harness::{Dsn, GatewayCommand, Psql, Version};
use gatewright_record::Event;
use gatewright_record::directory::Directory;
use gatewright_record::session;
use tempfile::TempDir;

use crate::served::Served;
use crate::world::{bundled, database_of, eventually, postgres_of};

/// A gateway that records.
pub struct Recorded {
    pub served: Served,
    pub folder: TempDir,
    pub directory: PathBuf,
}

impl Recorded {
    /// `keys` of `[record]` besides the directory.
    pub fn start(version: Version, test: &str, keys: &str) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let directory = folder.path().join("record");
        Self::start_in(version, test, keys, folder, directory)
    }

    pub fn start_in(
        version: Version,
        test: &str,
        keys: &str,
        folder: TempDir,
        directory: PathBuf,
    ) -> Result<Self> {
        Self::start_beside(version, test, keys, "", Vec::new(), folder, directory)
    }

    /// The same with more sections of the configuration, in an environment with these variables.
    pub fn start_reaching(
        version: Version,
        test: &str,
        keys: &str,
        sections: &str,
        environment: Vec<(String, String)>,
    ) -> Result<Self> {
        let folder = tempfile::tempdir()?;
        let directory = folder.path().join("record");
        Self::start_beside(
            version,
            test,
            keys,
            sections,
            environment,
            folder,
            directory,
        )
    }

    /// The same, whose store and record are in this folder. `ISSUER` in the sections stands for that of the tokens.
    pub fn start_storing(
        version: Version,
        test: &str,
        keys: &str,
        sections: &str,
        folder: TempDir,
    ) -> Result<Self> {
        let directory = folder.path().join("record");
        let environment = Vec::new();
        Self::start_beside(
            version,
            test,
            keys,
            sections,
            environment,
            folder,
            directory,
        )
    }

    fn start_beside(
        version: Version,
        test: &str,
        keys: &str,
        others: &str,
        environment: Vec<(String, String)>,
        folder: TempDir,
        directory: PathBuf,
    ) -> Result<Self> {
        let policies = folder.path().join("policies");
        std::fs::create_dir(&policies)?;
        for name in ["deny-list", "mask-columns"] {
            std::fs::copy(bundled(name)?, policies.join(format!("{name}.wasm")))?;
        }
        let direct = database_of(version, test)?;
        Psql::new(&direct)?.query(
            "CREATE TABLE customers (id int PRIMARY KEY, name text, email text);
             INSERT INTO customers SELECT n, 'name ' || n, 'raw-canary-' || n || '@example.com' FROM generate_series(1, 200) n;
             CREATE TABLE notes (id int, note text)",
        )?;
        let sections = format!(
            r#"
[record]
directory = "{record}"
key_file = "{key}"
{keys}

{others}

[policies]
directory = "{policies}"

[policy.mask-columns.settings]
where = "result"
columns = [{{ column = "public.customers.email", method = "redact" }}]
"#,
            record = directory.display(),
            key = folder.path().join("log.key").display(),
            policies = policies.display(),
        );
        let entry = format!("host = \"127.0.0.1:{}\"", postgres_of(version)?.port());
        Ok(Recorded {
            served: Served::start_in(direct, "", &entry, &sections, environment)?,
            folder,
            directory,
        })
    }

    /// The events of all sessions of this subject, once they have ended.
    pub fn sessions(&self, count: usize) -> Result<Vec<(SessionId, Vec<Event<'static>>)>> {
        let mut sessions = Vec::new();
        eventually("the sessions are recorded", || {
            sessions = self.read()?;
            let ended = sessions
                .iter()
                .filter(|(_, events)| events.iter().any(|event| matches!(event, Event::Ended(_))));
            Ok(ended.count() == count)
        })?;
        Ok(sessions)
    }

    /// The events of all sessions as far as they are written.
    pub fn read(&self) -> Result<Vec<(SessionId, Vec<Event<'static>>)>> {
        sessions_in(&self.directory)
    }

    /// The output and the exit code of a command of the gateway that reads the record.
    pub fn command(&self, arguments: &[&str]) -> Result<(String, Option<i32>)> {
        let directory = self.directory.display().to_string();
        self.run(&[arguments, &["--directory", &directory]].concat())
    }

    /// The same of any command.
    pub fn run(&self, arguments: &[&str]) -> Result<(String, Option<i32>)> {
        let (verb, rest) = arguments.split_first().context("a command")?;
        let mut command = GatewayCommand::verb(verb);
        for argument in rest {
            command = command.argument(argument);
        }
        for (name, value) in self.served.environment() {
            command = command.environment(name, value);
        }
        let output = command.output()?;
        let errors = String::from_utf8_lossy(&output.stderr);
        let text = String::from_utf8(output.stdout)? + &errors;
        Ok((text, output.status.code()))
    }

    pub fn assert_verifies(&self) -> Result<()> {
        let (text, code) = self.command(&["record", "verify"])?;
        ensure!(code == Some(0), "{text}");
        Ok(())
    }
}

/// The events of all sessions in a record as far as they are written.
pub fn sessions_in(directory: &Path) -> Result<Vec<(SessionId, Vec<Event<'static>>)>> {
    let mut sessions = Vec::new();
    for (id, segments) in Directory::new(directory).list()? {
        let mut events = Vec::new();
        session::read(&segments, &mut |event| events.push(event.into_owned()))?;
        sessions.push((id, events));
    }
    Ok(sessions)
}

/// What was delivered in a session.
pub fn delivered(events: &[Event<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for event in events {
        if let Event::Delivered(event) = event {
            bytes.extend_from_slice(&event.bytes);
        }
    }
    bytes
}

/// A proxy in front of the gateway that keeps what clients get, for each connection.
pub struct Wiretap {
    connections: Connections,
}

type Connections = Arc<Mutex<Vec<Arc<Mutex<Vec<u8>>>>>>;

impl Wiretap {
    pub fn before(dsn: &Dsn) -> Result<(Self, Dsn)> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let through = Dsn {
            port: listener.local_addr()?.port(),
            ..dsn.clone()
        };
        let connections = Connections::default();
        let (kept, gateway) = (Arc::clone(&connections), dsn.port);
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let received = Arc::default();
                locked(&kept).push(Arc::clone(&received));
                std::thread::spawn(move || {
                    if let Err(error) = client.and_then(|client| pass(client, gateway, &received)) {
                        eprintln!("the proxy of a test: {error}");
                    }
                });
            }
        });
        Ok((Wiretap { connections }, through))
    }

    /// What came behind the greeting on the only connection.
    pub fn received(&self) -> Result<Vec<u8>> {
        self.all().pop().context("no greeting came")
    }

    /// The same of each connection that was greeted.
    pub fn all(&self) -> Vec<Vec<u8>> {
        let connections = locked(&self.connections);
        let received = connections.iter().map(|received| locked(received).clone());
        received
            .filter_map(|bytes| behind_greeting(&bytes))
            .collect()
    }
}

fn behind_greeting(received: &[u8]) -> Option<Vec<u8>> {
    let mut rest = received;
    // The answer to a request for encryption is one byte.
    while let Some((b'N', behind)) = rest.split_first() {
        rest = behind;
    }
    loop {
        let header = rest.get(..5)?;
        let length = u32::from_be_bytes([header[1], header[2], header[3], header[4]]);
        let is_ready = header[0] == b'Z';
        rest = rest.get(1 + length as usize..)?;
        if is_ready {
            return Some(rest.to_vec());
        }
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn pass(mut client: TcpStream, gateway: u16, kept: &Mutex<Vec<u8>>) -> std::io::Result<()> {
    let mut server = TcpStream::connect(("127.0.0.1", gateway))?;
    let (mut from_client, mut to_server) = (client.try_clone()?, server.try_clone()?);
    std::thread::spawn(move || {
        let _ = std::io::copy(&mut from_client, &mut to_server);
        let _ = to_server.shutdown(std::net::Shutdown::Write);
    });
    let mut buffer = vec![0; 64 * 1024];
    loop {
        let count = server.read(&mut buffer)?;
        if count == 0 {
            let _ = client.shutdown(std::net::Shutdown::Write);
            return Ok(());
        }
        let bytes = &buffer[..count];
        locked(kept).extend_from_slice(bytes);
        // What comes for a client that has left counts, too: it was handed to its connection.
        let _ = client.write_all(bytes);
    }
}

/// Checks that what each client got is what the record says that it got, once all sessions have ended.
pub fn assert_delivered(tap: &Wiretap, directory: &Path) -> Result<()> {
    let mut kept = Vec::new();
    let mut got = Vec::new();
    eventually("the sessions are recorded", || {
        got = tap.all();
        let sessions = sessions_in(directory)?;
        let ended = sessions
            .iter()
            .filter(|(_, events)| matches!(events.last(), Some(Event::Ended(_))));
        kept = ended.map(|(_, events)| delivered(events)).collect();
        Ok(kept.len() == got.len())
    })?;
    got.sort_unstable();
    kept.sort_unstable();
    for (got, kept) in got.iter().zip(&kept) {
        let differs = got.iter().zip(kept).position(|(got, kept)| got != kept);
        ensure!(
            got == kept,
            "{} bytes came, {} are recorded; they differ from {differs:?} on",
            got.len(),
            kept.len()
        );
    }
    Ok(())
}
