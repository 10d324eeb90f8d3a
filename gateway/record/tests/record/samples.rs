//! Events, segments and whole records to test with.

use std::fs::{self, File};
use std::io::Write;

use gatewright_contract::{Outcome, SessionId};
use gatewright_record::directory::Directory;
use gatewright_record::event::*;
use gatewright_record::framing;
use gatewright_record::log::{Entry, LogWriter, SigningKey};
use gatewright_record::segment::{BLOCK_HEADER, Codec, HEADER, Hash, Header, Version, Writer};
use tempfile::TempDir;
use uuid::Uuid;

pub fn session(number: u128) -> SessionId {
    let base = 0x0198_a3c5_7d20_7abc_8def_0000_0000_0000;
    Uuid::from_u128(base + number).into()
}

pub fn opened(session: SessionId) -> Event<'static> {
    Event::Opened(Box::new(Opened {
        session,
        at: 1_764_522_000_000_000,
        gateway: "0.1.0".to_owned(),
        database: "shop".to_owned(),
        role: "reader".to_owned(),
        issuer: "https://issuer.example".to_owned(),
        subject: "ada".to_owned(),
        groups: vec!["analysts".to_owned()],
        agent: Some("reporter".to_owned()),
        task: None,
        client_address: "192.0.2.7".to_owned(),
        application: "psql".to_owned(),
        keep: Keep::Rows,
        literals: None,
    }))
}

pub fn judged(statement: u128) -> Event<'static> {
    Event::Judged(Box::new(Judged {
        statement: Uuid::from_u128(statement).into(),
        at: 1_764_522_000_100_000,
        when: Stage::Bind,
        text: "SELECT email FROM customers WHERE id = $1".to_owned(),
        instead: None,
        decision: Decision::Permitted,
        sqlstate: None,
        message: None,
        policies: vec![PolicyVerdict {
            name: "mask-columns".to_owned(),
            version: "0.1.0".to_owned(),
            hash: "00".repeat(32),
            answer: PolicyAnswer::Allowed,
            shadow: None,
        }],
        verb: "select".to_owned(),
        tables: vec!["public.customers".to_owned()],
        withheld: None,
        parameters: None,
        columns: None,
    }))
}

pub fn attempted(execution: u64, statement: u128) -> Event<'static> {
    Event::Attempted(Attempted {
        execution,
        statement: Uuid::from_u128(statement).into(),
        at: 1_764_522_000_200_000,
        parameters: vec![
            Parameter {
                type_oid: 23,
                format: 1,
                value: Some(vec![0, 0, 0, 7]),
                withheld: None,
            },
            Parameter::default(),
        ],
        approvals: vec![Uuid::from_u128(9).into()],
        rehearsal: None,
        function: None,
    })
}

pub fn delivered(bytes: Vec<u8>) -> Event<'static> {
    Event::Delivered(Transfer {
        at: 1_764_522_000_300_000,
        bytes: bytes.into(),
        withheld: None,
    })
}

pub fn completed(execution: u64) -> Event<'static> {
    Event::Completed(Completed {
        execution,
        at: 1_764_522_000_400_000,
        outcome: Outcome::Completed,
        rows: 1,
        bytes: 20,
        masked_cells: 1,
        changed: None,
        sqlstate: "00000".to_owned(),
        elapsed_us: 200_000,
    })
}

pub fn ended() -> Event<'static> {
    Event::Ended(Ended {
        at: 1_764_522_000_500_000,
        why: "client_left".to_owned(),
    })
}

/// A session with every kind of event, as blocks.
pub fn a_session(id: SessionId) -> Vec<Vec<Event<'static>>> {
    vec![
        vec![opened(id), judged(1)],
        vec![attempted(1, 1), delivered(b"T\0\0\0\x06\0\0".to_vec())],
        vec![
            Event::Received(Transfer {
                at: 1_764_522_000_350_000,
                bytes: b"1\tone\n".to_vec().into(),
                withheld: None,
            }),
            completed(1),
        ],
        vec![
            Event::Truncated(Truncated {
                at: 1_764_522_000_450_000,
                why: "an example".to_owned(),
                keep: None,
            }),
            ended(),
        ],
    ]
}

/// A session whose values are not recorded, up to its limit.
pub fn a_redacted_session(id: SessionId) -> Vec<Event<'static>> {
    let Event::Opened(mut begun) = opened(id) else {
        panic!("the beginning of a session");
    };
    begun.literals = Some(Literals::Redact);
    let mut withheld = Vec::new();
    for (number, kind) in [
        Withheld::Constants,
        Withheld::Passwords,
        Withheld::Text(WithheldText {
            length: 9,
            sha256: Some([0xcd; 32]),
        }),
    ]
    .into_iter()
    .enumerate()
    {
        let Event::Judged(mut event) = judged(number as u128) else {
            panic!("a judgement");
        };
        event.withheld = Some(kind);
        withheld.push(Event::Judged(event));
    }
    let Event::Attempted(mut attempt) = attempted(1, 1) else {
        panic!("an attempt");
    };
    attempt.parameters[0].value = None;
    attempt.parameters[0].withheld = Some(4);
    attempt.rehearsal = Some(Rehearsal {
        way: RehearsalWay::Estimate,
        text: Some("EXPLAIN (FORMAT JSON) SELECT $1".to_owned()),
        before: vec!["BEGIN".to_owned()],
        after: vec!["ROLLBACK".to_owned()],
    });
    attempt.function = Some(1299);
    let copied = Transfer {
        at: 1_764_522_000_350_000,
        bytes: Vec::new().into(),
        withheld: Some(4000),
    };
    let truncated = Truncated {
        at: 1_764_522_000_450_000,
        why: "session_limit".to_owned(),
        keep: Some(Keep::Statements),
    };
    let mut events = vec![Event::Opened(begun)];
    events.append(&mut withheld);
    events.extend([
        Event::Attempted(attempt),
        Event::Received(copied),
        completed(1),
        Event::Truncated(truncated),
        ended(),
    ]);
    events
}

pub fn bytes_of(events: &[Event<'_>]) -> Vec<u8> {
    let mut bytes = Vec::new();
    for event in events {
        framing::append(&mut bytes, event).unwrap();
    }
    bytes
}

/// A segment, with the ends of its header and blocks, and its digest.
pub fn segment(header: Header, blocks: &[Vec<Event<'_>>]) -> (Vec<u8>, Vec<usize>, Hash) {
    let mut codec = Codec::new().unwrap();
    let mut writer = Writer::begin(Vec::new(), header).unwrap();
    let mut ends = vec![HEADER];
    for block in blocks {
        writer.append(&bytes_of(block), &mut codec).unwrap();
        ends.push(usize::try_from(writer.length()).unwrap());
        assert!(ends[ends.len() - 1] > ends[ends.len() - 2] + BLOCK_HEADER);
    }
    let digest = writer.digest();
    (std::mem::take(writer.out()), ends, digest)
}

pub fn header(session: SessionId, number: u32, previous: Hash) -> Header {
    Header {
        session,
        number,
        previous,
        version: Version::Clear,
    }
}

/// A record in a directory of its own.
pub struct Sample {
    _scratch: TempDir,
    pub directory: Directory,
    pub key: SigningKey,
    pub log: LogWriter,
}

impl Sample {
    pub fn new() -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let directory = Directory::new(scratch.path().join("record"));
        directory.create().unwrap();
        let key = SigningKey::generate("gatewright.example/record").unwrap();
        let log = LogWriter::open(directory.log(), key.clone()).unwrap();
        Sample {
            _scratch: scratch,
            directory,
            key,
            log,
        }
    }

    /// Writes a segment without logging it.
    pub fn write(&self, header: Header, blocks: &[Vec<Event<'_>>]) -> Entry {
        let (bytes, _, digest) = segment(header, blocks);
        let path = self.directory.segment(header.session, header.number);
        File::create(path).unwrap().write_all(&bytes).unwrap();
        Entry {
            session: header.session,
            segment: header.number,
            digest,
            length: bytes.len() as u64,
            at: 1,
            is_last: true,
            deleted: None,
        }
    }

    /// Writes and logs sessions of one segment.
    pub fn with_sessions(count: u128) -> Self {
        let mut sample = Self::new();
        for number in 0..count {
            let id = session(number);
            let entry = sample.write(header(id, 0, Hash::default()), &a_session(id));
            sample.log.append(&[entry]).unwrap();
        }
        sample
    }

    /// Changes the file of a session's first segment.
    pub fn change(&self, session: SessionId, change: impl FnOnce(&mut Vec<u8>)) {
        let path = self.directory.segment(session, 0);
        let mut bytes = fs::read(&path).unwrap();
        change(&mut bytes);
        fs::write(path, bytes).unwrap();
    }
}
