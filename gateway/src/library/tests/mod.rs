//! The index on both stores, of records that the recorder has written.

mod scale;

use std::path::Path;
use std::sync::Arc;

use bytes::BytesMut;
use gatewright_contract::{Outcome, SessionId, StatementId};
use gatewright_record::directory::Directory;
use gatewright_record::event::{
    Decision, Keep, Literals, Parameter, PolicyAnswer, PolicyVerdict, ResultColumn,
};
use gatewright_record::sealed::{Identities, Recipients};
use gatewright_wire::build;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use super::*;
use crate::recording::tests::Uncounted;
use crate::recording::{
    Attempted, Completed, DatabaseRecord, Durability, Judged, OpenRecord, Opened, RecordSettings,
    Recorder, now,
};
use crate::store::{Store, StoreSettings, tests::places};

/// A record that is being written, and its index.
struct Library {
    runtime: Runtime,
    recorder: Recorder,
    directory: Directory,
    index: Index,
    keep: Keep,
    _scratch: TempDir,
}

fn settings(root: &Path) -> RecordSettings {
    RecordSettings {
        durability: Durability::None,
        ..RecordSettings::in_directory(root.join("record"))
    }
}

impl Library {
    fn new(place: StoreSettings, change: impl FnOnce(&mut RecordSettings)) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let mut settings = settings(scratch.path());
        change(&mut settings);
        let directory = Directory::new(&settings.directory);
        let runtime = crate::app::runtime().unwrap();
        let store = runtime.block_on(Store::open(place)).unwrap();
        Library {
            runtime,
            recorder: Recorder::start(settings, Arc::new(Uncounted)).unwrap(),
            directory,
            index: Index::new(store),
            keep: Keep::Rows,
            _scratch: scratch,
        }
    }

    fn open(&self, subject: &str) -> Session {
        open(&self.recorder, subject)
    }

    /// Indexes what is written.
    fn build(&self) -> u64 {
        let settings = IndexSettings {
            keep: self.keep,
            identities: Identities::default(),
            masks: Vec::new(),
        };
        let index = self.index.clone();
        build(index, settings, self.directory.clone(), Build::Rest).unwrap()
    }

    fn list(&self, listing: Listing) -> Vec<SessionEntry> {
        let listing = Listing {
            limit: 100,
            ..listing
        };
        let page = self.runtime.block_on(self.index.sessions(listing));
        page.unwrap().entries
    }

    fn search(&self, text: &str) -> Vec<Found> {
        let search = Search::parse(text).unwrap();
        let found = self.index.search(search, None, 100);
        self.runtime.block_on(found).unwrap().entries
    }

    fn statements(&self, id: SessionId) -> Vec<StatementEntry> {
        let page = self.index.statements(id, 0, 100);
        self.runtime.block_on(page).unwrap().entries
    }

    /// The texts of what is found.
    fn texts(&self, text: &str) -> Vec<String> {
        let found = self.search(text).into_iter();
        found
            .map(|found| found.statement.text.unwrap_or_default())
            .collect()
    }
}

/// A record with a session of ada's, and one of the indexer's threads.
pub(crate) struct Shelf {
    pub library: super::Library,
    pub recorder: Recorder,
    pub directory: Directory,
    pub ada: SessionId,
    _scratch: TempDir,
}

pub(crate) const ADAS: &str = "SELECT id, email FROM customers ORDER BY id";

impl Shelf {
    /// With viewers in the group `readers`.
    pub async fn new() -> Self {
        Self::masking(Vec::new()).await
    }

    pub async fn masking(masks: Vec<RecordMask>) -> Self {
        let scratch = tempfile::tempdir().unwrap();
        let settings = settings(scratch.path());
        let directory = Directory::new(&settings.directory);
        let recorder = Recorder::start(settings, Arc::new(Uncounted)).unwrap();
        let store = Store::open(StoreSettings::Memory).await.unwrap();
        let settings = LibrarySettings {
            viewers: vec!["readers".to_owned()],
            index: Keep::Rows,
            masks,
        };
        let library = super::Library::start(
            Index::new(store),
            directory.clone(),
            recorder.clone(),
            settings,
            Arc::new(Unmeasured),
        );
        let mut shelf = Shelf {
            library: library.unwrap(),
            recorder,
            directory,
            ada: SessionId::generate(),
            _scratch: scratch,
        };
        let session = open(&shelf.recorder, "ada");
        shelf.ada = session.id;
        session.run("SELECT 1", "public.t", &["1"]);
        session.query(ADAS, &["id", "email"], 120);
        session.refuse("DROP TABLE customers", "public.customers");
        session.end();
        shelf.indexed(|session| session.ended_at.is_some()).await;
        shelf
    }

    /// Waits until the index has a session like this.
    pub async fn indexed(&self, is: impl Fn(&SessionEntry) -> bool) -> SessionEntry {
        loop {
            let listing = Listing {
                limit: 100,
                ..Listing::default()
            };
            let page = self.library.index().sessions(listing).await.unwrap();
            if let Some(found) = page.entries.into_iter().find(|session| is(session)) {
                return found;
            }
            tokio::task::yield_now().await;
        }
    }
}

fn open(recorder: &Recorder, subject: &str) -> Session {
    let id = SessionId::generate();
    let opened = Opened {
        session: id,
        at: now(),
        subject: subject.to_owned(),
        database: "shop".to_owned(),
        groups: vec!["analysts".to_owned()],
        ..Opened::default()
    };
    let record = recorder.open(opened, DatabaseRecord::default());
    Session {
        id,
        record: record.unwrap(),
    }
}

struct Session {
    id: SessionId,
    record: OpenRecord,
}

fn judged(text: &str, table: &str) -> Judged {
    Judged {
        statement: StatementId::generate(),
        at: now(),
        text: text.to_owned(),
        decision: Decision::Permitted,
        verb: "select".to_owned(),
        tables: vec![table.to_owned()],
        policies: vec![PolicyVerdict {
            name: "table".to_owned(),
            version: "0.1.0".to_owned(),
            hash: String::new(),
            answer: PolicyAnswer::Allowed,
            shadow: None,
        }],
        ..Judged::default()
    }
}

impl Session {
    fn attempt(&self, text: &str, table: &str) -> u64 {
        self.attempt_judged(judged(text, table))
    }

    fn attempt_judged(&self, judged: Judged) -> u64 {
        let attempted = Attempted {
            statement: judged.statement,
            at: now(),
            parameters: vec![Parameter::default()],
            ..Attempted::default()
        };
        let record = self.record.session();
        record.judged(judged);
        record.attempted(attempted).unwrap().0.execution
    }

    fn complete(&self, execution: u64, rows: u64) {
        self.record.session().completed(Completed {
            execution,
            at: now(),
            outcome: Outcome::Completed,
            rows,
            bytes: 1,
            masked_cells: 0,
            changed: None,
            sqlstate: "00000".to_owned(),
            elapsed_us: 7,
        });
    }

    /// A statement with a result of one column.
    fn run(&self, text: &str, table: &str, cells: &[&str]) {
        let execution = self.attempt(text, table);
        let mut bytes = BytesMut::new();
        for cell in cells {
            build::data_row(&mut bytes, &[Some(cell.as_bytes())]).unwrap();
        }
        self.record.session().delivered(&bytes);
        self.complete(execution, cells.len() as u64);
    }

    /// A statement with a row description and rows whose first value is their number.
    fn query(&self, text: &str, columns: &[&str], rows: usize) {
        let origins = columns.iter().map(|name| ResultColumn {
            name: Some((*name).to_owned()),
            sources: Some(vec![format!("public.customers.{name}")]),
        });
        let execution = self.attempt_judged(Judged {
            columns: Some(origins.collect()),
            ..judged(text, "public.customers")
        });
        let described = columns.iter().map(|name| build::Column {
            name,
            type_oid: 25,
            type_size: -1,
            format: 0,
        });
        let described: Vec<_> = described.collect();
        let mut bytes = BytesMut::new();
        build::row_description(&mut bytes, &described).unwrap();
        for row in 0..rows {
            let cells = columns.iter().map(|name| format!("{name}-{row}"));
            let cells: Vec<_> = cells.collect();
            let cells: Vec<_> = cells.iter().map(|cell| Some(cell.as_bytes())).collect();
            build::data_row(&mut bytes, &cells).unwrap();
        }
        // In pieces, which begin and end anywhere.
        for piece in bytes.chunks(100) {
            self.record.session().delivered(piece);
        }
        self.complete(execution, rows as u64);
    }

    fn refuse(&self, text: &str, table: &str) {
        self.record.session().judged(Judged {
            decision: Decision::Refused,
            parameters: Some(vec![Parameter {
                value: Some(b"bound".to_vec()),
                ..Parameter::default()
            }]),
            sqlstate: Some("42501".to_owned()),
            message: Some("access is not allowed".to_owned()),
            ..judged(text, table)
        });
    }

    fn end(self) {
        self.record.end("client_left");
    }
}

/// Once with each store.
fn on_both(change: impl Fn(&mut RecordSettings), test: impl Fn(&mut Library)) {
    for (place, _folder) in places() {
        let mut library = Library::new(place, &change);
        test(&mut library);
    }
}

#[test]
fn sessions_are_listed_and_statements_found() {
    on_both(
        |_| {},
        |library| {
            let ada = library.open("ada");
            ada.run(
                "SELECT email FROM customers",
                "public.customers",
                &["a@example.com"],
            );
            ada.refuse("DROP TABLE customers", "public.customers");
            let etl = library.open("etl");
            etl.run(
                "SELECT 1 FROM customer_orders",
                "public.customer_orders",
                &["x y", "z"],
            );
            let (ada_id, etl_id) = (ada.id, etl.id);
            ada.end();
            etl.end();
            library.recorder.finish();
            assert_eq!(library.build(), 2);

            let listed = library.list(Listing::default());
            let ids: Vec<_> = listed.iter().map(|session| session.id.clone()).collect();
            assert_eq!(ids, [etl_id.to_string(), ada_id.to_string()]);
            let ada = &listed[1];
            assert_eq!((ada.executions, ada.refusals, ada.rows), (1, 1, 1));
            assert_eq!(ada.ended.as_deref(), Some("client_left"));
            assert_eq!(ada.groups, ["analysts"]);
            let only = |listing| library.list(listing).len();
            let subject = Some("etl".to_owned());
            assert_eq!(
                only(Listing {
                    subject,
                    ..Listing::default()
                }),
                1
            );
            assert_eq!(
                only(Listing {
                    refused: true,
                    ..Listing::default()
                }),
                1
            );
            assert_eq!(
                only(Listing {
                    open: true,
                    ..Listing::default()
                }),
                0
            );
            let after = Some((listed[0].opened_at, listed[0].id.clone()));
            assert_eq!(
                only(Listing {
                    after,
                    ..Listing::default()
                }),
                1
            );
            let until = Some(listed[1].opened_at);
            assert_eq!(
                only(Listing {
                    until,
                    ..Listing::default()
                }),
                0
            );

            let email = "SELECT email FROM customers";
            let drop = "DROP TABLE customers";
            let orders = "SELECT 1 FROM customer_orders";
            for (text, found) in [
                ("Email", vec![email]),
                ("customers", vec![drop, email]),
                ("\"from customers\"", vec![email]),
                ("\"customers from\"", vec![]),
                ("cust*", vec![orders, drop, email]),
                ("select customers", vec![email]),
                ("table:customers", vec![drop, email]),
                ("table:public.customer_orders", vec![orders]),
                ("subject:ada", vec![drop, email]),
                ("subject:ad", vec![]),
                ("verdict:refused", vec![drop]),
                ("outcome:completed subject:etl", vec![orders]),
                ("sqlstate:42501 \"not allowed\"", vec![drop]),
                ("result:\"x y\"", vec![orders]),
                ("result:\"y z\"", vec![]),
                ("result:email", vec![]),
                ("a@example.com", vec![email]),
            ] {
                assert_eq!(library.texts(text), found, "{text}");
            }
            let found = library.search("customers verdict:refused");
            assert_eq!(found[0].session.id, ada_id.to_string());
            let marked: Vec<_> = found[0]
                .snippet
                .iter()
                .map(|s| (s.text.as_str(), s.is_found))
                .collect();
            assert_eq!(marked, [("DROP TABLE ", false), ("customers", true)]);
            // What is whole is not read again.
            assert_eq!(library.build(), 0);
        },
    );
}

#[test]
fn an_open_session_is_indexed_as_it_grows() {
    on_both(
        |_| {},
        |library| {
            let changes = library.recorder.changes();
            let session = library.open("ada");
            let id = session.id;
            let execution = session.attempt("SELECT pg_sleep(60)", "public.t");
            let indexer = Indexer::start(
                library.index.clone(),
                IndexSettings {
                    keep: Keep::Rows,
                    identities: Identities::default(),
                    masks: Vec::new(),
                },
                library.directory.clone(),
                changes,
                Arc::new(Unmeasured),
            );
            let indexer = indexer.unwrap();
            let becomes = |what: &str, is: &dyn Fn(&[StatementEntry]) -> bool| {
                while !is(&library.statements(id)) {
                    assert!(indexer.thread_is_alive(), "{what}");
                    std::thread::yield_now();
                }
            };
            becomes("it runs", &|entries| {
                entries.len() == 1 && entries[0].outcome.is_none()
            });
            assert_eq!(
                library
                    .list(Listing {
                        open: true,
                        ..Listing::default()
                    })
                    .len(),
                1
            );
            session.complete(execution, 0);
            session.refuse("DROP TABLE t", "public.t");
            becomes("it has ended", &|entries| {
                entries.len() == 2 && entries[0].outcome.as_deref() == Some("completed")
            });
            assert_eq!(library.texts("pg_sleep outcome:completed").len(), 1);
            session.end();
            while !library
                .list(Listing {
                    open: true,
                    ..Listing::default()
                })
                .is_empty()
            {
                std::thread::yield_now();
            }
            library.recorder.finish();
            drop(indexer);
            assert_eq!(library.build(), 0);
        },
    );
}

struct Unmeasured;

impl IndexMetrics for Unmeasured {
    fn behind(&self, _: u64) {}
    fn failed(&self) {}
}

#[test]
fn what_is_deleted_from_the_record_is_deleted_from_the_index() {
    on_both(
        |_| {},
        |library| {
            for text in ["SELECT first", "SELECT second"] {
                let session = library.open(text.rsplit(' ').next().unwrap());
                session.run(text, "public.t", &["cell"]);
                session.end();
            }
            library.recorder.finish();
            library.build();
            let first = library.search("first").remove(0).session.id;
            let path = library.directory.segment(first.parse().unwrap(), 0);
            // What somebody has taken away, or only an object store has, stays.
            let away = path.with_extension("away");
            std::fs::rename(&path, &away).unwrap();
            library.build();
            assert_eq!(library.texts("first"), ["SELECT first"]);
            std::fs::rename(&away, &path).unwrap();
            let hold = gatewright_record::holds::Hold {
                of: gatewright_record::holds::Held::Subject("second".to_owned()),
                since: now(),
                why: String::new(),
            };
            gatewright_record::holds::Holds::of(&library.directory)
                .add(&hold)
                .unwrap();
            let root = library.directory.root().to_owned();
            let settings = RecordSettings {
                retention: crate::recording::Retention {
                    all: Some(std::time::Duration::from_millis(1)),
                    ..Default::default()
                },
                ..RecordSettings::in_directory(root)
            };
            let deleting = Recorder::start(settings, Arc::new(Uncounted)).unwrap();
            while path.exists() {
                std::thread::yield_now();
            }
            deleting.finish();
            library.build();
            assert_eq!(library.texts("first"), Vec::<String>::new());
            assert_eq!(library.texts("result:cell"), ["SELECT second"]);
            assert_eq!(library.texts("table:t"), ["SELECT second"]);
            assert_eq!(library.list(Listing::default()).len(), 1);
            assert_eq!(library.statements(first.parse().unwrap()), Vec::new());
        },
    );
}

#[test]
fn of_what_is_encrypted_the_index_has_only_what_is_in_the_clear() {
    let recipient = "age1zvkyg2lqzraa2lnjvqej32nkuu0ues2s82hzrye869xeexvn73equnujwj".to_owned();
    on_both(
        |settings| {
            settings.recipients = Recipients::from_texts(std::slice::from_ref(&recipient)).unwrap()
        },
        |library| {
            let session = library.open("ada");
            session.run("SELECT secret", "public.hidden", &["cell"]);
            session.refuse("DROP TABLE hidden", "public.hidden");
            let id = session.id;
            session.end();
            library.recorder.finish();
            library.build();
            let listed = library.list(Listing::default());
            assert!(listed[0].is_sealed);
            assert_eq!(listed[0].subject, "ada");
            let statements = library.statements(id);
            assert_eq!(statements.len(), 1);
            assert_eq!(statements[0].text, None);
            assert_eq!(statements[0].outcome.as_deref(), Some("completed"));
            for text in [
                "secret",
                "hidden",
                "table:hidden",
                "drop",
                "cell",
                "verdict:refused",
            ] {
                assert_eq!(library.search(text), Vec::new(), "{text}");
            }
            assert_eq!(library.search("subject:ada").len(), 1);
        },
    );
}

#[test]
fn less_is_indexed_where_less_is_wanted() {
    on_both(
        |_| {},
        |library| {
            let session = library.open("ada");
            session.run("SELECT 1", "public.t", &["cell"]);
            session.end();
            library.recorder.finish();
            library.keep = Keep::Statements;
            library.build();
            assert_eq!(library.texts("cell"), Vec::<String>::new());
            assert_eq!(library.texts("select"), ["SELECT 1"]);
        },
    );
}

#[test]
fn redacted_texts_stay_so() {
    on_both(
        |settings| settings.literals = Literals::Redact,
        |library| {
            let session = library.open("ada");
            let id = session.id;
            session.record.session().judged(Judged {
                decision: Decision::Refused,
                withheld: Some(crate::recording::Withheld::Text(
                    crate::recording::WithheldText {
                        length: 9,
                        sha256: None,
                    },
                )),
                text: String::new(),
                ..judged("", "public.t")
            });
            session.end();
            library.recorder.finish();
            library.build();
            let text = library.statements(id).remove(0).text.unwrap();
            assert!(text.contains("9 bytes"), "{text}");
            assert_eq!(library.list(Listing::default())[0].literals, "redact");
        },
    );
}
