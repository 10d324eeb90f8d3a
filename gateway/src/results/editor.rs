//! The editor of one result: takes row messages, runs the steps over a batch, gives messages back.
//! Refuses to know sockets and policies. Next: `relay`, which owns when to push and when to flush.

use super::codec::{Codec, Fields, RowCodec, Unit};
use super::column::Column;
use super::emission::{HEADER, Row};
use super::error::ResultError;
use super::judging::FlushState;
use super::key::PseudonymKey;
use super::shape::{RowShape, Step};
use super::transcode::{Transcode, decoded};
use super::types::Kind;
use gatewright_contract::ColumnAction;

/// The first batch of a result is full at this many rows, or bytes of messages: its first row waits for no more. Each batch may have twice
/// as much as the one before, up to the limits.
const FIRST_ROWS: usize = 32;
const FIRST_BYTES: usize = 4 << 10;

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

/// Edits the rows of one result. After an error it gives no more rows.
pub struct ResultEditor {
    pub(super) width: usize,
    pub(super) codec: Codec,
    /// Those that some step works on, by position in the row.
    pub(super) columns: Vec<Column>,
    pub(super) steps: usize,
    pub(super) limits: Limits,
    /// Whole messages, one after the other.
    pub(super) raw: Vec<u8>,
    pub(super) rows: Vec<Row>,
    /// The row that is glued to the header of binary COPY data, and how many bytes that has.
    pub(super) glued: Option<(Row, u32)>,
    /// COPY data that does not make a unit yet.
    pub(super) pending: Vec<u8>,
    pub(super) sequence: u64,
    pub(super) flushing: Option<FlushState>,
    pub(super) failed: Option<ResultError>,
    /// For COPY data that is not in UTF-8.
    pub(super) transcode: Option<Box<dyn Transcode + Send>>,
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
            flushing: None,
            failed: None,
            transcode: None,
        }
    }

    /// The same editor with other limits.
    pub fn with_limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    /// The same editor for COPY data in text or CSV format that is in another encoding.
    pub fn transcoding(mut self, transcode: Box<dyn Transcode + Send>) -> Self {
        self.transcode = Some(transcode);
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
        let transcoded = match &self.transcode {
            Some(transcode) => decoded(&**transcode, body),
            None => Ok(body.into()),
        };
        let pushed = transcoded.and_then(|body| self.push_utf8(&body));
        pushed.inspect_err(|error| self.failed = Some(error.clone()))
    }

    fn push_utf8(&mut self, body: &[u8]) -> Result<(), ResultError> {
        match self.codec {
            Codec::DataRow => self.take(
                body,
                Unit::Row {
                    length: body.len(),
                    prefix: 0,
                },
            ),
            Codec::Text(_) | Codec::Csv(_) | Codec::Binary(_) => self.push_copy(body),
        }
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
        let grown = |first: usize, most: usize| {
            let batches = u32::try_from(self.sequence).unwrap_or(u32::MAX);
            let factor = 1usize.checked_shl(batches).unwrap_or(usize::MAX);
            first.saturating_mul(factor).min(most)
        };
        self.rows.len() >= grown(FIRST_ROWS, self.limits.batch_rows)
            || self.raw.len() >= grown(FIRST_BYTES, self.limits.batch_bytes)
    }

    /// There is nothing to flush. The beginning of a row may still be held.
    pub fn is_empty(&self) -> bool {
        self.raw.is_empty()
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
