//! A judge of a few lines.

use std::rc::Rc;
use std::sync::Arc;

use gatewright_contract as contract;
use gatewright_sql::{Analysis, Facts, Outputs, SessionEffect, Statement, TransactionCommand};

use super::super::*;
use crate::results::{Step, Stop};

/// Understands a text by its first word: `deny` is refused, `limit` may return two rows, `mask` has its first column
/// nullified, `prepare NAME`, `execute NAME`, `declare NAME`, `copyin` and the words of transactions do as they say, anything else may run.
#[derive(Default)]
pub(super) struct WordJudge {
    pub(super) asked: Vec<String>,
    generation: u32,
    pub(super) completed: Vec<Completion>,
}

#[derive(Clone)]
pub(super) struct WordPermit {
    word: String,
    generation: u32,
}

#[derive(Clone)]
pub(super) struct WordText(Rc<(String, Analysis)>);

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
        (Some("execute"), Some(name)) => SessionEffect::Execute { name: name.into() },
        (Some("copyin"), _) => SessionEffect::CopyIn,
        (Some("begin"), _) => SessionEffect::Transaction(TransactionCommand::Begin),
        (Some("commit"), _) => {
            SessionEffect::Transaction(TransactionCommand::Commit { chain: false })
        }
        (Some("rollback"), _) => {
            SessionEffect::Transaction(TransactionCommand::Rollback { chain: false })
        }
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

    /// By number: 1 may run, 2 may return no more than two rows, 3 is masked, others are refused.
    fn judge_function_call(&mut self, oid: u32, _: bool) -> Judged<Result<WordPermit, Refusal>> {
        self.asked.push(format!("call {oid}"));
        let word = match oid {
            1 => "select",
            2 => "limit",
            3 => "mask",
            _ => return Judged::Ready(Err(Refusal::new("42501", "no such calls"))),
        };
        Judged::Ready(Ok(WordPermit {
            word: word.to_owned(),
            generation: self.generation,
        }))
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
            types: fields.iter().map(|field| field.type_oid).collect(),
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
