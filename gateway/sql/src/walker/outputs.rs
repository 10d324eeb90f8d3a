//! Small readings of a query's parts: its constant LIMIT, PostgreSQL's own types.

use pg_query::{NodeEnum, protobuf as pb};

use super::strings;

pub(super) fn limit(select: &pb::SelectStmt) -> Option<u64> {
    if select.limit_option != pb::LimitOption::Count as i32 {
        return None;
    }
    match select.limit_count.as_ref()?.node.as_ref()? {
        NodeEnum::AConst(constant) => match constant.val.as_ref()? {
            pb::a_const::Val::Ival(limit) => u64::try_from(limit.ival).ok(),
            pb::a_const::Val::Fval(limit) => limit.fval.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}

/// Conversion to other types may run functions that read tables.
pub(crate) fn is_built_in(kind: &pb::TypeName) -> bool {
    const COMMON: [&str; 29] = [
        "text",
        "date",
        "uuid",
        "json",
        "jsonb",
        "bytea",
        "name",
        "oid",
        "xml",
        "bool",
        "int2",
        "int4",
        "int8",
        "float4",
        "float8",
        "money",
        "timestamptz",
        "timetz",
        "inet",
        "cidr",
        "macaddr",
        "regclass",
        "regtype",
        "regproc",
        "regprocedure",
        "regrole",
        "regnamespace",
        "tsvector",
        "tsquery",
    ];
    match strings(&kind.names).as_slice() {
        ["pg_catalog", _] => true,
        [name] => COMMON.contains(name),
        _ => false,
    }
}
