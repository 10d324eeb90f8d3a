//! Questions about nodes of the parser.

use gatewright_parser::{Node, Tree, nodes};

use super::error::{SubstituteError, Unverified};

pub(super) fn only(tree: &Tree) -> Result<Node<'_>, SubstituteError> {
    tree.only().ok_or(Unverified)
}

/// The query inside a statement that stores, shows or names a query.
pub(super) fn is_editable(node: Node<'_>) -> bool {
    match node {
        Node::SelectStmt(_)
        | Node::InsertStmt(_)
        | Node::UpdateStmt(_)
        | Node::DeleteStmt(_)
        | Node::MergeStmt(_)
        | Node::CreateTableAsStmt(_)
        | Node::ViewStmt(_)
        | Node::DeclareCursorStmt(_)
        | Node::PrepareStmt(_)
        | Node::ExplainStmt(_) => true,
        Node::CopyStmt(copy) => !is_none(copy.query()),
        _ => false,
    }
}

pub(super) fn is_none(node: Node<'_>) -> bool {
    matches!(node, Node::None)
}

/// A FROM item's own name.
pub(super) fn name_of(relation: &nodes::RangeVar) -> &str {
    let alias = relation.alias().and_then(nodes::Alias::aliasname);
    alias.unwrap_or_else(|| relation.relname().unwrap_or_default())
}
