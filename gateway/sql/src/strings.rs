//! Texts that mean the same whether standard_conforming_strings is on or off. A session can change the setting at any time,
//! and so can code that it runs.

use gatewright_parser::{Tree, parse, same};

/// The tree of such a text, if it has exactly one statement.
pub(crate) fn with_either_setting(text: &str) -> Option<Tree> {
    let on = parse(text, true).ok()?;
    let statement = on.only()?;
    if text.contains('\\') {
        let off = parse(text, false).ok()?;
        if !same(statement, off.only()?) {
            return None;
        }
    }
    Some(on)
}

/// Whether every string of a text ends at the same place with either setting: no backslash stands before a quote.
pub(crate) fn ends_strings_alike(text: &str) -> bool {
    !text.contains("\\'")
}

/// Whether two lists of trees have the same statements.
pub(crate) fn same_statements(left: &[Tree], right: &[Tree]) -> bool {
    let statements = |trees: &[Tree]| -> usize {
        let counts = trees.iter().map(|tree| tree.statements().len());
        counts.sum()
    };
    let left_nodes = left.iter().flat_map(Tree::statements);
    let right_nodes = right.iter().flat_map(Tree::statements);
    statements(left) == statements(right)
        && left_nodes
            .zip(right_nodes)
            .all(|(left, right)| same(left.node, right.node))
}
