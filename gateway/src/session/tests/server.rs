//! A server that keeps PostgreSQL's rules about messages (protocol: Message Flow; tcop/postgres.c), for statements of a
//! word or two: `select N` and `mask N` return N rows, `copyin` and `copyout N` copy, `fail` fails, `begin`, `commit` and
//! `rollback` do as they say, `deny` must never come here. `garble` is no syntax, and `novel` is one that only the server knows, which must
//! never run.

use std::collections::{HashMap, VecDeque};

use bytes::BytesMut;
use gatewright_wire::backend::TransactionStatus;
use gatewright_wire::frame::{self, Frame, Side};
use gatewright_wire::frontend::{self, Message, Subject};
use gatewright_wire::{ErrorFields, build};

use super::play::{notification, row_description};
use crate::session::refusal::STAND_IN;

/// A statement that was bound, and how much of it is left.
struct Open {
    text: String,
    rows: usize,
    started: bool,
}

/// Where a COPY FROM STDIN came from, and what is left of its Query.
enum Copying {
    Query(VecDeque<String>),
    Portal,
}

pub(crate) struct Server {
    /// It refuses `deny` and masks `mask` itself: what a client sees without a gateway, if the server had the policies.
    judges: bool,
    input: BytesMut,
    /// What is said and not yet sent.
    held: BytesMut,
    pub(crate) output: BytesMut,
    status: TransactionStatus,
    skipping: bool,
    copying: Option<Copying>,
    statements: HashMap<String, String>,
    portals: HashMap<String, Open>,
    /// It has ended the session.
    pub(crate) dead: bool,
    /// Every statement that began to run.
    pub(crate) ran: Vec<String>,
}

struct Failed(&'static str, String);

/// Of `novel`, through the gateway.
pub(crate) const NOVEL: &str =
    "the gateway does not know the syntax of this statement, so it was not judged";

const SEVERAL: &str = "cannot insert multiple commands into a prepared statement";

type Outcome = Result<(), Failed>;

fn fail<T>(sqlstate: &'static str, message: impl Into<String>) -> Result<T, Failed> {
    Err(Failed(sqlstate, message.into()))
}

fn split(text: &str) -> (&str, usize) {
    let (word, number) = text.split_once(' ').unwrap_or((text, ""));
    (word, number.parse().unwrap_or(0))
}

fn returns_rows(text: &str) -> bool {
    matches!(split(text).0, "select" | "mask")
}

impl Server {
    pub(crate) fn new(judges: bool) -> Self {
        Server {
            judges,
            input: BytesMut::new(),
            held: BytesMut::new(),
            output: BytesMut::new(),
            status: TransactionStatus::Idle,
            skipping: false,
            copying: None,
            statements: HashMap::new(),
            portals: HashMap::new(),
            dead: false,
            ran: Vec::new(),
        }
    }

    pub(crate) fn take(&mut self, bytes: &[u8]) {
        self.input.extend_from_slice(bytes);
        loop {
            let input = self.input.split();
            let used = match frame::next_frame(&input, Side::Frontend, 1 << 20) {
                Ok(Some(frame)) => {
                    self.message(frame);
                    frame.bytes.len()
                }
                Ok(None) => 0,
                Err(error) => panic!("what comes to the server cannot be followed: {error}"),
            };
            self.input.extend_from_slice(&input[used..]);
            if used == 0 {
                return;
            }
        }
    }

    fn flush(&mut self) {
        let held = self.held.split();
        self.output.extend_from_slice(&held);
    }

    fn ready(&mut self) {
        if self.status == TransactionStatus::Idle {
            self.portals.clear();
        }
        build::ready_for_query(&mut self.held, self.status);
        self.flush();
    }

    fn message(&mut self, frame: Frame<'_>) {
        if self.dead {
            return;
        }
        if self.copying.is_some() {
            return self.copy_message(frame);
        }
        match frame.tag {
            b'd' | b'c' | b'f' => {}
            b'S' => {
                self.skipping = false;
                self.ready();
            }
            _ if self.skipping => {}
            b'H' => self.flush(),
            b'Q' => {
                let Ok(query) = frontend::Query::decode(frame.body) else {
                    return self
                        .failed(&Failed("08P01", "invalid string in message".into()), false);
                };
                self.statements.remove("");
                let parts: VecDeque<String> = String::from_utf8_lossy(query.text)
                    .split(';')
                    .filter(|part| !part.is_empty())
                    .map(str::to_owned)
                    .collect();
                if parts.is_empty() {
                    build::empty_query_response(&mut self.held);
                    return self.ready();
                }
                let text = String::from_utf8_lossy(query.text);
                let read = self
                    .read(&text)
                    .and_then(|()| self.check_novel_query(&text));
                let denied = read
                    .err()
                    .or_else(|| parts.iter().find_map(|part| self.check(part).err()))
                    .or_else(|| self.ask_all(&parts).err());
                match denied {
                    Some(failed) => self.failed(&failed, false),
                    None => self.go_on(parts),
                }
            }
            _ => {
                let outcome = match Message::decode(frame.tag, frame.body) {
                    Ok(message) => self.extended(&message),
                    Err(_) => fail("08P01", "invalid message format"),
                };
                if let Err(failed) = outcome {
                    self.failed(&failed, true);
                }
            }
        }
    }

    /// What the grammar finds, in the whole message.
    fn read(&self, text: &str) -> Outcome {
        match text.split(';').any(|part| split(part).0 == "garble") {
            true => fail("42601", "syntax error at or near \"garble\""),
            false => Ok(()),
        }
    }

    /// What becomes of a statement that the policies' grammar does not know, if the server can have it at all.
    fn check_novel(&self, text: &str) -> Outcome {
        let novel = text.split(';').any(|part| split(part).0 == "novel");
        match novel && self.judges {
            true => fail("0A000", NOVEL),
            false => Ok(()),
        }
    }

    fn check_novel_query(&self, text: &str) -> Outcome {
        if text == "novel" {
            self.check_transaction(text)?;
        }
        self.check_novel(text)
    }

    /// What parsing finds, whatever the state of the transaction.
    fn check(&self, text: &str) -> Outcome {
        match split(text).0 {
            "deny" if self.judges => fail("42501", "denied by word"),
            "deny" => panic!("a refused statement came to the server: {text}"),
            STAND_IN => fail("42601", "syntax error"),
            _ => Ok(()),
        }
    }

    /// The same for a Query. What it returns is looked at before anybody is asked, and the server shows nothing of it in a failed transaction.
    fn ask_all(&self, parts: &VecDeque<String>) -> Outcome {
        let asked = parts.iter().find_map(|part| self.ask(part).err());
        let ends = |part: &&String| matches!(split(part).0, "commit" | "rollback");
        let here = parts.iter().take_while(|part| !ends(part));
        match asked {
            None => Ok(()),
            Some(rejected) => {
                for planned in here.filter(|part| part.starts_with("mask")) {
                    self.check_transaction(planned)?;
                }
                Err(rejected)
            }
        }
    }

    /// What people say, once nothing else is in the way.
    fn ask(&self, text: &str) -> Outcome {
        match split(text).0 {
            "askno" if self.judges => fail("42501", "rejected by word"),
            _ => Ok(()),
        }
    }

    fn check_transaction(&self, text: &str) -> Outcome {
        let ends = matches!(split(text).0, "commit" | "rollback");
        match self.status == TransactionStatus::Failed && !ends {
            true => fail(
                "25P02",
                "current transaction is aborted, commands ignored until end of transaction block",
            ),
            false => Ok(()),
        }
    }

    /// Runs the statements of a Query until they are done or data is awaited.
    fn go_on(&mut self, mut parts: VecDeque<String>) {
        while let Some(text) = parts.pop_front() {
            if let Err(failed) = self.check_transaction(&text) {
                return self.failed(&failed, false);
            }
            // Each statement has the unnamed portal, and leaves it behind when it fails.
            let portal = Open {
                text: text.clone(),
                rows: 0,
                started: true,
            };
            self.portals.insert(String::new(), portal);
            if returns_rows(&text) {
                row_description(&mut self.held, "a");
            }
            if text == "copyin" {
                self.ran.push(text);
                return self.begin_copy(Copying::Query(parts));
            }
            if let Err(failed) = self.run(&text) {
                return self.failed(&failed, false);
            }
            self.portals.remove("");
        }
        self.ready();
    }

    fn begin_copy(&mut self, copying: Copying) {
        self.held.extend_from_slice(b"G\0\0\0\x07\0\0\0");
        self.copying = Some(copying);
        self.flush();
    }

    /// All of a statement but its row description.
    fn run(&mut self, text: &str) -> Outcome {
        assert_ne!(text, "novel", "a statement that nobody could judge runs");
        assert_ne!(text, "askno", "a statement that was rejected runs");
        self.ran.push(text.to_owned());
        let (word, number) = split(text);
        match word {
            "fail" => return fail("22012", "division by zero"),
            "begin" if self.status == TransactionStatus::Idle => {
                self.status = TransactionStatus::InTransaction;
            }
            "commit" | "rollback" => {
                self.status = TransactionStatus::Idle;
                self.portals.clear();
            }
            "copyout" => {
                self.held.extend_from_slice(b"H\0\0\0\x09\0\0\x01\0\0");
                for _ in 0..number {
                    build::copy_data(&mut self.held, b"value\n").expect("data");
                }
                build::copy_done(&mut self.held);
            }
            _ => self.rows(text, number),
        }
        if text == "select 3" {
            self.notify();
        }
        self.complete(text);
        Ok(())
    }

    /// Another session has sent something, now to one channel and now to the other. Policies drop what is on `secret`.
    fn notify(&mut self) {
        let channel = match self.ran.len() % 2 {
            0 => "secret",
            _ => "news",
        };
        if !self.judges || channel != "secret" {
            notification(channel.as_bytes())(&mut self.held);
        }
    }

    fn complete(&mut self, text: &str) {
        build::command_complete(&mut self.held, text).expect("a tag");
    }

    fn rows(&mut self, text: &str, count: usize) {
        let masked = self.judges && split(text).0 == "mask";
        let cell = (!masked).then_some(&b"value"[..]);
        for _ in 0..count {
            build::data_row(&mut self.held, &[cell]).expect("a row");
        }
    }

    fn extended(&mut self, message: &Message<'_>) -> Outcome {
        match message {
            Message::Parse(parse) => self.parse(parse.name, &String::from_utf8_lossy(parse.text)),
            Message::Bind(bind) => self.bind(bind.portal, bind.statement),
            Message::Describe(describe) => self.describe(&describe.subject),
            Message::Execute(execute) => {
                let most = usize::try_from(execute.max_rows).unwrap_or(0);
                self.execute(execute.portal, most)
            }
            Message::Close(close) => {
                match close.subject {
                    Subject::Statement(name) => drop(self.statements.remove(name)),
                    Subject::Portal(name) => drop(self.portals.remove(name)),
                }
                build::close_complete(&mut self.held);
                Ok(())
            }
            Message::Terminate => {
                self.dead = true;
                Ok(())
            }
            _ => panic!("the tests send no such message"),
        }
    }

    fn parse(&mut self, name: &str, text: &str) -> Outcome {
        if name.is_empty() {
            self.statements.remove("");
        }
        self.read(text)?;
        if text.contains(';') {
            // A Query that the gateway cannot read.
            return fail("42601", SEVERAL);
        }
        self.check(text)?;
        if !text.is_empty() {
            self.check_transaction(text)?;
        }
        if self.statements.contains_key(name) {
            return fail(
                "42P05",
                format!("prepared statement \"{name}\" already exists"),
            );
        }
        self.check_novel(text)?;
        self.statements.insert(name.to_owned(), text.to_owned());
        build::parse_complete(&mut self.held);
        Ok(())
    }

    fn bind(&mut self, portal: &str, statement: &str) -> Outcome {
        let Some(text) = self.statements.get(statement).cloned() else {
            return fail(
                "26000",
                format!("prepared statement \"{statement}\" does not exist"),
            );
        };
        if !text.is_empty() {
            self.check_transaction(&text)?;
        }
        if !portal.is_empty() && self.portals.contains_key(portal) {
            return fail("42P03", format!("cursor \"{portal}\" already exists"));
        }
        let open = Open {
            rows: split(&text).1,
            text,
            started: false,
        };
        self.portals.insert(portal.to_owned(), open);
        build::bind_complete(&mut self.held);
        Ok(())
    }

    fn describe(&mut self, subject: &Subject<'_>) -> Outcome {
        let text = match subject {
            Subject::Statement(name) => match self.statements.get(*name) {
                Some(text) => text.clone(),
                None => {
                    return fail(
                        "26000",
                        format!("prepared statement \"{name}\" does not exist"),
                    );
                }
            },
            Subject::Portal(name) => match self.portals.get(*name) {
                Some(open) => open.text.clone(),
                None => return fail("34000", format!("portal \"{name}\" does not exist")),
            },
        };
        if returns_rows(&text) {
            self.check_transaction(&text)?;
        }
        if matches!(subject, Subject::Statement(_)) {
            self.held.extend_from_slice(b"t\0\0\0\x06\0\0");
        }
        match returns_rows(&text) {
            true => row_description(&mut self.held, "a"),
            false => self.held.extend_from_slice(b"n\0\0\0\x04"),
        }
        Ok(())
    }

    fn execute(&mut self, name: &str, most: usize) -> Outcome {
        let Some(open) = self.portals.get_mut(name) else {
            return fail("34000", format!("portal \"{name}\" does not exist"));
        };
        let text = open.text.clone();
        if text.is_empty() {
            build::empty_query_response(&mut self.held);
            return Ok(());
        }
        let (started, rows) = (open.started, open.rows);
        self.ask(&text)?;
        if let Some(open) = self.portals.get_mut(name) {
            open.started = true;
        }
        self.check_transaction(&text)?;
        if returns_rows(&text) {
            if !started {
                self.ran.push(text.clone());
            }
            let now = if most == 0 { rows } else { rows.min(most) };
            if let Some(open) = self.portals.get_mut(name) {
                open.rows -= now;
            }
            self.rows(&text, now);
            if most > 0 && now == most {
                self.held.extend_from_slice(b"s\0\0\0\x04");
            } else {
                self.complete(&text);
            }
            return Ok(());
        }
        if started {
            return fail("55000", format!("portal \"{name}\" cannot be run"));
        }
        if text == "copyin" {
            self.ran.push(text);
            self.begin_copy(Copying::Portal);
            return Ok(());
        }
        self.run(&text)
    }

    fn copy_message(&mut self, frame: Frame<'_>) {
        let failed = match frame.tag {
            b'd' if frame.body == b"bad" => Failed("22P04", "bad data".into()),
            b'd' | b'H' | b'S' => return,
            b'c' => {
                let copying = self.copying.take();
                self.complete("copyin");
                if let Some(Copying::Query(parts)) = copying {
                    self.portals.remove("");
                    self.go_on(parts);
                }
                return;
            }
            b'f' => Failed("57014", "COPY from stdin failed".into()),
            tag => {
                let unexpected = format!("unexpected message {tag} during COPY");
                self.say("ERROR", &Failed("08P01", unexpected));
                self.say("FATAL", &Failed("08P01", "synchronization was lost".into()));
                self.dead = true;
                return self.flush();
            }
        };
        let of_portal = matches!(self.copying.take(), Some(Copying::Portal));
        self.failed(&failed, of_portal);
    }

    fn say(&mut self, severity: &str, failed: &Failed) {
        let Failed(sqlstate, message) = failed;
        let mut fields = ErrorFields::new(severity, sqlstate, message.clone());
        fields.set(b'V', severity);
        let of_grammar = message.starts_with("syntax error");
        fields.set(b'F', if of_grammar { "scan.l" } else { "postgres.c" });
        build::error_response(&mut self.held, &fields);
    }

    fn failed(&mut self, failed: &Failed, extended: bool) {
        self.say("ERROR", failed);
        match self.status {
            TransactionStatus::Idle => self.portals.clear(),
            _ => self.status = TransactionStatus::Failed,
        }
        if extended {
            self.skipping = true;
            self.flush();
        } else {
            self.ready();
        }
    }
}
