//! The rows that a statement changes, for people to see: it is tried in a form that returns them, and they are edited as results of
//! whoever sent it are.

use std::rc::Rc;

use crate::results::RowCodec;
use crate::session::asking::{Stage, ask, done};
use crate::session::effect::{Rehearsal, RehearsalWay, Rehearsed, Seen, SeenRows};
use crate::session::judge::{Answer, Judge, Judged};
use crate::session::refusal::Refusal;
use crate::session::server::results::{Ask, editor};
use crate::session::state::held::Held;
use crate::session::state::rehearsal::Effect;
use crate::session::state::returned::{Editing, Form};
use crate::session::state::session::Session;

impl<J: Judge> Session<J> {
    /// Settles in which form the statement is tried.
    pub(in crate::session) fn choose_form(
        &self,
        held: &mut Held<J>,
        rehearsal: &Rehearsal,
        permit: &J::Permit,
        judge: &mut J,
    ) -> Stage<()> {
        if !matches!(held.form, Form::NotAsked | Form::Asked) {
            return Stage::Done(());
        }
        if rehearsal.way != RehearsalWay::Run || rehearsal.rows == 0 {
            held.form = Form::Plain(None);
            return Stage::Done(());
        }
        if !self.reading.encoding.is_utf8() {
            held.form = Form::Plain(Some("client_encoding is not UTF8".to_owned()));
            return Stage::Done(());
        }
        held.form = Form::Asked;
        let answer = ask(
            &mut held.ticket,
            judge,
            |judge| judge.showing(permit),
            |answer| match answer {
                Answer::Showing(showing) => Some(showing),
                _ => None,
            },
        );
        held.form = match answer {
            None => return Stage::Hold,
            Some(Ok(showing)) => Form::Showing(Rc::new(showing)),
            Some(Err(why)) => Form::Plain(Some(why)),
        };
        Stage::Done(())
    }

    /// The rehearsal is over: makes its rows what people may see.
    pub(in crate::session) fn edit_returned(&self, held: &mut Held<J>, judge: &mut J) -> Stage<()> {
        let seen = match (held.editing.take(), &held.form) {
            (Some(mut editing), Form::Showing(showing)) => {
                let showing = Rc::clone(showing);
                match self.edited(&mut editing, &showing.permit, held, judge) {
                    Stage::Hold => {
                        held.editing = Some(editing);
                        return Stage::Hold;
                    }
                    Stage::Refused(refusal) => Seen::Hidden {
                        why: refusal.message,
                    },
                    Stage::Done(rows) => {
                        let fields = editing.returned.fields.iter();
                        Seen::Rows(SeenRows {
                            which: showing.which,
                            columns: fields.map(|field| field.name.clone()).collect(),
                            rows,
                            digest: editing.returned.take_digest(),
                        })
                    }
                }
            }
            (_, Form::Plain(Some(why))) => Seen::Hidden { why: why.clone() },
            _ => return Stage::Done(()),
        };
        if let Effect::Told(Rehearsed::Changed { seen: told, .. }) = &mut held.effect
            && *told == Seen::Unwanted
        {
            *told = seen;
        }
        Stage::Done(())
    }

    /// The values of the rows, as the result of a statement under this permit.
    fn edited(
        &self,
        editing: &mut Editing,
        permit: &J::Permit,
        held: &mut Held<J>,
        judge: &mut J,
    ) -> Stage<Vec<Vec<Option<String>>>> {
        if !editing.is_planned {
            if J::wants_plan(permit) {
                let fields = &editing.returned.fields;
                let plan = done!(self.ask_plan(held, permit, fields, judge));
                editing.editor = editor(&plan, &[], RowCodec::DataRow, &self.key);
            }
            editing.is_planned = true;
            if let Some(editor) = &mut editing.editor {
                for body in &editing.returned.kept {
                    if editor.push(body).is_err() {
                        return Stage::Refused(unreadable());
                    }
                }
            }
        }
        done!(flushed(editing, permit, held, judge));
        match editing.values() {
            Some(values) => Stage::Done(values),
            None => Stage::Refused(unreadable()),
        }
    }
}

/// Has the policies of the plan edit the rows.
fn flushed<J: Judge>(
    editing: &mut Editing,
    permit: &J::Permit,
    held: &mut Held<J>,
    judge: &mut J,
) -> Stage<()> {
    let Some(editor) = &mut editing.editor else {
        return Stage::Done(());
    };
    let reply = match held.ticket.take().map(|ticket| judge.resume(ticket)) {
        None => None,
        Some(Judged::Pending(ticket)) => {
            held.ticket = Some(ticket);
            return Stage::Hold;
        }
        Some(Judged::Ready(Answer::Batch(reply))) => Some(reply),
        Some(Judged::Ready(_)) => return Stage::Refused(unreadable()),
    };
    let mut ask = Ask { judge, permit };
    let edited = match reply {
        None => editor.flush(&mut ask, &mut editing.out),
        Some(reply) => editor.resume(reply, &mut ask, &mut editing.out),
    };
    match edited {
        Judged::Ready(Ok(_)) => Stage::Done(()),
        Judged::Ready(Err(stop)) => Stage::Refused(judge.stopped(permit, stop)),
        Judged::Pending(ticket) => {
            held.ticket = Some(ticket);
            Stage::Hold
        }
    }
}

fn unreadable() -> Refusal {
    Refusal::new("XX000", "their values could not be read")
}
