//! The form of a statement in which people can be shown the rows that it changes. It is judged as if whoever sent the statement had sent
//! it, so that nobody is shown more than they would get.

use std::collections::VecDeque;
use std::sync::Arc;

use gatewright_sql::{RelationKind, Returning, Verb, returning};

use crate::gate::SessionGate;
use crate::gate::kept::{KeptQuestion, Named};
use crate::gate::permit::Permit;
use crate::gate::text::AnalyzedText;
use crate::session::{Answer, Judged, Showing, Verdict};

/// The form, or why there is none.
type Found = Result<Showing<SessionGate>, String>;

/// The forms of a statement that are still to be judged.
struct Asked {
    forms: VecDeque<Returning>,
    question: Arc<KeptQuestion>,
    /// That of the statement.
    text: Arc<AnalyzedText>,
}

impl SessionGate {
    pub(in crate::gate) fn showing_of(&mut self, permit: &Arc<Permit>) -> Judged<Found> {
        let (Some(requirement), Some(text)) = (&permit.requirement, &permit.view.text) else {
            return Judged::Ready(Err("its text is not known".to_owned()));
        };
        // Policies ask for their edits again.
        let text = text.edited.as_ref().map_or(text, |from| &from.client);
        let standard = text.standard_conforming_strings;
        let statement = text.analysis.statements.get(permit.view.index);
        let own = statement.and_then(|statement| text.source.get(statement.span.clone()));
        let forms = own.map(|own| returning(own, standard, &text.catalog));
        let asked = Asked {
            forms: forms.unwrap_or_default().into(),
            question: Arc::clone(&requirement.question),
            text: Arc::clone(text),
        };
        match self.next_form(asked, "it cannot be made to return them".to_owned()) {
            Judged::Pending(ticket) => Judged::Pending(ticket),
            Judged::Ready(Answer::Showing(found)) => Judged::Ready(found),
            Judged::Ready(_) => Judged::Ready(Err("nobody was asked about them".to_owned())),
        }
    }

    /// Judges the next form, as long as those before it are not to be used. `why` is about the last of these.
    fn next_form(&mut self, mut asked: Asked, why: String) -> Judged<Answer<Self>> {
        let Some(form) = asked.forms.pop_front() else {
            return Judged::Ready(Answer::Showing(Err(why)));
        };
        let standard = asked.text.standard_conforming_strings;
        let text = self.analyze_text(&form.text, standard, asked.text.path());
        self.followed_by(text.map(Answer::Text), move |gate, answer| match answer {
            Answer::Text(Ok(text)) => gate.judge_form(form, asked, text),
            // Whoever sent the statement may not see the rows.
            Answer::Text(Err(refusal)) => gate.next_form(asked, refusal.message),
            _ => nothing(),
        })
    }

    fn judge_form(
        &mut self,
        form: Returning,
        asked: Asked,
        text: Arc<AnalyzedText>,
    ) -> Judged<Answer<Self>> {
        let question = Arc::new(KeptQuestion {
            text: Arc::clone(&text),
            index: 0,
            named: Named::Nothing,
            named_text: None,
            is_tried: true,
            ..KeptQuestion::clone(&asked.question)
        });
        let verdict = self.judge_kept(question, None).map(Answer::Verdict);
        self.followed_by(verdict, move |gate, answer| {
            let found = match answer {
                Answer::Verdict(Ok(Verdict::Permit(permit))) => found(&form, text, permit),
                // With edits it changes the same rows. Another statement in its place may not.
                Answer::Verdict(Ok(Verdict::Rewrite { text, permit })) if text.is_edited() => {
                    found(&form, text, permit)
                }
                Answer::Verdict(Ok(Verdict::Rewrite { .. })) => {
                    let why =
                        "a policy puts another statement in place of the one that returns them";
                    Err(why.to_owned())
                }
                Answer::Verdict(Err(refusal)) => Err(refusal.message),
                _ => return nothing(),
            };
            match found {
                Ok(showing) => Judged::Ready(Answer::Showing(Ok(showing))),
                Err(why) => gate.next_form(asked, why),
            }
        })
    }
}

fn found(form: &Returning, text: Arc<AnalyzedText>, permit: Arc<Permit>) -> Found {
    let facts = permit.view.facts();
    let facts = facts.filter(|facts| matches!(facts.verb, Verb::Update | Verb::Delete));
    let Some(facts) = facts else {
        return Err("the statement that returns them is another".to_owned());
    };
    if let Some(why) = facts.cannot_be_undone() {
        return Err(why);
    }
    let mut targets = facts.tables.iter();
    // What a view returns may be computed, and its rows have no places.
    let has_views = targets.any(|table| table.kind == RelationKind::View);
    if form.is_joined && has_views {
        return Err("it changes rows of a view".to_owned());
    }
    Ok(Showing {
        text,
        permit,
        which: form.rows,
        is_comparable: !has_views && !form.is_joined,
    })
}

fn nothing() -> Judged<Answer<SessionGate>> {
    let why = "the statement that returns them was not judged";
    Judged::Ready(Answer::Showing(Err(why.to_owned())))
}
