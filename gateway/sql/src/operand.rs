//! What the syntax reveals of the type of a cast's operand.

use gatewright_parser::{ConstValue, Node, Strings, nodes};

use crate::catalog::Operand;

pub(crate) fn operand(cast: &nodes::TypeCast) -> Operand<'_> {
    let is_array = |name: &nodes::TypeName| !name.array_bounds().is_empty();
    match cast.arg() {
        _ if cast.type_name().is_some_and(is_array) => Operand::Any,
        Node::ParamRef(_) => Operand::Untyped,
        Node::A_Const(constant) => match constant.val() {
            Some(ConstValue::String(_)) | None => Operand::Untyped,
            Some(ConstValue::Integer(_)) => Operand::Named("int4"),
            Some(ConstValue::Boolean(_)) => Operand::Named("bool"),
            Some(_) => Operand::Any,
        },
        Node::TypeCast(inner) => match inner.type_name() {
            Some(name) if !is_array(name) => {
                let names = name.names().strings();
                names
                    .last()
                    .map_or(Operand::Any, |name| Operand::Named(name))
            }
            _ => Operand::Any,
        },
        _ => Operand::Any,
    }
}
