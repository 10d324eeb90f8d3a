//! What a policy is told of a result and its rows, and what it makes of them.

use serde::Serialize;

use crate::{ColumnSource, Denial, StatementId};

/// One column of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ResultColumn {
    /// The column's name in the row description.
    pub name: String,
    /// The name of its type, `unknown` where the gateway does not know it.
    pub type_name: String,
    /// The OID of its type.
    pub type_oid: u32,
    /// False: the type's binary form is unknown to the gateway; only pass, nullify and deny make sense.
    pub readable: bool,
    /// False: the sources are all that the column could carry, not what it certainly does.
    pub exact: bool,
    /// The base columns whose values it can carry.
    pub sources: Vec<ColumnSource>,
}

/// Keeps the first and last characters and replaces each other one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct PartialMask {
    /// Characters kept at the start.
    pub first: u32,
    /// Characters kept at the end.
    pub last: u32,
    /// What stands for each of the others.
    pub fill: char,
}

/// What happens to one result column. All but `Inspect` and `Observe` are done without entering the policy again.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ColumnAction {
    /// It leaves as it is.
    Pass,
    /// Every value becomes NULL.
    Nullify,
    /// Every value but NULL becomes this one.
    Fixed(String),
    /// Every value but NULL keeps only its ends.
    Partial(PartialMask),
    /// Keyed HMAC by the host over this label and the value: equal values of one label stay equal, and the key never enters
    /// the guest.
    Pseudonym(String),
    /// Hand it to `on-batch`, which may replace it. The label comes back as [`BatchColumn::label`].
    Inspect(String),
    /// Hand it to `on-batch` read-only. The label comes back as [`BatchColumn::label`].
    Observe(String),
}

/// What a policy says of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Plan {
    /// One action for each column.
    Columns(Vec<ColumnAction>),
    /// The result must not leave.
    Deny(Denial),
}

/// Values of one column, packed, in PostgreSQL's text form and UTF-8.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct PackedColumn {
    /// Row i is `values[offsets[i]..offsets[i + 1]]`; there is one entry more than there are rows.
    pub offsets: Vec<u32>,
    /// Bit i, least significant first, is 0 where row i is NULL.
    pub validity: Vec<u8>,
    /// The values end to end.
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

/// A column of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchColumn {
    /// Its position in the result, from 0.
    pub index: u32,
    /// The label of the action that asked for it, empty where the action had none.
    pub label: String,
    /// Its values.
    pub data: PackedColumn,
}

/// Rows of a result, only the columns the plan inspects or observes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Batch {
    /// How many rows it has.
    pub rows: u32,
    /// Counts the batches of a result from 0.
    pub sequence: u64,
    /// In the order of the result.
    pub columns: Vec<BatchColumn>,
}

/// What becomes of one column of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ColumnReply {
    /// It leaves as it is.
    Unchanged,
    /// It leaves as this, with as many rows.
    Replaced(PackedColumn),
    /// Every value becomes NULL.
    Nullify,
    /// A bitmap; rows whose bit is 1 become NULL.
    NullifyRows(Vec<u8>),
}

/// What becomes of a batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BatchEdit {
    /// Answers [`Batch::columns`] one for one.
    pub columns: Vec<ColumnReply>,
    /// A bitmap of the rows to forward; `None` forwards all.
    pub keep_rows: Option<Vec<u8>>,
}

/// What a policy says of a batch: its edits, or the end of the result.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BatchReply {
    /// The rows go on, edited.
    Edit(BatchEdit),
    /// The result ends here.
    Stop(Denial),
}

/// How a statement ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It ran to its end.
    #[default]
    Completed,
    /// The row limit of an Execute was reached: its portal can go on.
    Suspended,
    /// The server or the gateway ended it with an error.
    Failed,
    /// The server never ran it, because something before it in the same pipeline or message failed.
    Skipped,
    /// The connection ended first: whether it ran is not known.
    Lost,
}

impl Outcome {
    /// As metrics, exports and people see it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Suspended => "suspended",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::Lost => "lost",
        }
    }
}

/// What there is to say of a statement that has ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Completion {
    /// Which run of which statement.
    pub statement_id: StatementId,
    /// How it ended.
    pub outcome: Outcome,
    /// Rows delivered to the client.
    pub rows: u64,
    /// Bytes of row data delivered to the client.
    pub bytes: u64,
    /// Values that left as something else than the server sent.
    pub masked_cells: u64,
    /// Time from the statement's admission to its end, in microseconds.
    pub elapsed_us: u64,
    /// The SQLSTATE of the error that ended it; `00000` where there was none.
    pub sqlstate: String,
}
