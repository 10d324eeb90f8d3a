//! Asks a judge about the columns that a step inspects or observes, and puts the reply in place.
//! Refuses to know who judges. Next: `editor`, which goes through the steps.

use std::sync::Arc;

use super::column::{Column, Packer, TooLarge};
use super::emission::Removed;
use super::error::Stop;
use super::mask::Mask;
use super::types::Kind;
use gatewright_contract::{
    Batch, BatchColumn, BatchEdit, BatchReply, ColumnReply, Denial, Judged, PackedColumn,
};

/// Says what becomes of a batch: the policy behind each step. A call that failed is a denial.
pub trait BatchJudge {
    /// `step` counts the plan's steps from 0.
    ///
    /// # Errors
    /// A denial: the result must end here.
    fn on_batch(&mut self, step: usize, batch: &Arc<Batch>) -> Judged<Result<BatchReply, Denial>>;
}

/// A batch whose steps are under way.
#[derive(Default)]
pub(super) struct FlushState {
    /// The next step to run.
    pub(super) step: usize,
    pub(super) removed: Vec<Removed>,
    /// What the judge has been asked, and not answered yet.
    pub(super) asked: Option<(Question, Arc<Batch>)>,
}

/// One question: its columns are those of the editor at `asked`. While it is asked, their text is in the batch.
pub(super) struct Question {
    pub(super) step: usize,
    pub(super) sequence: u64,
    pub(super) rows: usize,
    /// Positions in the editor's list of columns, and the task of each for this step.
    pub(super) asked: Vec<(usize, usize)>,
}

impl Question {
    /// The text of each column moves into the batch, and back with the reply: nothing is copied for the question.
    pub(super) fn batch(&self, columns: &mut [Column]) -> Arc<Batch> {
        let mut batch = Batch {
            rows: self.rows as u32,
            sequence: self.sequence,
            columns: Vec::new(),
        };
        for (at, task) in &self.asked {
            if let Some(column) = columns.get_mut(*at) {
                let data = std::mem::take(&mut column.text);
                batch.columns.push(BatchColumn {
                    index: column.index as u32,
                    label: column.label(*task).to_owned(),
                    data,
                });
            }
        }
        Arc::new(batch)
    }

    /// The batch was replied to.
    pub(super) fn take_back(&self, batch: Arc<Batch>, columns: &mut [Column]) {
        let batch = Arc::unwrap_or_clone(batch);
        for ((at, _), asked) in self.asked.iter().zip(batch.columns) {
            if let Some(column) = columns.get_mut(*at) {
                column.text = asked.data;
            }
        }
    }

    /// Puts the reply in place and says which rows to keep; `None` is all.
    pub(super) fn take(
        &self,
        reply: Result<BatchReply, Denial>,
        columns: &mut [Column],
        limit: usize,
    ) -> Result<Option<Vec<bool>>, Stop> {
        match reply {
            Ok(BatchReply::Edit(edit)) => self.apply(edit, columns, limit),
            Ok(BatchReply::Stop(denial)) | Err(denial) => Err(Stop::Denied {
                step: self.step,
                denial,
            }),
        }
    }

    fn apply(
        &self,
        edit: BatchEdit,
        columns: &mut [Column],
        limit: usize,
    ) -> Result<Option<Vec<bool>>, Stop> {
        if edit.columns.len() != self.asked.len() {
            return Err(self.illegal("it answers another number of columns"));
        }
        for ((at, task), reply) in self.asked.iter().zip(edit.columns) {
            let Some(column) = columns.get_mut(*at) else {
                continue;
            };
            if reply == ColumnReply::Unchanged {
                continue;
            }
            if !matches!(column.tasks.get(*task), Some(task) if matches!(task.mask, Mask::Inspect(_)))
            {
                return Err(self.illegal("it changes a column that it only observes"));
            }
            match reply {
                ColumnReply::Unchanged => {}
                ColumnReply::Nullify => nullify(column, |_| true),
                ColumnReply::NullifyRows(bits) => {
                    self.check_bitmap(&bits)?;
                    nullify(column, |row| bit(&bits, row));
                }
                ColumnReply::Replaced(packed) => {
                    self.check_packed(&packed)?;
                    replace(column, packed, self.rows, limit).map_err(|TooLarge| {
                        Stop::TooLarge {
                            column: column.index,
                            limit,
                        }
                    })?;
                }
            }
        }
        let Some(bits) = edit.keep_rows else {
            return Ok(None);
        };
        self.check_bitmap(&bits)?;
        Ok(Some((0..self.rows).map(|row| bit(&bits, row)).collect()))
    }

    fn check_bitmap(&self, bits: &[u8]) -> Result<(), Stop> {
        if bits.len() < self.rows.div_ceil(8) {
            return Err(self.illegal("a bitmap is shorter than its batch"));
        }
        Ok(())
    }

    fn check_packed(&self, packed: &PackedColumn) -> Result<(), Stop> {
        self.check_bitmap(&packed.validity)?;
        if packed.offsets.len() != self.rows + 1 {
            return Err(self.illegal("a column has another number of values than its batch"));
        }
        if !packed.offsets.is_sorted() {
            return Err(self.illegal("a column's offsets go back"));
        }
        if packed
            .offsets
            .last()
            .is_some_and(|end| *end as usize > packed.values.len())
        {
            return Err(self.illegal("a column's offsets point past its values"));
        }
        Ok(())
    }

    fn illegal(&self, reason: &'static str) -> Stop {
        Stop::Illegal {
            step: self.step,
            reason,
        }
    }
}

fn bit(bits: &[u8], row: usize) -> bool {
    bits.get(row / 8)
        .is_some_and(|byte| byte >> (row % 8) & 1 == 1)
}

fn nullify(column: &mut Column, chosen: impl Fn(usize) -> bool) {
    for row in (0..column.cells.len()).filter(|row| chosen(*row)) {
        let Some(byte) = column.text.validity.get_mut(row / 8) else {
            return;
        };
        if *byte >> (row % 8) & 1 == 1 {
            *byte &= !(1 << (row % 8));
            if let Some(changed) = column.changed.get_mut(row) {
                *changed = true;
            }
        }
    }
}

/// Puts a replacement in place of the present text. What equals the present text is not a change; what is no value of
/// the type becomes NULL; a column that a plan nullified stays so.
fn replace(
    column: &mut Column,
    reply: PackedColumn,
    rows: usize,
    limit: usize,
) -> Result<(), TooLarge> {
    if column.nullified {
        return Ok(());
    }
    if column.kind.takes_any_text() && is_clean(&reply) {
        for row in 0..rows {
            if column.text.value(row) != reply.value(row)
                && let Some(changed) = column.changed.get_mut(row)
            {
                *changed = true;
            }
        }
        column.text = reply;
        return Ok(());
    }
    let mut settled = PackedColumn::default();
    let mut packer = Packer::new(&mut settled, rows, limit);
    for row in 0..rows {
        let (before, after) = (column.text.value(row), reply.value(row));
        let valid = after.is_some_and(|after| {
            packer.put(|out| {
                if before == Some(after) {
                    out.extend_from_slice(after);
                    return true;
                }
                settle(column.kind, after, out)
            })
        });
        if before != after
            && let Some(changed) = column.changed.get_mut(row)
        {
            *changed = true;
        }
        packer.close(row, valid)?;
    }
    column.text = settled;
    Ok(())
}

fn settle(kind: Kind, value: &[u8], out: &mut Vec<u8>) -> bool {
    std::str::from_utf8(value).is_ok_and(|text| kind.settle(text, out))
}

/// Whether every value can be taken as text without a look at each: ASCII throughout, no NUL, and contiguous.
fn is_clean(column: &PackedColumn) -> bool {
    column.values.is_ascii() && memchr::memchr(0, &column.values).is_none()
}
