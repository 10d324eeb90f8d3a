//! Texts that mean the same whether standard_conforming_strings is on or off.

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
