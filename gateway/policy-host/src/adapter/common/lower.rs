//! Conversion from the contract's types to a WIT version's, where the versions agree. Compiled once within each
//! version's module.

use smallvec::SmallVec;

use super::types;
use crate::adapter::common::lowered;
use crate::contract;

lowered!(phase: Phase { Simple, Parse, Execute, FunctionCall });
lowered!(verb: Verb {
    Select, Insert, Update, Delete, Merge, Truncate, CopyIn, CopyOut, Call, DoBlock, Ddl, Grant, Transaction, Set, Explain,
    Cursor, Prepare, Listen, Lock, Maintenance, Utility, Unknown,
});
lowered!(usage: Usage { Output, Filter, Join, Group, Order, Aggregate, Window, Assigned, Returning, Argument, Other });
lowered!(relation_kind: RelationKind { Table, Partitioned, View, MaterializedView, Function, Foreign, Temporary, Catalog, Unresolved });
lowered!(transform: Transform { Identity, Expression, Aggregate, Constant, Unknown });

pub(super) fn access(access: contract::Access) -> types::Access {
    const PAIRS: [(contract::Access, types::Access); 8] = [
        (contract::Access::SELECT, types::Access::SELECT),
        (contract::Access::INSERT, types::Access::INSERT),
        (contract::Access::UPDATE, types::Access::UPDATE),
        (contract::Access::DELETE, types::Access::DELETE),
        (contract::Access::TRUNCATE, types::Access::TRUNCATE),
        (contract::Access::DDL, types::Access::DDL),
        (contract::Access::EXECUTE, types::Access::EXECUTE),
        (contract::Access::LOCK, types::Access::LOCK),
    ];
    PAIRS
        .iter()
        .filter(|(flag, _)| access.contains(*flag))
        .fold(types::Access::empty(), |all, (_, flag)| all | *flag)
}

pub(super) fn strings(strings: &[String]) -> SmallVec<[&str; 8]> {
    strings.iter().map(String::as_str).collect()
}

pub(super) fn table(table: &contract::TableRef) -> types::TableRef<'_> {
    types::TableRef {
        schema: &table.schema,
        name: &table.name,
        kind: relation_kind(table.kind),
        access: access(table.access),
    }
}

fn attribute(attribute: &contract::Attribute) -> types::AttributeParam<'_> {
    types::AttributeParam {
        key: &attribute.key,
        value: &attribute.value,
    }
}

pub(super) fn attributes(
    identity: &contract::Identity,
) -> SmallVec<[types::AttributeParam<'_>; 8]> {
    identity.attributes.iter().map(attribute).collect()
}

pub(super) fn identity<'a>(
    identity: &'a contract::Identity,
    groups: &'a [&'a str],
    attributes: &'a [types::AttributeParam<'a>],
) -> types::Identity<'a> {
    types::Identity {
        subject: &identity.subject,
        issuer: &identity.issuer,
        groups,
        agent: identity.agent.as_deref(),
        task: identity.task.as_deref(),
        attributes,
    }
}

pub(super) fn source(source: &contract::ColumnSource) -> types::ColumnSourceParam<'_> {
    types::ColumnSourceParam {
        schema: &source.schema,
        table: &source.table,
        column: &source.column,
        transform: transform(source.transform),
    }
}

pub(super) fn packed(data: &contract::PackedColumn) -> types::PackedColumnParam<'_> {
    types::PackedColumnParam {
        offsets: &data.offsets,
        validity: &data.validity,
        values: &data.values,
    }
}

// Results of `host.statement` methods are passed to the guest as owned values.

fn owned_source(source: contract::ColumnSource) -> types::ColumnSourceResult {
    types::ColumnSourceResult {
        schema: source.schema,
        table: source.table,
        column: source.column,
        transform: transform(source.transform),
    }
}

pub(super) fn owned_sources(
    sources: Vec<contract::ColumnSource>,
) -> Vec<types::ColumnSourceResult> {
    sources.into_iter().map(owned_source).collect()
}

pub(super) fn flow(flow: contract::DataFlow) -> types::DataFlow {
    types::DataFlow {
        target: owned_source(flow.target),
        sources: owned_sources(flow.sources),
        exact: flow.exact,
    }
}

pub(super) fn parameter(parameter: contract::Parameter) -> types::Parameter {
    types::Parameter {
        ordinal: parameter.ordinal,
        type_name: parameter.type_name,
        value: parameter.value,
    }
}
