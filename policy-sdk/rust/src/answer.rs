//! Builders for what a policy answers.

use std::time::Duration;

use crate::{
    Allowance, Approval, ApprovalEffect, ApprovalWait, Attribute, Batch, BatchEdit, BatchReply,
    ColumnAction, ColumnReply, Denial, PartialMask, Plan, Replacement, Reuse, Verdict,
};

const FIVE_MINUTES_MS: u64 = 5 * 60 * 1000;

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

impl From<Approval> for Verdict {
    fn from(approval: Approval) -> Self {
        Self::RequireApproval(approval)
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

impl Approval {
    /// One reviewer of whoever the gateway's configuration names has to agree within five minutes, while the client waits; the
    /// approval lasts as long, and the statement then runs without conditions. `code` is stable and for programs; reviewers
    /// and the client read `reason`.
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
            allowance: Allowance::new(),
        }
    }

    /// Users or groups that may agree.
    pub fn reviewers<T: Into<String>>(mut self, reviewers: impl IntoIterator<Item = T>) -> Self {
        self.reviewers = reviewers.into_iter().map(Into::into).collect();
        self
    }

    /// So many different reviewers have to agree.
    pub fn approvals(mut self, approvals: u32) -> Self {
        self.approvals = approvals;
        self
    }

    /// The statement is held on its connection this long at most.
    pub fn hold(mut self, at_most: Duration) -> Self {
        self.wait = ApprovalWait::Hold;
        self.hold_ms = milliseconds(at_most);
        self
    }

    /// The statement is refused at once with the id of the request; the client runs it again once that is approved.
    pub fn return_id(mut self) -> Self {
        self.wait = ApprovalWait::ReturnId;
        self
    }

    /// An approval lasts this long at most.
    pub fn valid(mut self, at_most: Duration) -> Self {
        self.valid_ms = milliseconds(at_most);
        self
    }

    /// What of the statement's effect reviewers are shown.
    pub fn effect(mut self, effect: ApprovalEffect) -> Self {
        self.effect = effect;
        self
    }

    /// The conditions under which the approved statement runs.
    pub fn allowance(mut self, allowance: Allowance) -> Self {
        self.allowance = allowance;
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
    /// Hands the column to `on_batch`, which may replace it and finds this label beside it.
    pub fn inspect(label: impl Into<String>) -> Self {
        Self::Inspect(label.into())
    }

    /// Hands the column to `on_batch` read-only, with this label beside it.
    pub fn observe(label: impl Into<String>) -> Self {
        Self::Observe(label.into())
    }

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

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_approval_says_all_that_was_asked_of_it() {
        let approval = Approval::new("bulk", "many rows")
            .reviewers(["owners"])
            .approvals(2)
            .return_id()
            .valid(Duration::from_secs(60))
            .effect(ApprovalEffect::Bound)
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
            allowance: Allowance {
                plan_result: true,
                row_limit: Some(100),
                ..Allowance::new()
            },
        };
        assert_eq!(Verdict::from(approval), Verdict::RequireApproval(expected));
    }

    #[test]
    fn an_approval_holds_its_statement_unless_told_otherwise() {
        let held = Approval::new("bulk", "many rows").hold(Duration::from_secs(1));
        assert_eq!((held.wait, held.hold_ms), (ApprovalWait::Hold, 1000));
        assert_eq!((held.approvals, held.effect), (1, ApprovalEffect::None));
    }
}
