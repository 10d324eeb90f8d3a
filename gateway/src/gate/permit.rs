//! The proof that a statement was judged, and what its policies asked for.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use gatewright_contract as contract;
use gatewright_policy_host::{Policy, PolicySet, StatementView};
use gatewright_sql::Verb;
use smallvec::SmallVec;

use super::approval::{Requirement, Wanted};
use super::commits::commits;
use super::text::AnalyzedText;
use super::told::Told;
use super::view::View;
use crate::session::{Limit, Limits};

/// Each policy's allowance; `None` for a policy without a statement hook.
pub(super) type Answers = SmallVec<[Option<contract::Allowance>; 4]>;

/// Permission to run one statement. Made only by the gate, after every policy in force has answered.
pub struct Permit {
    pub(super) set: Arc<PolicySet>,
    pub(super) view: Arc<View>,
    pub(super) verb: Verb,
    pub(super) answers: Arc<Answers>,
    pub(super) limits: Limits,
    /// Policies that must see the row description, as indexes into the set.
    pub(super) planners: SmallVec<[usize; 4]>,
    /// The approvals that policies want.
    pub(super) wanted: Vec<Wanted>,
    /// The same, with what people are to be asked about. `None`: nobody has to be asked.
    pub(super) requirement: Option<Arc<Requirement>>,
    /// What others than the record are told of it.
    pub(super) told: OnceLock<Told>,
}

impl Permit {
    /// True when people have to approve the statement.
    pub fn needs_approval(&self) -> bool {
        self.requirement.is_some()
    }

    /// True for a statement that commits what people review before.
    pub(super) fn is_reviewed_commit(&self) -> bool {
        let requirement = self.requirement.as_ref();
        let wanted = requirement.map_or(&[][..], |requirement| &requirement.wanted);
        wanted.iter().any(|wanted| wanted.policy.is_none())
            && self.view.facts().is_some_and(commits)
    }

    /// True when this analysis of the text was judged.
    pub(super) fn is_for(&self, text: &Arc<AnalyzedText>) -> bool {
        let judged = self.view.text.as_ref();
        judged.is_some_and(|judged| Arc::ptr_eq(judged, text))
    }

    /// What the client gets of the texts of errors and notices: the least that a policy wants.
    pub(super) fn messages(&self) -> contract::Messages {
        if !self.planners.is_empty() {
            return contract::Messages::WithoutValues;
        }
        let answers = self.answers.iter().flatten();
        let wanted = answers.map(|allowance| allowance.messages).max();
        wanted.unwrap_or_default()
    }

    /// The policy behind one step of a plan.
    pub(super) fn planner(&self, step: usize) -> Option<&Arc<Policy>> {
        self.set.policies.get(*self.planners.get(step)?)
    }

    pub(super) fn view_for_policies(&self) -> Arc<dyn StatementView> {
        Arc::clone(&self.view) as Arc<dyn StatementView>
    }

    /// The policy that set this limit.
    pub(super) fn limited_by(&self, limit: Limit) -> Option<&Arc<Policy>> {
        let position = |sets: &dyn Fn(&contract::Allowance) -> bool| {
            let mut answers = self.answers.iter();
            answers.position(|answer| answer.as_ref().is_some_and(sets))
        };
        let own = position(&|allowance| match limit {
            Limit::Rows(rows) => allowance.row_limit == Some(rows),
            Limit::Bytes(bytes) => allowance.byte_limit == Some(bytes),
            Limit::Time(time) => allowance.timeout_ms.map(Duration::from_millis) == Some(time),
            Limit::RowSize(_) => false,
        });
        // A limit of the session is what is left of it.
        let index = own.or_else(|| {
            position(&|allowance| match limit {
                Limit::Rows(_) => allowance.session_rows.is_some(),
                Limit::Bytes(_) => allowance.session_bytes.is_some(),
                Limit::Time(_) | Limit::RowSize(_) => false,
            })
        })?;
        self.set.policies.get(index)
    }
}
