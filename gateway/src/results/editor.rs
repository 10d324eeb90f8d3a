//! The editor of one result: takes row messages, runs the steps over a batch, gives messages back.
//! Refuses to know sockets and policies. Next: `relay`, which owns when to push and when to flush.

use bytes::BytesMut;

use super::codec::{Codec, Fields, RowCodec, Unit};
use super::column::{Column, TooLarge};
use super::emission::{Emission, HEADER, Removed, Row};
use super::error::{ResultError, Stop};
use super::judging::{BatchJudge, Question};
use super::key::PseudonymKey;
use super::mask::Mask;
use super::shape::{RowShape, Step};
use super::types::Kind;
use gatewright_contract::{BatchReply, ColumnAction, Denial, Judged};

/// What an editor may hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    /// A batch is full at this many rows.
    pub batch_rows: usize,
    /// A batch is full at this many bytes of messages.
    pub batch_bytes: usize,
    /// Longest row of COPY data that may be put together from several messages, in bytes.
    pub pending_bytes: usize,
    /// Longest text form of one column in one batch, in bytes.
    pub text_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            batch_rows: 4096,
            batch_bytes: 256 << 10,
            pending_bytes: 64 << 20,
            text_bytes: 256 << 20,
        }
    }
}

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

/// A batch whose steps are under way.
#[derive(Default)]
struct Flight {
    /// The next step to run.
    step: usize,
    removed: Vec<Removed>,
    /// What the judge has been asked, and not answered yet.
    asked: Option<Question>,
}

/// Edits the rows of one result. After an error it gives no more rows.
pub struct ResultEditor {
    width: usize,
    codec: Codec,
    /// Those that some step works on, by position in the row.
    columns: Vec<Column>,
    steps: usize,
    limits: Limits,
    /// Whole messages, one after the other.
    raw: Vec<u8>,
    rows: Vec<Row>,
    /// The row that is glued to the header of binary COPY data, and how many bytes that has.
    glued: Option<(Row, u32)>,
    /// COPY data that does not make a unit yet.
    pending: Vec<u8>,
    sequence: u64,
    flight: Option<Flight>,
    failed: Option<ResultError>,
}

impl ResultEditor {
    /// An editor for a result of `shape`, with the plans of `steps` in chain order. A step that says nothing of a column
    /// nullifies it.
    pub fn new(shape: RowShape, steps: Vec<Step>, codec: RowCodec, key: &PseudonymKey) -> Self {
        let codec = Codec::new(codec, &shape);
        let mut columns = Vec::new();
        for (index, described) in shape.columns.iter().enumerate() {
            let mut column = Column::new(
                index,
                Kind::of_column(described.type_oid, described.type_modifier),
                codec.format(described.format),
            );
            for (number, step) in steps.iter().enumerate() {
                let action = step.actions.get(index).unwrap_or(&ColumnAction::Nullify);
                column.plan(number, action, &codec, key);
            }
            if !column.tasks.is_empty() {
                columns.push(column);
            }
        }
        Self {
            width: shape.columns.len(),
            codec,
            columns,
            steps: steps.len(),
            limits: Limits::default(),
            raw: Vec::new(),
            rows: Vec::new(),
            glued: None,
            pending: Vec::new(),
            sequence: 0,
            flight: None,
            failed: None,
        }
    }

    /// The same editor with other limits.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// No column is changed or seen: the caller may forward bytes and leave the editor alone.
    pub fn untouched(&self) -> bool {
        self.columns.is_empty()
    }

    /// Takes the body of one DataRow or CopyData message.
    ///
    /// # Errors
    /// The body is not what the shape and the codec promise. The result cannot go on.
    pub fn push(&mut self, body: &[u8]) -> Result<(), ResultError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        let pushed = match self.codec {
            Codec::DataRow => self.take(
                body,
                Unit::Row {
                    length: body.len(),
                    prefix: 0,
                },
            ),
            Codec::Text(_) | Codec::Csv(_) | Codec::Binary(_) => self.push_copy(body),
        };
        pushed.inspect_err(|error| self.failed = Some(error.clone()))
    }

    /// The server said that the rows are complete (CommandComplete, CopyDone): takes what is left. Flush afterwards.
    ///
    /// # Errors
    /// COPY data ended in the middle of a row.
    pub fn finish(&mut self) -> Result<(), ResultError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        if self.pending.is_empty() {
            return Ok(());
        }
        let rest = std::mem::take(&mut self.pending);
        let taken = self
            .codec
            .last_unit(&rest)
            .and_then(|unit| self.take(&rest, unit));
        taken.inspect_err(|error| self.failed = Some(error.clone()))
    }

    /// The batch is full.
    pub fn wants_flush(&self) -> bool {
        self.rows.len() >= self.limits.batch_rows || self.raw.len() >= self.limits.batch_bytes
    }

    /// There is nothing to flush. The beginning of a row may still be held.
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
    }

    /// Runs the steps over what was pushed since the last flush and appends the messages to `out`.
    ///
    /// # Errors
    /// The result must end; nothing was appended.
    pub fn flush(&mut self, judge: &mut dyn BatchJudge, out: &mut BytesMut) -> Edited {
        if let Some(error) = &self.failed {
            return Judged::Ready(Err(error.clone().into()));
        }
        self.fly(Flight::default(), judge, out)
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
        let Some(mut flight) = self.flight.take() else {
            return self.flush(judge, out);
        };
        if let Some(question) = flight.asked.take()
            && let Err(stop) = self.answered(&question, reply, &mut flight)
        {
            return self.land(Err(stop));
        }
        self.fly(flight, judge, out)
    }

    fn fly(
        &mut self,
        mut flight: Flight,
        judge: &mut dyn BatchJudge,
        out: &mut BytesMut,
    ) -> Edited {
        while flight.step < self.steps && !self.rows.is_empty() {
            match self.step(&mut flight, judge) {
                Err(stop) => return self.land(Err(stop)),
                Ok(Judged::Ready(())) => {}
                Ok(Judged::Pending(ticket)) => {
                    self.flight = Some(flight);
                    return Judged::Pending(ticket);
                }
            }
        }
        let written = self.write(flight.removed, out);
        self.land(written)
    }

    fn land(&mut self, edited: Result<Flushed, Stop>) -> Edited {
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
        let masked_cells = emission.write(out).inspect_err(|_| out.truncate(before))?;
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
        flight: &mut Flight,
        judge: &mut dyn BatchJudge,
    ) -> Result<Judged<()>, Stop> {
        let (step, limit) = (flight.step, self.limits.text_bytes);
        flight.step += 1;
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
        match question.ask(&mut self.columns, judge) {
            Judged::Ready(reply) => {
                self.answered(&question, reply, flight)?;
                Ok(Judged::Ready(()))
            }
            Judged::Pending(ticket) => {
                flight.asked = Some(question);
                Ok(Judged::Pending(ticket))
            }
        }
    }

    fn answered(
        &mut self,
        question: &Question,
        reply: Result<BatchReply, Denial>,
        flight: &mut Flight,
    ) -> Result<(), Stop> {
        let limit = self.limits.text_bytes;
        if let Some(keep) = question.take(reply, &mut self.columns, limit)?
            && keep.contains(&false)
        {
            self.retain(&keep, &mut flight.removed);
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

    fn push_copy(&mut self, body: &[u8]) -> Result<(), ResultError> {
        if self.pending.is_empty() {
            let used = self.take_units(body)?;
            return self.hold(body.get(used..).unwrap_or_default());
        }
        self.hold(body)?;
        let pending = std::mem::take(&mut self.pending);
        let used = self.take_units(&pending)?;
        self.pending = pending;
        self.pending.drain(..used);
        Ok(())
    }

    fn hold(&mut self, rest: &[u8]) -> Result<(), ResultError> {
        let limit = self.limits.pending_bytes;
        if self.pending.len() + rest.len() > limit {
            return Err(ResultError::RowTooLong { limit });
        }
        self.pending.extend_from_slice(rest);
        Ok(())
    }

    /// Takes the whole units at the start of `data` and says how many bytes they have.
    fn take_units(&mut self, data: &[u8]) -> Result<usize, ResultError> {
        let mut used = 0;
        while let Some(rest) = data.get(used..).filter(|rest| !rest.is_empty()) {
            let Some(unit) = self.codec.unit(rest)? else {
                break;
            };
            self.take(rest, unit)?;
            used += match unit {
                Unit::Row { length, .. } | Unit::Other { length } => length,
            };
        }
        Ok(used)
    }

    /// Makes a message of the unit at the start of `data`.
    fn take(&mut self, data: &[u8], unit: Unit) -> Result<(), ResultError> {
        let (length, row) = match unit {
            Unit::Row { length, prefix } => (length, Some(prefix)),
            Unit::Other { length } => (length, None),
        };
        let start = self.raw.len();
        let end = start + HEADER + length;
        let (Some(body), Ok(start), Ok(end), Ok(counted)) = (
            data.get(..length),
            u32::try_from(start),
            u32::try_from(end),
            i32::try_from(length + 4),
        ) else {
            return Err(ResultError::RowTooLong {
                limit: i32::MAX as usize,
            });
        };
        self.raw.push(self.codec.tag());
        self.raw.extend_from_slice(&counted.to_be_bytes());
        self.raw.extend_from_slice(body);
        if let Some(prefix) = row {
            let base = start as usize + HEADER + prefix;
            let fields = Fields::new(&mut self.columns, base);
            self.codec
                .fields(body.get(prefix..).unwrap_or_default(), self.width, fields)?;
            let row = Row { start, end };
            self.rows.push(row);
            if prefix > 0 {
                self.glued = Some((row, prefix as u32));
            }
        }
        Ok(())
    }
}
