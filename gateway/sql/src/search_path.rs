//! What a statement does to `search_path`, and the elements of a value (PostgreSQL: SplitIdentifierString).

use gatewright_parser::{ConstValue, Node, Strings, nodes, untyped};

use crate::facts::{Access, PathChange, PathValue, TableRef};

const NAME: &str = "search_path";

/// Whether a setting of this name is the search path.
pub(crate) fn is_name(name: &str) -> bool {
    name.eq_ignore_ascii_case(NAME)
}

/// The change that the statement makes itself.
pub(crate) fn change(node: Node<'_>) -> Option<PathChange> {
    match node {
        Node::VariableSetStmt(set) => Some(PathChange {
            value: PathValue::set_by(set)?,
            local: set.is_local,
            certain: true,
        }),
        Node::DiscardStmt(discard) if discard.target == nodes::DiscardMode::DISCARD_ALL => {
            Some(PathChange {
                value: PathValue::Default,
                local: false,
                certain: true,
            })
        }
        Node::SelectStmt(select) => of_select(select),
        _ => None,
    }
}

/// Whether a statement may set it by a write to the view of all settings, directly or through another view.
pub(crate) fn is_in(tables: &[TableRef]) -> bool {
    let written = |table: &TableRef| table.access.intersects(Access::UPDATE);
    tables
        .iter()
        .any(|table| table.name == "pg_settings" && written(table))
}

impl PathValue {
    /// `None`: it sets something else.
    pub(crate) fn set_by(set: &nodes::VariableSetStmt) -> Option<Self> {
        use nodes::VariableSetKind as Kind;
        if set.kind == Kind::VAR_RESET_ALL {
            return Some(PathValue::Default);
        }
        if !is_name(set.name()?) {
            return None;
        }
        Some(match set.kind {
            Kind::VAR_SET_VALUE => {
                // Each word is one element, whatever it consists of.
                let words = set.args().iter().map(word).collect::<Option<Vec<_>>>();
                words.map_or(PathValue::Unknown, PathValue::Schemas)
            }
            Kind::VAR_SET_DEFAULT | Kind::VAR_RESET => PathValue::Default,
            _ => PathValue::Unknown,
        })
    }

    /// The elements of a value that is written as a list.
    pub fn parse(text: &str) -> Self {
        elements(text).map_or(PathValue::Unknown, PathValue::Schemas)
    }
}

fn word(node: Node<'_>) -> Option<Box<str>> {
    match node {
        Node::A_Const(value) => match value.val()? {
            ConstValue::String(text) => Some(text.into()),
            _ => None,
        },
        _ => None,
    }
}

/// `SELECT set_config('search_path', 'a, b', false)`. Inside of anything else it may run, or not. A call whose arguments are
/// not all constants makes the statement opaque.
fn of_select(select: &nodes::SelectStmt) -> Option<PathChange> {
    let mut targets = untyped(select.target_list()).iter();
    let call = match (targets.next(), targets.next()) {
        (Some(Node::ResTarget(target)), None) => match target.val() {
            Node::FuncCall(call) if call.funcname().strings().last() == Some(&"set_config") => call,
            _ => return None,
        },
        _ => return None,
    };
    let arguments: Vec<Node<'_>> = call.args().iter().collect();
    let [name, value, local] = arguments.as_slice() else {
        return None;
    };
    if !is_name(&word(*name)?) {
        return None;
    }
    let local = match local {
        Node::A_Const(local) => match local.val()? {
            ConstValue::Boolean(local) => Some(local),
            _ => None,
        },
        _ => None,
    };
    let plain = select.from_clause().is_empty()
        && matches!(select.where_clause(), Node::None)
        && matches!(select.having_clause(), Node::None)
        && matches!(select.limit_count(), Node::None)
        && matches!(select.limit_offset(), Node::None)
        && select.group_clause().is_empty()
        && select.distinct_clause().is_empty()
        && select.with_clause().is_none()
        && select.into_clause().is_none();
    let value = word(*value).map_or(PathValue::Unknown, |text| PathValue::parse(&text));
    Some(PathChange {
        value,
        local: local.unwrap_or_default(),
        certain: plain && local.is_some(),
    })
}

/// Names without quotes are folded to lower case, as far as they are ASCII; what is not read like the server does it is not
/// read at all.
fn elements(text: &str) -> Option<Vec<Box<str>>> {
    const SPACE: [char; 6] = [' ', '\t', '\n', '\r', '\x0b', '\x0c'];
    let mut found = Vec::new();
    let mut rest = text.trim_matches(SPACE);
    if rest.is_empty() {
        return Some(found);
    }
    loop {
        let name;
        if let Some(quoted) = rest.strip_prefix('"') {
            let mut own = String::new();
            let mut left = quoted;
            loop {
                let (before, after) = left.split_once('"')?;
                own.push_str(before);
                match after.strip_prefix('"') {
                    Some(more) => {
                        own.push('"');
                        left = more;
                    }
                    None => {
                        left = after;
                        break;
                    }
                }
            }
            (name, rest) = (own, left);
        } else {
            let end = rest
                .find(|c| c == ',' || SPACE.contains(&c))
                .unwrap_or(rest.len());
            let (own, left) = rest.split_at_checked(end)?;
            if own.is_empty() || !own.is_ascii() {
                return None;
            }
            (name, rest) = (own.to_ascii_lowercase(), left);
        }
        found.push(name.into());
        rest = rest.trim_start_matches(SPACE);
        if rest.is_empty() {
            return Some(found);
        }
        rest = rest.strip_prefix(',')?.trim_start_matches(SPACE);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_read_as_the_server_reads_them() {
        let of = |text: &str| match PathValue::parse(text) {
            PathValue::Schemas(elements) => Some(elements.join("|")),
            _ => None,
        };
        assert_eq!(of("\"$user\", public").as_deref(), Some("$user|public"));
        assert_eq!(of("").as_deref(), Some(""));
        assert_eq!(
            of(" A,\"B\" , \"c\"\"d, e\"").as_deref(),
            Some("a|B|c\"d, e")
        );
        for unread in ["a,", "a b", "\"a", "a,,b", ",a", "É"] {
            assert_eq!(of(unread), None, "{unread}");
        }
    }
}
