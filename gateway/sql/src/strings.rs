//! Texts that mean the same whether standard_conforming_strings is on or off. A session can change the setting at any time,
//! and so can code that it runs.

use gatewright_parser::{Tree, parse, same};

/// The tree of such a text.
pub(crate) fn with_either_setting(text: &str) -> Option<Tree> {
    let on = parse(text, true).ok()?;
    if text.contains('\\') && !same_statements(&on, &parse(text, false).ok()?) {
        return None;
    }
    Some(on)
}

fn same_statements(left: &Tree, right: &Tree) -> bool {
    let (left, right) = (left.statements(), right.statements());
    left.len() == right.len()
        && left
            .iter()
            .zip(&right)
            .all(|(left, right)| same(left.node, right.node))
}

/// Whether every string of a text ends at the same place with either setting: no backslash stands before a quote.
pub(crate) fn ends_strings_alike(text: &str) -> bool {
    !text.contains("\\'")
}
