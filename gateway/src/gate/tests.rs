//! What the gate keeps of a statement for policies and the record.

use std::future::poll_fn;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use gatewright_contract::{self as contract, Outcome, SessionId};
use gatewright_policy_host::{SHORT_TEXT, StatementView};
use gatewright_record::Event;
use gatewright_record::directory::Directory;
use gatewright_sql::Verb;
use gatewright_wire::frontend::FunctionCall;

use super::case::Version;
use super::names::NoNames;
use super::permit::Permit;
use super::{
    Admitted, AnalyzedText, DatabaseMetrics, Gate, GateMetrics, GateSettings, People, Policies,
    SessionGate,
};
use crate::catalog::CatalogHandle;
use crate::identity::Identity;
use crate::recording::tests::{self as recording, Unwritten};
use crate::recording::{Barrier, DatabaseRecord, Decision, Opened, RecordSettings, Recorder};
use crate::session::{
    Answer, BoundParameters, Completion, Judge, Judged, PendingJudge, Phase, Question, Refusal,
    Verdict,
};

struct Uncounted;

impl GateMetrics for Uncounted {
    fn verdict(&self, _: Verb, _: &'static str) {}
    fn completed(&self, _: Verb, _: f64, _: &Completion) {}
    fn held(&self, _: bool) {}
    fn decided(&self, _: &'static str) {}
    fn shadow(&self, _: &str, _: &'static str) {}
    fn database(&self, _: &str) -> Option<Arc<dyn DatabaseMetrics>> {
        None
    }
}

/// A session that needs no catalog, since nothing has to be looked up.
fn session() -> SessionGate {
    let settings = GateSettings {
        lock_role: false,
        ..GateSettings::default()
    };
    session_with(settings, "postgres://ada@localhost/shop")
}

fn session_with(settings: GateSettings, target: &str) -> SessionGate {
    let gate = Gate::new(
        settings,
        Arc::new(Policies::none()),
        People::Nobody,
        None,
        Arc::new(Uncounted),
    );
    let identity = Identity {
        subject: "ada".to_owned(),
        issuer: "https://issuer.example".to_owned(),
        groups: Vec::new(),
        agent: None,
        task: None,
        program: false,
        attributes: Vec::new(),
        expires_at: SystemTime::now() + Duration::from_secs(3600),
    };
    let catalog = CatalogHandle::new(target.parse().expect("a DSN"));
    gate.session(contract::Session::default(), &identity, catalog)
}

fn analyzed(session: &mut SessionGate, sql: &str) -> Arc<AnalyzedText> {
    match session.analyze(sql, true, None) {
        Judged::Ready(Ok(text)) => text,
        Judged::Ready(Err(refusal)) => panic!("{sql}: {}", refusal.message),
        Judged::Pending(_) => panic!("{sql}: there is nothing to wait for"),
    }
}

fn question<'a>(
    text: &'a Arc<AnalyzedText>,
    parameters: Option<BoundParameters<'a>>,
) -> Question<'a, SessionGate> {
    Question {
        phase: Phase::Execute,
        text,
        index: 0,
        parameters,
        earlier: None,
        in_transaction: false,
        at_rest: true,
        in_block: false,
        names: &NoNames,
        path: None,
        path_value: None,
        is_utf8: true,
    }
}

/// A permit for a statement with the parameter `42`.
fn permitted(session: &mut SessionGate) -> Arc<Permit> {
    let text = analyzed(session, "SELECT $1::int");
    // Bind: unnamed portal and statement, no formats, one value of two bytes, no result formats.
    let bind = b"\0\0\0\0\0\x01\0\0\0\x0242\0\0";
    let bound = BoundParameters { bind, types: &[23] };
    match session.judge(question(&text, Some(bound))) {
        Judged::Ready(Ok(Verdict::Permit(permit))) => permit,
        _ => panic!("a statement without policies is permitted"),
    }
}

fn recorder(folder: &Path) -> Recorder {
    let settings = RecordSettings::in_directory(folder.to_owned());
    Recorder::start(settings, Arc::new(recording::Uncounted)).expect("a recorder")
}

/// The answer, once it is there.
async fn admitted(
    session: &mut SessionGate,
    answer: Judged<Result<Admitted, Refusal>>,
) -> Result<Admitted, Refusal> {
    let mut ticket = match answer {
        Judged::Ready(admitted) => return admitted,
        Judged::Pending(ticket) => ticket,
    };
    loop {
        poll_fn(|context| session.poll_pending(context)).await;
        match session.resume(ticket) {
            Judged::Ready(Answer::Admission(admitted)) => return admitted,
            Judged::Ready(_) => panic!("an admission was asked for"),
            Judged::Pending(again) => ticket = again,
        }
    }
}

fn events_of(folder: &Path, id: SessionId) -> Vec<Event<'static>> {
    let segments = Directory::new(folder).of(id).expect("a directory");
    let mut events = Vec::new();
    let mut keep = |event: Event<'_>| events.push(event.into_owned());
    gatewright_record::session::read(&segments, &mut keep).expect("a record");
    events
}

#[tokio::test]
async fn an_execution_is_admitted_once_it_is_on_disk_with_its_parameters() {
    let scratch = tempfile::tempdir().expect("a directory");
    let recorder = recorder(scratch.path());
    let id = SessionId::generate();
    let opened = Opened {
        session: id,
        ..Opened::default()
    };
    let open = recorder
        .open(opened, DatabaseRecord::default())
        .expect("a record");
    let mut session = session().with_record(open.session());
    assert!(!session.wants_parameters());
    let permit = permitted(&mut session);
    assert!(permit.view.parameters().is_empty(), "no policy reads them");
    let answer = session.admit(&permit, None);
    let Ok(first) = admitted(&mut session, answer).await else {
        panic!("it can be recorded");
    };
    let mut barrier = Barrier::new(open.session());
    poll_fn(|context| barrier.poll_open(context)).await;
    let events = events_of(scratch.path(), id);
    let [
        Event::Opened(_),
        Event::Judged(judged),
        Event::Attempted(attempted),
    ] = &events[..]
    else {
        panic!("{events:?}");
    };
    assert_eq!(
        (judged.text.as_str(), judged.decision),
        ("SELECT $1::int", Decision::Permitted)
    );
    assert_eq!(attempted.statement, judged.statement);
    let parameter = attempted.parameters.first().expect("a parameter");
    assert_eq!((parameter.type_oid, parameter.format), (23, 0));
    assert_eq!(parameter.value.as_deref(), Some(b"42".as_slice()));
    let done = Completion {
        rows: 1,
        ..Completion::default()
    };
    assert!(matches!(session.complete(first, done), Judged::Ready(())));
    // One of which nobody tells the end is lost.
    let answer = session.admit(&permit, None);
    let second = admitted(&mut session, answer).await;
    poll_fn(|context| barrier.poll_open(context)).await;
    drop((second, session));
    drop(open);
    recorder.finish();
    let events = events_of(scratch.path(), id);
    let ends: Vec<_> = events
        .iter()
        .filter_map(|event| match event {
            Event::Completed(event) => Some((event.execution, event.outcome, event.rows)),
            _ => None,
        })
        .collect();
    let expected = [(1, Outcome::Completed, 1), (2, Outcome::Lost, 0)];
    assert_eq!(ends, expected);
}

/// Nor is it certain to have left before that, which its end in the record says.
#[tokio::test]
async fn an_execution_that_is_not_on_disk_was_not_sent() {
    let unwritten = Unwritten::begin();
    let mut session = session().with_record(unwritten.session());
    let permit = permitted(&mut session);
    for (is_on_disk, outcome) in [(false, Outcome::Skipped), (true, Outcome::Lost)] {
        let answer = session.admit(&permit, None);
        let Ok(admitted) = admitted(&mut session, answer).await else {
            panic!("it can be recorded");
        };
        if is_on_disk {
            unwritten.write();
        }
        assert_eq!(admitted.outcome_if_dropped(), outcome);
        drop(admitted);
        unwritten.write();
    }
}

#[tokio::test]
async fn what_cannot_be_recorded_is_not_admitted() {
    let scratch = tempfile::tempdir().expect("a directory");
    let folder = scratch.path().join("record");
    let recorder = recorder(&folder);
    let opened = || Opened {
        session: SessionId::generate(),
        ..Opened::default()
    };
    let open = recorder
        .open(opened(), DatabaseRecord::default())
        .expect("a record");
    let mut session = session().with_record(open.session());
    let permit = permitted(&mut session);
    std::fs::rename(&folder, scratch.path().join("elsewhere")).expect("another name");
    std::fs::write(&folder, "no directory").expect("a file");
    let second = recorder.open(opened(), DatabaseRecord::default());
    // It fails when the next file is to be created, at the latest then.
    if let Ok(second) = &second {
        let mut other = self::session().with_record(second.session());
        let permit = permitted(&mut other);
        let answer = other.admit(&permit, None);
        let _ = admitted(&mut other, answer).await;
    }
    recorder.failed().await;
    let answer = session.admit(&permit, None);
    let refusal = admitted(&mut session, answer)
        .await
        .err()
        .expect("a refusal");
    assert_eq!(refusal.sqlstate, "58030");
    drop((open, second));
}

#[test]
fn a_rewritten_statement_keeps_the_clients_text() {
    let mut session = session();
    let original = analyzed(&mut session, "SELECT 1");
    let kept = session.keep_question(&question(&original, None));
    let own = session.unlocked_case(&kept, &Version::first(&original, 0));
    let own = own.map(|case| case.view);
    assert_eq!(own.ok().and_then(|view| view.original_sql()), None);

    let replacement = analyzed(&mut session, "SELECT 2");
    let version = Version {
        text: replacement,
        round: 1,
        replaced_by: smallvec::smallvec![0],
        ..Version::first(&original, 0)
    };
    let rewritten = session.unlocked_case(&kept, &version);
    let Ok(case) = rewritten else {
        panic!("the statement is there");
    };
    assert_eq!(case.view.sql(), "SELECT 2");
    assert_eq!(case.view.original_sql().as_deref(), Some("SELECT 1"));
}

/// The cache keeps templates under texts with marks, which a client could write itself.
#[test]
fn a_text_cannot_stand_for_a_template() {
    let mut session = session();
    let known = "SELECT a FROM pg_class WHERE relname = 'of another client'";
    let template = gatewright_sql::template(known).expect("it has a template");
    analyzed(&mut session, known);
    match session.analyze(&template.key, true, None) {
        Judged::Ready(Err(refusal)) => assert_eq!(refusal.sqlstate, "42601"),
        Judged::Ready(Ok(text)) => panic!("it is taken for {:?}", text.source),
        Judged::Pending(_) => panic!("there is nothing to wait for"),
    }
}

/// It is asked for anew until it is judged or refused.
#[tokio::test]
async fn a_function_call_is_refused_once_while_the_catalog_cannot_be_read() {
    let settings = GateSettings {
        lock_role: true,
        ..GateSettings::default()
    };
    // Nothing listens there.
    let target = "postgres://ada@127.0.0.1:1/shop?sslmode=disable";
    let mut session = session_with(settings, target);
    let fresh = tokio::spawn(Arc::clone(&session.catalog).keep_fresh(Duration::from_secs(3600)));
    let call = FunctionCall::decode(&[0, 0, 6, 62, 0, 0, 0, 0, 0, 0]).expect("a call");
    let mut judged = session.judge_function_call(&call, false);
    let mut waits = 0;
    let refusal = loop {
        match judged {
            Judged::Ready(Err(refusal)) => break refusal,
            Judged::Ready(Ok(_)) => panic!("it is judged without a catalog"),
            Judged::Pending(ticket) => {
                waits += 1;
                assert!(waits < 5, "it is asked for again and again");
                std::future::poll_fn(|context| session.poll_pending(context)).await;
                judged = match session.resume(ticket) {
                    Judged::Ready(Answer::Verdict(verdict)) => Judged::Ready(verdict),
                    // As the session does with an answer to another question.
                    Judged::Ready(_) => session.judge_function_call(&call, false),
                    Judged::Pending(ticket) => Judged::Pending(ticket),
                };
            }
        }
    };
    assert_eq!(refusal.sqlstate, "57P03");
    fresh.abort();
}

/// Policies ask for it on the stack that their call has.
#[test]
fn a_short_text_is_normalized_on_a_small_stack() {
    let nested = |open: &str, core: &str, close: &str| {
        let count = (SHORT_TEXT - "SELECT ".len() - core.len()) / (open.len() + close.len());
        format!("SELECT {}{core}{}", open.repeat(count), close.repeat(count))
    };
    let texts = [
        nested("- ", "1", ""),
        nested("NOT ", "true", ""),
        nested("(", "1", ")"),
        nested("1+", "1", ""),
        nested("1=", "1", ""),
        nested("a.", "b", ""),
        nested("f(", "1", ")"),
        nested("", "1", "::a"),
        nested("", "1", "[1]"),
        nested("(SELECT ", "1", ")"),
        nested("ARRAY[", "1", "]"),
        nested("ROW(", "1", ")"),
        nested("CASE WHEN ", "true", " THEN 1 END"),
        nested("", "1", " UNION SELECT 1"),
        nested("1 FROM (SELECT ", "1", ")a"),
        nested("", "1 FROM a", " JOIN a ON 1=1"),
    ];
    let normalized = gatewright_sql::on_big_stack(|| {
        let mut session = session();
        texts.map(|sql| {
            assert!(sql.len() <= SHORT_TEXT);
            // What is nested too deeply is never judged.
            let Judged::Ready(Ok(text)) = session.analyze(&sql, true, None) else {
                return false;
            };
            let small = std::thread::Builder::new().stack_size(1 << 20);
            let normalized = small.spawn(move || {
                let statement = text.analysis.statements.first();
                statement.map(|statement| statement.normalized(&text.source))
            });
            let normalized = normalized.map(std::thread::JoinHandle::join);
            let Ok(Ok(Some(normalized))) = normalized else {
                panic!("{sql} is not normalized");
            };
            assert!(!normalized.is_empty(), "{sql}");
            true
        })
    });
    let judged = normalized
        .unwrap_or_default()
        .iter()
        .filter(|judged| **judged)
        .count();
    assert!(judged >= 10, "{judged} texts are judged");
}
