//! The rows of the running statement: forwarded unchanged or edited by the plan, and counted against limits.

use std::rc::Rc;
use std::sync::Arc;

use gatewright_contract as contract;
use gatewright_sql::{CopyFormat, CopyOut, SessionEffect, Statement};
use gatewright_wire::backend::RowDescription;
use gatewright_wire::frame::Frame;

use crate::results::{
    BatchJudge, CsvOptions, Edited, ForceQuote, Format, PseudonymKey, ResultEditor, RowCodec,
    RowShape, ShapeColumn, Stop, TextOptions,
};
use crate::session::doors::output::{Output, Taken};
use crate::session::doors::to_client::Delivery;
use crate::session::judge::{Answer, Judge, Judged, Limit, Limits, Plan};
use crate::session::refusal::Refusal;
use crate::session::server::describe::fields_of;
use crate::session::state::name::Name;
use crate::session::state::names::Portal;
use crate::session::state::outstanding::{Outstanding, QueryRun};
use crate::session::state::running::{Passed, Running};
use crate::session::state::session::Session;
use crate::session::violation::Violation;

/// The statement whose rows are arriving.
struct Current<J: Judge> {
    pub permit: Option<J::Permit>,
    pub plan: Option<Rc<Plan>>,
    pub copy: Option<CopyOut>,
    /// The cursor that FETCH reads from.
    pub fetched: Option<Name>,
    pub passed: Option<Passed>,
}

impl<J: Judge> Current<J> {
    fn of_query(run: &QueryRun<J>) -> Self {
        let statement = run
            .text
            .as_ref()
            .and_then(|text| J::analysis(text).statements.get(run.index));
        Current {
            permit: run.permits.get(run.index).cloned(),
            plan: run.plans.get(run.index).cloned().flatten(),
            copy: statement.and_then(|statement| statement.facts.copy_out().cloned()),
            fetched: statement.and_then(fetched),
            passed: None,
        }
    }

    fn of_portal(portal: &Portal<J>) -> Self {
        Current {
            permit: portal.permit.clone(),
            plan: portal.plan.clone(),
            copy: portal.prepared.copy_out().cloned(),
            fetched: portal.prepared.statement().and_then(fetched),
            passed: Some(Rc::clone(&portal.passed)),
        }
    }

    fn limits(&self) -> Limits {
        self.permit.as_ref().map(J::limits).unwrap_or_default()
    }
}

fn fetched(statement: &Statement) -> Option<Name> {
    match &statement.facts.session {
        SessionEffect::Fetch { name } => Some(Name::new(name)),
        _ => None,
    }
}

/// Lends the judge to the editor for one flush.
pub(in crate::session) struct Ask<'a, J: Judge> {
    pub judge: &'a mut J,
    pub permit: &'a J::Permit,
}

impl<J: Judge> BatchJudge for Ask<'_, J> {
    fn on_batch(
        &mut self,
        step: usize,
        batch: &Arc<contract::Batch>,
    ) -> Judged<Result<contract::BatchReply, contract::Denial>> {
        self.judge.on_batch(self.permit, step, batch)
    }
}

impl<J: Judge> Session<J> {
    fn current(&self) -> Option<Current<J>> {
        match self.queue.front()? {
            Outstanding::Query(run) => Some(Current::of_query(run)),
            Outstanding::Execute { portal, .. } => Some(Current::of_portal(portal)),
            _ => None,
        }
    }

    /// The rows of what runs, counted on from where the portal or cursor was left.
    fn running(&self, current: &Current<J>) -> Running {
        let cursor = current.fetched.as_ref();
        let passed = cursor.and_then(|name| self.names.passed_of(name));
        let passed = passed.or_else(|| current.passed.clone());
        let before = passed.as_ref().map_or((0, 0), |passed| passed.read());
        Running::plain(current.limits().after(self.ends.delivered(), before)).going_on(passed)
    }

    /// The permit of the statement whose reply is expected now.
    pub(in crate::session) fn permit_in_front(&self) -> Option<J::Permit> {
        self.queue.front().and_then(Outstanding::permit).cloned()
    }

    /// RowDescription within a simple Query: the rows of one statement follow.
    pub(in crate::session) fn rows_of_query(
        &mut self,
        description: &RowDescription<'_>,
    ) -> Result<(), Violation> {
        let Some(current) = self.current() else {
            return Err(Violation::Unexpected('T'));
        };
        let mut running = self.running(&current);
        if let Some(plan) = &current.plan {
            if plan.fields != fields_of(description) {
                return Err(Violation::ShapeChanged);
            }
            let formats: Vec<i16> = description.fields().map(|field| field.format).collect();
            running.editor = editor(plan, &formats, RowCodec::DataRow, &self.key);
        } else if current.permit.as_ref().is_some_and(J::wants_plan) {
            // Described as returning no rows, yet rows arrive, and there is no plan for them.
            return Err(Violation::ShapeChanged);
        }
        self.turn.running = Some(running);
        Ok(())
    }

    /// The first row of an Execute, whose description was known at Bind.
    pub(in crate::session) fn rows_of_execute(&mut self) -> Result<(), Violation> {
        let Some(Outstanding::Execute { portal, .. }) = self.queue.front() else {
            return Err(Violation::Unexpected('D'));
        };
        let current = Current::of_portal(portal);
        let mut running = self.running(&current);
        match &current.plan {
            Some(plan) => {
                running.editor = editor(plan, &portal.formats, RowCodec::DataRow, &self.key)
            }
            None if current.permit.as_ref().is_some_and(J::wants_plan) => {
                return Err(Violation::ShapeChanged);
            }
            None => {}
        }
        self.turn.running = Some(running);
        Ok(())
    }

    /// CopyOutResponse.
    pub(in crate::session) fn copy_out(
        &mut self,
        binary: bool,
        column_count: usize,
    ) -> Result<(), Violation> {
        let Some(current) = self.current() else {
            return Err(Violation::Unexpected('H'));
        };
        let limits = current.limits().after(self.ends.delivered(), (0, 0));
        let mut running = Running::plain(limits);
        match (&current.plan, &current.copy) {
            (Some(plan), Some(copy)) => {
                if plan.fields.len() != column_count
                    || binary != (copy.format == CopyFormat::Binary)
                {
                    return Err(Violation::ShapeChanged);
                }
                let edited = editor(plan, &[i16::from(binary)], copy_codec(copy), &self.key);
                let encoding = copy.encoding.as_deref();
                let encoding = encoding.map(|name| self.reading.of_rows(Some(name)));
                running.editor = match encoding.filter(|encoding| encoding.is_converted()) {
                    Some(encoding) => edited.map(|editor| editor.transcoding(Box::new(encoding))),
                    None => edited,
                };
            }
            (None, _) if !current.permit.as_ref().is_some_and(J::wants_plan) => {}
            _ => return Err(Violation::ShapeChanged),
        }
        self.turn.running = Some(running);
        Ok(())
    }

    /// One DataRow or CopyData of the server.
    pub(in crate::session) fn row(
        &mut self,
        frame: Frame<'_>,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        let Some(running) = &mut self.turn.running else {
            return Taken::Yes;
        };
        if running.stopping.is_some() {
            return Taken::Yes;
        }
        let size = frame.bytes.len() as u64;
        if !running.admits(1, size) {
            let limit = running.reached();
            return self.stop_at(limit, judge, output);
        }
        running.rows += 1;
        running.bytes += size;
        let Some(editor) = &mut running.editor else {
            output.to_client.deliver(Delivery::Rows {
                bytes: frame.bytes,
                count: 1,
            });
            return Taken::Yes;
        };
        match editor.push(frame.body) {
            Ok(()) if editor.wants_flush() => {
                // What it waits for is settled before the next message is taken.
                self.flush(judge, output);
            }
            Ok(()) => {}
            Err(error) => {
                if let Some(permit) = self.permit_in_front() {
                    let refusal = judge.stopped(&permit, Stop::Rows(error));
                    self.stop_with(refusal, output);
                }
            }
        }
        Taken::Yes
    }

    /// The result goes no further than this.
    pub(in crate::session) fn stop_at(
        &mut self,
        limit: Limit,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        if self.flush(judge, output) == Taken::Hold {
            return Taken::Hold;
        }
        let running = self.turn.running.as_ref();
        if running.is_some_and(|running| running.stopping.is_none())
            && let Some(permit) = self.permit_in_front()
        {
            let refusal = judge.limit_reached(&permit, limit);
            self.stop_with(refusal, output);
        }
        Taken::Yes
    }

    pub(in crate::session) fn stop_with(&mut self, refusal: Refusal, output: &mut Output) {
        if let Some(running) = &mut self.turn.running {
            running.editor = None;
            running.stopping = Some(refusal);
            output.cancel = true;
        }
    }

    /// The server said that the rows are complete.
    pub(in crate::session) fn finish_rows(&mut self, judge: &mut J, output: &mut Output) -> Taken {
        let running = self.turn.running.as_mut();
        let editor = running.and_then(|running| running.editor.as_mut());
        let Some(error) = editor.and_then(|editor| editor.finish().err()) else {
            return self.flush(judge, output);
        };
        if let Some(permit) = self.permit_in_front() {
            let refusal = judge.stopped(&permit, Stop::Rows(error));
            self.stop_with(refusal, output);
        }
        Taken::Yes
    }

    /// Sends on what the editor holds. Called whenever no more rows are at hand, so that none waits for another.
    pub fn flush_rows(&mut self, judge: &mut J, output: &mut Output) {
        self.flush(judge, output);
    }

    /// Hold: a policy needs time for the batch, and until it answers nothing of the server is taken.
    pub(in crate::session) fn flush(&mut self, judge: &mut J, output: &mut Output) -> Taken {
        if self.resume_batch(judge, output) == Taken::Hold {
            return Taken::Hold;
        }
        let running = self.turn.running.as_mut();
        let editor = running.and_then(|running| running.editor.as_mut());
        let Some(editor) = editor.filter(|editor| !editor.is_empty()) else {
            return Taken::Yes;
        };
        let Some(permit) = self.queue.front().and_then(Outstanding::permit).cloned() else {
            return Taken::Yes;
        };
        let mut ask = Ask {
            judge: &mut *judge,
            permit: &permit,
        };
        let edited = output
            .to_client
            .deliver_edited(|out| editor.flush(&mut ask, out));
        self.take_edited(edited, &permit, judge, output)
    }

    /// Takes a policy's answer about a batch that needed time.
    pub(in crate::session) fn resume_batch(&mut self, judge: &mut J, output: &mut Output) -> Taken {
        let Some(running) = self.turn.running.as_mut() else {
            return Taken::Yes;
        };
        let Some(ticket) = running.batch.take() else {
            return Taken::Yes;
        };
        let reply = match judge.resume(ticket) {
            Judged::Pending(ticket) => {
                running.batch = Some(ticket);
                return Taken::Hold;
            }
            Judged::Ready(Answer::Batch(reply)) => reply,
            Judged::Ready(_) => Err(contract::Denial {
                code: "no-answer".to_owned(),
                message: "a policy did not answer for this result, so it is refused".to_owned(),
                hint: None,
                sqlstate: None,
            }),
        };
        let Some(permit) = self.permit_in_front() else {
            return Taken::Yes;
        };
        let running = self.turn.running.as_mut();
        let Some(editor) = running.and_then(|running| running.editor.as_mut()) else {
            return Taken::Yes;
        };
        let mut ask = Ask {
            judge: &mut *judge,
            permit: &permit,
        };
        let edited = output
            .to_client
            .deliver_edited(|out| editor.resume(reply, &mut ask, out));
        self.take_edited(edited, &permit, judge, output)
    }

    fn take_edited(
        &mut self,
        edited: Edited,
        permit: &J::Permit,
        judge: &mut J,
        output: &mut Output,
    ) -> Taken {
        match edited {
            Judged::Ready(Ok(_)) => Taken::Yes,
            Judged::Ready(Err(stop)) => {
                let refusal = judge.stopped(permit, stop);
                self.stop_with(refusal, output);
                Taken::Yes
            }
            Judged::Pending(ticket) => {
                if let Some(running) = &mut self.turn.running {
                    running.batch = Some(ticket);
                }
                Taken::Hold
            }
        }
    }
}

/// `None` when the plan leaves every column as it is.
pub(in crate::session) fn editor(
    plan: &Plan,
    formats: &[i16],
    codec: RowCodec,
    key: &PseudonymKey,
) -> Option<ResultEditor> {
    let columns = plan
        .fields
        .iter()
        .enumerate()
        .map(|(index, field)| ShapeColumn {
            name: field.name.clone(),
            type_oid: plan.types.get(index).copied().unwrap_or(field.type_oid),
            type_modifier: field.type_modifier,
            format: if format_of(formats, index) == 0 {
                Format::Text
            } else {
                Format::Binary
            },
        })
        .collect();
    let editor = ResultEditor::new(RowShape { columns }, plan.steps.clone(), codec, key);
    (!editor.untouched()).then_some(editor)
}

fn copy_codec(copy: &CopyOut) -> RowCodec {
    match copy.format {
        CopyFormat::Text => RowCodec::CopyText(TextOptions {
            delimiter: copy.delimiter,
            null: copy.null.clone(),
            header: copy.header,
        }),
        CopyFormat::Csv => RowCodec::CopyCsv(CsvOptions {
            delimiter: copy.delimiter,
            quote: copy.quote,
            escape: copy.escape,
            null: copy.null.clone(),
            header: copy.header,
            force_quote: match &copy.force_quote {
                gatewright_sql::ForceQuote::None => ForceQuote::None,
                gatewright_sql::ForceQuote::All => ForceQuote::All,
                gatewright_sql::ForceQuote::Columns(columns) => {
                    ForceQuote::Columns(columns.clone())
                }
            },
        }),
        CopyFormat::Binary => RowCodec::CopyBinary,
    }
}

/// The format code that Bind gave for one column.
fn format_of(formats: &[i16], column: usize) -> i16 {
    match formats {
        [] => 0,
        [all] => *all,
        each => each.get(column).copied().unwrap_or(0),
    }
}
