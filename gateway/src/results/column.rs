//! One column in use: its cells, its current text, and the masks applied to it. `judging` applies policies' replies,
//! `emission` writes the bytes.

use super::codec::{Cell, Codec};
use super::key::PseudonymKey;
use super::mask::{self, Mask};
use super::shape::Format;
use super::types::Kind;
use gatewright_contract::{ColumnAction, PackedColumn};

/// One step's work on this column.
pub(super) struct Task {
    pub(super) step: usize,
    pub(super) mask: Mask,
}

/// Where the current values of the column are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum State {
    /// As sent by the server.
    Original,
    /// All NULL.
    Nullified,
    /// The constant of the task with this index, except for NULLs.
    Constant(usize),
    /// In `text`; where `changed` is false, the server's bytes are still current.
    Text,
}

pub(super) struct Column {
    pub(super) index: usize,
    pub(super) kind: Kind,
    pub(super) format: Format,
    pub(super) tasks: Vec<Task>,
    pub(super) cells: Vec<Cell>,
    pub(super) state: State,
    pub(super) text: PackedColumn,
    pub(super) changed: Vec<bool>,
    /// Rows whose value could not be read as text: shown as NULL, and NULL for good once a step wants more than to observe.
    opaque: Vec<u32>,
    /// Nullified by a plan: no later reply restores a value.
    pub(super) nullified: bool,
    spare: PackedColumn,
    scratch: Vec<u8>,
}

/// The text form of one column in a batch exceeds the limit.
pub(super) struct TooLarge;

impl Column {
    pub(super) fn new(index: usize, kind: Kind, format: Format) -> Self {
        Self {
            index,
            kind,
            format,
            tasks: Vec::new(),
            cells: Vec::new(),
            state: State::Original,
            text: PackedColumn::default(),
            changed: Vec::new(),
            opaque: Vec::new(),
            nullified: false,
            spare: PackedColumn::default(),
            scratch: Vec::new(),
        }
    }

    /// Adds the action of `step`. A constant is checked and encoded once, here; an invalid one nullifies the column.
    pub(super) fn plan(
        &mut self,
        step: usize,
        action: &ColumnAction,
        codec: &Codec,
        key: &PseudonymKey,
    ) {
        let mask = match action {
            ColumnAction::Pass => return,
            ColumnAction::Nullify => Mask::Nullify,
            ColumnAction::Fixed(text) => self.constant(text, codec),
            ColumnAction::Partial(partial) => Mask::Partial(*partial),
            ColumnAction::Pseudonym(label) => Mask::Pseudonym(Box::new(key.labelled(label))),
            ColumnAction::Inspect(label) => Mask::Inspect(label.clone()),
            ColumnAction::Observe(label) => Mask::Observe(label.clone()),
        };
        self.tasks.push(Task { step, mask });
    }

    fn constant(&self, text: &str, codec: &Codec) -> Mask {
        let mut settled = Vec::new();
        if !self.kind.settle(text, &mut settled) {
            return Mask::Nullify;
        }
        let mut wire = Vec::new();
        codec.write(self, Some(&settled), &mut Vec::new(), &mut wire);
        Mask::Fixed {
            text: settled,
            wire,
        }
    }

    /// The task of `step` on this column, if it has one.
    pub(super) fn task(&self, step: usize) -> Option<usize> {
        self.tasks.iter().position(|task| task.step == step)
    }

    /// The label under which a task asks its judge; empty where it asks none.
    pub(super) fn label(&self, task: usize) -> &str {
        match self.tasks.get(task).map(|task| &task.mask) {
            Some(Mask::Inspect(label) | Mask::Observe(label)) => label,
            _ => "",
        }
    }

    /// Runs one task that needs no judge. Inspection and observation only need the text, so that is what they get.
    pub(super) fn run(
        &mut self,
        task: usize,
        raw: &[u8],
        codec: &Codec,
        limit: usize,
    ) -> Result<(), TooLarge> {
        let Some(Task { mask, .. }) = self.tasks.get(task) else {
            return Ok(());
        };
        match mask {
            Mask::Inspect(_) => {
                self.load(raw, codec, limit)?;
                for row in self.opaque.drain(..) {
                    self.changed[row as usize] = true;
                }
            }
            Mask::Observe(_) => self.load(raw, codec, limit)?,
            _ if self.nullified => {}
            Mask::Nullify => {
                self.state = State::Nullified;
                self.nullified = true;
            }
            Mask::Fixed { .. } if self.state != State::Text => self.state = State::Constant(task),
            Mask::Fixed { .. } | Mask::Partial(_) | Mask::Pseudonym(_) => {
                self.rewrite(task, raw, codec, limit)?
            }
        }
        Ok(())
    }

    /// Decodes the current values into `text`.
    pub(super) fn load(&mut self, raw: &[u8], codec: &Codec, limit: usize) -> Result<(), TooLarge> {
        if self.state == State::Text {
            return Ok(());
        }
        let mut packer = Packer::new(&mut self.text, self.cells.len(), limit);
        self.changed.clear();
        self.opaque.clear();
        for (row, cell) in self.cells.iter().enumerate() {
            let value = cell.value(raw);
            let (legal, changed) = match self.state {
                _ if cell.is_null() => (false, false),
                State::Nullified => (false, true),
                State::Constant(task) => {
                    if let Some(Task {
                        mask: Mask::Fixed { text, .. },
                        ..
                    }) = self.tasks.get(task)
                    {
                        packer.values.extend_from_slice(text);
                    }
                    (true, true)
                }
                State::Original | State::Text => {
                    let legal = packer.read(|out| codec.read(self.kind, self.format, value, out));
                    if !legal {
                        self.opaque.push(row as u32);
                    }
                    (legal, false)
                }
            };
            packer.close(row, legal)?;
            self.changed.push(changed);
        }
        self.state = State::Text;
        Ok(())
    }

    /// Replaces every non-NULL value with the result of a built-in mask.
    fn rewrite(
        &mut self,
        task: usize,
        raw: &[u8],
        codec: &Codec,
        limit: usize,
    ) -> Result<(), TooLarge> {
        let original = self.state == State::Original;
        if !original {
            self.load(raw, codec, limit)?;
        }
        let Self {
            kind,
            format,
            tasks,
            cells,
            text,
            changed,
            opaque,
            spare,
            scratch,
            ..
        } = self;
        let Some(Task { mask, .. }) = tasks.get(task) else {
            return Ok(());
        };
        let mut packer = Packer::new(spare, cells.len(), limit);
        let mut unwrapped = Vec::new();
        if original {
            changed.clear();
            changed.resize(cells.len(), false);
        }
        for row in opaque.drain(..) {
            changed[row as usize] = true;
        }
        for (row, cell) in cells.iter().enumerate() {
            let present = if original {
                !cell.is_null()
            } else {
                text.value(row).is_some()
            };
            changed[row] |= present;
            let value = match original {
                true if !present => None,
                true => codec.text(*kind, *format, cell.value(raw), &mut unwrapped),
                false => text.value(row),
            };
            let legal = value.is_some_and(|value| {
                packer.put(|out| apply_mask(mask, *kind, value, scratch, out))
            });
            packer.close(row, legal)?;
        }
        std::mem::swap(&mut self.text, &mut self.spare);
        self.state = State::Text;
        Ok(())
    }

    /// Keeps the rows for which `keep` is true.
    pub(super) fn retain(&mut self, keep: &[bool]) {
        let mut flags = keep.iter();
        self.cells
            .retain(|_| flags.next().copied().unwrap_or(false));
        if self.state != State::Text {
            return;
        }
        let kept = keep.iter().filter(|keep| **keep).count();
        let mut packer = Packer::new(&mut self.spare, kept, usize::MAX);
        let mut opaque = Vec::new();
        for (to, from) in keep
            .iter()
            .enumerate()
            .filter(|(_, keep)| **keep)
            .map(|(from, _)| from)
            .enumerate()
        {
            if self.opaque.binary_search(&(from as u32)).is_ok() {
                opaque.push(to as u32);
            }
            let value = self.text.value(from);
            packer.values.extend_from_slice(value.unwrap_or_default());
            // Cannot fail: the text was within its limit before rows were removed.
            let _ = packer.close(to, value.is_some());
        }
        self.opaque = opaque;
        let mut flags = keep.iter();
        self.changed
            .retain(|_| flags.next().copied().unwrap_or(false));
        std::mem::swap(&mut self.text, &mut self.spare);
    }

    /// Forgets the rows. The buffers are kept for the next batch unless a huge value enlarged them.
    pub(super) fn clear(&mut self, keep_bytes: usize) {
        self.cells.clear();
        self.changed.clear();
        self.opaque.clear();
        self.state = State::Original;
        self.nullified = false;
        for buffer in [
            &mut self.text.values,
            &mut self.spare.values,
            &mut self.scratch,
        ] {
            buffer.clear();
            buffer.shrink_to(keep_bytes);
        }
    }
}

/// The result of a built-in mask for one value, appended to `out`; false is NULL.
fn apply_mask(
    mask: &Mask,
    kind: Kind,
    value: &[u8],
    scratch: &mut Vec<u8>,
    out: &mut Vec<u8>,
) -> bool {
    match mask {
        Mask::Fixed { text, .. } => {
            out.extend_from_slice(text);
            true
        }
        Mask::Partial(partial) if kind.is_text() => mask::partial(partial, value, out),
        Mask::Partial(partial) => {
            scratch.clear();
            mask::partial(partial, value, scratch)
                && std::str::from_utf8(scratch).is_ok_and(|text| kind.settle(text, out))
        }
        Mask::Pseudonym(key) => mask::pseudonym(key, kind, value, out),
        Mask::Nullify | Mask::Inspect(_) | Mask::Observe(_) => false,
    }
}

/// Fills a packed column row by row.
pub(super) struct Packer<'a> {
    offsets: &'a mut Vec<u32>,
    validity: &'a mut Vec<u8>,
    pub(super) values: &'a mut Vec<u8>,
    limit: usize,
}

impl<'a> Packer<'a> {
    pub(super) fn new(column: &'a mut PackedColumn, rows: usize, limit: usize) -> Self {
        let PackedColumn {
            offsets,
            validity,
            values,
        } = column;
        offsets.clear();
        offsets.reserve(rows + 1);
        offsets.push(0);
        validity.clear();
        validity.resize(rows.div_ceil(8), 0);
        values.clear();
        Self {
            offsets,
            validity,
            values,
            limit: limit.min(u32::MAX as usize),
        }
    }

    /// Appends a value with `write`, and removes what a failed `write` appended.
    #[inline]
    pub(super) fn put(&mut self, write: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
        let start = self.values.len();
        let legal = write(self.values);
        if !legal {
            self.values.truncate(start);
        }
        legal
    }

    /// Like `put`, for a value that must also be UTF-8.
    fn read(&mut self, write: impl FnOnce(&mut Vec<u8>) -> bool) -> bool {
        self.put(|values| {
            let start = values.len();
            write(values) && std::str::from_utf8(&values[start..]).is_ok()
        })
    }

    /// Ends the value of `row`.
    #[inline]
    pub(super) fn close(&mut self, row: usize, valid: bool) -> Result<(), TooLarge> {
        if self.values.len() > self.limit {
            return Err(TooLarge);
        }
        if valid && let Some(byte) = self.validity.get_mut(row / 8) {
            *byte |= 1 << (row % 8);
        }
        self.offsets.push(self.values.len() as u32);
        Ok(())
    }
}
