//! A statement is judged in one version after the other: as the client sent it, then as policies have it edited or replaced, until
//! they want no more.

use std::sync::Arc;

use gatewright_contract as contract;
use gatewright_sql::{Facts, RelationKind, Temporary, Verb};

use super::SessionGate;
use super::case::{Case, Version};
use super::chain::Outcome;
use super::editing::{Edits, ROUNDS};
use super::recent::{Asked, Earlier};
use super::text::AnalyzedText;
use crate::session::{Phase, Question, Refusal, Verdict};

/// Answers for texts longer than this, in bytes, are not cached.
const KEPT_TEXT: usize = 16 * 1024;

impl SessionGate {
    pub(super) fn judge_statement(
        &mut self,
        question: Question<'_, Self>,
    ) -> Result<Verdict<Self>, Refusal> {
        let base = self.as_of_now(question.text, question.path)?;
        let anew = !Arc::ptr_eq(&base, question.text);
        let mut version = Version::first(&base, question.index);
        loop {
            let case = self.case(&question, &version)?;
            let asked = Asked {
                phase: case.phase,
                in_transaction: question.in_transaction,
                editing: case.view.editing.clone(),
            };
            let earlier = match anew && version.is_first() {
                true => None,
                false => self.earlier(&question, &version, &case, &asked),
            };
            let permit = match self.ask_all(&case, earlier.as_ref())? {
                Outcome::Rewrite(policy, replacement) => {
                    version = self.replaced(version, policy, &replacement, &case)?;
                    continue;
                }
                Outcome::Permit(permit) => permit,
            };
            // The cache would keep the facts of a long text in memory for the rest of the session.
            let is_kept = question.earlier.is_none() || !version.is_first();
            if is_kept && version.replaced_by.is_empty() && version.text.source.len() <= KEPT_TEXT {
                self.recent
                    .keep(&self.set, &case.facts, &asked, &permit.answers);
            }
            match version.edits.with(&permit.answers) {
                Some(edits) => version = self.with_edits(&base, version, edits, &case)?,
                None => {
                    self.gate.metrics.verdict(case.verb, "allow");
                    self.note_reshaping(&question, &version);
                    return Ok(if version.text.source == question.text.source {
                        Verdict::Permit(permit)
                    } else {
                        Verdict::Rewrite {
                            text: version.text,
                            permit,
                        }
                    });
                }
            }
        }
    }

    /// The statement that a policy puts in place of this version.
    fn replaced(
        &self,
        mut version: Version,
        policy: usize,
        replacement: &contract::Replacement,
        case: &Case,
    ) -> Result<Version, Refusal> {
        if version.replaced_by.contains(&policy) || matches!(version.edits, Edits::Applied(_)) {
            return Err(self.refuse(
                "rewrite-loop",
                "policies keep rewriting this statement, so it is refused",
                case.verb,
            ));
        }
        version.replaced_by.push(policy);
        Ok(Version {
            text: self.rewrite(&version.text, policy, replacement, case)?,
            index: 0,
            edits: Edits::None,
            round: version.round + 1,
            ..version
        })
    }

    /// The next version of a statement for which policies want these edits.
    fn with_edits(
        &self,
        base: &Arc<AnalyzedText>,
        version: Version,
        wanted: Arc<[contract::Edit]>,
        case: &Case,
    ) -> Result<Version, Refusal> {
        if let Edits::Impossible(reason) = &version.edits {
            return Err(self.not_editable(reason, case));
        }
        if version.round >= ROUNDS {
            return Err(self.refuse(
                "rewrite-loop",
                "policies keep editing this statement, so it is refused",
                case.verb,
            ));
        }
        let unedited = match version.replaced_by.is_empty() {
            true => base,
            false => &version.text,
        };
        let (text, edits) = match self.edited(unedited, version.index, &wanted) {
            Ok(Some(text)) => (text, Edits::Applied(wanted)),
            Ok(None) => (Arc::clone(unedited), Edits::Applied(wanted)),
            Err(reason) => {
                tracing::debug!(
                    %reason,
                    decision = %case.view.statement_id,
                    "the statement cannot be edited"
                );
                (Arc::clone(unedited), Edits::Impossible(reason))
            }
        };
        Ok(Version {
            text,
            edits,
            round: version.round + 1,
            ..version
        })
    }

    /// Later statements in the pipeline are judged before this one is known to have run.
    fn note_reshaping(&mut self, question: &Question<'_, Self>, version: &Version) {
        let statement = version.text.analysis.statements.get(version.index);
        if let Some(statement) = statement.filter(|_| question.phase != Phase::Parse) {
            self.reshape(&statement.facts);
        }
    }

    /// A definition has been changed, or will be: what names mean is not known before the transaction ends. Of a temporary
    /// table nothing but its name matters to what names others.
    pub(super) fn reshape(&mut self, facts: &Facts) {
        if facts.verb != Verb::Ddl {
            return;
        }
        match &facts.temporary {
            Some(Temporary::Created(name)) => {
                self.temporaries.insert(name.clone());
            }
            Some(Temporary::Named(names))
                if names.iter().all(|name| self.temporaries.contains(name)) => {}
            _ => self.reshaped = true,
        }
    }

    /// Whether a name of the statement may now mean a temporary table instead of what the catalog has under it.
    pub(super) fn is_hidden(&self, facts: &Facts) -> bool {
        !self.temporaries.is_empty()
            && facts.tables.iter().any(|table| {
                table.kind != RelationKind::Unresolved
                    && self.temporaries.contains(table.name.as_str())
            })
    }

    /// Earlier answers of the policies now in force.
    fn earlier(
        &self,
        question: &Question<'_, Self>,
        version: &Version,
        case: &Case,
        asked: &Asked,
    ) -> Option<Earlier> {
        if !version.replaced_by.is_empty() {
            return None;
        }
        match question.earlier.filter(|_| version.is_first()) {
            // An answer about a statement holds only while its names mean the same.
            Some(permit) => (Arc::ptr_eq(&permit.set, &self.set)
                && !case.unsettled
                && permit.is_for(question.text))
            .then(|| Earlier::SameStatement(Arc::clone(&permit.answers))),
            None => self
                .recent
                .find(&self.set, &case.facts, asked)
                .map(|answers| Earlier::SameFacts(Arc::clone(answers))),
        }
    }
}
