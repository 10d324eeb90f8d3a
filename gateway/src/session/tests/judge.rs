//! A judge of a few lines, which may need time for any of its answers.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use gatewright_contract as contract;
use gatewright_sql::{
    Analysis, CopyDestination, CopyFormat, CopyOut, Facts, ForceQuote, Outputs, SessionEffect,
    Statement, TransactionCommand, Verb,
};
use gatewright_wire::frontend::FunctionCall;

use super::super::*;
use crate::recording::{self, RehearsalRecord};
use crate::results::{Step, Stop};

/// Understands a text by its first word: `deny` is refused, `limit` may return two rows, `mask` has its first column
/// nullified, `prepare NAME`, `execute NAME`, `declare NAME`, `fetch NAME`, `set NAME`, `copyin` and the words of transactions do as they say, `maskcopy
/// ENCODING` is a COPY TO STDOUT whose column is nullified, `code` runs code whose texts are withheld, `hold` waits for a decision, `ask` for one about each run, which `askno` is refused and `askall` asks behind everything else, `slow` takes long to judge, anything else may run.
#[derive(Default)]
pub(crate) struct WordJudge {
    pub(crate) asked: Vec<String>,
    /// Whether each of them was to run in a transaction block.
    pub(crate) in_block: Vec<bool>,
    /// The texts that were analysed, and whether with standard_conforming_strings.
    pub(crate) analysed: Vec<(String, bool)>,
    pub(crate) generation: u32,
    /// How often the catalog has changed. A text is understood with the catalog of its time.
    pub(crate) catalog: u32,
    /// Every statement is found to call something.
    pub(crate) redefined: bool,
    pub(crate) completed: Vec<Completion>,
    pub(crate) refused: Vec<String>,
    pub(crate) ledger: Rc<RefCell<Ledger>>,
    /// How many times the next answers are not there yet, taken in turn; empty: all answers come at once.
    pub(crate) delays: Vec<u8>,
    /// What catching up comes to, for as many messages, the last first; otherwise nothing was to be caught up with.
    pub(crate) catch_ups: Vec<Result<(), Refusal>>,
    answers: u64,
    pub(crate) under_way: HashMap<u64, Late>,
    pub(crate) withdrawn: Rc<Cell<usize>>,
    /// How many `slow` statements were judged.
    pub(crate) slow: Rc<Cell<usize>>,
    /// No end is taken note of before a decision is made.
    pub(crate) notes_late: Rc<Cell<bool>>,
    /// What the client is told of the statement that is held, the last first.
    pub(crate) notices: Vec<Notice>,
    /// What a person says about the statement that is held.
    pub(crate) decision: Rc<Decision>,
}

/// A decision from outside, and who waits for it.
#[derive(Default)]
pub(crate) struct Decision {
    said: RefCell<Option<Result<(), Refusal>>>,
    waker: RefCell<Option<Waker>>,
    /// What happens at the moment when it is heard.
    meanwhile: RefCell<Option<Box<dyn FnOnce()>>>,
}

impl Decision {
    pub(crate) fn meanwhile(&self, something: impl FnOnce() + 'static) {
        *self.meanwhile.borrow_mut() = Some(Box::new(something));
    }

    pub(crate) fn say(&self, decision: Result<(), Refusal>) {
        *self.said.borrow_mut() = Some(decision);
        if let Some(waker) = self.waker.borrow_mut().take() {
            waker.wake();
        }
    }
}

impl PendingJudge for WordJudge {
    fn poll_pending(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let said = match self.under_way.is_empty() {
            true => None,
            false => self.decision.said.borrow_mut().take(),
        };
        if let Some(decision) = said {
            self.decide(decision.err());
            if let Some(something) = self.decision.meanwhile.borrow_mut().take() {
                something();
            }
            return Poll::Ready(());
        }
        *self.decision.waker.borrow_mut() = Some(context.waker().clone());
        Poll::Pending
    }
}

/// What became of every admission.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) admitted: u64,
    /// How often each ended.
    pub(crate) ended: HashMap<u64, u32>,
    pub(crate) dropped: u32,
}

impl Ledger {
    /// Every admission ended exactly once.
    pub(crate) fn is_balanced(&self) -> bool {
        self.dropped == 0
            && self.ended.len() as u64 == self.admitted
            && self.ended.values().all(|count| *count == 1)
    }
}

/// An admission. One that is dropped without its end is noted.
pub(crate) struct WordAdmitted {
    id: u64,
    ended: bool,
    ledger: Rc<RefCell<Ledger>>,
}

impl WordAdmitted {
    /// It never left the judge.
    fn never_was(&mut self) {
        self.ended = true;
        self.ledger.borrow_mut().ended.insert(self.id, 1);
    }
}

impl Drop for WordAdmitted {
    fn drop(&mut self) {
        if !self.ended {
            self.ledger.borrow_mut().dropped += 1;
        }
    }
}

/// An answer that is given late.
pub(crate) struct Late {
    answer: Answer<WordJudge>,
    /// How often it is asked for in vain; `None`: until it is decided.
    after: Option<u8>,
}

impl WordJudge {
    /// Lets the statement that is held run, or refuses it.
    pub(crate) fn decide(&mut self, refusal: Option<Refusal>) {
        for late in self.under_way.values_mut() {
            late.after = Some(0);
            let Some(refusal) = &refusal else {
                continue;
            };
            late.answer = match &mut late.answer {
                Answer::Admission(admission) => {
                    if let Ok(admitted) = admission {
                        admitted.never_was();
                    }
                    Answer::Admission(Err(refusal.clone()))
                }
                _ => Answer::Verdict(Err(refusal.clone())),
            };
        }
    }

    /// A message is asked about anew only when nothing is asked about it any more.
    fn nothing_else_is_asked(&self) {
        let mut answers = self.under_way.values().map(|late| &late.answer);
        let of_client = answers.any(|answer| {
            !matches!(
                answer,
                Answer::Batch(_) | Answer::Completed | Answer::Notification(_)
            )
        });
        assert!(!of_client, "asked twice about one message");
    }

    fn answer<T>(
        &mut self,
        answer: T,
        held: bool,
        wrap: impl FnOnce(T) -> Answer<WordJudge>,
    ) -> Judged<T> {
        self.answers += 1;
        let turn = usize::try_from(self.answers).expect("few answers");
        let delay = match self.delays.len() {
            0 => 0,
            count => self.delays[turn % count],
        };
        if delay == 0 && !held {
            return Judged::Ready(answer);
        }
        let late = Late {
            answer: wrap(answer),
            after: (!held).then_some(delay),
        };
        self.under_way.insert(self.answers, late);
        let wait = if held { Wait::Decision } else { Wait::Work };
        Judged::Pending(Ticket::new(self.answers, wait))
    }
}

#[derive(Clone)]
pub(crate) struct WordPermit {
    word: String,
    generation: u32,
}

#[derive(Clone)]
pub(crate) struct WordText(Rc<(String, Analysis, u32)>);

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
        (Some("declare"), Some(name)) => SessionEffect::DeclareCursor { name: name.into() },
        (Some("limit"), Some("fetch")) => SessionEffect::Fetch {
            name: words.next().unwrap_or_default().into(),
        },
        (Some("fetch"), Some(name)) => SessionEffect::Fetch { name: name.into() },
        (Some("execute"), Some(name)) => SessionEffect::Execute { name: name.into() },
        (Some("set"), Some(name)) => SessionEffect::Set {
            name: name.into(),
            value: None,
            local: false,
        },
        (Some("copyin"), _) => SessionEffect::CopyIn,
        (Some("maskcopy"), encoding) => SessionEffect::CopyOut(copy_out(encoding)),
        (Some("begin"), _) => SessionEffect::Transaction(TransactionCommand::Begin),
        (Some("commit"), _) => {
            SessionEffect::Transaction(TransactionCommand::Commit { chain: false })
        }
        (Some("rollback"), _) => {
            SessionEffect::Transaction(TransactionCommand::Rollback { chain: false })
        }
        _ => SessionEffect::None,
    };
    if facts.session == SessionEffect::None {
        // It changes nothing, so it may run behind one that is stopped.
        facts.verb = Verb::Select;
    }
    assert!(text.is_char_boundary(start));
    Statement {
        span: start..start + part.len(),
        facts: Arc::new(facts),
    }
}

fn copy_out(encoding: Option<&str>) -> CopyOut {
    CopyOut {
        destination: CopyDestination::Stdout,
        format: CopyFormat::Text,
        delimiter: b'|',
        quote: b'"',
        escape: b'"',
        null: "\\N".into(),
        header: false,
        force_quote: ForceQuote::None,
        encoding: encoding.map(str::to_owned),
        describe: "select".into(),
    }
}

impl Judge for WordJudge {
    type Text = WordText;
    type Permit = WordPermit;
    type Admitted = WordAdmitted;

    fn catch_up(&mut self) -> Judged<Result<(), Refusal>> {
        match self.catch_ups.pop() {
            Some(result) => self.answer(result, false, Answer::CaughtUp),
            None => Judged::Ready(Ok(())),
        }
    }

    fn analyze(
        &mut self,
        text: &str,
        conforming: bool,
        _: Option<&gatewright_sql::SearchPath>,
    ) -> Judged<Result<WordText, Refusal>> {
        self.nothing_else_is_asked();
        self.analysed.push((text.to_owned(), conforming));
        let unknown = |part: &str| matches!(word(part).as_str(), "garble" | "novel");
        if text.split(';').any(unknown) {
            let mut refusal = Refusal::new("42601", "syntax error");
            refusal.unread = true;
            return self.answer(Err(refusal), false, Answer::Text);
        }
        let mut start = 0;
        let mut statements = Vec::new();
        for part in text.split(';') {
            if !part.is_empty() {
                let mut statement = statement(text, start, part);
                if self.redefined {
                    Arc::make_mut(&mut statement.facts)
                        .functions
                        .push("redefined".into());
                }
                statements.push(statement);
            }
            start += part.len() + 1;
        }
        let text = WordText(Rc::new((
            text.to_owned(),
            Analysis { statements },
            self.catalog,
        )));
        self.answer(Ok(text), false, Answer::Text)
    }

    fn is_settled(&self, text: &WordText) -> bool {
        text.0.2 == self.catalog
    }

    fn analyze_anew(&mut self, text: &WordText) -> Judged<Result<WordText, Refusal>> {
        self.analyze(&text.0.0, true, None)
    }

    fn analysis(text: &WordText) -> &Analysis {
        &text.0.1
    }

    fn bytes(text: &WordText) -> usize {
        Self::source(text).len()
    }

    fn source(text: &WordText) -> &str {
        &text.0.0
    }

    fn client_position(_: &WordText, position: u32) -> Option<u32> {
        Some(position)
    }

    fn judge(&mut self, question: Question<'_, Self>) -> Judged<Result<Verdict<Self>, Refusal>> {
        self.nothing_else_is_asked();
        let span = Self::analysis(question.text).statements[question.index]
            .span
            .clone();
        let part = Self::source(question.text)[span].to_owned();
        self.asked.push(part.clone());
        self.in_block.push(question.in_block);
        if part == "slow" {
            self.slow.set(self.slow.get() + 1);
            std::thread::sleep(Duration::from_micros(300));
        }
        let verdict = match word(&part).as_str() {
            "deny" => Err(Refusal::new("42501", "denied by word")),
            _ => Ok(Verdict::Permit(WordPermit {
                word: word(&part),
                generation: self.generation,
            })),
        };
        // At Parse nothing runs yet.
        let held = word(&part) == "hold" && question.phase != Phase::Parse;
        self.answer(verdict, held, Answer::Verdict)
    }

    /// By number: 1 may run, 2 may return no more than two rows, 3 is masked, 4 is held, others are refused.
    fn judge_function_call(
        &mut self,
        call: &FunctionCall<'_>,
        _: bool,
    ) -> Judged<Result<Verdict<Self>, Refusal>> {
        let oid = call.function;
        self.nothing_else_is_asked();
        self.asked.push(format!("call {oid}"));
        let word = match oid {
            1 | 4 => "select",
            2 => "limit",
            3 => "mask",
            _ => {
                let refusal = Refusal::new("42501", "no such calls");
                return self.answer(Err(refusal), false, Answer::Verdict);
            }
        };
        let permit = WordPermit {
            word: word.to_owned(),
            generation: self.generation,
        };
        self.answer(Ok(Verdict::Permit(permit)), oid == 4, Answer::Verdict)
    }

    fn is_current(&self, permit: &WordPermit) -> bool {
        permit.generation == self.generation
    }

    fn messages(permit: &WordPermit) -> contract::Messages {
        match permit.word.as_str() {
            word if word.starts_with("mask") => contract::Messages::WithoutValues,
            "code" => contract::Messages::OutsideCode,
            _ => contract::Messages::All,
        }
    }

    fn wants_notifications(&self) -> bool {
        true
    }

    fn judge_notification(
        &mut self,
        channel: &str,
        _: &str,
    ) -> Judged<contract::NotificationReply> {
        let reply = match channel {
            "secret" => contract::NotificationReply::Drop,
            _ => contract::NotificationReply::Pass,
        };
        self.answer(reply, false, Answer::Notification)
    }

    fn wants_plan(permit: &WordPermit) -> bool {
        permit.word.starts_with("mask")
    }

    fn covers(planned_for: &WordPermit, now: &WordPermit) -> bool {
        planned_for.generation == now.generation
    }

    fn limits(permit: &WordPermit) -> Limits {
        Limits {
            rows: (permit.word == "limit").then_some(2),
            ..Limits::default()
        }
    }

    fn needs_approval(permit: &WordPermit) -> bool {
        permit.word.starts_with("ask")
    }

    fn follows_all(permit: &WordPermit) -> bool {
        permit.word == "askall"
    }

    fn rehearsal(&self, _: &WordPermit) -> Option<Rehearsal> {
        None
    }

    fn showing(&mut self, _: &WordPermit) -> Judged<Result<Showing<Self>, String>> {
        Judged::Ready(Err("nothing is tried".to_owned()))
    }

    fn record_rehearsal(
        &mut self,
        _: &WordPermit,
        _: recording::Rehearsal,
    ) -> Judged<Result<RehearsalRecord, Refusal>> {
        Judged::Ready(Ok(RehearsalRecord::default()))
    }

    fn bound_to(_: &WordAdmitted) -> Option<Bound> {
        None
    }

    fn effect_differs(&mut self, _: &WordAdmitted, _: Option<u64>) -> Refusal {
        Refusal::new("42501", "another effect")
    }

    fn wants_parameters(&self) -> bool {
        false
    }

    fn plan(&mut self, _: &WordPermit, fields: &[Field]) -> Judged<Result<Plan, Refusal>> {
        self.nothing_else_is_asked();
        let plan = if fields.iter().any(|field| field.name == "secret") {
            Err(Refusal::new("42501", "no secrets"))
        } else {
            Ok(Plan {
                fields: fields.to_vec(),
                types: fields.iter().map(|field| field.type_oid).collect(),
                steps: vec![Step {
                    actions: vec![contract::ColumnAction::Inspect(String::new())],
                }],
            })
        };
        self.answer(plan, false, Answer::Plan)
    }

    fn admit(
        &mut self,
        permit: &WordPermit,
        _: Option<&Rehearsed>,
    ) -> Judged<Result<WordAdmitted, Refusal>> {
        self.nothing_else_is_asked();
        if permit.word == "askno" {
            let rejected = Refusal::new("42501", "rejected by word");
            return self.answer(Err(rejected), true, Answer::Admission);
        }
        let id = {
            let mut ledger = self.ledger.borrow_mut();
            ledger.admitted += 1;
            ledger.admitted
        };
        let admitted = WordAdmitted {
            id,
            ended: false,
            ledger: Rc::clone(&self.ledger),
        };
        let held = matches!(permit.word.as_str(), "ask" | "askall");
        self.answer(Ok(admitted), held, Answer::Admission)
    }

    fn on_batch(
        &mut self,
        _: &WordPermit,
        _: usize,
        batch: &Arc<contract::Batch>,
    ) -> Judged<Result<contract::BatchReply, contract::Denial>> {
        let columns = batch
            .columns
            .iter()
            .map(|_| contract::ColumnReply::Nullify)
            .collect();
        let edit = contract::BatchReply::Edit(contract::BatchEdit {
            columns,
            keep_rows: None,
        });
        self.answer(Ok(edit), false, Answer::Batch)
    }

    fn complete(&mut self, mut admitted: WordAdmitted, done: Completion) -> Judged<()> {
        admitted.ended = true;
        *self
            .ledger
            .borrow_mut()
            .ended
            .entry(admitted.id)
            .or_default() += 1;
        self.completed.push(done);
        let is_late = self.notes_late.get();
        self.answer((), is_late, |()| Answer::Completed)
    }

    fn resume(&mut self, ticket: Ticket) -> Judged<Answer<Self>> {
        let late = self.under_way.get_mut(&ticket.id());
        let late = late.expect("a ticket that was handed out and not withdrawn");
        match &mut late.after {
            Some(0) => {
                let late = self.under_way.remove(&ticket.id()).expect("it is there");
                Judged::Ready(late.answer)
            }
            after => {
                if let Some(left) = after {
                    *left -= 1;
                }
                Judged::Pending(ticket)
            }
        }
    }

    fn is_under_way(&self, ticket: &Ticket) -> bool {
        let late = self.under_way.get(&ticket.id());
        late.is_some_and(|late| late.after != Some(0))
    }

    fn notice(&mut self) -> Option<Notice> {
        self.notices.pop()
    }

    fn withdraw(&mut self, ticket: Ticket, _: Departure) {
        self.withdrawn.set(self.withdrawn.get() + 1);
        let late = self.under_way.remove(&ticket.id());
        // An admission that came too late never left the judge.
        if let Some(Late {
            answer: Answer::Admission(Ok(mut admitted)),
            ..
        }) = late
        {
            admitted.never_was();
        }
    }

    fn stopped(&mut self, _: &WordPermit, _: Stop) -> Refusal {
        Refusal::new("42501", "stopped")
    }

    fn limit_reached(&mut self, _: &WordPermit, _: Limit) -> Refusal {
        Refusal::new("54000", "too many rows")
    }

    fn refused(&mut self, refusal: &Refusal) {
        self.refused.push(refusal.sqlstate.clone().into_owned());
    }
}
