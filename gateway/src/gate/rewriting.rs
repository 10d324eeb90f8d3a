//! A statement that a policy replaces by another.

use std::sync::Arc;

use gatewright_contract as contract;

use super::SessionGate;
use super::case::Case;
use super::text::AnalyzedText;
use crate::session::Refusal;

impl SessionGate {
    /// The replacement, verified by PostgreSQL's grammar and analysed as the client's own text was.
    pub(super) fn rewrite(
        &self,
        text: &Arc<AnalyzedText>,
        index: usize,
        replacement: &contract::Replacement,
        case: &Case,
    ) -> Result<Arc<AnalyzedText>, Refusal> {
        let name = self
            .set
            .policies
            .get(index)
            .map_or("unknown", |policy| policy.name());
        let original = text.analysis.statements.get(case.view.index);
        let verified = original.map(|original| {
            gatewright_sql::verify_replacement(
                original,
                &replacement.sql,
                &text.catalog,
                text.path(),
                &self.settings(true),
            )
        });
        match verified {
            Some(Ok(analysis)) => Ok(Arc::new(AnalyzedText::new(
                &replacement.sql,
                analysis,
                Arc::clone(&text.catalog),
                // It reads alike either way.
                true,
                text.path(),
            ))),
            refused => {
                if let Some(Err(error)) = refused {
                    tracing::error!(policy = name, %error, "the policy's replacement cannot be used");
                }
                Err(self.refuse(
                    "rewrite-invalid",
                    "a policy rewrote this statement into one that cannot be used, so it is refused",
                    case.verb,
                ))
            }
        }
    }
}
