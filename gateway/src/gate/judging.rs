//! A statement is judged in one version after the other: as the client sent it, then as policies have it edited or replaced, until
//! they want no more.

use std::sync::Arc;

use gatewright_contract::{self as contract, StatementFacts};
use gatewright_sql::{Facts, RelationKind, Temporary, Verb};

use super::SessionGate;
use super::case::{Case, Version};
use super::chain::Outcome;
use super::editing::{Edits, ROUNDS};
use super::kept::KeptQuestion;
use super::permit::Permit;
use super::recent::{Asked, Earlier};
use super::text::AnalyzedText;
use crate::access::Active;
use crate::session::{Judged, Phase, Question, Refusal, Verdict};

/// Answers for texts longer than this, in bytes, are not cached.
const KEPT_TEXT: usize = 16 * 1024;

/// A statement that is being judged.
struct Judging {
    question: Arc<KeptQuestion>,
    /// The permit given at Parse.
    earlier: Option<Arc<Permit>>,
    /// The text as it is understood now.
    base: Arc<AnalyzedText>,
    /// It is not the text that the session has.
    anew: bool,
}

impl SessionGate {
    pub(super) fn judge_statement(
        &mut self,
        question: Question<'_, Self>,
    ) -> Judged<Result<Verdict<Self>, Refusal>> {
        self.begin_statement();
        if let Some(permit) = self.permit_again(&question) {
            return Judged::Ready(Ok(Verdict::Permit(permit)));
        }
        let earlier = question.earlier.cloned();
        let question = Arc::new(self.keep_begun(&question));
        self.note_question(&question);
        self.judge_kept(question, earlier)
    }

    /// The same for a question that was kept.
    pub(super) fn judge_kept(
        &mut self,
        question: Arc<KeptQuestion>,
        earlier: Option<Arc<Permit>>,
    ) -> Judged<Result<Verdict<Self>, Refusal>> {
        let kept = Arc::clone(&question);
        self.as_of_now(&kept.text, kept.path.as_ref(), move |gate, base| {
            let base = match base {
                Ok(base) => base,
                Err(refusal) => return Judged::Ready(Err(refusal)),
            };
            let anew = !Arc::ptr_eq(&base, &question.text);
            let version = Version::first(&base, question.index);
            let judging = Judging {
                question,
                earlier,
                base,
                anew,
            };
            gate.judge_version(judging, version)
        })
    }

    fn judge_version(
        &mut self,
        judging: Judging,
        version: Version,
    ) -> Judged<Result<Verdict<Self>, Refusal>> {
        let case = match self.case(&judging.question, &version) {
            Ok(case) => case,
            Err(refusal) => return Judged::Ready(Err(refusal)),
        };
        let asked = case.asked(&judging.question);
        let earlier = match judging.anew && version.is_first() {
            true => None,
            false => {
                let under = judging.earlier.as_ref();
                self.earlier(&judging.question, under, &version, &case)
            }
        };
        self.ask_all(case, earlier, move |gate, case, outcome| match outcome {
            Outcome::Rewrite(policy, replacement) => {
                gate.replaced(judging, version, policy, replacement, case)
            }
            Outcome::Permit(permit) => gate.permitted(judging, version, &asked, permit, case),
        })
    }

    /// All policies permit this version, and may want another one.
    fn permitted(
        &mut self,
        judging: Judging,
        version: Version,
        asked: &Asked,
        permit: Box<Permit>,
        case: Case,
    ) -> Judged<Result<Verdict<Self>, Refusal>> {
        // The cache would keep the facts of a long text in memory for the rest of the session.
        let is_kept = judging.earlier.is_none() || !version.is_first();
        if is_kept && version.replaced_by.is_empty() && version.text.source.len() <= KEPT_TEXT {
            let active = &case.view.active;
            self.recent
                .keep(&self.set, active, &case.facts, asked, &permit.answers);
        }
        if let Some(edits) = version.edits.with(&permit.answers) {
            return self.with_edits(judging, version, edits, case);
        }
        let permit = match self.with_requirement(permit, &judging.question, &case) {
            Ok(permit) => permit,
            Err(refusal) => return Judged::Ready(Err(refusal)),
        };
        self.note_reshaping(&judging.question, &version);
        Judged::Ready(Ok(if version.text.source == judging.question.text.source {
            Verdict::Permit(permit)
        } else {
            Verdict::Rewrite {
                text: version.text,
                permit,
            }
        }))
    }

    /// A policy puts another statement in place of this version.
    fn replaced(
        &mut self,
        judging: Judging,
        mut version: Version,
        policy: usize,
        replacement: contract::Replacement,
        case: Case,
    ) -> Judged<Result<Verdict<Self>, Refusal>> {
        if version.replaced_by.contains(&policy) || matches!(version.edits, Edits::Applied(_)) {
            return Judged::Ready(Err(self.refuse(
                "rewrite-loop",
                "policies keep rewriting this statement, so it is refused",
                case.verb,
            )));
        }
        version.replaced_by.push(policy);
        let text = Arc::clone(&version.text);
        self.rewrite(&text, policy, replacement, case, move |gate, text| {
            let version = Version {
                text,
                index: 0,
                edits: Edits::None,
                round: version.round + 1,
                ..version
            };
            gate.judge_version(judging, version)
        })
    }

    /// Policies want these edits in the statement.
    fn with_edits(
        &mut self,
        judging: Judging,
        version: Version,
        wanted: Arc<[contract::Edit]>,
        case: Case,
    ) -> Judged<Result<Verdict<Self>, Refusal>> {
        if let Edits::Impossible(reason) = &version.edits {
            return Judged::Ready(Err(self.not_editable(reason, &case)));
        }
        if version.round >= ROUNDS {
            return Judged::Ready(Err(self.refuse(
                "rewrite-loop",
                "policies keep editing this statement, so it is refused",
                case.verb,
            )));
        }
        let unedited = match version.replaced_by.is_empty() {
            true => Arc::clone(&judging.base),
            false => Arc::clone(&version.text),
        };
        let text = Arc::clone(&unedited);
        self.edited(
            &text,
            version.index,
            &wanted.clone(),
            move |gate, edited| {
                let (text, edits) = match edited {
                    Ok(Some(text)) => (text, Edits::Applied(wanted)),
                    Ok(None) => (unedited, Edits::Applied(wanted)),
                    Err(reason) => {
                        tracing::debug!(
                            %reason,
                            decision = %case.view.statement_id,
                            "the statement cannot be edited"
                        );
                        (unedited, Edits::Impossible(reason))
                    }
                };
                let version = Version {
                    text,
                    edits,
                    round: version.round + 1,
                    ..version
                };
                gate.judge_version(judging, version)
            },
        )
    }

    /// Later statements in the pipeline are judged before this one is known to have run.
    fn note_reshaping(&mut self, question: &KeptQuestion, version: &Version) {
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
    /// `under`: the permit given at Parse.
    pub(super) fn earlier(
        &self,
        question: &KeptQuestion,
        under: Option<&Arc<Permit>>,
        version: &Version,
        case: &Case,
    ) -> Option<Earlier> {
        if !version.replaced_by.is_empty() {
            return None;
        }
        match under.filter(|_| version.is_first()) {
            // An answer about a statement holds only while its names mean the same.
            Some(_) if case.unsettled => None,
            Some(permit) => self.answers_under(permit, &question.text, &case.view.active),
            None => self.answers_for(&case.facts, &case.view.active, &case.asked(question)),
        }
    }

    /// What policies have answered about the same statement, by the policies and the access grants in force.
    pub(super) fn answers_under(
        &self,
        permit: &Permit,
        text: &Arc<AnalyzedText>,
        active: &Arc<Active>,
    ) -> Option<Earlier> {
        let same = Arc::ptr_eq(&permit.set, &self.set)
            && Arc::ptr_eq(&permit.view.active, active)
            && permit.is_for(text);
        same.then(|| Earlier::SameStatement(Arc::clone(&permit.answers)))
    }

    /// What they have answered about another statement with the same facts.
    pub(super) fn answers_for(
        &self,
        facts: &Arc<StatementFacts>,
        active: &Arc<Active>,
        asked: &Asked,
    ) -> Option<Earlier> {
        let found = self.recent.find(&self.set, active, facts, asked);
        found.map(|answers| Earlier::SameFacts(Arc::clone(answers)))
    }
}
