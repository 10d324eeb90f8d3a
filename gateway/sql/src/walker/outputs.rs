//! The constant LIMIT of a query.

use gatewright_parser::{ConstValue, Node, nodes};

pub(crate) fn limit(select: &nodes::SelectStmt) -> Option<u64> {
    if select.limit_option != nodes::LimitOption::LIMIT_OPTION_COUNT {
        return None;
    }
    match select.limit_count() {
        Node::A_Const(constant) => match constant.val()? {
            ConstValue::Integer(limit) => u64::try_from(limit).ok(),
            ConstValue::Float(limit) => limit.parse().ok(),
            _ => None,
        },
        _ => None,
    }
}
