//! The parser's facts converted to the types of the policy contract.

use gatewright_contract::{self as contract, StatementFacts};
use gatewright_sql as sql;

use crate::identity::Identity;

/// The facts that policies get about one statement, converted once per cached text.
pub(super) fn of_statement(facts: &sql::Facts) -> StatementFacts {
    StatementFacts {
        fingerprint: facts.fingerprint,
        verb: verb(facts.verb),
        commands: facts.commands.clone(),
        opaque: facts.opaque.clone(),
        unbounded_write: facts.unbounded_write,
        limit: facts.limit,
        parameter_count: facts.parameter_count,
        tables: facts.tables.iter().map(table).collect(),
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
            .map(|output| {
                output
                    .sources
                    .as_deref()
                    .unwrap_or_default()
                    .iter()
                    .map(source)
                    .collect()
            })
            .collect(),
        sql::Outputs::None | sql::Outputs::Unknown => Vec::new(),
    }
}

/// A flow with unknown sources lists none and is not exact; a value that carries no column is not a flow.
pub(super) fn flows(facts: &sql::Facts) -> Vec<contract::DataFlow> {
    let flows = facts.flows.iter().map(|flow| contract::DataFlow {
        target: source(&flow.target),
        sources: flow.sources.iter().flatten().map(source).collect(),
        exact: flow.exact,
    });
    flows.collect()
}

pub(super) fn source(source: &sql::ColumnSource) -> contract::ColumnSource {
    contract::ColumnSource {
        schema: source.schema.clone(),
        table: source.table.clone(),
        column: source.column.clone(),
        transform: match source.transform {
            sql::Transform::Identity => contract::Transform::Identity,
            sql::Transform::Expression => contract::Transform::Expression,
            sql::Transform::Aggregate => contract::Transform::Aggregate,
            sql::Transform::Constant => contract::Transform::Constant,
            sql::Transform::Unknown => contract::Transform::Unknown,
        },
    }
}

fn table(table: &sql::TableRef) -> contract::TableRef {
    contract::TableRef {
        schema: table.schema.clone(),
        name: table.name.clone(),
        kind: match table.kind {
            sql::RelationKind::Table => contract::RelationKind::Table,
            sql::RelationKind::Partitioned => contract::RelationKind::Partitioned,
            sql::RelationKind::View => contract::RelationKind::View,
            sql::RelationKind::MaterializedView => contract::RelationKind::MaterializedView,
            sql::RelationKind::Function => contract::RelationKind::Function,
            sql::RelationKind::Foreign => contract::RelationKind::Foreign,
            sql::RelationKind::Temporary => contract::RelationKind::Temporary,
            sql::RelationKind::Catalog => contract::RelationKind::Catalog,
            sql::RelationKind::Unresolved => contract::RelationKind::Unresolved,
        },
        access: access(table.access),
    }
}

fn access(access: sql::Access) -> contract::Access {
    let mut flags = contract::Access::empty();
    for (known, flag) in [
        (sql::Access::SELECT, contract::Access::SELECT),
        (sql::Access::INSERT, contract::Access::INSERT),
        (sql::Access::UPDATE, contract::Access::UPDATE),
        (sql::Access::DELETE, contract::Access::DELETE),
        (sql::Access::TRUNCATE, contract::Access::TRUNCATE),
        (sql::Access::DDL, contract::Access::DDL),
        (sql::Access::EXECUTE, contract::Access::EXECUTE),
        (sql::Access::LOCK, contract::Access::LOCK),
    ] {
        flags.set(flag, access.contains(known));
    }
    flags
}

fn column(column: &sql::ColumnRef) -> contract::ColumnRef {
    contract::ColumnRef {
        table: column.table.and_then(|index| u32::try_from(index).ok()),
        name: column.name.clone(),
        usage: match column.usage {
            sql::Usage::Output => contract::Usage::Output,
            sql::Usage::Filter => contract::Usage::Filter,
            sql::Usage::Join => contract::Usage::Join,
            sql::Usage::Group => contract::Usage::Group,
            sql::Usage::Order => contract::Usage::Order,
            sql::Usage::Aggregate => contract::Usage::Aggregate,
            sql::Usage::Window => contract::Usage::Window,
            sql::Usage::Assigned => contract::Usage::Assigned,
            sql::Usage::Returning => contract::Usage::Returning,
            sql::Usage::Argument => contract::Usage::Argument,
            sql::Usage::Other => contract::Usage::Other,
        },
    }
}

fn verb(verb: sql::Verb) -> contract::Verb {
    match verb {
        sql::Verb::Select => contract::Verb::Select,
        sql::Verb::Insert => contract::Verb::Insert,
        sql::Verb::Update => contract::Verb::Update,
        sql::Verb::Delete => contract::Verb::Delete,
        sql::Verb::Merge => contract::Verb::Merge,
        sql::Verb::Truncate => contract::Verb::Truncate,
        sql::Verb::CopyIn => contract::Verb::CopyIn,
        sql::Verb::CopyOut => contract::Verb::CopyOut,
        sql::Verb::Call => contract::Verb::Call,
        sql::Verb::DoBlock => contract::Verb::DoBlock,
        sql::Verb::Ddl => contract::Verb::Ddl,
        sql::Verb::Grant => contract::Verb::Grant,
        sql::Verb::Transaction => contract::Verb::Transaction,
        sql::Verb::Set => contract::Verb::Set,
        sql::Verb::Explain => contract::Verb::Explain,
        sql::Verb::Cursor => contract::Verb::Cursor,
        sql::Verb::Prepare => contract::Verb::Prepare,
        sql::Verb::Listen => contract::Verb::Listen,
        sql::Verb::Lock => contract::Verb::Lock,
        sql::Verb::Maintenance => contract::Verb::Maintenance,
        sql::Verb::Utility => contract::Verb::Utility,
        sql::Verb::Unknown => contract::Verb::Unknown,
    }
}
