//! Flushing a batch: runs each policy's plan over its rows, waits where a policy needs time, and writes the messages.

use bytes::BytesMut;
use gatewright_contract::{BatchReply, Denial, Judged};

use super::column::TooLarge;
use super::editor::ResultEditor;
use super::emission::{Emission, Removed};
use super::error::{ResultError, Stop};
use super::judging::{BatchJudge, FlushState, Question};
use super::mask::Mask;
use super::transcode::encode_messages;

/// What one flush delivered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Flushed {
    /// Rows delivered.
    pub rows: u64,
    /// Bytes of messages appended to the output.
    pub bytes: u64,
    /// Cells that differ from what the server sent.
    pub masked_cells: u64,
    /// Rows that a policy dropped.
    pub dropped_rows: u64,
}

/// What comes of a flush. While it is pending the editor takes no rows, and goes on with [`ResultEditor::resume`].
pub type Edited = Judged<Result<Flushed, Stop>>;

impl ResultEditor {
    /// Runs the steps over what was pushed since the last flush and appends the messages to `out`.
    ///
    /// # Errors
    /// The result must end; nothing was appended.
    pub fn flush(&mut self, judge: &mut dyn BatchJudge, out: &mut BytesMut) -> Edited {
        if let Some(error) = &self.failed {
            return Judged::Ready(Err(error.clone().into()));
        }
        self.run(FlushState::default(), judge, out)
    }

    /// Goes on with a flush that was pending, with the judge's reply.
    ///
    /// # Errors
    /// As for [`ResultEditor::flush`].
    pub fn resume(
        &mut self,
        reply: Result<BatchReply, Denial>,
        judge: &mut dyn BatchJudge,
        out: &mut BytesMut,
    ) -> Edited {
        let Some(mut state) = self.flushing.take() else {
            return self.flush(judge, out);
        };
        if let Some((question, batch)) = state.asked.take() {
            question.take_back(batch, &mut self.columns);
            if let Err(stop) = self.answered(&question, reply, &mut state) {
                return self.finish_flush(Err(stop));
            }
        }
        self.run(state, judge, out)
    }

    fn run(
        &mut self,
        mut state: FlushState,
        judge: &mut dyn BatchJudge,
        out: &mut BytesMut,
    ) -> Edited {
        while state.step < self.steps && !self.rows.is_empty() {
            match self.step(&mut state, judge) {
                Err(stop) => return self.finish_flush(Err(stop)),
                Ok(Judged::Ready(())) => {}
                Ok(Judged::Pending(ticket)) => {
                    self.flushing = Some(state);
                    return Judged::Pending(ticket);
                }
            }
        }
        let written = self.write(state.removed, out);
        self.finish_flush(written)
    }

    fn finish_flush(&mut self, edited: Result<Flushed, Stop>) -> Edited {
        self.clear();
        Judged::Ready(edited.inspect_err(|_| self.failed = Some(ResultError::Stopped)))
    }

    fn write(&self, mut removed: Vec<Removed>, out: &mut BytesMut) -> Result<Flushed, Stop> {
        removed.sort_unstable_by_key(|gone: &Removed| gone.row.start);
        let before = out.len();
        let emission = Emission {
            raw: &self.raw,
            codec: &self.codec,
            columns: &self.columns,
            rows: &self.rows,
            removed: &removed,
        };
        let masked_cells = match &self.transcode {
            None => emission.write(out).inspect_err(|_| out.truncate(before))?,
            Some(transcode) => {
                let mut messages = BytesMut::new();
                let masked_cells = emission.write(&mut messages)?;
                encode_messages(&**transcode, &messages, out)
                    .inspect_err(|_| out.truncate(before))?;
                masked_cells
            }
        };
        Ok(Flushed {
            rows: self.rows.len() as u64,
            bytes: (out.len() - before) as u64,
            masked_cells,
            dropped_rows: removed.len() as u64,
        })
    }

    /// Runs the next policy's plan over the rows that are left.
    fn step(
        &mut self,
        state: &mut FlushState,
        judge: &mut dyn BatchJudge,
    ) -> Result<Judged<()>, Stop> {
        let (step, limit) = (state.step, self.limits.text_bytes);
        state.step += 1;
        let mut asked = Vec::new();
        for (at, column) in self.columns.iter_mut().enumerate() {
            let Some(task) = column.task(step) else {
                continue;
            };
            if matches!(column.tasks.get(task), Some(task) if matches!(task.mask, Mask::Inspect(_) | Mask::Observe(_)))
            {
                asked.push((at, task));
            }
            let run = column.run(task, &self.raw, &self.codec, limit);
            run.map_err(|TooLarge| Stop::TooLarge {
                column: column.index,
                limit,
            })?;
        }
        if asked.is_empty() {
            return Ok(Judged::Ready(()));
        }
        let question = Question {
            step,
            sequence: self.sequence,
            rows: self.rows.len(),
            asked,
        };
        let batch = question.batch(&mut self.columns);
        match judge.on_batch(step, &batch) {
            Judged::Ready(reply) => {
                question.take_back(batch, &mut self.columns);
                self.answered(&question, reply, state)?;
                Ok(Judged::Ready(()))
            }
            Judged::Pending(ticket) => {
                state.asked = Some((question, batch));
                Ok(Judged::Pending(ticket))
            }
        }
    }

    fn answered(
        &mut self,
        question: &Question,
        reply: Result<BatchReply, Denial>,
        state: &mut FlushState,
    ) -> Result<(), Stop> {
        let limit = self.limits.text_bytes;
        if let Some(keep) = question.take(reply, &mut self.columns, limit)?
            && keep.contains(&false)
        {
            self.retain(&keep, &mut state.removed);
        }
        Ok(())
    }

    fn retain(&mut self, keep: &[bool], removed: &mut Vec<Removed>) {
        let glued = self.glued;
        let mut flags = keep.iter();
        self.rows.retain(|row| {
            let kept = flags.next().copied().unwrap_or(false);
            if !kept {
                let prefix = glued
                    .filter(|(first, _)| first == row)
                    .map_or(0, |(_, prefix)| prefix);
                removed.push(Removed { row: *row, prefix });
            }
            kept
        });
        for column in &mut self.columns {
            column.retain(keep);
        }
    }

    fn clear(&mut self) {
        let keep_bytes = self.limits.batch_bytes.saturating_mul(2);
        self.raw.clear();
        self.raw.shrink_to(keep_bytes);
        self.rows.clear();
        self.glued = None;
        self.sequence += 1;
        for column in &mut self.columns {
            column.clear(keep_bytes);
        }
    }
}
