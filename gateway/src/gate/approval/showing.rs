//! The form of a statement in which people can be shown the rows that it changes. It is judged as if whoever sent the statement had sent
//! it, so that nobody is shown more than they would get.

use std::sync::Arc;

use gatewright_sql::{RelationKind, Returning, Verb, returning};

use crate::gate::SessionGate;
use crate::gate::kept::{KeptQuestion, Named};
use crate::gate::permit::Permit;
use crate::gate::text::AnalyzedText;
use crate::session::{Answer, Judged, Refusal, Showing, Verdict};

/// The form, or why there is none.
type Found = Result<Showing<SessionGate>, String>;

impl SessionGate {
    pub(in crate::gate) fn showing_of(&mut self, permit: &Arc<Permit>) -> Judged<Found> {
        let (Some(requirement), Some(text)) = (&permit.requirement, &permit.view.text) else {
            return Judged::Ready(Err("its text is not known".to_owned()));
        };
        let standard = text.standard_conforming_strings;
        let statement = text.analysis.statements.get(permit.view.index);
        let own = statement.and_then(|statement| text.source.get(statement.span.clone()));
        let Some(form) = own.and_then(|own| returning(own, standard, &text.catalog)) else {
            return Judged::Ready(Err("it cannot be made to return them".to_owned()));
        };
        let question = Arc::clone(&requirement.question);
        let text = self.analyze_text(&form.text, standard, text.path());
        let answer = self.followed_by(text.map(Answer::Text), move |gate, answer| match answer {
            Answer::Text(Ok(text)) => gate.judge_form(form, &question, text),
            Answer::Text(Err(refusal)) => hidden(refusal),
            _ => nothing(),
        });
        match answer {
            Judged::Pending(ticket) => Judged::Pending(ticket),
            Judged::Ready(Answer::Showing(found)) => Judged::Ready(found),
            Judged::Ready(_) => Judged::Ready(Err("nobody was asked about them".to_owned())),
        }
    }

    fn judge_form(
        &mut self,
        form: Returning,
        question: &KeptQuestion,
        text: Arc<AnalyzedText>,
    ) -> Judged<Answer<Self>> {
        let question = Arc::new(KeptQuestion {
            text: Arc::clone(&text),
            index: 0,
            named: Named::Nothing,
            named_text: None,
            is_tried: true,
            ..question.clone()
        });
        let verdict = self.judge_kept(question, None).map(Answer::Verdict);
        self.followed_by(verdict, move |_, answer| match answer {
            Answer::Verdict(Ok(Verdict::Permit(permit))) => found(&form, text, permit),
            // With edits it changes the same rows. Another statement in its place may not.
            Answer::Verdict(Ok(Verdict::Rewrite { text, permit })) if text.is_edited() => {
                found(&form, text, permit)
            }
            Answer::Verdict(Ok(Verdict::Rewrite { .. })) => {
                let why = "a policy puts another statement in place of the one that returns them";
                Judged::Ready(Answer::Showing(Err(why.to_owned())))
            }
            Answer::Verdict(Err(refusal)) => hidden(refusal),
            _ => nothing(),
        })
    }
}

fn found(
    form: &Returning,
    text: Arc<AnalyzedText>,
    permit: Arc<Permit>,
) -> Judged<Answer<SessionGate>> {
    let showing = match permit.view.facts() {
        Some(facts) if matches!(facts.verb, Verb::Update | Verb::Delete) => {
            let mut targets = facts.tables.iter();
            // What a view returns may be computed.
            let is_comparable = targets.all(|table| table.kind != RelationKind::View);
            match facts.cannot_be_undone() {
                Some(why) => Err(why),
                None => Ok(Showing {
                    text,
                    permit,
                    which: form.rows,
                    is_comparable,
                }),
            }
        }
        _ => Err("the statement that returns them is another".to_owned()),
    };
    Judged::Ready(Answer::Showing(showing))
}

/// Whoever sent the statement may not see the rows.
fn hidden(refusal: Refusal) -> Judged<Answer<SessionGate>> {
    Judged::Ready(Answer::Showing(Err(refusal.message)))
}

fn nothing() -> Judged<Answer<SessionGate>> {
    let why = "the statement that returns them was not judged";
    Judged::Ready(Answer::Showing(Err(why.to_owned())))
}
