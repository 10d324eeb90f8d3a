//! The constant LIMIT of a query.

use pg_query::{NodeEnum, protobuf as pb};

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
