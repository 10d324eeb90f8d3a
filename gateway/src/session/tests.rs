//! The session driven message by message, with a judge of a few lines.

use std::rc::Rc;
use std::sync::Arc;

use bytes::BytesMut;
use gatewright_policy_host::contract;
use gatewright_sql::{Analysis, Facts, Outputs, SessionEffect, Statement};
use gatewright_wire::backend::TransactionStatus;
use gatewright_wire::frontend::Subject;
use gatewright_wire::{ErrorFields, build};

use super::refusal::STAND_IN;
use super::*;
use crate::results::{Step, Stop};

/// Understands a text by its first word: `deny` is refused, `limit` may return two rows, `mask` has its first column
/// nullified, `prepare NAME` and `execute NAME` do as they say, anything else may run.
#[derive(Default)]
struct WordJudge {
    asked: Vec<String>,
    generation: u32,
    completed: Vec<Completion>,
}

#[derive(Clone)]
struct WordPermit {
    word: String,
    generation: u32,
}

#[derive(Clone)]
struct WordText(Rc<(String, Analysis)>);

fn word(text: &str) -> String {
    text.split(' ').next().unwrap_or_default().to_owned()
}

fn statement(text: &str, start: usize, part: &str) -> Statement {
    let mut words = part.split(' ');
    let mut facts = Facts {
        outputs: Outputs::Unknown,
        ..Facts::default()
    };
    facts.session = match (words.next(), words.next()) {
        (Some("prepare"), Some(name)) => SessionEffect::Prepare {
            name: name.into(),
            inner: Box::default(),
        },
        (Some("execute"), Some(name)) => SessionEffect::Execute { name: name.into() },
        _ => SessionEffect::None,
    };
    assert!(text.is_char_boundary(start));
    Statement {
        span: start..start + part.len(),
        facts: Arc::new(facts),
    }
}

impl Judge for WordJudge {
    type Text = WordText;
    type Permit = WordPermit;

    fn analyze(&mut self, text: &str, _: bool) -> Judged<Result<WordText, Refusal>> {
        let mut start = 0;
        let mut statements = Vec::new();
        for part in text.split(';') {
            if !part.is_empty() {
                statements.push(statement(text, start, part));
            }
            start += part.len() + 1;
        }
        Judged::Ready(Ok(WordText(Rc::new((
            text.to_owned(),
            Analysis { statements },
        )))))
    }

    fn analysis(text: &WordText) -> &Analysis {
        &text.0.1
    }

    fn source(text: &WordText) -> &str {
        &text.0.0
    }

    fn judge(&mut self, question: Question<'_, Self>) -> Judged<Result<Verdict<Self>, Refusal>> {
        let span = Self::analysis(question.text).statements[question.index]
            .span
            .clone();
        let part = Self::source(question.text)[span].to_owned();
        self.asked.push(part.clone());
        Judged::Ready(if word(&part) == "deny" {
            Err(Refusal::new("42501", "denied by word"))
        } else {
            Ok(Verdict::Permit(WordPermit {
                word: word(&part),
                generation: self.generation,
            }))
        })
    }

    fn judge_function_call(&mut self, _: u32, _: bool) -> Judged<Result<WordPermit, Refusal>> {
        Judged::Ready(Err(Refusal::new("42501", "no calls")))
    }

    fn is_current(&self, permit: &WordPermit) -> bool {
        permit.generation == self.generation
    }

    fn wants_plan(permit: &WordPermit) -> bool {
        permit.word == "mask"
    }

    fn covers(planned_for: &WordPermit, now: &WordPermit) -> bool {
        planned_for.generation == now.generation
    }

    fn limits(permit: &WordPermit) -> Limits {
        Limits {
            rows: (permit.word == "limit").then_some(2),
            bytes: None,
            time: None,
        }
    }

    fn wants_parameters(&self) -> bool {
        false
    }

    fn plan(&mut self, _: &WordPermit, fields: &[Field]) -> Result<Plan, Refusal> {
        if fields.iter().any(|field| field.name == "secret") {
            return Err(Refusal::new("42501", "no secrets"));
        }
        Ok(Plan {
            fields: fields.to_vec(),
            steps: vec![Step {
                actions: vec![contract::ColumnAction::Nullify],
            }],
        })
    }

    fn on_batch(
        &mut self,
        _: &WordPermit,
        _: usize,
        batch: &contract::Batch,
    ) -> Result<contract::BatchReply, contract::Denial> {
        let columns = batch
            .columns
            .iter()
            .map(|_| contract::ColumnReply::Unchanged)
            .collect();
        Ok(contract::BatchReply::Edit(contract::BatchEdit {
            columns,
            keep_rows: None,
        }))
    }

    fn stopped(&mut self, _: &WordPermit, _: Stop) -> Refusal {
        Refusal::new("42501", "stopped")
    }

    fn limit_reached(&mut self, _: &WordPermit, _: Limit) -> Refusal {
        Refusal::new("54000", "too many rows")
    }

    fn completed(&mut self, _: &WordPermit, done: &Completion) {
        self.completed.push(done.clone());
    }
}

/// A session between two ends that the test plays.
struct Play {
    session: Session<WordJudge>,
    judge: WordJudge,
    wires: Wires,
    waiting: BytesMut,
}

impl Play {
    fn new() -> Self {
        let start = SessionStart {
            standard_conforming_strings: true,
            client_encoding: "UTF8".into(),
            status: b'I',
            max_message: 1 << 20,
        };
        let key = Arc::new(PseudonymKey::from_bytes([7; 32]));
        Play {
            session: Session::new(start, key),
            judge: WordJudge::default(),
            wires: Wires::default(),
            waiting: BytesMut::new(),
        }
    }

    fn offer(&mut self) {
        let progress = self
            .session
            .client_bytes(&self.waiting, &mut self.judge, &mut self.wires)
            .expect("the client is well-behaved");
        let _ = self.waiting.split_to(progress.consumed);
    }

    fn client(&mut self, write: impl FnOnce(&mut BytesMut)) {
        write(&mut self.waiting);
        self.offer();
    }

    fn server(&mut self, write: impl FnOnce(&mut BytesMut)) {
        let mut bytes = BytesMut::new();
        write(&mut bytes);
        let progress = self
            .session
            .server_bytes(&bytes, &mut self.judge, &mut self.wires)
            .expect("the server is well-behaved");
        assert_eq!(progress.consumed, bytes.len());
        self.session.flush_rows(&mut self.judge, &mut self.wires);
        self.offer();
    }

    /// Tags of what waits to go to the server; texts of Query and Parse behind theirs.
    fn sent(&mut self) -> Vec<String> {
        let bytes = self.wires.to_server.split();
        tags(&bytes, gatewright_wire::frame::Side::Frontend)
    }

    fn replied(&mut self) -> Vec<String> {
        let bytes = self.wires.to_client.split();
        tags(&bytes, gatewright_wire::frame::Side::Backend)
    }
}

fn tags(mut bytes: &[u8], side: gatewright_wire::frame::Side) -> Vec<String> {
    let mut all = Vec::new();
    while let Some(frame) = gatewright_wire::frame::next_frame(bytes, side, usize::MAX)
        .expect("what the session sends is well formed")
    {
        let tag = char::from(frame.tag);
        all.push(match (side, frame.tag) {
            (gatewright_wire::frame::Side::Frontend, b'Q') => {
                format!(
                    "Q {}",
                    gatewright_wire::frontend::Query::decode(frame.body)
                        .expect("a Query")
                        .text
                )
            }
            (gatewright_wire::frame::Side::Frontend, b'P') => {
                format!(
                    "P {}",
                    gatewright_wire::frontend::Parse::decode(frame.body)
                        .expect("a Parse")
                        .text
                )
            }
            (gatewright_wire::frame::Side::Backend, b'E') => {
                let fields = ErrorFields::decode(frame.body).expect("an error");
                format!("E {} {}", fields.sqlstate(), fields.message())
            }
            (gatewright_wire::frame::Side::Backend, b'Z') => {
                format!("Z{}", char::from(frame.body[0]))
            }
            _ => tag.to_string(),
        });
        bytes = &bytes[frame.bytes.len()..];
    }
    assert!(bytes.is_empty());
    all
}

fn query(text: &str) -> impl FnOnce(&mut BytesMut) + '_ {
    move |out| build::query(out, text).expect("a text")
}

fn parse<'a>(name: &'a str, text: &'a str) -> impl FnOnce(&mut BytesMut) + 'a {
    move |out| build::parse(out, name, text, &[]).expect("a text")
}

fn bind(out: &mut BytesMut, statement: &str) {
    build::bind(out, "", statement, &[], &[], &[]).expect("a Bind");
}

fn ready(status: TransactionStatus) -> impl FnOnce(&mut BytesMut) {
    move |out| build::ready_for_query(out, status)
}

fn complete(out: &mut BytesMut) {
    build::command_complete(out, "SELECT 1").expect("a tag");
}

fn syntax_error(out: &mut BytesMut) {
    build::error_response(
        out,
        &ErrorFields::new(
            "ERROR",
            "42601",
            format!("syntax error at or near \"{STAND_IN}\""),
        ),
    );
}

fn row_description(out: &mut BytesMut, name: &str) {
    let column = build::Column {
        name,
        type_oid: 25,
        type_size: -1,
        format: 0,
    };
    build::row_description(out, &[column]).expect("a description");
}

fn row(out: &mut BytesMut) {
    build::data_row(out, &[Some(b"value")]).expect("a row");
}

#[test]
fn a_permitted_query_passes_with_its_reply() {
    let mut play = Play::new();
    play.client(query("select 1"));
    assert_eq!(play.sent(), ["Q select 1"]);
    play.server(|out| row_description(out, "a"));
    play.server(row);
    play.server(complete);
    play.server(ready(TransactionStatus::Idle));
    assert_eq!(play.replied(), ["T", "D", "C", "ZI"]);
    assert_eq!(play.judge.completed[0].rows, 1);
    assert!(play.session.is_idle());
}

#[test]
fn a_refused_query_is_replaced_and_its_error_dressed() {
    let mut play = Play::new();
    play.client(query("deny this"));
    assert_eq!(play.sent(), [format!("Q {STAND_IN}")]);
    play.server(syntax_error);
    play.server(ready(TransactionStatus::Failed));
    assert_eq!(play.replied(), ["E 42501 denied by word", "ZE"]);
}

#[test]
fn one_refused_statement_refuses_the_whole_message() {
    let mut play = Play::new();
    play.client(query("select 1;deny this;select 2"));
    assert_eq!(play.sent(), [format!("Q {STAND_IN}")]);
    assert_eq!(play.judge.asked, ["select 1", "deny this"]);
}

#[test]
fn a_refusal_in_a_pipeline_skips_to_sync() {
    let mut play = Play::new();
    play.client(|out| {
        parse("", "select 1")(out);
        bind(out, "");
        build::execute(out, "", 0).expect("an Execute");
        parse("", "deny this")(out);
        bind(out, "");
        build::execute(out, "", 0).expect("an Execute");
        build::sync(out);
    });
    let sent = play.sent();
    assert_eq!(
        sent[..4],
        ["P select 1", "B", "E", &format!("P {STAND_IN}")]
    );
    assert!(!sent.iter().any(|message| message.contains("deny")));
    play.server(|out| {
        build::parse_complete(out);
        build::bind_complete(out);
        row(out);
        complete(out);
        syntax_error(out);
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    assert_eq!(
        play.replied(),
        ["1", "2", "D", "C", "E 42501 denied by word", "ZI"]
    );
    assert!(play.session.is_idle());
}

#[test]
fn a_name_that_may_have_changed_waits_for_the_reply() {
    let mut play = Play::new();
    play.client(|out| {
        parse("s", "select 1")(out);
        build::sync(out);
        bind(out, "s");
        build::sync(out);
    });
    assert_eq!(play.sent(), ["P select 1", "S"]);
    // The name was taken: the Parse fails, and the Bind means a statement that was never prepared here.
    play.server(|out| {
        build::error_response(
            out,
            &ErrorFields::new("ERROR", "42P05", "prepared statement \"s\" already exists"),
        );
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    // Asked to describe it, the server says that it does not know the name, and runs nothing.
    assert_eq!(play.sent(), ["D", "S"]);
    let unknown = "prepared statement \"s\" does not exist";
    play.server(|out| {
        build::error_response(out, &ErrorFields::new("ERROR", "26000", unknown));
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    let replies = play.replied();
    assert_eq!(
        replies[0],
        "E 42P05 prepared statement \"s\" already exists"
    );
    assert_eq!(replies[2], format!("E 26000 {unknown}"));
    assert!(play.session.is_idle());
}

#[test]
fn a_masked_query_is_described_before_it_runs() {
    let mut play = Play::new();
    play.client(query("mask a"));
    assert_eq!(play.sent(), ["P mask a", "D", "C", "H"]);
    play.server(|out| {
        build::parse_complete(out);
        out.extend_from_slice(b"t\0\0\0\x06\0\0");
        row_description(out, "a");
        build::close_complete(out);
    });
    assert_eq!(play.replied(), Vec::<String>::new());
    assert_eq!(play.sent(), ["Q mask a"]);
    play.server(|out| {
        row_description(out, "a");
        row(out);
        complete(out);
        build::ready_for_query(out, TransactionStatus::Idle);
    });
    let out = play.wires.to_client.clone();
    assert!(!out.windows(5).any(|window| window == b"value"));
    assert_eq!(play.replied(), ["T", "D", "C", "ZI"]);
}

#[test]
fn a_column_refused_by_its_description_never_runs() {
    let mut play = Play::new();
    play.client(query("mask secret"));
    play.sent();
    play.server(|out| {
        build::parse_complete(out);
        out.extend_from_slice(b"t\0\0\0\x06\0\0");
        row_description(out, "secret");
        build::close_complete(out);
    });
    assert_eq!(play.sent(), [format!("Q {STAND_IN}")]);
}

#[test]
fn an_error_of_the_description_is_the_error_of_the_query() {
    let mut play = Play::new();
    play.client(query("mask nothing"));
    play.sent();
    play.server(|out| {
        build::error_response(
            out,
            &ErrorFields::new("ERROR", "42703", "column \"nothing\" does not exist"),
        )
    });
    assert_eq!(play.sent(), ["S"]);
    play.server(ready(TransactionStatus::Idle));
    assert_eq!(
        play.replied(),
        ["E 42703 column \"nothing\" does not exist", "ZI"]
    );
    assert!(play.waiting.is_empty());
    assert!(play.session.is_idle());
}

#[test]
fn a_result_over_its_limit_ends_with_an_error() {
    let mut play = Play::new();
    play.client(query("limit a"));
    play.server(|out| {
        row_description(out, "a");
        row(out);
        row(out);
        row(out);
    });
    assert!(play.wires.cancel);
    play.server(|out| {
        build::error_response(
            out,
            &ErrorFields::new("ERROR", "57014", "canceling statement due to user request"),
        )
    });
    play.server(ready(TransactionStatus::Idle));
    assert_eq!(
        play.replied(),
        ["T", "D", "D", "E 54000 too many rows", "ZI"]
    );
}

#[test]
fn a_limit_reached_too_late_to_cancel_aborts_the_transaction() {
    let mut play = Play::new();
    play.client(query("limit a"));
    play.sent();
    play.server(|out| {
        row_description(out, "a");
        row(out);
        row(out);
        row(out);
        complete(out);
    });
    play.server(ready(TransactionStatus::InTransaction));
    assert_eq!(play.replied(), ["T", "D", "D", "E 54000 too many rows"]);
    assert_eq!(play.sent(), [format!("Q {STAND_IN}")]);
    play.server(syntax_error);
    play.server(ready(TransactionStatus::Failed));
    assert_eq!(play.replied(), ["ZE"]);
}

#[test]
fn nothing_follows_a_result_that_may_be_stopped() {
    let mut play = Play::new();
    play.client(|out| {
        parse("", "limit a")(out);
        bind(out, "");
        build::execute(out, "", 0).expect("an Execute");
        bind(out, "");
        build::execute(out, "", 0).expect("an Execute");
        build::sync(out);
    });
    assert_eq!(play.sent(), ["P limit a", "B", "E", "H"]);
    play.server(|out| {
        build::parse_complete(out);
        build::bind_complete(out);
        row(out);
        complete(out);
    });
    assert_eq!(play.sent(), ["B", "E", "S"]);
}

#[test]
fn a_sync_swallowed_by_copy_in_is_not_awaited() {
    let mut play = Play::new();
    play.client(|out| {
        parse("", "copy t from stdin")(out);
        bind(out, "");
        build::execute(out, "", 0).expect("an Execute");
        build::sync(out);
    });
    play.server(|out| {
        build::parse_complete(out);
        build::bind_complete(out);
        out.extend_from_slice(b"G\0\0\0\x07\0\0\0");
    });
    play.sent();
    play.client(|out| {
        build::copy_data(out, b"1\n").expect("data");
        build::copy_done(out);
        build::sync(out);
    });
    assert_eq!(play.sent(), ["d", "c", "S"]);
    play.server(complete);
    play.server(ready(TransactionStatus::Idle));
    assert!(play.session.is_idle());
}

#[test]
fn a_query_inside_copy_in_fails_the_copy_and_is_not_forwarded() {
    let mut play = Play::new();
    play.client(query("copy t from stdin"));
    play.server(|out| out.extend_from_slice(b"G\0\0\0\x07\0\0\0"));
    play.sent();
    play.client(query("deny this"));
    assert_eq!(play.sent(), ["f"]);
}

#[test]
fn a_statement_prepared_in_sql_is_known_to_bind() {
    let mut play = Play::new();
    play.client(query("prepare s as select 1"));
    play.server(complete);
    play.server(ready(TransactionStatus::Idle));
    play.sent();
    play.client(|out| bind(out, "s"));
    assert_eq!(play.sent(), ["B"]);
}

#[test]
fn every_split_of_the_bytes_gives_the_same_messages() {
    let mut whole = BytesMut::new();
    parse("s", "select 1")(&mut whole);
    bind(&mut whole, "s");
    build::describe(&mut whole, Subject::Portal("")).expect("a Describe");
    build::execute(&mut whole, "", 0).expect("an Execute");
    build::sync(&mut whole);
    query("deny this")(&mut whole);
    let mut expected = Play::new();
    expected.client(|out| out.extend_from_slice(&whole));
    let expected = expected.sent();
    for split in 1..whole.len() {
        let mut play = Play::new();
        play.client(|out| out.extend_from_slice(&whole[..split]));
        play.client(|out| out.extend_from_slice(&whole[split..]));
        assert_eq!(play.sent(), expected, "split at byte {split}");
    }
}
