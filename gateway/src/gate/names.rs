//! Statements that execute and fetch nothing by name.

use std::sync::Arc;

use gatewright_sql::Facts;

use crate::session::NameFacts;

/// A connection without prepared statements or cursors.
pub(super) struct NoNames;

impl NameFacts for NoNames {
    fn statement(&self, _: &str) -> Option<Arc<Facts>> {
        None
    }

    fn cursor(&self, _: &str) -> Option<Arc<Facts>> {
        None
    }

    fn statement_text(&self, _: &str) -> Option<String> {
        None
    }

    fn cursor_text(&self, _: &str) -> Option<String> {
        None
    }
}
