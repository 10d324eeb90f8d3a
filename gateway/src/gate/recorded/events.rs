//! The events of a statement, from what the gate knows of it.

use std::time::Duration;

use gatewright_contract::{ColumnSource, RequestId};
use gatewright_policy_host::{Policy, StatementView};
use gatewright_sql::Outputs;
use gatewright_wire::frontend;

use super::withheld;
use crate::gate::kept::KeptQuestion;
use crate::gate::permit::Permit;
use crate::gate::view::{KeptParameters, View};
use crate::recording::{
    self, Attempted, Completed, Decision, Judged as JudgedEvent, Literals, Parameter, PolicyAnswer,
    PolicyVerdict, ResultColumn, Stage,
};
use crate::session::{Completion, Phase, Refusal};

/// An extension of the event for what was refused.
pub(super) trait Refused {
    fn refused(self, refusal: &Refusal) -> Self;
}

impl Refused for JudgedEvent {
    fn refused(self, refusal: &Refusal) -> Self {
        JudgedEvent {
            at: recording::now(),
            decision: Decision::Refused,
            sqlstate: Some(refusal.sqlstate.to_string()),
            message: Some(refusal.message.clone()),
            ..self
        }
    }
}

fn stage(phase: Phase) -> Stage {
    match phase {
        Phase::Simple => Stage::Query,
        Phase::Parse => Stage::Parse,
        Phase::Execute => Stage::Bind,
        Phase::FunctionCall => Stage::FunctionCall,
    }
}

pub(super) fn policy_verdict(
    policy: &Policy,
    answer: PolicyAnswer,
    shadow: Option<PolicyAnswer>,
) -> PolicyVerdict {
    PolicyVerdict {
        name: policy.name().to_owned(),
        version: policy.version().to_owned(),
        hash: policy.digest(),
        answer,
        shadow,
    }
}

/// What is known of a statement that came to no permit.
pub(super) fn of_question(question: &KeptQuestion) -> JudgedEvent {
    let text = match &question.text.edited {
        Some(from) => &from.client,
        None => &question.text,
    };
    let statement = text.analysis.statements.get(question.index);
    let source = statement.and_then(|statement| text.source.get(statement.span.clone()));
    JudgedEvent {
        when: stage(question.phase),
        text: source.unwrap_or_default().to_owned(),
        ..statement
            .map(|statement| of_facts(&statement.facts))
            .unwrap_or_default()
    }
}

fn of_facts(facts: &gatewright_sql::Facts) -> JudgedEvent {
    let tables = facts.tables.iter();
    let tables = tables.map(|table| format!("{}.{}", table.schema, table.name));
    JudgedEvent {
        verb: facts.verb.name().to_owned(),
        tables: tables.collect(),
        ..JudgedEvent::default()
    }
}

/// Where the values of the result come from, as the lineage has it. `None`: the number of columns is not known.
pub(super) fn columns(facts: &gatewright_sql::Facts) -> Option<Vec<ResultColumn>> {
    let outputs = match &facts.outputs {
        // Rows that leave by COPY.
        Outputs::None => &facts.inner,
        outputs => outputs,
    };
    let Outputs::Columns(outputs) = outputs else {
        return None;
    };
    let columns = outputs.iter().map(|output| ResultColumn {
        name: output.name.clone(),
        sources: output.sources.as_ref().map(|sources| {
            let sources = sources.iter();
            let named = |source: &ColumnSource| {
                format!("{}.{}.{}", source.schema, source.table, source.column)
            };
            sources.map(named).collect()
        }),
    });
    Some(columns.collect())
}

/// `shadow`: what a policy in shadow mode would have said, by its place in the order.
pub(super) fn permitted(
    permit: &Permit,
    shadow: impl Fn(usize, &Policy) -> Option<PolicyAnswer>,
) -> JudgedEvent {
    let view: &View = &permit.view;
    let original = view.original_sql();
    let (text, instead) = match original {
        Some(original) => (original, Some(view.sql())),
        None => (view.sql(), None),
    };
    let wants = |index| {
        permit
            .wanted
            .iter()
            .any(|wanted| wanted.policy == Some(index))
    };
    let policies = permit.set.policies.iter().zip(permit.answers.iter());
    let policies = policies.enumerate().map(|(index, (policy, answer))| {
        let answer = match answer {
            None => PolicyAnswer::NotAsked,
            Some(_) if wants(index) => PolicyAnswer::RequiresApproval,
            Some(_) => PolicyAnswer::Allowed,
        };
        policy_verdict(policy, answer, shadow(index, policy))
    });
    JudgedEvent {
        statement: view.statement_id,
        at: recording::now(),
        when: stage(view.phase),
        text,
        instead,
        decision: match permit.needs_approval() {
            true => Decision::NeedsApproval,
            false => Decision::Permitted,
        },
        policies: policies.collect(),
        ..view.facts().map(of_facts).unwrap_or_default()
    }
}

/// How the server reads the text.
pub(super) fn is_standard(view: &View) -> bool {
    let text = view.text.as_ref();
    text.is_none_or(|text| text.standard_conforming_strings)
}

/// The values of a Bind.
pub(super) fn parameters(
    bound: Option<&KeptParameters>,
    literals: Literals,
) -> Option<Vec<Parameter>> {
    let bound = bound?;
    // The session has decoded this message before, so this does not fail.
    let bind = frontend::Bind::decode(&bound.bind).ok()?;
    let values = bind.parameters.iter().enumerate();
    let parameters = values.map(|(index, value)| Parameter {
        type_oid: bound.types.get(index).copied().unwrap_or_default(),
        format: bind.formats.of(index).unwrap_or_default(),
        value: value.map(<[u8]>::to_vec),
        withheld: None,
    });
    let parameters = parameters.map(|parameter| withheld::parameter(parameter, literals));
    Some(parameters.collect())
}

/// What is recorded of an execution before it is sent.
pub(in crate::gate) fn attempted(
    permit: &Permit,
    approvals: Vec<RequestId>,
    literals: Literals,
) -> Attempted {
    let parameters = parameters(permit.view.bound.as_deref(), literals);
    Attempted {
        execution: 0,
        statement: permit.view.statement_id,
        at: recording::now(),
        parameters: parameters.unwrap_or_default(),
        approvals,
        rehearsal: None,
        function: None,
    }
}

/// What is recorded of its end.
pub(in crate::gate) fn completed(
    execution: u64,
    done: &Completion,
    elapsed: Duration,
) -> Completed {
    Completed {
        execution,
        at: recording::now(),
        outcome: done.outcome,
        rows: done.rows,
        bytes: done.bytes,
        masked_cells: done.masked_cells,
        changed: done.changed,
        sqlstate: done.sqlstate.clone(),
        elapsed_us: u64::try_from(elapsed.as_micros()).unwrap_or(u64::MAX),
    }
}
