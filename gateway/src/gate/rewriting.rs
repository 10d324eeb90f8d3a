//! A statement that a policy replaces by another.

use std::sync::Arc;

use gatewright_contract as contract;

use super::SessionGate;
use super::analysis::INLINE_BYTES;
use super::case::Case;
use super::text::AnalyzedText;
use crate::session::{Answer, Judged, Refusal, Verdict};

impl SessionGate {
    /// The replacement, verified by PostgreSQL's grammar and analysed as the client's own text was. `then`: what follows from it.
    pub(super) fn rewrite<N>(
        &mut self,
        text: &Arc<AnalyzedText>,
        policy: usize,
        replacement: contract::Replacement,
        case: Case,
        then: N,
    ) -> Judged<Result<Verdict<Self>, Refusal>>
    where
        N: FnOnce(&mut Self, Arc<AnalyzedText>) -> Judged<Result<Verdict<Self>, Refusal>> + 'static,
    {
        let (text, index, settings) = (Arc::clone(text), case.view.index, self.settings(true));
        let inline = replacement.sql.len() <= INLINE_BYTES;
        let length = replacement.sql.len();
        let verify = move || {
            let original = text.analysis.statements.get(index)?;
            let (sql, catalog) = (&replacement.sql, &text.catalog);
            let verified =
                gatewright_sql::verify_replacement(original, sql, catalog, text.path(), &settings);
            // It reads alike either way.
            let standard = true;
            Some(verified.map(|analysis| {
                let catalog = Arc::clone(catalog);
                Arc::new(AnalyzedText::new(
                    sql,
                    analysis,
                    catalog,
                    standard,
                    text.path(),
                ))
            }))
        };
        self.work_out(inline, length, verify, Answer::Verdict, move |gate, verified| {
            match verified.flatten() {
                Some(Ok(text)) => then(gate, text),
                refused => {
                    if let Some(Err(error)) = refused {
                        let policy = gate.set.policies.get(policy);
                        let name = policy.map_or("unknown", |policy| policy.name());
                        tracing::error!(policy = name, %error, "the policy's replacement cannot be used");
                    }
                    Judged::Ready(Err(gate.refuse(
                        "rewrite-invalid",
                        "a policy rewrote this statement into one that cannot be used, so it is refused",
                        case.verb,
                    )))
                }
            }
        })
    }
}
