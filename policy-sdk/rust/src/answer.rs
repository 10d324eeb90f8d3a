//! Builders for a policy's answers.

use std::time::Duration;

use crate::{
    Allowance, Approval, ApprovalEffect, ApprovalWait, Attribute, Batch, BatchEdit, BatchReply,
    ColumnAction, ColumnReply, Denial, Edit, Messages, PartialMask, Plan, Replacement, Reuse,
    Verdict,
};

const FIVE_MINUTES_MS: u64 = 5 * 60 * 1000;

impl Verdict {
    /// Allows this execution of the statement, unchanged.
    pub fn allow() -> Self {
        Allowance::new().into()
    }

    /// Allows the statement unchanged, and every later statement of the same identity that differs only in its
    /// constants. Use it only for answers that depend on the facts alone.
    pub fn reusable() -> Self {
        Allowance::new().reuse_fingerprint().into()
    }

    /// Denies the statement. `code` is a stable identifier for programs. The client sees `message` as the reason and
    /// `hint` as advice.
    pub fn deny(
        code: impl Into<String>,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Denial::new(code, message).hint(hint).into()
    }

    /// Replaces the statement with other SQL, which is then evaluated in its place.
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

impl From<Approval> for Verdict {
    fn from(approval: Approval) -> Self {
        Self::RequireApproval(approval)
    }
}

impl Allowance {
    /// An allowance without conditions. The gateway evaluates the next statement again.
    pub fn new() -> Self {
        Self {
            reuse: Reuse::Never,
            plan_result: false,
            messages: Messages::All,
            row_limit: None,
            byte_limit: None,
            timeout_ms: None,
            notes: Vec::new(),
            edits: Vec::new(),
            session_rows: None,
            session_bytes: None,
        }
    }

    /// Requests `on_result` once the row description is known.
    pub fn plan_result(mut self) -> Self {
        self.plan_result = true;
        self
    }

    /// Limits what the client gets of the texts of errors and notices.
    pub fn messages(mut self, messages: Messages) -> Self {
        self.messages = messages;
        self
    }

    /// Reuses the answer for the same prepared statement. Not for answers that used state, the clock or a parameter.
    pub fn reuse_statement(mut self) -> Self {
        self.reuse = Reuse::Statement;
        self
    }

    /// Reuses the answer for statements of the same identity that differ only in their constants.
    pub fn reuse_fingerprint(mut self) -> Self {
        self.reuse = Reuse::Fingerprint;
        self
    }

    /// Ends the result after this many rows.
    pub fn row_limit(mut self, rows: u64) -> Self {
        self.row_limit = Some(rows);
        self
    }

    /// Ends the result after this many bytes of row data.
    pub fn byte_limit(mut self, bytes: u64) -> Self {
        self.byte_limit = Some(bytes);
        self
    }

    /// Ends the result that makes the rows of all results of the session, from now on, more than this.
    pub fn session_rows(mut self, rows: u64) -> Self {
        self.session_rows = Some(rows);
        self
    }

    /// The same for bytes of row data.
    pub fn session_bytes(mut self, bytes: u64) -> Self {
        self.session_bytes = Some(bytes);
        self
    }

    /// Cancels the statement after this many milliseconds.
    pub fn timeout_ms(mut self, milliseconds: u64) -> Self {
        self.timeout_ms = Some(milliseconds);
        self
    }

    /// Has the statement edited before it runs. The policy then judges the edited statement; asking for the same edits again
    /// changes nothing.
    pub fn edits(mut self, edits: impl IntoIterator<Item = Edit>) -> Self {
        self.edits.extend(edits);
        self
    }

    /// Adds a note to the audit record.
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
    /// A denial with SQLSTATE 42501 (insufficient_privilege).
    pub fn new(code: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            message: message.into(),
            hint: None,
            sqlstate: None,
        }
    }

    /// Advice for the client, sent as HINT.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }

    /// A SQLSTATE other than 42501: five digits or upper-case letters.
    pub fn sqlstate(mut self, sqlstate: impl Into<String>) -> Self {
        self.sqlstate = Some(sqlstate.into());
        self
    }
}

impl Approval {
    /// Requires one approval within five minutes from a reviewer named in the gateway's configuration, while the client
    /// waits. The approval is valid for five minutes, and the statement then runs without conditions. `code` is a
    /// stable identifier for programs; reviewers and the client read `reason`.
    pub fn new(code: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            code: code.into(),
            reason: reason.into(),
            reviewers: Vec::new(),
            approvals: 1,
            wait: ApprovalWait::Hold,
            hold_ms: FIVE_MINUTES_MS,
            valid_ms: FIVE_MINUTES_MS,
            effect: ApprovalEffect::None,
            above_rows: None,
            allowance: Allowance::new(),
        }
    }

    /// The users or groups that may approve.
    pub fn reviewers<T: Into<String>>(mut self, reviewers: impl IntoIterator<Item = T>) -> Self {
        self.reviewers = reviewers.into_iter().map(Into::into).collect();
        self
    }

    /// The number of different reviewers that must approve.
    pub fn approvals(mut self, approvals: u32) -> Self {
        self.approvals = approvals;
        self
    }

    /// Holds the statement on its connection for at most this long.
    pub fn hold(mut self, at_most: Duration) -> Self {
        self.wait = ApprovalWait::Hold;
        self.hold_ms = milliseconds(at_most);
        self
    }

    /// Denies the statement at once with the id of the approval request. The client runs it again once the request is
    /// approved.
    pub fn return_id(mut self) -> Self {
        self.wait = ApprovalWait::ReturnId;
        self
    }

    /// The longest time for which an approval is valid.
    pub fn valid(mut self, at_most: Duration) -> Self {
        self.valid_ms = milliseconds(at_most);
        self
    }

    /// What reviewers see of the statement's effect.
    pub fn effect(mut self, effect: ApprovalEffect) -> Self {
        self.effect = effect;
        self
    }

    /// Reviewers are asked only about more rows than this, or where the number is not known. With fewer the statement runs at
    /// once, and is undone if it changes more after all.
    pub fn above_rows(mut self, rows: u64) -> Self {
        self.above_rows = Some(rows);
        self
    }

    /// The conditions under which the approved statement runs.
    pub fn allowance(mut self, allowance: Allowance) -> Self {
        self.allowance = allowance;
        self
    }
}

impl Plan {
    /// A plan in which all columns pass.
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
    /// Passes the column to `on_batch` with this label; `on_batch` may replace its values.
    pub fn inspect(label: impl Into<String>) -> Self {
        Self::Inspect(label.into())
    }

    /// Passes the column to `on_batch` with this label, read-only.
    pub fn observe(label: impl Into<String>) -> Self {
        Self::Observe(label.into())
    }

    /// Keeps the `first` and `last` characters and replaces each one between with `fill`.
    pub fn partial(first: u32, last: u32, fill: char) -> Self {
        Self::Partial(PartialMask { first, last, fill })
    }
}

impl BatchReply {
    /// Leaves every column unchanged.
    pub fn unchanged(batch: &Batch) -> Self {
        Self::edit(vec![ColumnReply::Unchanged; batch.columns.len()])
    }

    /// One reply for each column of the batch, in order. All rows are kept.
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

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_carries_every_option() {
        let approval = Approval::new("bulk", "many rows")
            .reviewers(["owners"])
            .approvals(2)
            .return_id()
            .valid(Duration::from_secs(60))
            .effect(ApprovalEffect::Bound)
            .above_rows(10)
            .allowance(Allowance::new().plan_result().row_limit(100));
        let expected = Approval {
            code: "bulk".to_owned(),
            reason: "many rows".to_owned(),
            reviewers: vec!["owners".to_owned()],
            approvals: 2,
            wait: ApprovalWait::ReturnId,
            hold_ms: FIVE_MINUTES_MS,
            valid_ms: 60_000,
            effect: ApprovalEffect::Bound,
            above_rows: Some(10),
            allowance: Allowance {
                plan_result: true,
                messages: Messages::All,
                row_limit: Some(100),
                ..Allowance::new()
            },
        };
        assert_eq!(Verdict::from(approval), Verdict::RequireApproval(expected));
    }

    #[test]
    fn an_approval_holds_its_statement_by_default() {
        let held = Approval::new("bulk", "many rows").hold(Duration::from_secs(1));
        assert_eq!((held.wait, held.hold_ms), (ApprovalWait::Hold, 1000));
        assert_eq!((held.approvals, held.effect), (1, ApprovalEffect::None));
    }
}
