use serde::Serialize;

use super::{ColumnSource, Denial};

/// One column of a result. `exact` false: the sources are all that the column could carry, not what it certainly does.
/// `readable` false: the type's binary form is unknown to the gateway; only pass, nullify and deny make sense.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResultColumn {
    pub name: String,
    pub type_name: String,
    pub type_oid: u32,
    pub readable: bool,
    pub exact: bool,
    pub sources: Vec<ColumnSource>,
}

/// Keep `first` and `last` characters, replace each other one by `fill`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct PartialMask {
    pub first: u32,
    pub last: u32,
    pub fill: char,
}

/// What happens to one result column. All but `Inspect` and `Observe` are done without entering the policy again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnAction {
    Pass,
    Nullify,
    Fixed(String),
    Partial(PartialMask),
    /// Keyed HMAC by the host, with this prefix: equal stays equal, the key never enters the guest.
    Pseudonym(String),
    /// Hand it to `on-batch`, which may replace it.
    Inspect,
    /// Hand it to `on-batch` read-only.
    Observe,
}

/// What a policy says of a result: one action per column, or a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Plan {
    Columns(Vec<ColumnAction>),
    Deny(Denial),
}

/// Values of one column, packed. Row i is `values[offsets[i]..offsets[i + 1]]`; bit i of `validity` (least significant first)
/// is 0 for NULL; `offsets` has one entry more than there are rows.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PackedColumn {
    pub offsets: Vec<u32>,
    pub validity: Vec<u8>,
    pub values: Vec<u8>,
}

// Result values must not reach a log by way of `{:?}`.
impl std::fmt::Debug for PackedColumn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PackedColumn")
            .field("rows", &self.offsets.len().saturating_sub(1))
            .field("value_bytes", &self.values.len())
            .finish()
    }
}

impl PackedColumn {
    /// How many rows there are.
    pub fn rows(&self) -> usize {
        self.offsets.len().saturating_sub(1)
    }

    /// The value of a row; `None` for NULL, and for a row that is not there.
    pub fn value(&self, row: usize) -> Option<&[u8]> {
        let valid = self.validity.get(row / 8)? >> (row % 8) & 1 == 1;
        let start = *self.offsets.get(row)? as usize;
        let end = *self.offsets.get(row + 1)? as usize;
        if valid {
            self.values.get(start..end)
        } else {
            None
        }
    }
}

/// A column of a batch; `index` is its position in the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchColumn {
    pub index: u32,
    pub data: PackedColumn,
}

/// Rows of a result, only the columns the plan inspects or observes. `sequence` counts the batches of a result from 0.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    pub rows: u32,
    pub sequence: u64,
    pub columns: Vec<BatchColumn>,
}

/// What becomes of one column of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnReply {
    Unchanged,
    Replaced(PackedColumn),
    Nullify,
    /// A bitmap; rows whose bit is 1 become NULL.
    NullifyRows(Vec<u8>),
}

/// `columns` answers [`Batch::columns`] one for one; `keep_rows` is a bitmap of the rows to forward.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchEdit {
    pub columns: Vec<ColumnReply>,
    pub keep_rows: Option<Vec<u8>>,
}

/// What a policy says of a batch: its edits, or the end of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchReply {
    Edit(BatchEdit),
    Stop(Denial),
}

/// How a statement ended. `sqlstate` is `00000` on success.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Completion {
    pub statement_id: u64,
    pub rows: u64,
    pub bytes: u64,
    pub elapsed_us: u64,
    pub sqlstate: String,
}
