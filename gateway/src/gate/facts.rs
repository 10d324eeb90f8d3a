//! The parser's facts converted to the types of the policy contract.

use gatewright_contract::{self as contract, StatementFacts};
use gatewright_sql as sql;

use crate::identity::Identity;

/// The facts that policies get about one statement, converted once per cached text.
pub(super) fn of_statement(facts: &sql::Facts) -> StatementFacts {
    StatementFacts {
        fingerprint: facts.fingerprint,
        verb: facts.verb,
        commands: facts.commands.clone(),
        opaque: facts.opaque.clone(),
        unbounded_write: facts.unbounded_write,
        limit: facts.limit,
        parameter_count: facts.parameter_count,
        tables: facts.tables.clone(),
        columns: facts.columns.iter().map(column).collect(),
        functions: facts.functions.clone(),
    }
}

/// A fast-path function call (protocol: FunctionCall) identifies the function by OID, so its name is not known here.
pub(super) fn of_function_call(function_oid: u32) -> StatementFacts {
    StatementFacts {
        fingerprint: u64::from(function_oid),
        verb: contract::Verb::Unknown,
        commands: vec!["FUNCTION CALL".into()],
        opaque: vec![format!(
            "calls the function with OID {function_oid} by FunctionCall message"
        )],
        unbounded_write: false,
        limit: None,
        parameter_count: 0,
        tables: Vec::new(),
        columns: Vec::new(),
        functions: Vec::new(),
    }
}

pub(super) fn identity(identity: &Identity) -> contract::Identity {
    contract::Identity {
        subject: identity.subject.clone(),
        issuer: identity.issuer.clone(),
        groups: identity.groups.clone(),
        agent: identity.agent.clone(),
        task: identity.task.clone(),
        attributes: identity
            .attributes
            .iter()
            .map(|(key, value)| contract::Attribute {
                key: key.clone(),
                value: value.clone(),
            })
            .collect(),
    }
}

pub(super) fn outputs(facts: &sql::Facts) -> Vec<Vec<contract::ColumnSource>> {
    match &facts.outputs {
        sql::Outputs::Columns(outputs) => outputs
            .iter()
            .map(|output| output.sources.clone().unwrap_or_default())
            .collect(),
        sql::Outputs::None | sql::Outputs::Unknown => Vec::new(),
    }
}

/// A flow with unknown sources lists none and is not exact; a value that carries no column is not a flow.
pub(super) fn flows(facts: &sql::Facts) -> Vec<contract::DataFlow> {
    let flows = facts.flows.iter().map(|flow| contract::DataFlow {
        target: flow.target.clone(),
        sources: flow.sources.clone().unwrap_or_default(),
        exact: flow.exact,
    });
    flows.collect()
}

fn column(column: &sql::ColumnRef) -> contract::ColumnRef {
    contract::ColumnRef {
        table: column.table.and_then(|index| u32::try_from(index).ok()),
        name: column.name.clone(),
        usage: column.usage,
    }
}
