//! Builders for what a policy answers.

use crate::{
    Allowance, Attribute, Batch, BatchEdit, BatchReply, ColumnAction, ColumnReply, Denial,
    PartialMask, Plan, Replacement, Reuse, Verdict,
};

impl Verdict {
    /// Allowed, as it is, once.
    pub fn allow() -> Self {
        Allowance::new().into()
    }

    /// Allowed, as it is, each time the same statement runs for the same identity, whatever its constants. For answers that hang on
    /// the facts alone.
    pub fn reusable() -> Self {
        Allowance::new().reuse_fingerprint().into()
    }

    /// Refused. `code` is stable and for programs; `message` tells the client why, `hint` what to do instead.
    pub fn deny(
        code: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Denial::new(code, message).hint(hint).into()
    }

    /// To be replaced by other SQL, which is then judged in its place.
    pub fn rewrite(sql: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Rewrite(Replacement {
            sql: sql.into(),
            reason: reason.into(),
        })
    }
}

impl From<Allowance> for Verdict {
    fn from(allowance: Allowance) -> Self {
        Self::Allow(allowance)
    }
}

impl From<Denial> for Verdict {
    fn from(denial: Denial) -> Self {
        Self::Deny(denial)
    }
}

impl Allowance {
    /// Without conditions; the gateway asks again for the next statement.
    pub fn new() -> Self {
        Self {
            reuse: Reuse::Never,
            plan_result: false,
            row_limit: None,
            byte_limit: None,
            timeout_ms: None,
            notes: Vec::new(),
        }
    }

    /// Asks for `on_result` when the row description is known.
    pub fn plan_result(mut self) -> Self {
        self.plan_result = true;
        self
    }

    /// The same prepared statement need not be judged again. Not for answers that counted, stored, read the clock or a parameter.
    pub fn reuse_statement(mut self) -> Self {
        self.reuse = Reuse::Statement;
        self
    }

    /// The same statement but for its constants need not be judged again, for the same identity.
    pub fn reuse_fingerprint(mut self) -> Self {
        self.reuse = Reuse::Fingerprint;
        self
    }

    /// The result ends after so many rows.
    pub fn row_limit(mut self, rows: u64) -> Self {
        self.row_limit = Some(rows);
        self
    }

    /// The result ends after so many bytes of row data.
    pub fn byte_limit(mut self, bytes: u64) -> Self {
        self.byte_limit = Some(bytes);
        self
    }

    /// The statement is cancelled after so many milliseconds.
    pub fn timeout_ms(mut self, milliseconds: u64) -> Self {
        self.timeout_ms = Some(milliseconds);
        self
    }

    /// Something to keep in the record.
    pub fn note(mut self, key: impl Into<String>, value: impl Into<String>) -> Self {
        self.notes.push(Attribute {
            key: key.into(),
            value: value.into(),
        });
        self
    }
}

impl Default for Allowance {
    fn default() -> Self {
        Self::new()
    }
}

impl Denial {
    /// A refusal with SQLSTATE 42501 (insufficient_privilege).
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            hint: None,
            sqlstate: None,
        }
    }

    /// What to do instead; the client sees it as HINT.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// Another SQLSTATE than 42501: five digits or upper-case letters.
    pub fn sqlstate(mut self, sqlstate: impl Into<String>) -> Self {
        self.sqlstate = Some(sqlstate.into());
        self
    }
}

impl Plan {
    /// All columns pass.
    pub fn pass(columns: usize) -> Self {
        Self::Columns(vec![ColumnAction::Pass; columns])
    }
}

impl From<Denial> for Plan {
    fn from(denial: Denial) -> Self {
        Self::Deny(denial)
    }
}

impl ColumnAction {
    /// Keeps the `first` and `last` characters and puts `fill` for each one between.
    pub fn partial(first: u32, last: u32, fill: char) -> Self {
        Self::Partial(PartialMask { first, last, fill })
    }
}

impl BatchReply {
    /// Every column as it came.
    pub fn unchanged(batch: &Batch) -> Self {
        Self::edit(vec![ColumnReply::Unchanged; batch.columns.len()])
    }

    /// One answer for each column of the batch, in its order; all rows stay.
    pub fn edit(columns: Vec<ColumnReply>) -> Self {
        Self::Edit(BatchEdit {
            columns,
            keep_rows: None,
        })
    }
}

impl From<Denial> for BatchReply {
    fn from(denial: Denial) -> Self {
        Self::Stop(denial)
    }
}
