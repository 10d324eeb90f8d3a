//! The settings that a statement changes by itself.

use crate::facts::{SettingChange, SettingValue};
use gatewright_parser::{ConstValue, Node, NodeList, nodes};

/// The name that stands for all settings, in RESET ALL and DISCARD ALL.
const ALL: &str = "all";

/// What the statement changes, apart from calls of set_config.
pub(crate) fn changes(node: Node<'_>) -> Vec<SettingChange> {
    match node {
        Node::VariableSetStmt(set) => of_set(set),
        Node::TransactionStmt(begin) => modes(begin.options(), "", true),
        Node::DiscardStmt(discard) if discard.target == nodes::DiscardMode::DISCARD_ALL => {
            vec![change(ALL, SettingValue::Initial, false)]
        }
        _ => Vec::new(),
    }
}

pub(crate) fn change(name: &str, value: SettingValue, local: bool) -> SettingChange {
    SettingChange {
        name: name.to_ascii_lowercase(),
        value,
        local,
    }
}

fn of_set(set: &nodes::VariableSetStmt) -> Vec<SettingChange> {
    use nodes::VariableSetKind as Kind;
    let name = set.name().unwrap_or_default();
    let local = set.is_local;
    match set.kind {
        Kind::VAR_SET_VALUE => {
            let words: Option<Vec<String>> = set.args().iter().map(word).collect();
            let value = words.map_or(SettingValue::Unknown, |words| {
                SettingValue::Constant(words.join(", "))
            });
            vec![change(name, value, local)]
        }
        Kind::VAR_SET_DEFAULT | Kind::VAR_RESET => {
            vec![change(name, SettingValue::Initial, local)]
        }
        Kind::VAR_RESET_ALL => vec![change(ALL, SettingValue::Initial, local)],
        Kind::VAR_SET_MULTI => match name {
            "TRANSACTION" => modes(set.args(), "", true),
            "SESSION CHARACTERISTICS" => modes(set.args(), "default_", false),
            _ => Vec::new(),
        },
        _ => vec![change(name, SettingValue::Unknown, local)],
    }
}

/// The modes of a transaction, which are settings (PostgreSQL: SET TRANSACTION).
fn modes(list: &NodeList, prefix: &str, local: bool) -> Vec<SettingChange> {
    let of_mode = |node: Node<'_>| {
        let Node::DefElem(mode) = node else {
            return None;
        };
        let name = format!("{prefix}{}", mode.defname().unwrap_or_default());
        let value = match word(mode.arg()).as_deref() {
            Some("0") => SettingValue::Constant("off".to_owned()),
            Some("1") => SettingValue::Constant("on".to_owned()),
            Some(text) => SettingValue::Constant(text.to_owned()),
            None => SettingValue::Unknown,
        };
        Some(change(&name, value, local))
    };
    list.iter().filter_map(of_mode).collect()
}

/// A value of SET as its words are joined.
pub(crate) fn word(node: Node<'_>) -> Option<String> {
    match node {
        Node::A_Const(value) => match value.val()? {
            ConstValue::Integer(number) => Some(number.to_string()),
            ConstValue::Float(text) | ConstValue::String(text) | ConstValue::BitString(text) => {
                Some(text.to_owned())
            }
            ConstValue::Boolean(value) => Some(value.to_string()),
            _ => None,
        },
        // SET TIME ZONE INTERVAL '...'
        Node::TypeCast(cast) => word(cast.arg()),
        _ => None,
    }
}
