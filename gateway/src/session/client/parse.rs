//! Parse: the text is understood and judged before the server hears of it.

use std::rc::Rc;

use gatewright_sql::Facts;
use gatewright_wire::frame::Frame;
use gatewright_wire::frontend;

use crate::session::asking::{Stage, Subject, done};
use crate::session::doors::output::{Output, Taken};
use crate::session::doors::to_server::RunsNothing;
use crate::session::judge::{Judge, Phase, Verdict};
use crate::session::refusal::Refusal;
use crate::session::state::held::Held;
use crate::session::state::name::Name;
use crate::session::state::names::{MAX_PREPARED, MAX_PREPARED_BYTES, Prepared};
use crate::session::state::outstanding::Outstanding;
use crate::session::state::session::Session;

impl<J: Judge> Session<J> {
    pub(in crate::session) fn parse(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        let parse = match frontend::Parse::decode(frame.body) {
            Ok(parse) => parse,
            Err(error) => {
                let refusal = Refusal::unreadable(&error);
                return self.refuse_unreadable(frame, refusal, judge, output);
            }
        };
        let mut held = self.held.take().unwrap_or_default();
        held.certain |= self.reading.is_certain();
        if held.text.is_none() {
            let text = match self.read_text(parse.text, output) {
                Stage::Hold => return Taken::Hold,
                Stage::Refused(refusal) if refusal.unread => {
                    let types: Vec<u32> = parse.types.iter().collect();
                    return self.parse_unread(parse.name, parse.text, &types, refusal, output);
                }
                Stage::Refused(refusal) => {
                    return self.refuse_unreadable(frame, refusal, judge, output);
                }
                Stage::Done(text) => text,
            };
            match self.ask_text(&mut held, &text, judge) {
                Stage::Hold => return self.hold(held),
                Stage::Refused(refusal) if refusal.unread => {
                    let types: Vec<u32> = parse.types.iter().collect();
                    return self.parse_unread(parse.name, parse.text, &types, refusal, output);
                }
                Stage::Refused(refusal) => {
                    return self.refuse_parse(parse.name, refusal, judge, output);
                }
                Stage::Done(_) => {}
            }
        }
        match self.stages_of_parse(parse.name, &mut held, judge, output) {
            Stage::Hold => self.hold(held),
            Stage::Refused(refusal) => {
                self.let_go(held, judge);
                self.refuse_parse(parse.name, refusal, judge, output)
            }
            Stage::Done(()) => self.send_parse(frame, &parse, held, judge, output),
        }
    }

    fn stages_of_parse(
        &mut self,
        name: &str,
        held: &mut Held<J>,
        judge: &mut J,
        output: &mut Output,
    ) -> Stage<()> {
        let Some(text) = held.text.clone() else {
            return Stage::Hold;
        };
        let count = held.statement_count();
        if count > 1 {
            return Stage::Refused(Refusal::new(
                "42601",
                "cannot insert multiple commands into a prepared statement",
            ));
        }
        let pending = (self.queue.most_names(), self.queue.texts());
        if !self.names.has_room(&Name::new(name), &text, pending) {
            if self.queue.names_pending() {
                self.hold_for_replies(output);
                return Stage::Hold;
            }
            return Stage::Refused(no_room());
        }
        if count == 0 || !held.permits.is_empty() {
            return Stage::Done(());
        }
        if self.follows_pending_name(&text, 0) {
            self.hold_for_replies(output);
            return Stage::Hold;
        }
        let subject = Subject {
            phase: Phase::Parse,
            text: &text,
            index: 0,
            behind: 0,
            parameters: None,
            earlier: None,
        };
        match done!(self.ask_verdict(held, subject, judge)) {
            Verdict::Permit(permit) => held.permits.push(permit),
            Verdict::Rewrite { text, permit } => {
                if let Err(refusal) = self.sendable(J::source(&text), held.certain) {
                    return Stage::Refused(refusal);
                }
                held.text = Some(text);
                held.rewritten = true;
                held.permits.push(permit);
            }
        }
        Stage::Done(())
    }

    fn send_parse(
        &mut self,
        frame: Frame<'_>,
        parse: &frontend::Parse<'_>,
        mut held: Held<J>,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        if self.server.is_shared() {
            return self.send_parse_shared(parse, held, judge, output);
        }
        let permit = held.permits.pop();
        let Some(text) = held.text.take() else {
            return self.hold(held);
        };
        match (&permit, RunsNothing::in_text::<J>(&text)) {
            (Some(permit), _) if held.rewritten => {
                let text = match self.sendable(J::source(&text), held.certain) {
                    Ok(text) => text,
                    Err(refusal) => return self.refuse_parse(parse.name, refusal, judge, output),
                };
                let types: Vec<u32> = parse.types.iter().collect();
                output
                    .to_server
                    .prepare_rewritten::<J>(parse.name, &text, &types, permit);
            }
            (Some(permit), _) => output.to_server.prepare::<J>(frame, permit),
            (None, Some(proof)) => output.to_server.prepare_nothing(frame, proof),
            (None, None) => {
                let refusal = Refusal::new("42501", "the statement was not judged");
                return self.refuse_parse(parse.name, refusal, judge, output);
            }
        }
        let prepared = Rc::new(Prepared::new(text, 0, permit, None));
        self.prepared(parse.name, parse.name, &prepared, judge, output);
        Taken::Yes
    }

    /// A Parse went out: remembers it, and asks for its description at once where Bind will need one.
    pub(in crate::session) fn prepared(
        &mut self,
        name: &str,
        on_server: &str,
        prepared: &Rc<Prepared<J>>,
        judge: &J,
        output: &mut Output,
    ) {
        self.expect(Outstanding::Parse {
            name: Name::new(name),
            prepared: Rc::clone(prepared),
        });
        if let Some(statement) = prepared.statement() {
            self.server.leaves(|| statement.facts.residue());
        }
        let permit = prepared.permit.borrow().clone();
        let planned = permit.as_ref().is_some_and(J::wants_plan) && !prepared.is(Facts::is_dynamic);
        if planned || prepared.lacks_parameter_types(judge) {
            self.describe_prepared(on_server, prepared, permit.as_ref(), output);
        }
    }
}

fn no_room() -> Refusal {
    let message = format!(
        "the session has {MAX_PREPARED} prepared statements, or their texts exceed {} MiB, and cannot have more",
        MAX_PREPARED_BYTES >> 20
    );
    Refusal::new("54000", message).with_hint("Close or DEALLOCATE those that are no longer needed.")
}
