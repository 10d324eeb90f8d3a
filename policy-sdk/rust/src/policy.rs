//! The trait that a policy implements.

use serde::Deserialize;
use serde::de::DeserializeOwned;

use crate::{Batch, BatchReply, Completion, Facts, Hooks, Plan, ResultColumn, Statement, Verdict};

/// A policy. One value lives in each instance that the gateway runs; there may be several at a time, so state that must be
/// shared or must last belongs in the host ([`crate::host`]).
pub trait Policy: Sized {
    /// The policy's section of the configuration. Derive `Deserialize` with `deny_unknown_fields`, so that a misspelt
    /// setting is an error at load and not a rule that never applies; [`NoSettings`] where there are none.
    type Settings: DeserializeOwned;

    /// One sentence on what the policy does, shown to operators.
    const DESCRIPTION: &'static str;
    /// Which of the functions below the gateway calls; name each one that is implemented.
    const HOOKS: Hooks = Hooks::STATEMENT;

    /// Makes the policy from its settings.
    ///
    /// # Errors
    /// A text for the operator: which setting is wrong and what would be right. The gateway then does not load the policy.
    fn new(settings: Self::Settings) -> Result<Self, String>;

    /// Which functions the gateway calls with these settings; fewer than [`HOOKS`](Policy::HOOKS) where some have nothing to do.
    fn hooks(&self) -> Hooks {
        Self::HOOKS
    }

    /// Judges a statement before it reaches the server (`Hooks::STATEMENT`; with `Hooks::PARAMETERS` also at execution).
    fn on_statement(&mut self, statement: &Statement<'_>, facts: &Facts) -> Verdict {
        let _ = (statement, facts);
        Verdict::allow()
    }

    /// Says what happens to each result column (`Hooks::RESULT_PLAN`), for statements allowed with
    /// [`plan_result`](crate::Allowance::plan_result): once, when the row description is known.
    fn on_result(&mut self, statement: &Statement<'_>, columns: &[ResultColumn]) -> Plan {
        let _ = statement;
        Plan::pass(columns.len())
    }

    /// Sees and replaces values of the columns whose action was `Inspect` or `Observe`, each with the label of its action
    /// (`Hooks::BATCH`).
    fn on_batch(&mut self, statement: &Statement<'_>, batch: &Batch) -> BatchReply {
        let _ = statement;
        BatchReply::unchanged(batch)
    }

    /// Told of each statement that has ended, however it ended (`Hooks::COMPLETION`).
    fn on_completion(&mut self, statement: &Statement<'_>, completion: &Completion) {
        let _ = (statement, completion);
    }
}

/// Settings of a policy that has none; any key is an error.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NoSettings {}
